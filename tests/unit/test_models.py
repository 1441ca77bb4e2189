# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows, requests and policies as results show them."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.entra.pim.plugins.module_utils._pim.models import Approver, Policy, Request, RoleRow

from unit.clocks import NOW

# Interface, section 3, pim_role_info.
ROW_KEYS = {
    *("provider", "role", "role_id", "scope", "scope_name", "principal_id", "member_type", "eligible"),
    *("eligible_until", "active", "permanent", "assignment_type", "active_since", "expires_at", "pending", "policy"),
}


def test_a_row_has_the_keys_of_the_contract():
    row = RoleRow("entra_roles", "Reader", "id", "/", "Directory", native={"roleDefinitionId": "id"})
    shown = row.as_result()
    assert set(shown) == ROW_KEYS
    assert shown["pending"] is None
    assert shown["policy"] is None
    assert shown["expires_at"] is None
    assert (shown["eligible"], shown["active"], shown["permanent"]) == (False, False, False)


def test_times_of_a_row_are_utc_to_the_second():
    row = RoleRow("p", "r", "i", "/", None, active_since=NOW, expires_at=NOW + timedelta(hours=1, microseconds=999999))
    assert row.as_result()["active_since"] == "2030-03-17T17:46:40Z"
    assert row.as_result()["expires_at"] == "2030-03-17T18:46:40Z"


def test_a_pending_request():
    request = Request("r1", "i", "/", "activate", "PendingApproval", "waiting", NOW, None)
    row = RoleRow("p", "r", "i", "/", None, pending=request)
    assert row.as_result()["pending"] == {
        "request_id": "r1",
        "status": "PendingApproval",
        "created_at": "2030-03-17T17:46:40Z",
        "start_time": None,
    }


def test_a_policy():
    policy = Policy(28800, True, False, True, True, (Approver("1", "Boss", "user"), Approver("2", None, "group")), "c1")
    assert policy.as_result() == {
        "maximum_duration": "PT8H",
        "requires_mfa": True,
        "requires_justification": False,
        "requires_ticket": True,
        "requires_approval": True,
        "approvers": [{"id": "1", "name": "Boss", "type": "user"}, {"id": "2", "name": None, "type": "group"}],
        "authentication_context": "c1",
    }


def test_a_policy_without_a_maximum():
    assert Policy(None, False, False, False, False, (), None).as_result()["maximum_duration"] is None
