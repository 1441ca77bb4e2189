# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests with their names, and approvals, in the spellings of the three services: what is sent, and what is read."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer, Call
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.azure_resources import AzureResources
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.entra_roles import EntraRoles
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.groups import Groups
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW
from unit.providers.bodies import anything

ENTRA, GROUPS, AZURE = EntraRoles(), Groups(), AzureResources()
EACH = pytest.mark.parametrize("provider", [ENTRA, GROUPS, AZURE], ids=lambda provider: provider.name)
DIRECTORY = "/roleManagement/directory"
ROOM = "/identityGovernance/privilegedAccess/group"
PIM = "/providers/Microsoft.Authorization"
OID = "3fa5d2a0-0000-4000-8000-000000000001"
GUID = "6b6f3e0c-4f44-4c8f-9c3e-9c0d5a8f4b1d"
SUBSCRIPTION = "/subscriptions/3f6a1d52-8c07-4b9e-a2d4-5e1f70c8b936"

# In the shape Microsoft's documentation prints them, with what is expanded.
GRAPH = {
    "id": GUID,
    "status": "PendingApproval",
    "createdDateTime": "2030-03-17T17:40:00.1495973Z",
    "approvalId": GUID,
    "action": "selfActivate",
    "principalId": OID,
    "justification": "why",
    "scheduleInfo": {
        "startDateTime": None,
        "recurrence": None,
        "expiration": {"type": "afterDuration", "endDateTime": None, "duration": "PT2H"},
    },
    "ticketInfo": {"ticketNumber": "CHG-1", "ticketSystem": "changes"},
    "principal": {"@odata.type": "#microsoft.graph.user", "id": OID, "displayName": "Anna", "userPrincipalName": "a@x"},
}
ROLE = {
    **GRAPH,
    "roleDefinitionId": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "directoryScopeId": "/",
    "appScopeId": None,
    "roleDefinition": {"displayName": "Privileged Role Administrator"},
    "directoryScope": {"id": "/"},
}
MEMBER = {**GRAPH, "accessId": "Member", "groupId": "g1", "group": {"displayName": "Change Board"}}
# As the Azure REST API specification prints it; null members are left out on the wire.
ARM = {
    "name": GUID.upper(),
    "properties": {
        "scope": SUBSCRIPTION,
        "roleDefinitionId": f"{SUBSCRIPTION}{PIM}/roleDefinitions/{GUID}",
        "principalId": OID,
        "requestType": "SelfActivate",
        "status": "PendingApproval",
        "approvalId": f"{PIM}/roleAssignmentApprovals/0f1e2d3c-0000-4000-8000-000000000001",
        "scheduleInfo": {
            "startDateTime": "2030-03-17T17:40:00+00:00",
            "expiration": {"type": "AfterDateTime", "endDateTime": "2030-03-17T19:10:00+00:00"},
        },
        "ticketInfo": {"ticketNumber": "CHG-1", "ticketSystem": "changes"},
        "justification": "why",
        "requestorId": OID,
        "createdOn": "2030-03-17T17:40:00.14Z",
        "expandedProperties": {
            "principal": {"id": OID, "displayName": "Anna", "email": "a@x", "type": "User"},
            "roleDefinition": {"displayName": "User Access Administrator", "type": "BuiltInRole"},
            "scope": {"id": SUBSCRIPTION, "displayName": "Production", "type": "subscription"},
        },
    },
}
STEP = {
    "id": "step 1",
    "displayName": None,
    "reviewedDateTime": None,
    "reviewResult": "NotReviewed",
    "status": "InProgress",
    "assignedToMe": True,
    "justification": "",
    "reviewedBy": None,
}


def of(provider, body):
    (request,) = provider.read_requests(Answer(200, {"value": [body]}), NOW)
    return request


def stages(provider, *rows):
    return provider.read_stages(Answer(200, {"value": list(rows)}))


def arm_stage(**changes):
    properties = {key: value for key, value in {**STEP, **changes}.items() if key != "id" and value is not None}
    return {"id": f"{PIM}/roleAssignmentApprovals/a/stages/s1", "name": "s1", "properties": properties}


def as_arm(body, **changes):
    return {**body, "properties": {**body["properties"], **changes}}


# Lists of requests.


@pytest.mark.parametrize(
    ("provider", "own", "to_decide"),
    [
        (
            ENTRA,
            f"{DIRECTORY}/roleAssignmentScheduleRequests/filterByCurrentUser(on='principal')"
            "?$expand=roleDefinition,directoryScope,principal",
            f"{DIRECTORY}/roleAssignmentScheduleRequests/filterByCurrentUser(on='approver')"
            "?$filter=status%20eq%20%27PendingApproval%27&$expand=roleDefinition,directoryScope,principal",
        ),
        (
            GROUPS,
            f"{ROOM}/assignmentScheduleRequests/filterByCurrentUser(on='principal')?$expand=group,principal",
            f"{ROOM}/assignmentScheduleRequests/filterByCurrentUser(on='approver')"
            "?$filter=status%20eq%20%27PendingApproval%27&$expand=group,principal",
        ),
        (
            AZURE,
            f"{PIM}/roleAssignmentScheduleRequests?$filter=asTarget()&api-version=2020-10-01",
            f"{PIM}/roleAssignmentScheduleRequests?$filter=asApprover()&api-version=2020-10-01",
        ),
    ],
)
def test_what_is_asked_of_the_service(provider, own, to_decide):
    assert provider.requests_call(approver=False, status=None) == Call(provider.api, "GET", own, pages=True)
    assert provider.requests_call(approver=True, status="PendingApproval") == Call(
        provider.api, "GET", to_decide, pages=True
    )


@pytest.mark.parametrize(
    ("provider", "body", "address", "approval"),
    [
        (ENTRA, ROLE, (ROLE["roleDefinitionId"], "Privileged Role Administrator", "/", "Directory"), GUID),
        (GROUPS, MEMBER, ("member", "member", "g1", "Change Board"), GUID),
        (
            AZURE,
            ARM,
            (GUID, "User Access Administrator", SUBSCRIPTION, "Production"),
            f"{PIM}/roleAssignmentApprovals/0f1e2d3c-0000-4000-8000-000000000001",
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_request_with_all_its_names(provider, body, address, approval):
    request = of(provider, body)
    assert (request.role_id, request.role, request.scope, request.scope_name) == address
    assert (request.request_id, request.action, request.status) == (GUID, "activate", "PendingApproval")
    assert (request.phase, request.approval_id) == (models.WAITING, approval)
    assert (request.principal_id, request.principal_name) == (OID, "Anna")
    assert (request.justification, request.ticket_number, request.ticket_system) == ("why", "CHG-1", "changes")
    assert request.duration == (5400 if provider is AZURE else 7200)
    assert request.created_at == datetime(2030, 3, 17, 17, 40, 0, 140000 if provider is AZURE else 149597, timezone.utc)


def test_what_names_the_role_of_an_azure_request_to_its_service_is_kept():
    assert of(AZURE, ARM).native == {"roleDefinitionId": ARM["properties"]["roleDefinitionId"]}


def test_a_row_of_a_result():
    row = of(ENTRA, ROLE).as_result("entra_roles", [models.Approver("1", "Anna", "user")])
    assert row == {
        "provider": "entra_roles",
        "role": "Privileged Role Administrator",
        "role_id": ROLE["roleDefinitionId"],
        "scope": "/",
        "scope_name": "Directory",
        "request_id": GUID,
        "action": "activate",
        "status": "PendingApproval",
        "principal_id": OID,
        "principal_name": "Anna",
        "justification": "why",
        "ticket_number": "CHG-1",
        "ticket_system": "changes",
        "created_at": "2030-03-17T17:40:00Z",
        "start_time": None,
        "duration": "PT2H",
        "approvers": [{"id": "1", "name": "Anna", "type": "user"}],
    }


@pytest.mark.parametrize(
    ("provider", "body"),
    [
        (ENTRA, {key: ROLE[key] for key in ("id", "status", "roleDefinitionId", "directoryScopeId")}),
        (GROUPS, {key: MEMBER[key] for key in ("id", "status", "accessId", "groupId")}),
        (AZURE, {"name": GUID, "properties": {key: ARM["properties"][key] for key in ("status", "roleDefinitionId")}}),
    ],
)
def test_a_request_that_tells_next_to_nothing(provider, body):
    """An administrator's removal has no schedule, and names may be missing: null is what is not known."""
    row = of(provider, body).as_result(provider.name, None)
    for key in ("principal_id", "principal_name", "justification", "ticket_number", "ticket_system", "created_at"):
        assert row[key] is None
    assert (row["start_time"], row["duration"], row["approvers"]) == (None, None, None)
    assert row["role"] is not None


def test_who_has_no_display_name_goes_by_the_account():
    assert of(ENTRA, {**ROLE, "principal": {"displayName": None, "userPrincipalName": "a@x"}}).principal_name == "a@x"
    expanded = {"principal": {"email": "a@x"}}
    assert of(AZURE, as_arm(ARM, expandedProperties=expanded)).principal_name == "a@x"


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ({"expiration": {"type": "afterDuration", "duration": "P30D"}}, 30 * 86400),
        ({"startDateTime": "2030-01-01T00:00:00Z", "expiration": {"endDateTime": "2030-01-01T00:05:00Z"}}, 300),
        ({"expiration": {"endDateTime": "2030-01-01T00:05:00Z"}}, None),
        ({"startDateTime": "2030-01-01T00:00:00Z", "expiration": {"type": "noExpiration"}}, None),
        ({"expiration": {"duration": "P2Y"}}, None),
        ({"expiration": {"duration": ""}}, None),
        (None, None),
    ],
)
def test_for_how_long(schedule, seconds):
    assert of(ENTRA, {**ROLE, "scheduleInfo": schedule}).duration == seconds
    assert of(AZURE, as_arm(ARM, scheduleInfo=schedule)).duration == seconds


def test_a_group_left_empty_is_asked_for_and_named():
    unnamed = of(GROUPS, {**MEMBER, "group": {}})
    assert unnamed.scope_name is None
    (call,) = GROUPS.name_calls([unnamed])
    assert call.path.startswith("/groups?$filter=id%20in%20%28%27g1%27%29")
    (named,) = GROUPS.with_names([unnamed], [Answer(200, {"value": [{"id": "G1", "displayName": "Change Board"}]})])
    assert named == of(GROUPS, MEMBER)


@EACH
@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": [7]}, {"value": [{}]}])
def test_a_list_that_is_none(provider, body):
    with pytest.raises(PimError) as caught:
        provider.read_requests(Answer(200, body), NOW)
    assert caught.value.code == "invalid_response"


# Approvals.


@pytest.mark.parametrize(
    ("provider", "places"),
    [
        (ENTRA, [(True, f"{DIRECTORY}/roleAssignmentApprovals/{GUID}/steps")]),
        (
            GROUPS,
            [
                (True, f"{ROOM}/assignmentApprovals/{GUID}/steps"),
                (False, f"{ROOM}/assignmentApprovals/{GUID}/stages"),
            ],
        ),
        (AZURE, [(False, f"{PIM}/roleAssignmentApprovals/{GUID}/stages?api-version=2021-01-01-preview")]),
    ],
    ids=["entra_roles", "groups", "azure_resources"],
)
def test_where_stages_are_and_how_they_are_decided(provider, places):
    """A decision goes where its stage was found."""
    calls = provider.stages_calls(GUID)
    assert calls == [Call(provider.api, "GET", path, pages=True, beta=beta) for beta, path in places]
    for call, (beta, path) in zip(calls, places):
        decided = provider.decide_call(call, "s 1/", "deny", None)
        base, _mark, query = path.partition("?")
        assert decided.path == f"{base}/s%201%2F" + (f"?{query}" if query else "")
        assert (decided.method, decided.beta) == ("PUT" if provider is AZURE else "PATCH", beta)
        # Nothing repeats it by itself, and an answer without a body is a success.
        assert (decided.repeatable, decided.answers_nothing, decided.pages) == (False, True, False)
        body = decided.body["properties"] if provider is AZURE else decided.body
        assert body == {"reviewResult": "Deny", "justification": ""}
        body = provider.decide_call(call, "s1", "approve", "why").body
        assert (body["properties"] if provider is AZURE else body) == {
            "reviewResult": "Approve",
            "justification": "why",
        }


def test_an_approval_of_azure_is_named_by_the_end_of_its_path():
    """Which may be another GUID than the request's."""
    (call,) = AZURE.stages_calls(of(AZURE, ARM).approval_id)
    assert call.path.startswith(f"{PIM}/roleAssignmentApprovals/0f1e2d3c-0000-4000-8000-000000000001/stages?")


def test_a_stage_that_waits():
    (graph,), (arm,) = stages(ENTRA, STEP), stages(AZURE, arm_stage())
    assert (graph.stage_id, arm.stage_id) == ("step 1", "s1")
    for one in (graph, arm):
        assert (one.in_progress, one.ended, one.assigned) == (True, False, True)
        assert (one.decision, one.decided_by_id, one.decided_by_name, one.decided_at) == (None, None, None, None)


def test_an_azure_stage_without_a_name_is_named_by_its_id():
    row = arm_stage()
    del row["name"]
    assert stages(AZURE, row)[0].stage_id == "s1"


@pytest.mark.parametrize(
    ("result", "decision"),
    [
        ("Approve", "approve"),
        ("approved", "approve"),
        ("DENY", "deny"),
        ("Denied", "deny"),
        ("NotReviewed", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_stage_that_is_decided(result, decision):
    common = {"status": "Completed", "reviewResult": result, "reviewedDateTime": "2030-03-17T17:50:00.1Z"}
    by = {"id": "1", "displayName": "Anna", "userPrincipalName": "a@x"}
    (graph,) = stages(GROUPS, {**STEP, **common, "reviewedBy": by})
    arm_by = {"principalId": "1", "principalName": "Anna", "userPrincipalName": "a@x"}
    (arm,) = stages(AZURE, arm_stage(**common, reviewedBy=arm_by))
    for one in (graph, arm):
        assert (one.in_progress, one.ended, one.decision) == (False, True, decision)
        assert (one.decided_by_id, one.decided_by_name) == ("1", "Anna")
        assert one.decided_at == datetime(2030, 3, 17, 17, 50, 0, 100000, timezone.utc)


@pytest.mark.parametrize("status", ["NotStarted", "Initializing", "Escalating", "Escalated", "Completing", "New", None])
def test_a_stage_in_between_neither_waits_for_sure_nor_has_ended(status):
    (one,) = stages(AZURE, arm_stage(status=status))
    assert (one.in_progress, one.ended) == (False, False)


@pytest.mark.parametrize("value", [None, "true", 1])
def test_whether_it_is_assigned_may_not_be_told(value):
    assert stages(ENTRA, {**STEP, "assignedToMe": value})[0].assigned is None


@EACH
def test_an_approval_without_a_stage_is_no_answer(provider):
    for rows in ([], [{}] if provider is not AZURE else [{"properties": {}}]):
        with pytest.raises(PimError) as caught:
            stages(provider, *rows)
        assert caught.value.code == "invalid_response"


@EACH
@given(
    body=st.fixed_dictionaries(
        {"value": st.lists(st.dictionaries(st.sampled_from(sorted({*STEP, "name", "properties"})), anything))}
    )
)
def test_no_answer_is_more_than_no_answer(provider, body):
    try:
        assert provider.read_stages(Answer(200, body))
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
