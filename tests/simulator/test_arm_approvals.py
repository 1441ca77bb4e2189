# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals of Azure roles: who sees what waits, who decides, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.arm_client import AUTHORIZATION, MINE, PRODUCTION, USER_ACCESS_ADMINISTRATOR, ArmClient
from simulator.service_client import ADMINISTRATOR, APPROVER, error_of

VERSION = "2021-01-01-preview"
HELD = ("User Access Administrator", "Production")


def _asked(arm: ArmClient) -> dict[str, Any]:
    answer = arm.put(arm.arm_token(), PRODUCTION, USER_ACCESS_ADMINISTRATOR)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def _status(arm: ArmClient, request: dict[str, Any]) -> str:
    answer = arm.call("GET", f"{request['id']}?{MINE}", arm.arm_token())
    return str(answer.json()["properties"]["status"])


def _stage(arm: ArmClient, request: dict[str, Any], who: str = APPROVER) -> dict[str, Any]:
    path = f"{request['properties']['approvalId']}/stages"
    (stage,) = arm.call("GET", path, arm.arm_token(who), VERSION).json()["value"]
    found: dict[str, Any] = stage
    return found


def test_what_waits(arm: ArmClient) -> None:
    request = _asked(arm)
    properties = request["properties"]
    assert properties["status"] == "PendingApproval"
    assert properties["approvalId"].startswith(f"{AUTHORIZATION}/roleAssignmentApprovals/")
    assert properties["scheduleInfo"]["startDateTime"] == properties["createdOn"].replace("Z", "+00:00")
    assert HELD not in arm.held(arm.arm_token())
    waiting = arm.listed("roleAssignmentScheduleRequests", arm.arm_token(APPROVER), query="$filter=asApprover()")
    assert [row["name"] for row in waiting] == [request["name"]]
    assert arm.listed("roleAssignmentScheduleRequests", arm.arm_token(), query="$filter=asApprover()") == []
    again = arm.put(arm.arm_token(), PRODUCTION, USER_ACCESS_ADMINISTRATOR)
    assert error_of(again) == (400, "PendingRoleAssignmentRequest")


def test_stages(arm: ArmClient) -> None:
    request = _asked(arm)
    stage = _stage(arm, request)
    guid = request["properties"]["approvalId"].rsplit("/", 1)[-1]
    assert stage["name"] == guid, "a stage has the approval's own GUID"
    assert stage["id"] == f"{request['properties']['approvalId']}/stages/{guid}"
    assert stage["properties"] == {
        "displayName": "",
        "status": "InProgress",
        "assignedToMe": True,
        "reviewResult": "NotReviewed",
        "justification": "",
    }
    assert _stage(arm, request, "operator@contoso.example")["properties"]["assignedToMe"] is False
    approvals = arm.call(
        "GET", f"{AUTHORIZATION}/roleAssignmentApprovals?$filter=asApprover()", arm.arm_token(APPROVER), VERSION
    ).json()["value"]
    assert [row["name"] for row in approvals] == [guid]
    foreign = arm.call("GET", stage["id"], arm.arm_token("newcomer@contoso.example"), VERSION)
    assert error_of(foreign) == (403, "AuthorizationFailed")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_approve(arm: ArmClient, method: str, wrapped: bool) -> None:
    request = _asked(arm)
    stage = _stage(arm, request)
    decision: dict[str, Any] = {"reviewResult": "Approve", "justification": "fine"}
    body = {"properties": decision} if wrapped else decision
    answer = arm.call(method, stage["id"], arm.arm_token(APPROVER), VERSION, json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert _status(arm, request) == "Provisioned"
    assert HELD in arm.held(arm.arm_token())
    after = _stage(arm, request)["properties"]
    assert (after["status"], after["reviewResult"]) == ("Completed", "Approve")
    assert after["reviewedBy"]["userPrincipalName"] == APPROVER
    assert arm.call(method, stage["id"], arm.arm_token(APPROVER), VERSION, json=body).status_code == 409


def test_deny_and_who_may_not(arm: ArmClient) -> None:
    request = _asked(arm)
    stage = _stage(arm, request)
    body = {"properties": {"reviewResult": "Deny", "justification": "no"}}
    own = arm.call("PUT", stage["id"], arm.arm_token(), VERSION, json=body)
    assert error_of(own) == (403, "AuthorizationFailed")
    silent = {"properties": {"reviewResult": "Deny"}}
    assert arm.call("PUT", stage["id"], arm.arm_token(APPROVER), VERSION, json=silent).status_code == 400
    maybe = {"properties": {"reviewResult": "Maybe", "justification": "?"}}
    assert arm.call("PUT", stage["id"], arm.arm_token(APPROVER), VERSION, json=maybe).status_code == 400
    # through the group Role Approvers
    assert arm.call("PUT", stage["id"], arm.arm_token(ADMINISTRATOR), VERSION, json=body).status_code == 204
    assert _status(arm, request) == "Denied"


def test_through_the_control_api_and_in_its_state(arm: ArmClient) -> None:
    request = _asked(arm)
    order = {"decision": "approve", "approver": APPROVER}
    view = arm.simulator.control("POST", f"requests/{request['name']}/decision", order)
    assert (view["provider"], view["role"], view["status"]) == (
        "azure_resources",
        "User Access Administrator",
        "Provisioned",
    )
    state = arm.simulator.control("GET", "state")
    active = [row for row in state["active"] if row["provider"] == "azure_resources"]
    assert ("User Access Administrator", PRODUCTION) in {(row["role"], row["scope"]) for row in active}


def test_nobody_decides(arm: ArmClient) -> None:
    request = _asked(arm)
    arm.simulator.advance("PT25H")
    assert _status(arm, request) == "TimedOut"
    assert _stage(arm, request)["properties"]["status"] == "Expired"


def test_cancelled_while_it_waits(arm: ArmClient) -> None:
    request = _asked(arm)
    path = f"{PRODUCTION}{AUTHORIZATION}/roleAssignmentScheduleRequests/{request['name']}/cancel"
    assert error_of(arm.call("POST", path, arm.arm_token(APPROVER))) == (403, "AuthorizationFailed")
    assert arm.call("POST", path, arm.arm_token()).status_code == 200
    assert _status(arm, request) == "Canceled"
