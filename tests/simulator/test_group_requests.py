# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activating and giving back membership and ownership of groups: what PIM does and what it refuses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from pim_simulator.times import format_time, parse_time

from simulator.group_client import ACTIVE, PROVISIONING, REQUESTS, ROOT, GroupClient
from simulator.service_client import ADMINISTRATOR, APPROVER, DIRECTORY, MINE, OPERATOR, claims_of, error_of
from simulator_process import Simulator

LICENCES = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"
MANAGED_DEVICES = "deviceManagement/managedDevices"
NEWCOMER = "newcomer@contoso.example"
OWN_FOREVER = {"expiration": {"type": "noExpiration"}}
TWO_DAYS = {"expiration": {"type": "afterDuration", "duration": "P2D"}}


def _rules(answer: Any) -> str:
    assert error_of(answer) == (400, "RoleAssignmentRequestPolicyValidationFailed")
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize("access", ["member", "owner"])
def test_activate_and_give_back(groups: GroupClient, access: str) -> None:
    token = groups.token()
    group_id = groups.group_id("Server Admins")
    answer = groups.ask(token, "Server Admins", accessId=access, ticketInfo={"ticketNumber": "7"})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["status"] == "Provisioned"
    assert body["targetScheduleId"] == f"{group_id}_{access}_{body['id']}", "as documented"
    assert body["ticketInfo"] == {"ticketNumber": "7", "ticketSystem": None}
    assert (body["groupId"], body["accessId"], body["principalId"]) == (group_id, access, claims_of(token)["oid"])
    assert "$metadata#identityGovernance/privilegedAccess/group/assignmentScheduleRequests" in body["@odata.context"]

    expand = "$expand=group($select=displayName),principal,activatedUsing"
    rows = groups.rows(f"{ACTIVE}/{MINE}?{expand}&$filter=assignmentType eq 'activated'", token)
    assert len(rows) == 1
    row = rows[0]
    assert row["id"] == row["assignmentScheduleId"] == body["targetScheduleId"]
    assert row["group"] == {"displayName": "Server Admins"}
    assert row["principal"]["userPrincipalName"] == OPERATOR
    assert row["activatedUsing"]["accessId"] == access
    assert row["activatedUsing"]["id"].startswith(f"{group_id}_{access}_")
    assert parse_time(row["endDateTime"]) - parse_time(row["startDateTime"]) == timedelta(hours=1)

    early = groups.ask(token, "Server Admins", "selfDeactivate", accessId=access)
    assert error_of(early) == (400, "ActiveDurationTooShort")
    groups.simulator.advance("PT5M")
    if access == "member":
        done = groups.ask(token, "Server Admins", "selfDeactivate", accessId=access)
        assert (done.status_code, done.json()["status"]) == (201, "Revoked")
        assert ("Server Admins", access) not in groups.held(token)
        gone = groups.ask(token, "Server Admins", "selfDeactivate", accessId=access)
        assert error_of(gone) == (400, "RoleAssignmentDoesNotExist")
        assert groups.ask(token, "Server Admins", accessId=access).status_code == 201, "no cooldown"


def test_member_and_owner_are_apart(groups: GroupClient) -> None:
    token = groups.token()
    assert groups.ask(token, "Server Admins").status_code == 201
    assert groups.held(token) == {("Reporting", "member"), ("Server Admins", "member")}
    wrong = groups.ask(token, "Server Admins", "selfDeactivate", accessId="owner")
    assert error_of(wrong) == (400, "RoleAssignmentDoesNotExist")
    assert groups.ask(token, "Server Admins", accessId="owner").status_code == 201


def test_repeated(groups: GroupClient) -> None:
    token = groups.token()
    groups.ask(token, "Server Admins")
    again = groups.ask(token, "Server Admins")
    assert error_of(again) == (400, "RoleAssignmentExists")
    assert again.json()["error"]["message"] == "The Role assignment already exists."
    assert error_of(groups.ask(token, "Reporting")) == (400, "RoleAssignmentExists"), "permanent"


def test_other_texts_of_a_repetition() -> None:
    changes = {"behaviour": {"group_exists_message": "directory"}, "groups": [{"name": "X", "members": [OPERATOR]}]}
    changes |= {"eligibilities": [{"principal": OPERATOR, "provider": "groups", "role": "member", "scope": "X"}]}
    for key in ("assignments", "privileged_resources"):
        changes[key] = []
    changes["policies"] = {"approved": {"approvers": [APPROVER]}}
    with Simulator(changes=changes) as simulator:
        groups = GroupClient(simulator)
        answer = groups.ask(groups.token(), "X")
        assert error_of(answer) == (400, "RoleAssignmentExists"), "a member without PIM is one already"
        assert "object references already exist" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("group", "body", "expected"),
    [
        ("Break Glass", {"duration": "PT2H"}, "ExpirationRule"),
        ("Break Glass", {}, "TicketingRule"),
        ("Server Admins", {"justification": "ABSENT"}, "JustificationRule"),
        ("Server Admins", {"duration": "PT9H"}, "ExpirationRule"),
        ("Team 01", {}, "EligibilityRule"),
        ("Sole Owner", {}, "EligibilityRule"),
    ],
)
def test_rules(groups: GroupClient, group: str, body: dict[str, Any], expected: str) -> None:
    token = groups.token()
    assert expected in _rules(groups.ask(token, group, **body))
    assert groups.rows(f"{REQUESTS}/{MINE}", token) == [], "a refused request leaves nothing"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"accessId": "guest"}, (400, "InvalidRoleAssignmentRequest")),
        ({"accessId": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"principalId": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"action": "selfStart"}, (400, "InvalidRoleAssignmentRequest")),
        ({"scheduleInfo": "ABSENT"}, (400, "InvalidRoleAssignmentRequest")),
        ({"roleDefinitionId": "x"}, (400, "BadRequest")),
        ({"directoryScopeId": "/"}, (400, "BadRequest")),
        ({"principalId": "00000000-0000-4000-8000-000000000000"}, (404, "SubjectNotFound")),
        ({"groupId": "00000000-0000-4000-8000-000000000000"}, (404, "ResourceNotFound")),
    ],
)
def test_malformed(groups: GroupClient, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert error_of(groups.ask(groups.token(), "Server Admins", **body)) == expected


def test_spelling_is_read_in_any_case(groups: GroupClient) -> None:
    token = groups.token()
    group_id = groups.group_id("Server Admins").upper()
    made = groups.ask(token, "", "SelfActivate", groupId=group_id, accessId="Member")
    assert made.status_code == 201
    assert (made.json()["action"], made.json()["accessId"]) == ("selfActivate", "member")
    beta = groups.graph("GET", f"{REQUESTS}/{made.json()['id']}", token, version="beta").json()
    assert beta["action"] == "SelfActivate"


def test_validation_only(groups: GroupClient) -> None:
    token = groups.token()
    answer = groups.ask(token, "Server Admins", isValidationOnly=True)
    assert (answer.status_code, answer.json()["isValidationOnly"]) == (201, True)
    assert ("Server Admins", "member") not in groups.held(token)
    assert groups.rows(f"{REQUESTS}/{MINE}", token) == []


def test_scheduled_and_cancelled(groups: GroupClient) -> None:
    token = groups.token()
    now = parse_time(groups.simulator.control("GET", "time")["now"])
    start = format_time(now + timedelta(hours=2))
    schedule = {"startDateTime": start, "expiration": {"type": "afterDuration", "duration": "PT1H"}}
    made = groups.ask(token, "Server Admins", scheduleInfo=schedule).json()
    assert made["status"] == "Granted"
    assert ("Server Admins", "member") not in groups.held(token)
    schedules = groups.rows(f"{ROOT}/assignmentSchedules/{MINE}", token)
    assert made["targetScheduleId"] in {row["id"] for row in schedules}
    assert groups.graph("POST", f"{REQUESTS}/{made['id']}/cancel", token).status_code == 204
    assert groups.graph("GET", f"{REQUESTS}/{made['id']}", token).json()["status"] == "Canceled"
    again = groups.graph("POST", f"{REQUESTS}/{made['id']}/cancel", token)
    assert error_of(again) == (400, "RequestCannotBeCancelled")


# the last owner


def test_the_only_owner_stays_it(groups: GroupClient) -> None:
    token = groups.token()
    assert groups.ask(token, "Sole Owner", accessId="owner", duration="PT30M").status_code == 201
    groups.simulator.advance("PT10M")
    refused = groups.ask(token, "Sole Owner", "selfDeactivate", accessId="owner")
    assert error_of(refused) == (400, "CannotDeleteLastAdminAssignment")
    assert refused.json()["error"]["message"] == "Cannot delete the last admin assignment."
    groups.simulator.advance("PT1H")
    token = groups.token()
    assert ("Sole Owner", "owner") in groups.held(token), "it does not end at its end either"
    assert error_of(groups.ask(token, "Sole Owner", accessId="owner")) == (400, "RoleAssignmentExists")

    administrator = groups.token(ADMINISTRATOR)
    content = {"accessId": "owner", "justification": "x", "scheduleInfo": TWO_DAYS}
    application = groups.app_token(*PROVISIONING)
    body = {**content, "principalId": claims_of(administrator)["oid"], "groupId": groups.group_id("Sole Owner")}
    assert groups.ask(application, "", "adminAssign", **body).status_code == 201
    assert ("Sole Owner", "owner") not in groups.held(token), "now that there is another one it ends"
    assert groups.ask(token, "Sole Owner", accessId="owner").status_code == 201
    groups.simulator.advance("PT10M")
    assert groups.ask(token, "Sole Owner", "selfDeactivate", accessId="owner").status_code == 201


# through groups


def test_through_a_group(groups: GroupClient) -> None:
    token = groups.token()
    rows = groups.rows(f"{ROOT}/eligibilityScheduleInstances/{MINE}?$expand=group", token)
    row = next(row for row in rows if row["group"]["displayName"] == "Help Desk")
    assert row["memberType"] == "group"
    assert row["principalId"] == groups.group_id("Licence Managers")
    schedules = groups.rows(f"{ROOT}/eligibilitySchedules/{MINE}", token)
    assert {r["memberType"] for r in schedules} == {"direct"}, "as far as instances show it"
    assert groups.ask(token, "Help Desk").status_code == 201
    assert ("Help Desk", "member") in groups.held(token)
    mine = {r["id"]: r for r in groups.rows(f"{ACTIVE}/{MINE}", token)}
    assert {r["memberType"] for r in mine.values()} == {"direct"}, "the activation is one's own"


def test_the_group_s_activation_is_the_members(groups: GroupClient) -> None:
    token = groups.token()
    group_id = groups.group_id("Licence Managers")
    assert groups.ask(token, "Help Desk", principalId=group_id).status_code == 201
    row = next(r for r in groups.rows(f"{ACTIVE}/{MINE}", token) if r["memberType"] == "group")
    assert row["principalId"] == group_id


def test_what_a_group_holds_is_its_members(groups: GroupClient) -> None:
    """A role for which a group is eligible, for somebody whose membership PIM gave."""
    newcomer = groups.token(NEWCOMER)
    refused = groups.request(newcomer, LICENCES)
    assert "EligibilityRule" in refused.text
    body = {
        "principalId": claims_of(newcomer)["oid"],
        "groupId": groups.group_id("Licence Managers"),
        "scheduleInfo": TWO_DAYS,
        "justification": "x",
    }
    application = groups.app_token(*PROVISIONING)
    assert groups.ask(application, "", "adminAssign", **body).status_code == 201
    rows = groups.rows(f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}", newcomer)
    assert [(row["roleDefinitionId"], row["memberType"]) for row in rows] == [(LICENCES, "Group")]
    assert groups.request(newcomer, LICENCES).status_code == 201


def test_an_activated_membership_is_in_tokens() -> None:
    """The group has an active role: whoever becomes a member has it, with a token issued since."""
    changes = {
        "eligibilities": [{"principal": OPERATOR, "provider": "groups", "role": "member", "scope": "Server Admins"}],
        "assignments": [{"principal": "Server Admins", "role": "Groups Administrator"}],
    }
    with Simulator(changes=changes) as simulator:
        groups = GroupClient(simulator)
        before = groups.token()
        assert groups.graph("GET", "groupSettings", before).status_code == 403
        assert groups.ask(before, "Server Admins").status_code == 201
        assert groups.graph("GET", "groupSettings", before).status_code == 403
        after = groups.token()
        assert "fdd7a751-b60b-444a-984c-02652fe8fa1c" in claims_of(after)["wids"]
        assert groups.graph("GET", "groupSettings", after).status_code == 200
        simulator.advance("PT6M")
        groups.ask(after, "Server Admins", "selfDeactivate")
        assert groups.graph("GET", "groupSettings", after).status_code == 403


def test_a_resource_for_members_only(groups: GroupClient) -> None:
    before = groups.token()
    assert error_of(groups.graph("GET", MANAGED_DEVICES, before)) == (403, "Authorization_RequestDenied")
    groups.ask(before, "Server Admins", accessId="owner")
    assert groups.graph("GET", MANAGED_DEVICES, groups.token()).status_code == 403, "an owner is no member"
    groups.ask(before, "Server Admins")
    assert groups.graph("GET", MANAGED_DEVICES, before).status_code == 403, "the token is older"
    after = groups.token()
    assert groups.graph("GET", MANAGED_DEVICES, after).json()["value"][0]["deviceName"] == "web01"
    groups.simulator.advance("PT6M")
    assert groups.ask(after, "Server Admins", "selfDeactivate").status_code == 201
    assert groups.graph("GET", MANAGED_DEVICES, after).status_code == 403


# approval


@pytest.mark.parametrize(("version", "parts"), [("v1.0", "stages"), ("v1.0", "steps"), ("beta", "steps")])
def test_approval(groups: GroupClient, version: str, parts: str) -> None:
    token, approver = groups.token(), groups.token(APPROVER)
    asked = groups.ask(token, "Change Board").json()
    assert (asked["status"], asked["approvalId"]) == ("PendingApproval", asked["id"])
    query = f"$filter=status eq 'PendingApproval' and groupId eq '{groups.group_id('Change Board')}'"
    waiting = groups.rows(f"{REQUESTS}/filterByCurrentUser(on='approver')?{query}&$expand=group,principal", approver)
    assert [(row["id"], row["principal"]["displayName"]) for row in waiting] == [(asked["id"], "Operator")]
    path = f"{ROOT}/assignmentApprovals/{asked['id']}"
    listed = groups.graph("GET", f"{ROOT}/assignmentApprovals/filterByCurrentUser(on='approver')", approver)
    assert [item["id"] for item in listed.json()["value"]] == [asked["id"]]
    whole = groups.graph("GET", path, approver, version=version).json()
    assert whole["stages" if version == "v1.0" else "steps"][0]["status"] == "InProgress"
    (part,) = groups.graph("GET", f"{path}/{parts}", approver, version=version).json()["value"]
    assert (part["reviewResult"], part["assignedToMe"]) == ("NotReviewed", True)
    decision = {"reviewResult": "Approve", "justification": "fine"}
    one = f"{path}/{parts}/{part['id']}"
    own = groups.graph("PATCH", one, token, version=version, json=decision)
    assert error_of(own) == (403, "Authorization_RequestDenied")
    assert groups.graph("PATCH", one, approver, version=version, json=decision).status_code == 204
    assert groups.graph("PATCH", one, approver, version=version, json=decision).status_code == 409
    assert groups.graph("GET", f"{REQUESTS}/{asked['id']}", token).json()["status"] == "Provisioned"
    assert ("Change Board", "member") in groups.held(token)


def test_stages_are_of_v1_only(groups: GroupClient) -> None:
    asked = groups.ask(groups.token(), "Change Board").json()
    path = f"{ROOT}/assignmentApprovals/{asked['id']}/stages"
    assert groups.graph("GET", path, groups.token(APPROVER), version="beta").status_code == 404


def test_decided_by_control(groups: GroupClient) -> None:
    request_id = groups.ask(groups.token(), "Change Board").json()["id"]
    order = {"decision": "deny", "approver": APPROVER}
    decided = groups.simulator.control("POST", f"requests/{request_id}/decision", order)
    assert (decided["status"], decided["provider"], decided["role"]) == ("Denied", "groups", "member")
    state = groups.simulator.control("GET", "state")
    assert {row["provider"] for row in state["eligible"]} == {"entra_roles", "groups", "azure_resources"}
    shown = next(row for row in state["requests"] if row["id"] == request_id)
    assert re.fullmatch(r"[0-9a-f-]{36}", shown["scope"])


# lag


def test_lag() -> None:
    lag = {"groups": {"activation": "PT34S", "deactivation": "PT20S", "request": "PT5S"}}
    with Simulator(changes={"lag": lag, "minimum_active": "PT0S"}) as simulator:
        groups = GroupClient(simulator)
        token = groups.token()
        made = groups.ask(token, "Server Admins").json()
        assert made["status"] == "Provisioned"
        assert ("Server Admins", "member") not in groups.held(token)
        hidden = groups.graph("GET", f"{REQUESTS}/{made['id']}", token)
        assert error_of(hidden) == (404, "RoleAssignmentRequestNotFound")
        assert error_of(groups.ask(token, "Server Admins")) == (400, "RoleAssignmentExists")
        simulator.advance("PT34S")
        assert ("Server Admins", "member") in groups.held(token)
        assert groups.ask(token, "Server Admins", "selfDeactivate").status_code == 201
        assert ("Server Admins", "member") in groups.held(token), "still listed for a while"
        again = groups.ask(token, "Server Admins", "selfDeactivate")
        assert error_of(again) == (400, "BadRequest")
        simulator.advance("PT20S")
        assert ("Server Admins", "member") not in groups.held(token)
        gone = groups.ask(token, "Server Admins", "selfDeactivate")
        assert error_of(gone) == (400, "RoleAssignmentDoesNotExist")
        # what starts later is late from its start on, its schedule from its creation on
        now = parse_time(simulator.control("GET", "time")["now"])
        start = format_time(now + timedelta(minutes=10))
        schedule = {"startDateTime": start, "expiration": {"type": "afterDuration", "duration": "PT1H"}}
        target = groups.ask(token, "Server Admins", scheduleInfo=schedule).json()["targetScheduleId"]
        schedules = f"{ROOT}/assignmentSchedules/{MINE}"
        assert target not in {row["id"] for row in groups.rows(schedules, token)}
        simulator.advance("PT34S")
        assert target in {row["id"] for row in groups.rows(schedules, token)}
        simulator.advance("PT9M30S")
        assert ("Server Admins", "member") not in groups.held(token)
        simulator.advance("PT34S")
        assert ("Server Admins", "member") in groups.held(token)
        # roles do not lag because groups do
        assert groups.request(token, "fdd7a751-b60b-444a-984c-02652fe8fa1c").status_code == 201
        assert ("fdd7a751-b60b-444a-984c-02652fe8fa1c", "/") in groups.active(token)


def test_other_behaviour() -> None:
    changes = {
        "lag": {"groups": {"deactivation": "PT20S", "provisioning": "PT13S"}},
        "minimum_active": "PT0S",
        "behaviour": {"group_repeated_deactivation": "RoleAssignmentDoesNotExist", "group_enum_case": "capital"},
    }
    with Simulator(changes=changes) as simulator:
        groups = GroupClient(simulator)
        token = groups.token()
        made = groups.ask(token, "Server Admins").json()
        assert made["status"] == "PendingProvisioning"
        simulator.advance("PT13S")
        assert groups.graph("GET", f"{REQUESTS}/{made['id']}", token).json()["status"] == "Provisioned"
        rows = groups.rows(f"{ACTIVE}/{MINE}", token)
        spelled = {(r["memberType"], r["assignmentType"]) for r in rows}
        assert spelled == {("Direct", "Activated"), ("Direct", "Assigned")}
        groups.ask(token, "Server Admins", "selfDeactivate")
        again = groups.ask(token, "Server Admins", "selfDeactivate")
        assert error_of(again) == (400, "RoleAssignmentDoesNotExist")


# administrators


def test_administrators_assign_and_remove(groups: GroupClient) -> None:
    application = groups.app_token(*PROVISIONING)
    newcomer = groups.token(NEWCOMER)
    body = {
        "principalId": claims_of(newcomer)["oid"],
        "groupId": groups.group_id("Server Admins"),
        "justification": "x",
    }
    for kind in ("eligibility", "assignment"):
        forever = groups.ask(application, "", "adminAssign", kind=kind, scheduleInfo=OWN_FOREVER, **body)
        assert "The policy does not allow permanent assignment" in _rules(forever), "the default of groups"
        made = groups.ask(application, "", "adminAssign", kind=kind, scheduleInfo=TWO_DAYS, **body)
        assert (made.status_code, made.json()["status"]) == (201, "Provisioned")
        assert groups.held(newcomer, kind) == {("Server Admins", "member")}
        again = groups.ask(application, "", "adminAssign", kind=kind, scheduleInfo=TWO_DAYS, **body)
        assert error_of(again) == (400, "RoleAssignmentExists")
        removed = groups.ask(application, "", "adminRemove", kind=kind, **body)
        assert removed.json()["status"] == "Revoked"
        assert groups.held(newcomer, kind) == set()


def test_who_administers_a_group() -> None:
    """Its owners; of a group that may hold roles Privileged Role Administrators, of another one Groups Administrators."""
    own = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
    permissions = [
        "User.Read",
        "User.ReadBasic.All",
        "GroupMember.Read.All",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "RoleAssignmentSchedule.ReadWrite.Directory",
    ]
    changes = {"clients": [{"client_id": own, "name": "CLI", "graph_permissions": permissions}]}
    with Simulator(changes=changes) as simulator:
        groups = GroupClient(simulator)
        newcomer = groups.own_id(NEWCOMER)

        def assign(token: str, group: str) -> int:
            body = {"principalId": newcomer, "justification": "x", "scheduleInfo": TWO_DAYS}
            return int(groups.ask(token, group, "adminAssign", isValidationOnly=True, **body).status_code)

        operator = groups.token()
        assert (assign(operator, "Server Admins"), assign(operator, "Reporting")) == (403, 403)
        assert groups.request(operator, "fdd7a751-b60b-444a-984c-02652fe8fa1c").status_code == 201
        assert (assign(operator, "Server Admins"), assign(operator, "Reporting")) == (403, 201)
        administrator = groups.token(ADMINISTRATOR)
        assert (assign(administrator, "Server Admins"), assign(administrator, "Reporting")) == (201, 201)
        assert groups.ask(operator, "Server Admins", accessId="owner").status_code == 201
        assert assign(operator, "Server Admins") == 201


def test_an_application_activates_nothing_for_itself(groups: GroupClient) -> None:
    application = groups.app_token(*PROVISIONING)
    answer = groups.ask(application, "Server Admins")
    assert error_of(answer) == (403, "Authorization_RequestDenied")
    eligible = groups.ask(application, "Server Admins", kind="eligibility")
    assert error_of(eligible) == (400, "InvalidRoleAssignmentRequest"), "an activation is no eligibility"
    foreign = groups.ask(groups.token(), "Team 01", principalId=groups.own_id("manyroles@contoso.example"))
    assert error_of(foreign) == (403, "Authorization_RequestDenied")
