# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request's status means: every word of the service, in any case, and where its start lies ahead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.requests import action_of, phase_of
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW

# The status values of the published specification of Microsoft.Authorization (Azure REST API, 2020-10-01).
PENDING = ["PendingEvaluation", "PendingApprovalProvisioning", "PendingApproval", "PendingAdminDecision"]
ON_ITS_WAY = ["Accepted", "PendingProvisioning", "PendingRevocation", "AdminApproved", "ProvisioningStarted"]
ON_ITS_WAY += ["PendingScheduleCreation", "PendingExternalProvisioning"]
DONE = ["Granted", "Provisioned", "ScheduleCreated"]
DENIED = ["Denied", "AdminDenied"]
UNDECIDED = ["TimedOut"]
FAILED = ["Failed", "FailedAsResourceIsLocked", "Invalid"]
WITHDRAWN = ["Canceled", "Revoked"]
BY_PHASE = {
    models.WAITING: PENDING,
    models.PROVISIONING: ON_ITS_WAY,
    models.DONE: DONE,
    models.DENIED: DENIED,
    models.UNDECIDED: UNDECIDED,
    models.FAILED: FAILED,
    models.WITHDRAWN: WITHDRAWN,
}


EACH = [(status, phase) for phase, listed in BY_PHASE.items() for status in listed]


@pytest.mark.parametrize(("status", "phase"), EACH)
def test_each_status(status, phase):
    for spelled in (status, status.lower(), status.upper(), status[0].lower() + status[1:]):
        assert phase_of(spelled, None, NOW) == phase


@pytest.mark.parametrize("status", ["Granted", "ScheduleCreated", "PendingScheduleCreation", "PendingProvisioning"])
def test_a_start_ahead_is_a_schedule_and_a_moment_ahead_is_now(status):
    assert phase_of(status, NOW + timedelta(minutes=3), NOW) == models.SCHEDULED
    assert phase_of(status, NOW + timedelta(seconds=61), NOW) == models.SCHEDULED
    assert phase_of(status, NOW + timedelta(seconds=60), NOW) == models.PROVISIONING
    assert phase_of(status, NOW, NOW) != models.SCHEDULED


@given(st.sampled_from([status for status, _phase in EACH]) | st.text(max_size=9), st.integers(-3600, 3600))
def test_what_waits_or_has_ended_is_not_taken_for_scheduled(status, seconds):
    phase = phase_of(status, NOW + timedelta(seconds=seconds), NOW)
    if phase == models.SCHEDULED:
        assert seconds > 60
        assert phase_of(status, None, NOW) in (models.DONE, models.PROVISIONING)
    if status in PENDING + DENIED + FAILED + WITHDRAWN + ["Provisioned"]:
        assert phase == phase_of(status, None, NOW)


@pytest.mark.parametrize(
    ("spelled", "action"),
    [
        ("SelfActivate", "activate"),
        ("selfactivate", "activate"),
        ("SELFDEACTIVATE", "deactivate"),
        ("AdminAssign", "assign"),
        ("adminUpdate", "update"),
        ("adminRemove", "remove"),
        ("adminExtend", "extend"),
        ("adminRenew", "renew"),
        ("SelfExtend", "extend"),
        ("selfRenew", "renew"),
        ("SelfNew", "SelfNew"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_each_action(spelled, action):
    assert action_of(spelled) == action
