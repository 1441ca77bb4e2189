# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's own clients, msal and msgraph-sdk, find the service they know."""

from __future__ import annotations

from typing import Any

import pytest

from contract.client_story import PEOPLE, told_by
from contract.exchanges import Checker
from tools.clients import MSGRAPH

CLIENT_ID = "14d82eec-204b-4c2f-b7e8-296a70dab67e"


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, Any]:
    return told_by(MSGRAPH, "msgraph_story.py", CLIENT_ID, tmp_path_factory.mktemp("msgraph"))


def test_device_code(told):
    assert told["signed in"]["people"] == list(PEOPLE)


def test_lists(told):
    eligible = told["eligible"]
    assert eligible["first_page"] == 5
    assert eligible["rows"] > 15
    assert {"Security Reader", "License Administrator", "Campus Operator"} <= set(eligible["roles"])
    assert "/administrativeUnits/1f0a7c2e-93b4-4f55-8d61-0c5b7e2a9d10" in eligible["scopes"]
    assert told["active"]["roles"] == {"Directory Readers": "Assigned", "Guest Inviter": "Assigned"}
    assert told["active"]["permanent"] == ["Directory Readers"]


def test_policy(told):
    policy = told["policy"]
    assert len(policy["rules"]) == 17
    # Each rule became an object of its own class, by its @odata.type.
    kinds = ("Approval", "AuthenticationContext", "Enablement", "Expiration", "Notification")
    assert policy["types"] == [f"UnifiedRoleManagementPolicy{kind}Rule" for kind in kinds]
    assert policy["maximum"] == 8 * 3600
    assert policy["enabled"] == ["Justification"]
    assert policy["approval"] is False
    assert told["no provider"]["refused"][0] == 400


def test_validate(told):
    assert told["validated"]["status"] in ("Granted", "Provisioned")
    assert told["validated"]["only"] is True
    assert told["validated"]["active"] is False
    assert told["refused"]["refused"] == [400, "RoleAssignmentRequestPolicyValidationFailed"]


def test_activate_and_deactivate(told):
    activated = told["activated"]
    assert activated["status"] == "Provisioned"
    assert (activated["type"], activated["principal"], activated["using"]) == ("Activated", "Operator", True)
    assert activated["seconds"] == pytest.approx(3600, abs=5)
    assert told["again"]["refused"] == [400, "RoleAssignmentExists"]
    assert told["deactivated"] == {"status": "Revoked", "active": False}


def test_schedule_and_cancel(told):
    assert told["cancelled"]["planned"] == "Granted"
    assert told["cancelled"]["status"] == "Canceled"
    assert told["cancelled"]["again"][0] == 400


def test_approve(told):
    approved = told["approved"]
    assert approved["asked"] == "PendingApproval"
    assert approved["waiting"] == [[True, "Privileged Role Administrator"]]
    assert approved["steps"] == [["InProgress", "NotReviewed", True]]
    assert approved["status"] == "Provisioned"
    assert approved["decided"] == "Approve"
    assert told["decided twice"]["refused"][0] == 409


def test_lists_of_groups(told):
    eligible = told["eligible groups"]
    assert eligible["first_page"] == 5
    assert ["Server Admins", "member", "direct"] in eligible["held"]
    assert ["Server Admins", "owner", "direct"] in eligible["held"]
    assert ["Help Desk", "member", "group"] in eligible["held"]
    assert told["active groups"]["held"] == {"Reporting": "assigned"}
    assert told["groups filtered"]["rows"] == 1
    assert told["groups filtered"]["without"][0] == 400


def test_policies_of_groups(told):
    policies = told["policies of a group"]
    assert policies["names"] == ["Server Admins"]
    assert policies["roles"] == ["member", "owner"]
    assert (policies["scope"], policies["rules"]) == (True, 17)
    assert (policies["maximum"], policies["must_end"]) == (8 * 3600, True)


def test_activate_deactivate_and_deny_groups(told):
    activated = told["activated a group"]
    assert activated["validated"][1] is True
    assert (activated["status"], activated["type"]) == ("Provisioned", "activated")
    assert (activated["target"], activated["using"]) == (True, True)
    assert activated["seconds"] == pytest.approx(3600, abs=5)
    assert activated["again"] == [400, "RoleAssignmentExists"]
    assert told["deactivated a group"] == {"status": "Revoked", "active": False}
    denied = told["denied a group"]
    assert (denied["asked"], denied["status"]) == ("PendingApproval", "Denied")
    assert denied["waiting"] == [True]
    assert denied["stage"] == ["InProgress", "NotReviewed", True]


def test_calls_and_answers_are_as_published(told, graph, capsys):
    findings = Checker(graph).check(told["exchanges"])
    with capsys.disabled():
        print(f"\nmsgraph-sdk: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert findings.requests.total() > 20
    assert any(
        name.startswith("PATCH beta/roleManagement/directory/roleAssignmentApprovals") for name in findings.requests
    )
