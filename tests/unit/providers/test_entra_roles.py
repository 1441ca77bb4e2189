# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra roles in the service's spelling: what is sent, and what is read out of every kind of answer."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.providers import principals
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.base import Activation
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.entra_roles import EntraRoles
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW
from unit.providers.bodies import anything, rules
from unit.role_rows import eligible, minutes

PROVIDER = EntraRoles()
OID = "3fa5d2a0-0000-4000-8000-000000000001"
ROLE = "5d6b6bb7-de71-4623-b4af-96380a352509"

# Bodies in the shape Microsoft's documentation prints them (Graph, rbacapplication-list-role*scheduleinstances).
ELIGIBLE = {
    "id": "5wuT_mJe20eRr5jDpJo4sXbfd22VX0BOmpL501774kM-1-e",
    "principalId": OID,
    "roleDefinitionId": ROLE,
    "directoryScopeId": "/",
    "appScopeId": None,
    "startDateTime": "2029-03-17T17:46:40.1234567Z",
    "endDateTime": None,
    "memberType": "Direct",
    "roleEligibilityScheduleId": "50877283-9d40-433c-bab8-7986dc10458a",
    "roleDefinition": {"id": ROLE, "displayName": "Security Reader"},
    "directoryScope": {"id": "/"},
}
ACTIVE = {
    **ELIGIBLE,
    "startDateTime": "2030-03-17T17:00:00Z",
    "endDateTime": "2030-03-17T19:00:00Z",
    "assignmentType": "Activated",
    "roleAssignmentOriginId": "x",
    "roleAssignmentScheduleId": "y",
}
REQUEST = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#roleManagement/directory/x/$entity",
    "id": "911bab8a-6912-4de2-9dc0-2648ede7dd6d",
    "status": "Granted",
    "createdDateTime": "2030-03-17T17:40:00.6485851Z",
    "completedDateTime": "2030-03-17T17:46:00Z",
    "approvalId": None,
    "action": "selfActivate",
    "principalId": OID,
    "roleDefinitionId": ROLE,
    "directoryScopeId": "/",
    "appScopeId": None,
    "isValidationOnly": False,
    "targetScheduleId": "911bab8a-6912-4de2-9dc0-2648ede7dd6d",
    "justification": "why",
    "scheduleInfo": {
        "startDateTime": "2030-03-17T17:40:00Z",
        "recurrence": None,
        "expiration": {"type": "afterDuration", "endDateTime": None, "duration": "PT5H"},
    },
    "ticketInfo": {"ticketNumber": None, "ticketSystem": None},
}


def listing(eligible_rows, active_rows, requests=None):
    answers = [Answer(200, {"value": eligible_rows}), Answer(200, {"value": active_rows})]
    if requests is not None:
        answers.append(requests if isinstance(requests, PimError) else Answer(200, {"value": requests}))
    return PROVIDER.read_lists(answers, NOW)


def refused(call, *arguments) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments)
    return caught.value


def test_what_is_asked_of_the_service_for_the_caller():
    calls = PROVIDER.list_calls(None, requests=True)
    assert [(call.api, call.method, call.pages) for call in calls] == [("graph", "GET", True)] * 3
    assert [call.path.partition("?")[0] for call in calls] == [
        "/roleManagement/directory/roleEligibilityScheduleInstances/filterByCurrentUser(on='principal')",
        "/roleManagement/directory/roleAssignmentScheduleInstances/filterByCurrentUser(on='principal')",
        "/roleManagement/directory/roleAssignmentScheduleRequests/filterByCurrentUser(on='principal')",
    ]
    assert len(PROVIDER.list_calls(None, requests=False)) == 2


def test_what_is_asked_of_the_service_for_somebody_else():
    for call in PROVIDER.list_calls("o'brien", requests=False):
        assert parse_qs(urlsplit(call.path).query)["$filter"] == ["principalId eq 'o''brien'"]


def test_an_eligible_line():
    (line,) = listing([ELIGIBLE], []).holdings
    assert (line.role, line.role_id, line.scope, line.scope_name) == ("Security Reader", ROLE, "/", "Directory")
    assert (line.eligible, line.member_type, line.assignment_type) == (True, "direct", None)
    assert line.start == datetime(2029, 3, 17, 17, 46, 40, 123456, tzinfo=timezone.utc)
    assert line.end is None
    assert line.native == {"roleDefinitionId": ROLE, "directoryScopeId": "/"}


def test_an_active_line():
    (line,) = listing([], [ACTIVE]).holdings
    assert (line.eligible, line.assignment_type) == (False, "activated")
    assert line.end == datetime(2030, 3, 17, 19, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("member", "assignment", "expected"),
    [
        ("Direct", "Assigned", ("direct", "assigned")),
        ("direct", "activated", ("direct", "activated")),
        ("GROUP", "ACTIVATED", ("group", "activated")),
        ("Inherited", None, ("inherited", "assigned")),
        (None, "Assigned", ("direct", "assigned")),
        (7, "Assigned", ("direct", "assigned")),
    ],
)
def test_the_case_of_enumerations_does_not_matter(member, assignment, expected):
    (line,) = listing([], [{**ACTIVE, "memberType": member, "assignmentType": assignment}]).holdings
    assert (line.member_type, line.assignment_type) == expected


def test_a_classic_permanent_assignment():
    (line,) = listing(
        [], [{**ACTIVE, "startDateTime": None, "endDateTime": None, "assignmentType": "Assigned"}]
    ).holdings
    assert (line.start, line.end, line.assignment_type) == (None, None, "assigned")


def test_an_administrative_unit():
    unit = {"directoryScopeId": "/administrativeUnits/n1", "directoryScope": {"id": "n1", "displayName": "North"}}
    (line,) = listing([{**ELIGIBLE, **unit}], []).holdings
    assert (line.scope, line.scope_name) == ("/administrativeUnits/n1", "North")


def test_an_application_scope_is_sent_back_as_such():
    (line,) = listing([{**ELIGIBLE, "directoryScopeId": None, "appScopeId": "/app"}], []).holdings
    assert line.native == {"roleDefinitionId": ROLE, "appScopeId": "/app"}


@pytest.mark.parametrize("role", [None, {}, {"displayName": None}, {"displayName": 7}, "text", []])
def test_a_role_without_a_name_goes_by_its_id(role):
    (line,) = listing([{**ELIGIBLE, "roleDefinition": role}], []).holdings
    assert line.role == ROLE


@pytest.mark.parametrize("key", ["roleDefinitionId", "directoryScopeId"])
@pytest.mark.parametrize("value", [None, 7, "", [], {}])
def test_a_line_without_its_address_is_no_answer(key, value):
    assert refused(listing, [{**ELIGIBLE, key: value}], []).code == "invalid_response"


@pytest.mark.parametrize("value", ["soon", "2030-99-99T00:00:00Z"])
def test_a_time_that_is_none_is_no_answer(value):
    assert refused(listing, [{**ELIGIBLE, "endDateTime": value}], []).code == "invalid_response"


@pytest.mark.parametrize("value", [None, {}, "text", 7, [None], ["text"], [[]]])
def test_rows_that_are_none_are_no_answer(value):
    assert refused(listing, value, []).code == "invalid_response"
    assert refused(listing, [], value).code == "invalid_response"


def test_a_list_that_may_not_be_read_fails():
    forbidden = PimError("forbidden", "no", status=403)
    with pytest.raises(PimError) as caught:
        PROVIDER.read_lists([Answer(200, {"value": []}), forbidden, Answer(200, {"value": []})], NOW)
    assert caught.value is forbidden


def test_requests_that_may_not_be_read_are_only_unknown():
    assert listing([ELIGIBLE], [], PimError("consent_required", "no", status=403)).requests is None
    assert refused(listing, [], [], PimError("service_unavailable", "no", status=503)).code == "service_unavailable"


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Provisioned", models.DONE),
        ("provisioned", models.DONE),
        ("Granted", models.DONE),
        ("ScheduleCreated", models.DONE),
        ("PendingApproval", models.WAITING),
        ("PendingApprovalProvisioning", models.WAITING),
        ("PendingAdminDecision", models.WAITING),
        ("PendingProvisioning", models.PROVISIONING),
        ("PendingScheduleCreation", models.PROVISIONING),
        ("ProvisioningStarted", models.PROVISIONING),
        ("Accepted", models.PROVISIONING),
        ("AdminApproved", models.PROVISIONING),
        ("Denied", models.DENIED),
        ("AdminDenied", models.DENIED),
        ("TimedOut", models.UNDECIDED),
        ("Canceled", models.WITHDRAWN),
        ("Revoked", models.WITHDRAWN),
        ("Failed", models.FAILED),
        ("FailedAsResourceIsLocked", models.FAILED),
        ("Invalid", models.FAILED),
        # a status nobody has told us of goes on being looked at
        ("SomethingNew", models.PROVISIONING),
    ],
)
def test_each_status_of_a_request(status, phase):
    request = PROVIDER.read_request(Answer(200, {**REQUEST, "status": status}), NOW)
    assert (request.status, request.phase) == (status, phase)


@pytest.mark.parametrize("status", ["Granted", "ScheduleCreated", "PendingProvisioning"])
def test_a_request_for_later_is_scheduled(status):
    body = {**REQUEST, "status": status, "scheduleInfo": {"startDateTime": "2030-03-17T18:00:00Z"}}
    assert PROVIDER.read_request(Answer(201, body), NOW).phase == models.SCHEDULED
    assert PROVIDER.read_request(Answer(201, body), NOW + timedelta(hours=1)).phase != models.SCHEDULED


def test_a_request():
    request = PROVIDER.read_request(Answer(201, REQUEST), NOW)
    assert (request.request_id, request.role_id, request.scope) == (REQUEST["id"], ROLE, "/")
    assert request.action == "activate"
    assert request.created_at == datetime(2030, 3, 17, 17, 40, 0, 648585, tzinfo=timezone.utc)


@pytest.mark.parametrize("schedule", [None, {}, {"startDateTime": None}, "text", []])
def test_a_request_without_a_schedule(schedule):
    assert PROVIDER.read_request(Answer(201, {**REQUEST, "scheduleInfo": schedule}), NOW).start_time is None


@pytest.mark.parametrize("key", ["id", "status"])
@pytest.mark.parametrize("value", [None, 7, ""])
def test_a_request_without_id_or_status_is_no_answer(key, value):
    assert refused(PROVIDER.read_request, Answer(201, {**REQUEST, key: value}), NOW).code == "invalid_response"


def policy(listed):
    return PROVIDER.read_policy(Answer(200, {"value": [{"policy": {"rules": listed}}]}), row_of())


def test_a_policy():
    found = policy(rules())
    assert found.maximum_duration == 28800
    assert (found.requires_mfa, found.requires_justification, found.requires_ticket) == (True, True, False)
    assert (found.requires_approval, found.approvers, found.authentication_context) == (False, (), None)


def test_the_order_of_rules_does_not_matter():
    assert policy(rules()[::-1]) == policy(rules())


def test_rules_are_enabled_in_any_case():
    found = policy(rules(Enablement={"enabledRules": ["ticketing", "JUSTIFICATION"]}))
    assert (found.requires_mfa, found.requires_justification, found.requires_ticket) == (False, True, True)


def test_approvers():
    stages = [
        {
            "primaryApprovers": [
                {"@odata.type": "#microsoft.graph.singleUser", "userId": "u1", "description": "Boss"},
                {"@odata.type": "#microsoft.graph.groupMembers", "groupId": "g1", "description": None},
                {"@odata.type": "#microsoft.graph.singleUser", "id": "u2"},
                None,
                "text",
            ]
        },
        None,
        {"primaryApprovers": None},
    ]
    found = policy(rules(Approval={"setting": {"isApprovalRequired": True, "approvalStages": stages}}))
    assert found.requires_approval
    assert [(one.id, one.name, one.type) for one in found.approvers] == [
        ("u1", "Boss", "user"),
        ("g1", None, "group"),
        ("u2", None, "user"),
    ]


def test_an_authentication_context_counts_where_it_is_enabled():
    on, off = {"isEnabled": True, "claimValue": "c1"}, {"isEnabled": False, "claimValue": "c1"}
    assert policy(rules(AuthenticationContext=on)).authentication_context == "c1"
    assert policy(rules(AuthenticationContext=off)).authentication_context is None


def test_an_expiration_that_is_not_required_is_no_maximum():
    assert policy(rules(Expiration={"isExpirationRequired": False})).maximum_duration is None


@pytest.mark.parametrize(
    "body",
    [{}, {"value": []}, {"value": [{}]}, {"value": [{"policy": None}]}, {"value": [{"policy": {"rules": None}}]}],
)
def test_a_policy_that_is_none_is_no_answer(body):
    assert refused(PROVIDER.read_policy, Answer(200, body), row_of()).code == "invalid_response"


def test_a_maximum_that_is_no_duration_is_no_answer():
    assert refused(policy, rules(Expiration={"maximumDuration": "long"})).code == "invalid_response"


def test_both_scope_filters_of_a_policy_are_sent():
    query = parse_qs(urlsplit(PROVIDER.policy_call(eligible(role_id=ROLE)).path).query)
    for part in ("scopeId eq '/'", "scopeType eq 'DirectoryRole'", f"roleDefinitionId eq '{ROLE}'"):
        assert part in query["$filter"][0]


def row_of(native=None):
    return eligible(
        role_id=ROLE, principal_id="the group's", native=native or {"roleDefinitionId": ROLE, "directoryScopeId": "/"}
    )


def test_an_activation():
    asked = Activation(5400, minutes(60), "why", "T-1", "Desk")
    call = PROVIDER.activate_call(row_of(), OID, asked, "ours", validate_only=False)
    assert (call.method, call.path) == ("POST", "/roleManagement/directory/roleAssignmentScheduleRequests")
    assert call.body == {
        "action": "selfActivate",
        "principalId": OID,
        "roleDefinitionId": ROLE,
        "directoryScopeId": "/",
        "justification": "why",
        "scheduleInfo": {
            "startDateTime": "2030-03-17T18:46:40Z",
            "expiration": {"type": "afterDuration", "duration": "PT1H30M"},
        },
        "ticketInfo": {"ticketNumber": "T-1", "ticketSystem": "Desk"},
    }


def test_what_was_not_given_is_not_sent():
    body = PROVIDER.activate_call(row_of(), OID, Activation(300), "ours", validate_only=True).body
    assert body is not None
    assert body["isValidationOnly"] is True
    assert set(body) == {
        *("action", "principalId", "roleDefinitionId", "directoryScopeId", "scheduleInfo", "isValidationOnly")
    }
    assert set(body["scheduleInfo"]) == {"expiration"}


def test_a_deactivation():
    assert PROVIDER.deactivate_call(row_of(), OID, None, "ours").body == {
        "action": "selfDeactivate",
        "principalId": OID,
        "roleDefinitionId": ROLE,
        "directoryScopeId": "/",
    }


def test_an_id_cannot_leave_its_place_in_the_path():
    path = PROVIDER.cancel_call(row_of(), "../x?y=/z").path
    assert path.startswith("/roleManagement/directory/roleAssignmentScheduleRequests/")
    assert unquote(path.split("/")[4]) == "../x?y=/z"
    assert path.endswith("/cancel")
    assert principals.call("a/b#EXT#@c.example").path.startswith("/users/a%2Fb%23EXT%23%40c.example")


@pytest.mark.parametrize("scope", ["/", "/administrativeUnits/1f0a7c2e-93b4-4f55-8d61-0c5b7e2a9d10", "/0c5b7e2a"])
def test_scopes_that_can_exist(scope):
    assert PROVIDER.check_scope(scope) is None


@pytest.mark.parametrize(
    "scope", ["", "north", "//", "/a/b", "/administrativeUnits", "/administrativeUnits/", "/a b", "/é", "/x\n"]
)
def test_scopes_that_cannot_exist(scope):
    assert refused(PROVIDER.check_scope, scope).code == "invalid_option"


@given(st.sampled_from(sorted(ACTIVE)), anything, st.booleans())
def test_any_value_in_a_line_is_read_or_refused(key, value, is_eligible):
    rows = [{**ACTIVE, key: value}]
    try:
        found = listing(rows, []) if is_eligible else listing([], rows)
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert len(found.holdings) == 1


@given(st.sampled_from(sorted(REQUEST)), anything)
def test_any_value_in_a_request_is_read_or_refused(key, value):
    try:
        found = PROVIDER.read_request(Answer(201, {**REQUEST, key: value}), NOW)
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert found.phase in (*models.PENDING, models.DONE, models.DENIED, models.WITHDRAWN, models.FAILED)


@given(st.sampled_from(["Expiration", "Enablement", "Approval", "AuthenticationContext"]), st.data())
def test_any_value_in_a_policy_is_read_or_refused(rule, data):
    keys = {
        "Expiration": ["isExpirationRequired", "maximumDuration"],
        "Enablement": ["enabledRules"],
        "Approval": ["setting"],
        "AuthenticationContext": ["isEnabled", "claimValue"],
    }
    changed = {data.draw(st.sampled_from(keys[rule])): data.draw(anything)}
    if rule == "Approval":
        changed = {"setting": {"isApprovalRequired": True, "approvalStages": data.draw(anything)}}
    try:
        found = policy(rules(**{rule: changed}))
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert (found.as_result()["maximum_duration"] is None) == (found.maximum_duration is None)
