# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activating, deactivating, scheduling, cancelling, approving: what PIM does and what it refuses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pim_simulator.times import format_time, parse_time

from simulator.service_client import ADMINISTRATOR, APPROVER, DIRECTORY, MINE, OPERATOR, Client, claims_of, error_of
from simulator_process import Simulator

REQUESTS = f"{DIRECTORY}/roleAssignmentScheduleRequests"
APPROVALS = f"{DIRECTORY}/roleAssignmentApprovals"

SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
GROUPS = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
USERS = "fe930be7-5e62-47db-91af-98c3a49a38b1"
TICKETED = "194ae4cb-b126-40b2-bd5b-6091b380977d"
APPROVED = "e8611ab8-c189-46e8-94e1-60213ab1f814"
STEPPED_UP = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
SECOND_FACTOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
ONE_HOUR = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
PASSWORDS = "966707d0-3269-4727-9be2-8c3a10f19b9d"
ENDS_SOON = "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"
BEGINS_LATER = "f023fd81-a637-4b56-95fd-791ac0226033"
PERMANENT = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
NOT_ELIGIBLE = "62e90394-69f5-4237-9190-012177145e10"
NORTH = "/administrativeUnits/1f0a7c2e-93b4-4f55-8d61-0c5b7e2a9d10"

WANT_C1 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}, "xms_cc": {"values": ["cp1"]}}})
WANT_C1_WITHOUT_CP1 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
WANT_MFA = json.dumps({"access_token": {"amr": {"values": ["mfa"]}}})


def _now(client: Client) -> datetime:
    return parse_time(client.simulator.control("GET", "time")["now"])


def _in(client: Client, **step: float) -> str:
    text = format_time(_now(client) + timedelta(**step))
    assert text is not None
    return text


def _rules(answer: Any) -> str:
    assert error_of(answer) == (400, "RoleAssignmentRequestPolicyValidationFailed")
    prefix = "The following policy rules failed: "
    message: str = answer.json()["error"]["message"]
    assert message.startswith(prefix)
    return message[len(prefix) :]


# the plain way


def test_activate_and_deactivate(client: Client) -> None:
    token = client.token()
    answer = client.request(token, SECURITY_READER, ticketInfo={"ticketNumber": "42"})
    assert answer.status_code == 201
    body = answer.json()
    assert body["status"] == "Provisioned"
    assert body["action"] == "selfActivate"
    assert body["targetScheduleId"] == body["id"]
    assert body["approvalId"] is None
    assert body["ticketInfo"] == {"ticketNumber": "42", "ticketSystem": None}
    assert body["createdBy"]["user"]["id"] == claims_of(token)["oid"]
    assert body["scheduleInfo"]["expiration"] == {"type": "afterDuration", "endDateTime": None, "duration": "PT1H"}
    assert body["scheduleInfo"]["startDateTime"] == body["completedDateTime"]
    assert len(body["createdDateTime"].split(".")[1]) == len("1234567Z")
    read = client.graph("GET", f"{REQUESTS}/{body['id']}", token).json()
    assert len(read["createdDateTime"].split(".")[1]) <= len("123Z"), "fewer digits when it is read later"

    rows = client.rows(f"{DIRECTORY}/roleAssignmentScheduleInstances/{MINE}?$expand=activatedUsing", token)
    row = next(r for r in rows if r["roleDefinitionId"] == SECURITY_READER)
    assert row["assignmentType"] == "Activated"
    assert row["roleAssignmentScheduleId"] == body["id"]
    length = parse_time(row["endDateTime"]) - parse_time(row["startDateTime"])
    assert length == timedelta(hours=1)
    assert row["activatedUsing"]["roleDefinitionId"] == SECURITY_READER

    assert error_of(client.request(token, SECURITY_READER)) == (400, "RoleAssignmentExists")
    early = client.request(token, SECURITY_READER, "selfDeactivate")
    assert error_of(early) == (400, "ActiveDurationTooShort")
    assert early.json()["error"]["message"] == "The Active duration is too short. Miniumum Required is 5 minutes."
    client.simulator.advance("PT5M")
    done = client.request(token, SECURITY_READER, "selfDeactivate")
    assert done.status_code == 201
    assert done.json()["status"] == "Revoked"
    assert done.json()["scheduleInfo"] is None
    assert done.json()["targetScheduleId"] is None
    assert (SECURITY_READER, "/") not in client.active(token)
    again = client.request(token, SECURITY_READER, "selfDeactivate")
    assert error_of(again) == (400, "RoleAssignmentDoesNotExist")
    assert client.request(token, SECURITY_READER).status_code == 201, "no cooldown"


def test_an_activation_ends_by_itself(client: Client) -> None:
    token = client.token()
    client.request(token, SECURITY_READER, duration="PT30M")
    client.simulator.advance("PT29M")
    assert (SECURITY_READER, "/") in client.active(token)
    client.simulator.advance("PT1M")
    assert (SECURITY_READER, "/") not in client.active(token)


def test_scopes_are_apart(client: Client) -> None:
    token = client.token()
    assert client.request(token, HELPDESK, directoryScopeId=NORTH).status_code == 201
    assert (HELPDESK, NORTH) in client.active(token)
    assert (HELPDESK, "/") not in client.active(token)
    assert client.request(token, HELPDESK).status_code == 201
    assert "EligibilityRule" in _rules(client.request(token, PASSWORDS))
    assert client.request(token, PASSWORDS, directoryScopeId=NORTH).status_code == 201
    assert client.request(token, SECURITY_READER, directoryScopeId=NORTH).status_code == 201, "narrower is allowed"


def test_a_past_start_is_now(client: Client) -> None:
    token = client.token()
    schedule = {"startDateTime": "2020-01-01T00:00:00Z", "expiration": {"type": "afterDuration", "duration": "PT1H"}}
    body = client.request(token, SECURITY_READER, scheduleInfo=schedule).json()
    assert body["status"] == "Provisioned"
    assert body["scheduleInfo"]["startDateTime"] == body["completedDateTime"]


def test_until_a_time(client: Client) -> None:
    token = client.token()
    end = _in(client, hours=2)
    schedule = {"expiration": {"type": "AfterDateTime", "endDateTime": end.replace("Z", "+00:00")}}
    body = client.request(token, SECURITY_READER, scheduleInfo=schedule).json()
    assert body["scheduleInfo"]["expiration"]["type"] == "afterDateTime"
    rows = client.rows(f"{DIRECTORY}/roleAssignmentScheduleInstances/{MINE}", token)
    assert next(r for r in rows if r["roleDefinitionId"] == SECURITY_READER)["endDateTime"] == end


def test_an_activation_does_not_outlive_its_eligibility(client: Client) -> None:
    token = client.token()
    assert client.request(token, ENDS_SOON, duration="PT8H").status_code == 201
    client.simulator.advance("PT2H1M")
    token = client.token()  # the first one has expired
    assert (ENDS_SOON, "/") not in client.active(token)
    assert "EligibilityRule" in _rules(client.request(token, ENDS_SOON))


# policies


@pytest.mark.parametrize(
    ("role", "body", "expected"),
    [
        (SECURITY_READER, {"justification": "ABSENT"}, "JustificationRule - Justification is required"),
        (SECURITY_READER, {"justification": "  "}, "JustificationRule - Justification is required"),
        (
            SECURITY_READER,
            {"duration": "PT8H1M"},
            "ExpirationRule - The duration in the request is greater than maximum allowed duration",
        ),
        (
            SECURITY_READER,
            {"scheduleInfo": {"expiration": {"type": "noExpiration"}}},
            "ExpirationRule - The policy does not allow permanent assignment",
        ),
        (TICKETED, {"ticketInfo": {"ticketNumber": "1"}}, "TicketingRule - Ticket information is required"),
        (SECOND_FACTOR, {}, "MfaRule - Multi-factor authentication is required"),
        (NOT_ELIGIBLE, {}, "EligibilityRule - The principal is not eligible for the role"),
        (BEGINS_LATER, {}, "EligibilityRule - The principal is not eligible for the role"),
        (
            ONE_HOUR,
            {"duration": "PT2H", "justification": "ABSENT"},
            "ExpirationRule - The duration in the request is greater than maximum allowed duration, "
            "JustificationRule - Justification is required",
        ),
    ],
)
def test_rules(client: Client, role: str, body: dict[str, Any], expected: str) -> None:
    token = client.token()
    assert _rules(client.request(token, role, **body)) == expected
    assert client.rows(f"{REQUESTS}/{MINE}", token) == [], "a refused request leaves nothing"


def test_what_satisfies_the_rules(client: Client) -> None:
    token = client.token()
    assert client.request(token, GROUPS, justification="ABSENT").status_code == 201
    ticket = {"ticketNumber": "1", "ticketSystem": "desk"}
    assert client.request(token, TICKETED, ticketInfo=ticket).status_code == 201
    assert client.request(client.device_token(OPERATOR, WANT_MFA), SECOND_FACTOR).status_code == 201


def test_authentication_context(client: Client) -> None:
    refused = client.request(client.token(), STEPPED_UP)
    assert error_of(refused) == (400, "RoleAssignmentRequestAcrsValidationFailed")
    assert refused.json()["error"]["message"] == (
        "&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%20%22value%22%3A%22c1%22%7D%7D%7D"
    )
    undeclared = client.request(client.device_token(OPERATOR, WANT_C1_WITHOUT_CP1), STEPPED_UP)
    assert error_of(undeclared) == (400, "RoleAssignmentRequestAcrsValidationFailed")
    assert client.request(client.device_token(OPERATOR, WANT_C1), STEPPED_UP).status_code == 201


@pytest.mark.parametrize("duration", ["PT4M", "PT1S"])
def test_shorter_than_the_floor(client: Client, duration: str) -> None:
    assert error_of(client.request(client.token(), SECURITY_READER, duration=duration)) == (
        400,
        "ActiveDurationTooShort",
    )


def test_other_texts_and_floors() -> None:
    changes = {
        "minimum_active": "PT2S",
        "behaviour": {
            "rule_messages": "list",
            "error_envelope": "wrapped",
            "not_eligible": "RoleAssignmentDoesNotExist",
            "scheduled_status": "ScheduleCreated",
        },
    }
    with Simulator(changes=changes) as simulator:
        client = Client(simulator)
        token = client.token()

        def inner(answer: Any) -> dict[str, Any]:
            assert error_of(answer) == (400, "UnknownError")
            found: dict[str, Any] = json.loads(answer.json()["error"]["message"])
            return found

        answer = client.request(token, ONE_HOUR, duration="PT2H", justification="ABSENT")
        assert inner(answer)["message"] == 'The following policy rules failed: ["ExpirationRule","JustificationRule"]'
        assert inner(client.request(token, NOT_ELIGIBLE))["errorCode"] == "RoleAssignmentDoesNotExist"
        assert client.request(token, SECURITY_READER).status_code == 201
        early = inner(client.request(token, SECURITY_READER, "selfDeactivate"))
        assert early["message"].endswith("Required is 2 seconds.")
        simulator.advance("PT2S")
        assert client.request(token, SECURITY_READER, "selfDeactivate").status_code == 201
        start = _in(client, hours=1)
        schedule = {"startDateTime": start, "expiration": {"type": "afterDuration", "duration": "PT1H"}}
        assert client.request(token, USERS, scheduleInfo=schedule).json()["status"] == "ScheduleCreated"


def test_validation_only(client: Client) -> None:
    token = client.token()
    answer = client.request(token, SECURITY_READER, isValidationOnly=True)
    assert answer.status_code == 201
    assert answer.json()["isValidationOnly"] is True
    assert answer.json()["status"] == "Provisioned"
    assert (SECURITY_READER, "/") not in client.active(token)
    assert client.rows(f"{REQUESTS}/{MINE}", token) == []
    assert "ExpirationRule" in _rules(client.request(token, SECURITY_READER, isValidationOnly=True, duration="PT9H"))
    assert client.request(token, APPROVED, isValidationOnly=True).json()["status"] == "PendingApproval"
    client.request(token, SECURITY_READER)
    client.simulator.advance("PT6M")
    assert client.request(token, SECURITY_READER, "selfDeactivate", isValidationOnly=True).status_code == 201
    assert (SECURITY_READER, "/") in client.active(token)


# the shape of a request


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"action": "selfActivat"}, (400, "InvalidRoleAssignmentRequest")),
        ({"principalId": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"directoryScopeId": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"appScopeId": "x"}, (400, "InvalidRoleAssignmentRequest")),
        ({"scheduleInfo": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"scheduleInfo": {"expiration": {"type": "afterDuration"}}}, (400, "InvalidRoleAssignmentRequest")),
        (
            {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "1h"}}},
            (400, "InvalidRoleAssignmentRequest"),
        ),
        (
            {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "-PT1H"}}},
            (400, "InvalidRoleAssignmentRequest"),
        ),
        ({"scheduleInfo": {"expiration": {"type": "never"}}}, (400, "InvalidRoleAssignmentRequest")),
        (
            {
                "scheduleInfo": {
                    "startDateTime": "2030-01-01T00:00:00",
                    "expiration": {"type": "afterDuration", "duration": "PT1H"},
                }
            },
            (400, "InvalidRoleAssignmentRequest"),
        ),
        (
            {"scheduleInfo": {"expiration": {"type": "afterDateTime", "endDateTime": "2020-01-01T00:00:00Z"}}},
            (400, "InvalidRoleAssignmentRequestSchedule"),
        ),
        ({"principalId": "00000000-0000-4000-8000-000000000000"}, (404, "SubjectNotFound")),
        ({"roleDefinitionId": "00000000-0000-4000-8000-000000000000"}, (404, "RoleNotFound")),
        ({"directoryScopeId": "/administrativeUnits/nowhere"}, (404, "Request_ResourceNotFound")),
        ({"directoryScopeId": "Campus North"}, (404, "Request_ResourceNotFound")),
        ({"roleId": "x"}, (400, "BadRequest")),
        ({"status": "Provisioned"}, (400, "BadRequest")),
        ({"justification": 1}, (400, "BadRequest")),
        ({"isValidationOnly": "true"}, (400, "BadRequest")),
        ({"scheduleInfo": {"start": "x"}}, (400, "BadRequest")),
        ({"ticketInfo": {"number": "1"}}, (400, "BadRequest")),
        ({"scheduleInfo": []}, (400, "BadRequest")),
        ({"action": "selfExtend"}, (501, "NotImplemented")),
        ({"kind": "Eligibility"}, (400, "InvalidRoleAssignmentRequest")),
    ],
)
def test_malformed(client: Client, body: dict[str, Any], expected: tuple[int, str]) -> None:
    action = body.pop("action", "selfActivate")
    token = client.token()
    base = {"scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}}, "justification": "a test"}
    role = body.pop("roleDefinitionId", SECURITY_READER)
    assert error_of(client.request(token, role, action, **{**base, **body})) == expected


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        ("{", {"Content-Type": "application/json"}, 400),
        ("[]", {"Content-Type": "application/json"}, 400),
        ('{"action": NaN}', {"Content-Type": "application/json"}, 400),
        ("", {"Content-Type": "application/json"}, 400),
        ("{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 400),
    ],
)
def test_bodies_that_are_none(client: Client, data: str, headers: dict[str, str], status: int) -> None:
    answer = client.graph("POST", REQUESTS, client.token(), data=data, headers=headers)
    assert error_of(answer) == (status, "BadRequest")


def test_spellings_of_enum_members(client: Client) -> None:
    token = client.token()
    schedule = {"expiration": {"type": "AFTERDURATION", "duration": "PT1H"}}
    answer = client.request(token, SECURITY_READER, "SelfActivate", scheduleInfo=schedule, justification="x")
    assert answer.json()["action"] == "selfActivate"
    body = {
        "action": "SelfDeactivate",
        "principalId": claims_of(token)["oid"].upper(),
        "roleDefinitionId": SECURITY_READER.upper(),
        "directoryScopeId": "/",
    }
    client.simulator.advance("PT6M")
    beta = client.graph("POST", REQUESTS, token, version="beta", json=body)
    assert beta.json()["action"] == "SelfDeactivate", "beta gives it back as it was written"


# whose


def test_for_somebody_else(client: Client) -> None:
    other = claims_of(client.token(ADMINISTRATOR))["oid"]
    answer = client.request(client.token(), SECURITY_READER, principalId=other)
    assert error_of(answer) == (403, "Authorization_RequestDenied")


def test_an_application_does_not_activate(client: Client) -> None:
    token = client.app_token("a26e50cf-71e9-4d82-9fbb-e05391c46fa7", "Sim-provisioning-secret-1")
    assert error_of(client.request(token, SECURITY_READER)) == (403, "Authorization_RequestDenied")


def test_permanent_and_assigned_roles(client: Client) -> None:
    token = client.token()
    assert error_of(client.request(token, PERMANENT)) == (400, "RoleAssignmentExists")
    assert error_of(client.request(token, PERMANENT, "selfDeactivate")) == (400, "RoleAssignmentDoesNotExist")


# later, and not at all


def test_scheduled_then_in_force(client: Client) -> None:
    token = client.token()
    start = _in(client, hours=2)
    schedule = {"startDateTime": start, "expiration": {"type": "afterDuration", "duration": "PT1H"}}
    body = client.request(token, SECURITY_READER, scheduleInfo=schedule).json()
    assert body["status"] == "Granted"
    assert parse_time(body["completedDateTime"]) == parse_time(start)
    schedules = client.rows(f"{DIRECTORY}/roleAssignmentSchedules/{MINE}", token)
    assert body["id"] in {row["id"] for row in schedules}, "a schedule stands from its creation"
    assert (SECURITY_READER, "/") not in client.active(token)
    assert error_of(client.request(token, SECURITY_READER)) == (400, "PendingRoleAssignmentRequest")
    client.simulator.advance("PT2H1S")
    token = client.token()  # the first one has expired
    assert client.graph("GET", f"{REQUESTS}/{body['id']}", token).json()["status"] == "Provisioned"
    assert (SECURITY_READER, "/") in client.active(token)
    client.simulator.advance("PT59M59S")
    assert (SECURITY_READER, "/") not in client.active(token)


def test_scheduled_then_cancelled(client: Client) -> None:
    token = client.token()
    schedule = {"startDateTime": _in(client, hours=2), "expiration": {"type": "afterDuration", "duration": "PT1H"}}
    request_id = client.request(token, SECURITY_READER, scheduleInfo=schedule).json()["id"]
    answer = client.graph("POST", f"{REQUESTS}/{request_id}/cancel", token)
    assert answer.status_code == 204
    assert answer.content == b""
    assert client.graph("GET", f"{REQUESTS}/{request_id}", token).json()["status"] == "Canceled"
    client.simulator.advance("PT2H1M")
    token = client.token()  # the first one has expired
    assert (SECURITY_READER, "/") not in client.active(token)
    again = client.graph("POST", f"{REQUESTS}/{request_id}/cancel", token)
    assert error_of(again) == (400, "RequestCannotBeCancelled")
    assert error_of(client.graph("POST", f"{REQUESTS}/nonsense/cancel", token)) == (
        404,
        "RoleAssignmentRequestNotFound",
    )
    assert client.request(token, SECURITY_READER).status_code == 201


def test_what_is_in_force_cannot_be_cancelled(client: Client) -> None:
    token = client.token()
    request_id = client.request(token, SECURITY_READER).json()["id"]
    answer = client.graph("POST", f"{REQUESTS}/{request_id}/cancel", token)
    assert error_of(answer) == (400, "RequestCannotBeCancelled")
    foreign = client.graph("POST", f"{REQUESTS}/{request_id}/cancel", client.token("manyroles@contoso.example"))
    assert error_of(foreign) == (403, "Authorization_RequestDenied")


# approval


def test_approved(client: Client) -> None:
    token = client.token()
    body = client.request(token, APPROVED).json()
    assert body["status"] == "PendingApproval"
    assert body["approvalId"] == body["id"]
    assert body["scheduleInfo"]["startDateTime"] is None
    assert error_of(client.request(token, APPROVED)) == (400, "PendingRoleAssignmentRequest")
    approver = client.token(APPROVER)
    query = "$filter=status eq 'PendingApproval'&$expand=roleDefinition,principal"
    waiting = client.rows(f"{REQUESTS}/filterByCurrentUser(on='approver')?{query}", approver)
    assert [row["id"] for row in waiting] == [body["id"]]
    assert waiting[0]["principal"]["userPrincipalName"] == OPERATOR
    path = f"{APPROVALS}/{body['approvalId']}"
    step = client.graph("GET", path, approver, version="beta").json()["steps"][0]
    assert (step["status"], step["reviewResult"], step["assignedToMe"]) == ("InProgress", "NotReviewed", True)
    listed = client.graph("GET", f"{path}/steps", approver, version="beta").json()["value"]
    assert [item["id"] for item in listed] == [step["id"]]

    client.simulator.advance("PT10M")
    decision = {"reviewResult": "Approve", "justification": "fine"}
    step_path = f"{path}/steps/{step['id']}"
    own = client.graph("PATCH", step_path, token, version="beta", json=decision)
    assert error_of(own) == (403, "Authorization_RequestDenied")
    unexplained = client.graph("PATCH", step_path, approver, version="beta", json={"reviewResult": "Approve"})
    assert unexplained.status_code == 400
    assert client.graph("PATCH", step_path, approver, version="beta", json=decision).status_code == 204
    after = client.graph("GET", f"{REQUESTS}/{body['id']}", token).json()
    assert after["status"] == "Provisioned"
    assert parse_time(after["scheduleInfo"]["startDateTime"]) > parse_time(after["createdDateTime"]) + timedelta(
        minutes=9
    )
    assert (APPROVED, "/") in client.active(token)
    assert client.graph("PATCH", step_path, approver, version="beta", json=decision).status_code == 409
    done = client.graph("GET", step_path, approver, version="beta").json()
    assert (done["status"], done["reviewResult"]) == ("Completed", "Approve")
    assert done["reviewedBy"]["displayName"] == "Approver"
    rows = client.rows(f"{DIRECTORY}/roleAssignmentScheduleInstances/{MINE}", token)
    row = next(r for r in rows if r["roleDefinitionId"] == APPROVED)
    assert parse_time(row["endDateTime"]) - parse_time(row["startDateTime"]) == timedelta(hours=1)


def test_denied_cancelled_and_timed_out(client: Client) -> None:
    token = client.token()
    request_id = client.request(token, APPROVED).json()["id"]
    order = {"decision": "deny", "approver": APPROVER}
    assert client.simulator.control("POST", f"requests/{request_id}/decision", order)["status"] == "Denied"
    assert (APPROVED, "/") not in client.active(token)

    second = client.request(token, APPROVED).json()["id"]
    assert client.graph("POST", f"{REQUESTS}/{second}/cancel", token).status_code == 204
    status, _body = client.simulator.control_raw("POST", f"requests/{second}/decision", order)
    assert status == 409

    third = client.request(token, APPROVED).json()["id"]
    client.simulator.advance("PT24H1M")
    later = client.token()
    assert client.graph("GET", f"{REQUESTS}/{third}", later).json()["status"] == "TimedOut"


def test_approval_by_a_group_and_not_by_others(client: Client) -> None:
    request_id = client.request(client.token(), APPROVED).json()["id"]
    for approver in ("manyroles@contoso.example", OPERATOR):
        order = {"decision": "approve", "approver": approver}
        status, _body = client.simulator.control_raw("POST", f"requests/{request_id}/decision", order)
        assert status == 403
    order = {"decision": "approve", "approver": ADMINISTRATOR}
    assert client.simulator.control("POST", f"requests/{request_id}/decision", order)["status"] == "Provisioned"


def test_policies_are_checked_before_approval(client: Client) -> None:
    assert "ExpirationRule" in _rules(client.request(client.token(), APPROVED, duration="PT5H"))


# reading requests


def test_reading_requests(client: Client) -> None:
    token = client.token()
    body = client.request(token, SECURITY_READER).json()
    own = client.rows(f"{REQUESTS}/{MINE}?$filter=status eq 'Provisioned'&$expand=targetSchedule", token)
    assert [row["id"] for row in own] == [body["id"]]
    assert own[0]["targetSchedule"]["id"] == body["id"]
    assert client.rows(f"{REQUESTS}/filterByCurrentUser(on='createdBy')", token)
    administrator = client.token(ADMINISTRATOR)
    assert client.rows(f"{REQUESTS}?$filter=principalId eq '{claims_of(token)['oid']}'", administrator)
    refused = client.graph("GET", f"{REQUESTS}?$filter=status eq 'Provisioned'", administrator)
    assert error_of(refused) == (400, "InvalidFilter")
    assert refused.json()["error"]["message"] == "The status eq 'Provisioned' filter is invalid."
    stranger = client.token("manyroles@contoso.example")
    assert error_of(client.graph("GET", f"{REQUESTS}/{body['id']}", stranger)) == (403, "Authorization_RequestDenied")
    missing = client.graph("GET", f"{REQUESTS}/00000000-0000-4000-8000-000000000000", token)
    assert error_of(missing) == (404, "RoleAssignmentRequestNotFound")


# lag


def test_lag() -> None:
    lag = {"activation": "PT30S", "deactivation": "PT20S", "request": "PT5S"}
    with Simulator(changes={"lag": lag, "minimum_active": "PT0S"}) as simulator:
        client = Client(simulator)
        token = client.token()
        request_id = client.request(token, SECURITY_READER).json()["id"]
        assert (SECURITY_READER, "/") not in client.active(token)
        assert error_of(client.graph("GET", f"{REQUESTS}/{request_id}", token)) == (
            404,
            "RoleAssignmentRequestNotFound",
        )
        assert error_of(client.request(token, SECURITY_READER)) == (400, "RoleAssignmentExists")
        simulator.advance("PT30S")
        assert (SECURITY_READER, "/") in client.active(token)
        assert client.graph("GET", f"{REQUESTS}/{request_id}", token).status_code == 200
        assert client.request(token, SECURITY_READER, "selfDeactivate").status_code == 201
        assert (SECURITY_READER, "/") in client.active(token), "still listed for a while"
        second = client.request(token, SECURITY_READER, "selfDeactivate")
        assert error_of(second) == (400, "RoleAssignmentDoesNotExist")
        simulator.advance("PT20S")
        assert (SECURITY_READER, "/") not in client.active(token)


def test_provisioning_takes_time() -> None:
    with Simulator(changes={"lag": {"provisioning": "PT13S"}}) as simulator:
        client = Client(simulator)
        token = client.token()
        request_id = client.request(token, SECURITY_READER).json()
        assert request_id["status"] == "PendingProvisioning"
        assert (SECURITY_READER, "/") not in client.active(token)
        simulator.advance("PT13S")
        assert client.graph("GET", f"{REQUESTS}/{request_id['id']}", token).json()["status"] == "Provisioned"
        assert (SECURITY_READER, "/") in client.active(token)


# administrators


def _admin(client: Client, token: str, action: str, **body: Any) -> Any:
    principal = claims_of(client.token("newcomer@contoso.example"))["oid"]
    return client.request(token, SECURITY_READER, action, principalId=principal, **body)


def test_administrators_assign_and_remove(client: Client) -> None:
    token = client.token(ADMINISTRATOR)
    newcomer = client.token("newcomer@contoso.example")
    forever = {"expiration": {"type": "noExpiration"}}
    day = {"expiration": {"type": "afterDuration", "duration": "P1D"}}
    for kind, schedule in (("Eligibility", forever), ("Assignment", day)):
        first = _admin(client, token, "adminAssign", kind=kind, justification="x", scheduleInfo=schedule)
        assert first.status_code == 201, first.text
        assert first.json()["status"] == "Provisioned"
        again = _admin(client, token, "adminAssign", kind=kind, justification="x", scheduleInfo=schedule)
        assert error_of(again) == (400, "RoleAssignmentExists")
        rows = client.rows(f"{DIRECTORY}/role{kind}ScheduleInstances/{MINE}", newcomer)
        assert [row["roleDefinitionId"] for row in rows] == [SECURITY_READER]
        longer = {"expiration": {"type": "afterDuration", "duration": "P2D"}}
        update = _admin(client, token, "adminUpdate", kind=kind, justification="x", scheduleInfo=longer)
        assert update.status_code == 201
        removed = _admin(client, token, "adminRemove", kind=kind)
        assert removed.json()["status"] == "Revoked"
        assert client.rows(f"{DIRECTORY}/role{kind}ScheduleInstances/{MINE}", newcomer) == []
        gone = _admin(client, token, "adminRemove", kind=kind)
        assert error_of(gone) == (400, "RoleAssignmentDoesNotExist")


def test_administrators_keep_the_rules(client: Client) -> None:
    token = client.token(ADMINISTRATOR)
    forever = {"expiration": {"type": "noExpiration"}}
    assert "JustificationRule" in _rules(_admin(client, token, "adminAssign", scheduleInfo=forever))
    assert error_of(_admin(client, client.token(), "adminAssign", scheduleInfo=forever)) == (
        403,
        "Authorization_RequestDenied",
    )
    application = client.app_token("a26e50cf-71e9-4d82-9fbb-e05391c46fa7", "Sim-provisioning-secret-1")
    assert _admin(client, application, "adminAssign", scheduleInfo=forever, justification="x").status_code == 201


def test_an_activation_protects_its_eligibility_at_first(client: Client) -> None:
    operator = client.token()
    client.request(operator, SECURITY_READER)
    token = client.token(ADMINISTRATOR)
    body = {"principalId": claims_of(operator)["oid"], "kind": "Eligibility"}
    assert error_of(client.request(token, SECURITY_READER, "adminRemove", **body)) == (400, "ActiveDurationTooShort")
    client.simulator.advance("PT6M")
    assert client.request(token, SECURITY_READER, "adminRemove", **body).status_code == 201


def test_times_are_utc(client: Client) -> None:
    assert _now(client).tzinfo == timezone.utc
