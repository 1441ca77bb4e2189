# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule requests of ARM: what is taken, what is refused, and what each of them looks like."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests

from simulator.arm_client import (
    AUTHORIZATION,
    BACKUP_CONTRIBUTOR,
    BLOB_OWNER,
    CONNECTIVITY,
    CONTRIBUTOR,
    DATA,
    DEVELOPMENT,
    KEY_VAULT_ADMINISTRATOR,
    MINE,
    MONITORING_CONTRIBUTOR,
    NETWORK_CONTRIBUTOR,
    PRODUCTION,
    READER,
    USER_ACCESS_ADMINISTRATOR,
    ArmClient,
    role_definition,
)
from simulator.service_client import ADMINISTRATOR, APPROVER, claims_of, error_of
from simulator_process import Simulator

REQUESTS = f"{AUTHORIZATION}/roleAssignmentScheduleRequests"
NEWCOMER = "newcomer@contoso.example"


def _properties(answer: requests.Response, status: int = 201) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()["properties"]
    return found


def _in(hours: int) -> str:
    return (datetime.now(timezone.utc) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _later(hours: int) -> dict[str, Any]:
    return {"startDateTime": _in(hours), "expiration": {"type": "AfterDuration", "duration": "PT1H"}}


def test_activate(arm: ArmClient) -> None:
    token, name = arm.arm_token(), str(uuid.uuid4())
    answer = arm.put(token, PRODUCTION, CONTRIBUTOR, name=name, ticketInfo={"ticketNumber": "CHG-1"})
    properties = _properties(answer)
    body = answer.json()
    alias = f"/providers/Microsoft.Subscription{PRODUCTION}{AUTHORIZATION}"
    assert (body["id"], body["name"]) == (f"{alias}/roleAssignmentScheduleRequests/{name}", name)
    assert body["type"] == "Microsoft.Authorization/roleAssignmentScheduleRequests"
    assert (properties["requestType"], properties["status"]) == ("SelfActivate", "Provisioned")
    assert properties["targetRoleAssignmentScheduleId"] == f"{alias}/roleAssignmentSchedules/{name}"
    assert properties["linkedRoleEligibilityScheduleId"] == arm.eligibility_id(token, CONTRIBUTOR, PRODUCTION)
    assert properties["ticketInfo"] == {"ticketNumber": "CHG-1"}
    assert properties["requestorId"] == properties["principalId"] == claims_of(token)["oid"]
    info = properties["scheduleInfo"]
    assert info["expiration"] == {"type": "AfterDuration", "duration": "PT1H"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", info["startDateTime"])
    assert "approvalId" not in properties
    assert ("Contributor", "Production") in arm.held(token)


def test_a_body_in_the_portals_spelling(arm: ArmClient) -> None:
    token = arm.arm_token()
    body = {
        "Properties": {
            "PrincipalId": claims_of(token)["oid"],
            "RoleDefinitionId": role_definition(PRODUCTION, CONTRIBUTOR).lstrip("/"),
            "RequestType": "selfactivate",
            "Justification": "a test",
            "IsActivativation": True,
            "ScheduleInfo": {"StartDateTime": None, "Expiration": {"Type": "afterduration", "Duration": "PT30M"}},
        }
    }
    assert _properties(arm.call("PUT", f"/{PRODUCTION}/{REQUESTS}/{uuid.uuid4()}", token, json=body))["status"] == (
        "Provisioned"
    )


def test_the_same_name_again(arm: ArmClient) -> None:
    token, name = arm.arm_token(), str(uuid.uuid4())
    assert arm.put(token, PRODUCTION, CONTRIBUTOR, name=name).status_code == 201
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, name=name)) == (400, "RoleAssignmentRequestExists")
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR)) == (400, "RoleAssignmentExists")
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, name="not-a-guid")) == (400, "BadRequest")


def test_the_same_name_again_may_be_idempotent() -> None:
    changes = {"behaviour": {"azure_resources": {"repeated_request": "idempotent"}}}
    with Simulator(changes=changes) as simulator:
        client, name = ArmClient(simulator), str(uuid.uuid4())
        token = client.arm_token()
        first = client.put(token, PRODUCTION, CONTRIBUTOR, name=name)
        again = client.put(token, PRODUCTION, CONTRIBUTOR, name=name)
        assert (again.status_code, again.json()) == (201, first.json())


def test_validate(arm: ArmClient) -> None:
    token = arm.arm_token()
    answer = arm.put(token, PRODUCTION, CONTRIBUTOR, action="validate")
    assert _properties(answer, 200)["status"] == "Granted"
    waiting = arm.put(token, PRODUCTION, USER_ACCESS_ADMINISTRATOR, action="validate")
    assert _properties(waiting, 200)["status"] == "PendingEvaluation"
    assert "approvalId" not in waiting.json()["properties"]
    refused = arm.put(token, PRODUCTION, CONTRIBUTOR, action="validate", duration="PT9H")
    assert error_of(refused) == (400, "RoleAssignmentRequestPolicyValidationFailed")
    assert ("Contributor", "Production") not in arm.held(token)
    assert arm.listed("roleAssignmentScheduleRequests", token) == []


@pytest.mark.parametrize(
    ("scope", "role", "changes", "rules"),
    [
        (PRODUCTION, CONTRIBUTOR, {"duration": "PT9H"}, '["ExpirationRule"]'),
        (PRODUCTION, CONTRIBUTOR, {"justification": "ABSENT"}, '["JustificationRule"]'),
        (PRODUCTION, CONTRIBUTOR, {"justification": " ", "duration": "PT9H"}, '["ExpirationRule","JustificationRule"]'),
        (PRODUCTION, KEY_VAULT_ADMINISTRATOR, {}, '["TicketingRule"]'),
        (CONNECTIVITY, NETWORK_CONTRIBUTOR, {"duration": "PT61M"}, '["ExpirationRule"]'),
        (DEVELOPMENT, MONITORING_CONTRIBUTOR, {}, '["MfaRule"]'),
        (CONNECTIVITY, CONTRIBUTOR, {}, '["EligibilityRule"]'),
    ],
)
def test_policy(arm: ArmClient, scope: str, role: str, changes: dict[str, Any], rules: str) -> None:
    answer = arm.put(arm.arm_token(), scope, role, **changes)
    assert error_of(answer) == (400, "RoleAssignmentRequestPolicyValidationFailed")
    assert answer.json() == {
        "error": {
            "code": "RoleAssignmentRequestPolicyValidationFailed",
            "message": f"The following policy rules failed: {rules}",
        }
    }


def test_the_other_text_of_policy_failures() -> None:
    with Simulator(changes={"behaviour": {"azure_resources": {"rule_messages": "text"}}}) as simulator:
        client = ArmClient(simulator)
        answer = client.put(client.arm_token(), PRODUCTION, CONTRIBUTOR, duration="PT9H")
        assert answer.json()["error"]["message"] == (
            "The following policy rules failed: ExpirationRule - The duration in the request is greater than maximum "
            "allowed duration"
        )


def test_a_policy_of_one_scope(arm: ArmClient) -> None:
    """In Development the same role needs no justification."""
    token = arm.arm_token()
    assert arm.put(token, DEVELOPMENT, CONTRIBUTOR, justification="ABSENT").status_code == 201


def test_ticket_and_condition(arm: ArmClient) -> None:
    token = arm.arm_token()
    ticket = {"ticketNumber": "CHG-1", "ticketSystem": "Change calendar"}
    assert _properties(arm.put(token, PRODUCTION, KEY_VAULT_ADMINISTRATOR, ticketInfo=ticket))["ticketInfo"] == ticket
    assert arm.put(token, DATA, BLOB_OWNER).status_code == 201
    active = arm.listed("roleAssignmentScheduleInstances", token, DATA)[0]["properties"]
    assert active["condition"].startswith("@Resource["), "goes with the eligibility"


def test_authentication_context(arm: ArmClient) -> None:
    from simulator.arm_client import AUTOMATION_CONTRIBUTOR

    token = arm.arm_token("trusted@contoso.example")
    answer = arm.put(token, PRODUCTION, AUTOMATION_CONTRIBUTOR)
    assert error_of(answer) == (400, "RoleAssignmentRequestAcrsValidationFailed")
    assert answer.json()["error"]["message"] == (
        "&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%20%22value%22%3A%22c1%22%7D%7D%7D"
    )
    assert "WWW-Authenticate" not in answer.headers
    wanted = '{"access_token":{"acrs":{"essential":true,"value":"c1"},"xms_cc":{"values":["cp1"]}}}'
    stepped_up = arm.arm_token("trusted@contoso.example", claims=wanted)
    assert arm.put(stepped_up, PRODUCTION, AUTOMATION_CONTRIBUTOR).status_code == 201


def test_through_a_group_for_oneself(arm: ArmClient) -> None:
    token = arm.arm_token()
    assert _properties(arm.put(token, PRODUCTION, BACKUP_CONTRIBUTOR))["principalType"] == "User"
    assert ("Backup Contributor", "Production") in arm.held(token)


@pytest.mark.parametrize("start", ["2030-01-31T08:00:00", "tomorrow"])
def test_a_start_without_an_offset(arm: ArmClient, start: str) -> None:
    info = {"startDateTime": start, "expiration": {"type": "AfterDuration", "duration": "PT1H"}}
    answer = arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR, scheduleInfo=info)
    assert error_of(answer) == (400, "InvalidRoleAssignmentRequest")


def test_a_start_in_the_past_is_now_and_offsets_become_utc(arm: ArmClient) -> None:
    info = {"startDateTime": "2020-01-31T08:00:00+02:00", "expiration": {"type": "AfterDuration", "duration": "PT1H"}}
    token = arm.arm_token()
    started = _properties(arm.put(token, PRODUCTION, CONTRIBUTOR, scheduleInfo=info))["scheduleInfo"]["startDateTime"]
    assert datetime.fromisoformat(started[:19] + "+00:00") > datetime.now(timezone.utc) - timedelta(minutes=1)
    day = datetime.now(timezone.utc) + timedelta(days=1)
    info["startDateTime"] = f"{day:%Y-%m-%d}T08:00:00+02:00"
    planned = _properties(arm.put(token, DEVELOPMENT, CONTRIBUTOR, scheduleInfo=info))["scheduleInfo"]
    assert planned["startDateTime"] == f"{day:%Y-%m-%d}T06:00:00+00:00"


def test_planned_and_cancelled(arm: ArmClient) -> None:
    token, name = arm.arm_token(), str(uuid.uuid4())
    planned = arm.put(token, PRODUCTION, CONTRIBUTOR, name=name, scheduleInfo=_later(3))
    assert _properties(planned)["status"] == "Granted"
    again = arm.put(token, PRODUCTION, CONTRIBUTOR)
    assert error_of(again) == (400, "PendingRoleAssignmentRequest")
    assert ("Contributor", "Production") not in arm.held(token)
    path = f"{PRODUCTION}{REQUESTS}/{name}"
    cancelled = arm.call("POST", f"{path}/cancel", token)
    assert (cancelled.status_code, cancelled.content) == (200, b"")
    assert arm.call("GET", f"{path}?{MINE}", token).json()["properties"]["status"] == "Canceled"
    assert arm.call("POST", f"{path}/cancel", token).status_code == 400
    arm.simulator.advance("PT4H")
    assert ("Contributor", "Production") not in arm.held(arm.arm_token())


def test_planned_begins(arm: ArmClient) -> None:
    arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR, scheduleInfo=_later(3))
    arm.simulator.advance("PT3H1M")
    token = arm.arm_token()
    assert ("Contributor", "Production") in arm.held(token)
    (request,) = arm.listed("roleAssignmentScheduleRequests", token)
    assert request["properties"]["status"] == "Provisioned"


def test_deactivate(arm: ArmClient) -> None:
    token = arm.arm_token()
    arm.put(token, PRODUCTION, CONTRIBUTOR)
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, "SelfDeactivate")) == (400, "ActiveDurationTooShort")
    arm.simulator.advance("PT5M")
    properties = _properties(arm.put(token, PRODUCTION, CONTRIBUTOR, "SelfDeactivate"))
    assert properties["status"] == "Revoked"
    assert not {"scheduleInfo", "targetRoleAssignmentScheduleId", "linkedRoleEligibilityScheduleId"} & set(properties)
    assert ("Contributor", "Production") not in arm.held(token)
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR, "SelfDeactivate")) == (400, "RoleAssignmentDoesNotExist")


def test_deactivation_is_blind_at_first() -> None:
    with Simulator(changes={"lag": {"azure_resources": {"deactivation_blind": "PT1M", "activation": "PT30S"}}}) as sim:
        client = ArmClient(sim)
        token = client.arm_token()
        client.put(token, PRODUCTION, CONTRIBUTOR)
        assert ("Contributor", "Production") not in client.held(token), "in force, and listed later"
        answer = client.put(token, PRODUCTION, CONTRIBUTOR, "SelfDeactivate")
        assert error_of(answer) == (400, "RoleAssignmentDoesNotExist")
        sim.advance("PT1M")
        assert ("Contributor", "Production") in client.held(token)
        answer = client.put(token, PRODUCTION, CONTRIBUTOR, "SelfDeactivate")
        assert error_of(answer) == (400, "ActiveDurationTooShort")


def test_who_is_not_eligible(arm: ArmClient) -> None:
    token = arm.arm_token(NEWCOMER)
    assert error_of(arm.put(token, PRODUCTION, CONTRIBUTOR))[1] == "RoleAssignmentRequestPolicyValidationFailed"
    foreign = arm.put(token, PRODUCTION, CONTRIBUTOR, principalId=claims_of(arm.arm_token())["oid"])
    assert error_of(foreign) == (403, "AuthorizationFailed")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"principalId": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"principalId": "00000000-0000-4000-8000-000000000000"}, (400, "SubjectNotFound")),
        ({"requestType": "SelfPromote"}, (400, "InvalidRoleAssignmentRequest")),
        ({"requestType": "SelfExtend"}, (501, "NotImplemented")),
        ({"roleDefinitionId": CONTRIBUTOR}, (400, "RoleDefinitionDoesNotExist")),
        ({"roleDefinitionId": role_definition("", str(uuid.UUID(int=1)))}, (400, "RoleDefinitionDoesNotExist")),
        ({"roleDefinitionId": role_definition(DEVELOPMENT, CONTRIBUTOR)}, (400, "ScopeDoesNotMatchRoleDefinition")),
        (
            {"scheduleInfo": {"expiration": {"type": "AfterDuration", "duration": "PT1M"}}},
            (400, "ActiveDurationTooShort"),
        ),
        ({"scheduleInfo": "now"}, (400, "BadRequest")),
        ({"justification": 5}, (400, "BadRequest")),
        ({"condition": "x", "conditionVersion": "1.0"}, (400, "InvalidRoleAssignmentRequest")),
    ],
)
def test_malformed(arm: ArmClient, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    answer = arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR, **changes)
    assert error_of(answer) == expected


def test_the_role_in_the_form_of_the_tenant(arm: ArmClient) -> None:
    answer = arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR, roleDefinitionId=role_definition("", CONTRIBUTOR))
    assert _properties(answer)["roleDefinitionId"] == role_definition(PRODUCTION, CONTRIBUTOR)


def test_reading_requests(arm: ArmClient) -> None:
    token, name = arm.arm_token(), str(uuid.uuid4())
    # planned: once the role is in force, it lets its holder read assignments there
    body = arm.put(token, CONNECTIVITY, NETWORK_CONTRIBUTOR, name=name, scheduleInfo=_later(3)).json()
    path = f"{CONNECTIVITY}{REQUESTS}/{name}"
    assert arm.call("GET", f"{path}?{MINE}", token).json() == body
    assert arm.call("GET", f"{path.upper()}?{MINE}", token).json() == body
    # recorded: also of an own request
    assert error_of(arm.call("GET", path, token)) == (400, "InsufficientPermissions")
    assert arm.call("GET", path, arm.arm_token(ADMINISTRATOR)).json() == body
    assert arm.call("GET", f"{path}?{MINE}", arm.arm_token(NEWCOMER)).status_code == 404
    assert arm.call("GET", f"{CONNECTIVITY}{REQUESTS}/{uuid.uuid4()}?{MINE}", token).status_code == 404
    requestor = arm.listed("roleAssignmentScheduleRequests", token, query="$filter=asRequestor()")
    assert [row["name"] for row in requestor] == [name]
    query = "$filter=asTarget() and status eq 'Denied'"
    assert arm.listed("roleAssignmentScheduleRequests", token, query=query) == []
    assert arm.listed("roleAssignmentScheduleRequests", arm.arm_token(APPROVER)) == []
    assert error_of(arm.call("GET", REQUESTS, token)) == (400, "InsufficientPermissions")


def test_requests_go_after_45_days(arm: ArmClient) -> None:
    arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR)
    arm.simulator.advance("P44D")
    assert len(arm.listed("roleAssignmentScheduleRequests", arm.arm_token())) == 1
    arm.simulator.advance("P2D")
    assert arm.listed("roleAssignmentScheduleRequests", arm.arm_token()) == []


def test_administrators_assign_and_remove(arm: ArmClient) -> None:
    token = arm.arm_token(ADMINISTRATOR)
    newcomer = claims_of(arm.arm_token(NEWCOMER))["oid"]
    info = {"expiration": {"type": "AfterDuration", "duration": None}}
    order = {"principalId": newcomer, "justification": "a test", "scheduleInfo": info, "kind": "Eligibility"}
    made = arm.put(token, PRODUCTION, READER, "AdminAssign", **order)
    assert _properties(made)["scheduleInfo"]["expiration"] == {"type": "NoExpiration"}
    assert "targetRoleEligibilityScheduleId" in made.json()["properties"]
    person = arm.arm_token(NEWCOMER)
    assert arm.put(person, PRODUCTION, READER).status_code == 201
    forbidden = arm.put(person, PRODUCTION, READER, "AdminAssign", kind="Assignment")
    assert error_of(forbidden) == (403, "AuthorizationFailed")
    assert "'Microsoft.Authorization/roleAssignments/write' over scope" in forbidden.json()["error"]["message"]
    arm.simulator.advance("PT6M")
    removed = arm.put(
        arm.arm_token(ADMINISTRATOR), PRODUCTION, READER, "AdminRemove", principalId=newcomer, kind="Eligibility"
    )
    assert _properties(removed)["status"] == "Revoked"
    assert arm.listed("roleEligibilityScheduleInstances", arm.arm_token(NEWCOMER)) == []
