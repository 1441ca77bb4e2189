# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables: every code is one of the contract's, and has its advice."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import advice

# Interface, section 4.
CODES = frozenset(
    {
        "ambiguous_role",
        "unknown_role",
        "not_eligible",
        "not_self_activated",
        "policy_violation",
        "too_early",
        "approval_denied",
        "request_withdrawn",
        "wait_timeout",
        "app_only_not_supported",
        "not_connected",
        "session_expired",
        "session_unusable",
        "login_failed",
        "login_declined",
        "login_expired",
        "login_timeout",
        "mfa_required",
        "consent_required",
        "forbidden",
        "not_licensed",
        "network",
        "throttled",
        "service_unavailable",
        "invalid_response",
        "invalid_option",
        "already_decided",
        "unknown_request",
        "session_busy",
        "missing_dependency",
    }
)


def test_every_code_is_one_of_the_contract():
    assert set(advice.ADVICE) <= CODES
    assert set(advice.SERVICE_CODES.values()) <= CODES
    assert set(advice.STATUSES.values()) <= CODES
    assert {code for code, _text in [*advice.SIGN_IN.values(), *advice.SUBERRORS.values()]} <= CODES


@pytest.mark.parametrize(("number", "entry"), [*advice.SIGN_IN.items(), *advice.SUBERRORS.items()])
def test_each_sign_in_failure_says_what_to_do(number, entry):
    assert entry[1].endswith("."), number


@pytest.mark.parametrize(
    ("service_code", "ours"),
    [
        ("RoleAssignmentRequestPolicyValidationFailed", "policy_violation"),
        ("RoleAssignmentRequestAcrsValidationFailed", "mfa_required"),
        ("ActiveDurationTooShort", "too_early"),
        ("AadPremiumLicenseRequired", "not_licensed"),
        ("PermissionScopeNotGranted", "consent_required"),
        ("Authorization_RequestDenied", "forbidden"),
        ("InvalidAuthenticationToken", "session_expired"),
    ],
)
def test_what_the_service_calls_it(service_code, ours):
    assert advice.SERVICE_CODES[service_code] == ours
