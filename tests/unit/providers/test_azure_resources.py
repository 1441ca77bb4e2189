# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure roles in the service's spelling: what is sent, and what is read out of every kind of answer."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.rows import merge
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.azure_resources import AzureResources
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.base import Activation
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW
from unit.providers.bodies import anything, rules
from unit.role_rows import eligible, minutes

PROVIDER = AzureResources()
OID = "22222222-2222-2222-2222-222222222222"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SUBSCRIPTION = "/subscriptions/11111111-aaaa-1111-1111-111111111111"
ALIAS = f"/providers/Microsoft.Subscription{SUBSCRIPTION}"
GROUP = "/providers/Microsoft.Management/managementGroups/MG-1"
DEFINITION = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
SCHEDULE = "55555555-5555-5555-5555-555555555555"
FULL = f"{ALIAS}/providers/Microsoft.Authorization/roleEligibilitySchedules/{SCHEDULE}"
EXPANDED = {
    "principal": {"id": OID, "displayName": "Example User", "email": "user@example.com", "type": "User"},
    "roleDefinition": {"id": DEFINITION, "displayName": "Reader", "type": "BuiltInRole"},
    "scope": {"id": SUBSCRIPTION, "displayName": "Example Sub", "type": "subscription"},
}

# Bodies as they were recorded from the service (Azure PowerShell, recordings of its own tests), ids replaced: it leaves out what is
# null, and spells a subscription in two ways.
ELIGIBLE = {
    "properties": {
        "roleEligibilityScheduleId": FULL,
        "scope": SUBSCRIPTION,
        "roleDefinitionId": DEFINITION,
        "principalId": OID,
        "principalType": "User",
        "status": "Provisioned",
        "startDateTime": "2029-03-17T17:46:40.15Z",
        "memberType": "Direct",
        "createdOn": "2029-03-17T17:46:40.15Z",
        "expandedProperties": EXPANDED,
    },
    "name": SCHEDULE,
    "id": f"{ALIAS}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances/{SCHEDULE}",
    "type": "Microsoft.Authorization/roleEligibilityScheduleInstances",
}
ACTIVE = {
    "properties": {
        "roleAssignmentScheduleId": f"{ALIAS}/providers/Microsoft.Authorization/roleAssignmentSchedules/66666666",
        "originRoleAssignmentId": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/88888888",
        "linkedRoleEligibilityScheduleId": FULL,
        "linkedRoleEligibilityScheduleInstanceId": f"{FULL}",
        "assignmentType": "Activated",
        "scope": SUBSCRIPTION,
        "roleDefinitionId": DEFINITION,
        "principalId": OID,
        "principalType": "User",
        "status": "Provisioned",
        "startDateTime": "2030-03-17T17:36:15.35Z",
        "endDateTime": "2030-03-17T19:36:13.367Z",
        "memberType": "Direct",
        "createdOn": "2030-03-17T17:36:15.35Z",
        "expandedProperties": EXPANDED,
    },
    "name": "88888888-8888-8888-8888-888888888888",
    "type": "Microsoft.Authorization/roleAssignmentScheduleInstances",
}
REQUEST = {
    "properties": {
        "targetRoleAssignmentScheduleId": f"{ALIAS}/providers/Microsoft.Authorization/roleAssignmentSchedules/33333333",
        "scope": SUBSCRIPTION,
        "roleDefinitionId": DEFINITION,
        "principalId": OID,
        "principalType": "User",
        "requestType": "SelfActivate",
        "status": "Provisioned",
        "scheduleInfo": {
            "startDateTime": "2030-03-17T17:20:37.9165692+00:00",
            "expiration": {"type": "AfterDuration", "duration": "PT30M"},
        },
        "ticketInfo": {},
        "justification": "Test",
        "requestorId": OID,
        "createdOn": "2030-03-17T17:20:35.4165589Z",
        "expandedProperties": EXPANDED,
    },
    "name": "33333333-3333-3333-3333-333333333333",
    "id": f"{ALIAS}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/33333333-3333-3333-3333-333333333333",
    "type": "Microsoft.Authorization/roleAssignmentScheduleRequests",
}
DEACTIVATED = {
    "properties": {
        "scope": SUBSCRIPTION,
        "roleDefinitionId": DEFINITION,
        "principalId": OID,
        "principalType": "User",
        "requestType": "SelfDeactivate",
        "status": "Revoked",
        "ticketInfo": {},
        "justification": "Deactivation request",
        "requestorId": OID,
        "createdOn": "2030-03-17T17:08:17.877Z",
    },
    "name": "44444444-4444-4444-4444-444444444444",
}


def changed(body, **properties):
    """The same body with other properties; None leaves one out, as the service does."""
    made = copy.deepcopy(body)
    made["properties"].update(properties)
    made["properties"] = {key: value for key, value in made["properties"].items() if value is not None}
    return made


def listing(eligible_rows, active_rows, requests=None):
    answers = [eligible_rows, active_rows, *([] if requests is None else [requests])]
    return PROVIDER.read_lists(
        [one if isinstance(one, PimError) else Answer(200, {"value": one}) for one in answers], NOW
    )


def refused(call, *arguments) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments)
    return caught.value


def row_of(scope=SUBSCRIPTION, **native):
    return eligible("Reader", scope, role_id=READER, native={"roleDefinitionId": DEFINITION, **native})


def query_of(call):
    return {key: values[0] for key, values in parse_qs(urlsplit(call.path).query).items()}


# Lists.


def test_what_is_asked_of_the_service_for_the_caller():
    calls = PROVIDER.list_calls(None, requests=True)
    assert [(call.api, call.method, call.pages) for call in calls] == [("arm", "GET", True)] * 3
    assert [call.path for call in calls] == [
        f"/providers/Microsoft.Authorization/{kind}?$filter=asTarget()&api-version=2020-10-01"
        for kind in (
            "roleEligibilityScheduleInstances",
            "roleAssignmentScheduleInstances",
            "roleAssignmentScheduleRequests",
        )
    ]
    assert PROVIDER.list_calls(None, requests=False) == calls[:2]
    assert PROVIDER.active_call() == calls[1]


def test_what_is_asked_of_the_service_for_somebody_else():
    for call in PROVIDER.list_calls("o'brien", requests=False):
        assert query_of(call) == {"$filter": "principalId eq 'o''brien'", "api-version": "2020-10-01"}


def test_an_eligible_line():
    (line,) = listing([ELIGIBLE], []).holdings
    assert (line.role, line.role_id, line.scope, line.scope_name) == ("Reader", READER, SUBSCRIPTION, "Example Sub")
    assert (line.eligible, line.member_type, line.assignment_type) == (True, "direct", None)
    assert line.start == datetime(2029, 3, 17, 17, 46, 40, 150000, tzinfo=timezone.utc)
    assert line.end is None
    assert line.native == {"roleDefinitionId": DEFINITION, "linkedRoleEligibilityScheduleId": FULL}


def test_an_active_line():
    (line,) = listing([], [ACTIVE]).holdings
    assert (line.eligible, line.member_type, line.assignment_type) == (False, "direct", "activated")
    assert line.end == datetime(2030, 3, 17, 19, 36, 13, 367000, tzinfo=timezone.utc)
    assert PROVIDER.read_active(Answer(200, {"value": [ACTIVE]})) == [line]


def test_a_line_that_leaves_out_what_it_can():
    bare = {"properties": {"scope": SUBSCRIPTION, "roleDefinitionId": DEFINITION}}
    for line, assignment in zip(listing([bare], [bare]).holdings, (None, "assigned")):
        assert (line.role, line.scope_name, line.member_type, line.assignment_type) == (
            READER,
            None,
            "direct",
            assignment,
        )
        assert (line.start, line.end) == (None, None)
        assert line.native == {"roleDefinitionId": DEFINITION}


def test_a_management_group():
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    told = {"scope": {"id": GROUP, "displayName": "MG-1", "type": "managementgroup"}}
    (line,) = listing(
        [changed(ELIGIBLE, scope=GROUP, roleDefinitionId=definition, expandedProperties=told)], []
    ).holdings
    assert (line.role, line.role_id, line.scope, line.scope_name) == (READER, READER, GROUP, "MG-1")
    assert line.native["roleDefinitionId"] == definition


def test_a_scope_told_only_with_its_name():
    (line,) = listing([changed(ELIGIBLE, scope=None)], []).holdings
    assert line.scope == SUBSCRIPTION


def test_both_spellings_and_any_case_are_one_role():
    """As a row of 2018 spells them: upper-case GUIDs, and the alias where others have the plain path."""
    old = changed(ELIGIBLE, scope=ALIAS.upper(), roleDefinitionId=DEFINITION.upper())
    (row,) = merge("azure_resources", OID, listing([old], [ACTIVE]).holdings, NOW)
    assert (row.role_id, row.scope) == (READER, SUBSCRIPTION)
    assert (row.eligible, row.active) == (True, True)


@pytest.mark.parametrize(
    ("told", "sent"),
    [
        (FULL, FULL),
        (SCHEDULE, f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleEligibilitySchedules/{SCHEDULE}"),
        (None, None),
        ("", None),
        (7, None),
    ],
)
def test_the_eligibility_of_an_activation_goes_by_its_full_id(told, sent):
    lines = listing(
        [changed(ELIGIBLE, roleEligibilityScheduleId=told)], [changed(ACTIVE, linkedRoleEligibilityScheduleId=told)]
    ).holdings
    assert [line.native.get("linkedRoleEligibilityScheduleId") for line in lines] == [sent, sent]


def test_a_condition_is_kept():
    condition = {"condition": "@Resource[x] StringEquals 'y'", "conditionVersion": "2.0"}
    (line,) = listing([changed(ELIGIBLE, **condition)], []).holdings
    assert line.native == {"roleDefinitionId": DEFINITION, "linkedRoleEligibilityScheduleId": FULL, **condition}


@pytest.mark.parametrize("properties", [None, {}, "text", []])
def test_a_line_without_properties_is_no_answer(properties):
    assert refused(listing, [{**ELIGIBLE, "properties": properties}], []).code == "invalid_response"


@pytest.mark.parametrize("value", [None, 7, "", [], {}])
def test_a_line_without_its_role_is_no_answer(value):
    assert refused(listing, [changed(ELIGIBLE, roleDefinitionId=value)], []).code == "invalid_response"


@pytest.mark.parametrize("place", [0, 1])
def test_a_list_that_may_not_be_read_fails(place):
    forbidden = PimError("forbidden", "no", status=403)
    answers = [[ELIGIBLE], [ACTIVE]]
    answers[place] = forbidden
    assert refused(listing, *answers) is forbidden


def test_requests_that_were_not_asked_for_or_may_not_be_read_are_unknown():
    assert listing([ELIGIBLE], []).requests is None
    assert listing([ELIGIBLE], [], []).requests == []
    forbidden = listing([ELIGIBLE], [ACTIVE], PimError("forbidden", "no", status=403))
    assert (len(forbidden.holdings), forbidden.requests) == (2, None)
    assert refused(listing, [], [], PimError("service_unavailable", "no", status=500)).code == "service_unavailable"


# Eligibilities that the service repeats below their own scope.


def inherited(scope, **properties):
    return changed(ELIGIBLE, scope=scope, memberType="Inherited", **properties)


def test_an_eligibility_repeated_below_its_own_scope_is_dropped():
    bare = {"roleEligibilityScheduleId": SCHEDULE.upper()}
    repeated = [inherited(f"{SUBSCRIPTION}/resourceGroups/a"), inherited(f"{SUBSCRIPTION}/resourceGroups/b", **bare)]
    for rows in ([*repeated, ELIGIBLE], [ELIGIBLE, *repeated]):
        assert [line.scope for line in listing(rows, []).holdings] == [SUBSCRIPTION]


def test_an_inherited_eligibility_of_its_own_is_kept():
    """Nothing else tells of it: the wider scope is not listed, or it is another eligibility."""
    other = inherited(f"{SUBSCRIPTION}/resourceGroups/a", roleEligibilityScheduleId=FULL.replace("5555-5555", "0-0"))
    unnamed = inherited(f"{SUBSCRIPTION}/resourceGroups/b", roleEligibilityScheduleId=None)
    nameless = changed(ELIGIBLE, roleEligibilityScheduleId=None)
    assert len(listing([ELIGIBLE, other, unnamed, nameless], []).holdings) == 4
    alone = [inherited(f"{SUBSCRIPTION}/resourceGroups/a"), inherited(f"{SUBSCRIPTION}/resourceGroups/b")]
    assert len(listing(alone, []).holdings) == 2


def test_an_inherited_activation_is_kept():
    repeated = changed(ACTIVE, scope=f"{SUBSCRIPTION}/resourceGroups/a", memberType="Inherited")
    assert [line.member_type for line in listing([], [ACTIVE, repeated]).holdings] == ["direct", "inherited"]


# Requests.


def test_a_request():
    request = PROVIDER.read_request(Answer(201, REQUEST), NOW)
    assert (request.request_id, request.role_id, request.scope) == (REQUEST["name"], READER, SUBSCRIPTION)
    assert (request.action, request.status, request.phase) == ("activate", "Provisioned", models.DONE)
    assert request.principal_id == OID
    assert request.created_at == datetime(2030, 3, 17, 17, 20, 35, 416558, tzinfo=timezone.utc)
    assert request.start_time == datetime(2030, 3, 17, 17, 20, 37, 916569, tzinfo=timezone.utc)
    assert PROVIDER.read_status(Answer(201, REQUEST)) == "Provisioned"


def test_a_start_with_an_offset():
    later = changed(REQUEST, status="Granted", scheduleInfo={"startDateTime": "2030-03-17T12:00:00.25-08:00"})
    request = PROVIDER.read_request(Answer(201, later), NOW)
    assert request.start_time == datetime(2030, 3, 17, 20, 0, 0, 250000, tzinfo=timezone.utc)
    assert request.phase == models.SCHEDULED


def test_a_deactivation_that_succeeded_is_revoked():
    (request,) = listing([], [], [DEACTIVATED]).requests or []
    assert (request.action, request.status, request.phase) == ("deactivate", "Revoked", models.WITHDRAWN)
    assert (request.start_time, request.request_id) == (None, DEACTIVATED["name"])


def test_the_requests_of_others_kinds_are_read():
    embedded = '{"RequestorReason":"why","AdminReason":""}'
    extended = changed(REQUEST, requestType="SelfExtend", status="Canceled", justification=embedded)
    (request,) = listing([], [], [extended]).requests or []
    assert (request.action, request.phase) == ("extend", models.WITHDRAWN)


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"properties": {"status": "Granted"}}])
def test_a_request_without_name_or_status_is_no_answer(body):
    assert refused(PROVIDER.read_request, Answer(201, body), NOW).code == "invalid_response"


def test_an_empty_answer_has_no_status():
    assert PROVIDER.read_status(Answer(200, {})) is None


# Policies.


def assignment(scope=SUBSCRIPTION, definition=DEFINITION, maximum="PT8H", listed=None):
    """As 2020-10-01 lists it: the rules in force stand beside the policy they come from."""
    return {
        "properties": {
            "scope": scope,
            "roleDefinitionId": definition,
            "policyId": f"{ALIAS}/providers/Microsoft.Authorization/roleManagementPolicies/9",
            "effectiveRules": rules(Expiration={"maximumDuration": maximum}) if listed is None else listed,
        },
        "name": f"9_{READER}",
        "type": "Microsoft.Authorization/roleManagementPolicyAssignment",
    }


def policy(*assignments, scope=SUBSCRIPTION):
    return PROVIDER.read_policy(Answer(200, {"value": list(assignments)}), row_of(scope))


def test_a_policy_is_asked_for_at_the_scope_of_the_role():
    call = PROVIDER.policy_call(row_of(f"{SUBSCRIPTION}/resourceGroups/a b"))
    place, _mark, _query = call.path.partition("?")
    assert place == (
        f"{SUBSCRIPTION}/resourceGroups/a%20b/providers/Microsoft.Authorization/roleManagementPolicyAssignments"
    )
    assert query_of(call) == {"$filter": f"roleDefinitionId eq '{DEFINITION}'", "api-version": "2020-10-01"}
    assert call.pages


def test_a_policy():
    found = policy(assignment())
    assert found.maximum_duration == 28800
    assert (found.requires_mfa, found.requires_justification, found.requires_ticket) == (True, True, False)
    assert (found.requires_approval, found.approvers, found.authentication_context) == (False, (), None)


def test_the_policy_of_this_role_at_this_scope_is_taken():
    others = [
        assignment(GROUP, maximum="PT1H"),
        assignment(definition=DEFINITION.replace(READER, SCHEDULE), maximum="PT2H"),
    ]
    for spelled in (SUBSCRIPTION, ALIAS, SUBSCRIPTION.upper()):
        here = assignment(spelled, DEFINITION.upper(), "PT3H")
        assert policy(*others, here).maximum_duration == 3 * 3600
        assert policy(here, *others).maximum_duration == 3 * 3600


def test_a_wider_policy_is_taken_where_there_is_no_other():
    assert policy(assignment(maximum="PT1H"), scope=f"{SUBSCRIPTION}/resourceGroups/a").maximum_duration == 3600


def test_approvers():
    approvers = [
        {"id": "u1", "description": "Boss", "isBackup": False, "userType": "User"},
        {"id": "g1", "description": None, "isBackup": False, "userType": "Group"},
    ]
    setting = {"isApprovalRequired": True, "approvalStages": [{"primaryApprovers": approvers}]}
    found = policy(assignment(listed=rules(Approval={"setting": setting})))
    assert found.requires_approval
    assert [(one.id, one.name, one.type) for one in found.approvers] == [("u1", "Boss", "user"), ("g1", None, "group")]


@pytest.mark.parametrize(
    "listed",
    [[], [{}], [{"properties": None}], [assignment(listed="text")], [assignment(definition=DEFINITION[:-1] + "0")]],
)
def test_a_policy_that_is_none_is_no_answer(listed):
    assert refused(policy, *listed).code == "invalid_response"


def test_an_assignment_without_effective_rules_is_no_answer():
    """An older version of the API has no such property."""
    assert refused(policy, changed(assignment(), effectiveRules=None)).code == "invalid_response"


# Writes.


def test_an_activation():
    asked = Activation(5400, minutes(60), "why", "T-1", "Desk")
    more = {"linkedRoleEligibilityScheduleId": FULL, "condition": "c", "conditionVersion": "2.0"}
    call = PROVIDER.activate_call(row_of(**more), OID, asked, "a-guid", validate_only=False)
    assert (call.api, call.method, call.repeatable) == ("arm", "PUT", True)
    assert call.path == (
        f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/a-guid?api-version=2020-10-01"
    )
    assert call.body == {
        "properties": {
            "principalId": OID,
            "roleDefinitionId": DEFINITION,
            "requestType": "SelfActivate",
            "justification": "why",
            "scheduleInfo": {
                "startDateTime": "2030-03-17T18:46:40Z",
                "expiration": {"type": "AfterDuration", "duration": "PT1H30M"},
            },
            "ticketInfo": {"ticketNumber": "T-1", "ticketSystem": "Desk"},
            **more,
        }
    }


def test_an_activation_below_keeps_role_and_eligibility_of_the_wider_scope():
    below = f"{SUBSCRIPTION}/resourceGroups/rg-1"
    row = row_of(below, linkedRoleEligibilityScheduleId=FULL)
    call = PROVIDER.activate_call(row, OID, Activation(300), "a-guid", validate_only=False)
    assert call.path.startswith(f"{below}/providers/Microsoft.Authorization/")
    assert call.body is not None
    assert call.body["properties"]["roleDefinitionId"] == DEFINITION
    assert call.body["properties"]["linkedRoleEligibilityScheduleId"] == FULL


def test_what_was_not_given_is_not_sent():
    call = PROVIDER.activate_call(row_of(), OID, Activation(300), "a-guid", validate_only=False)
    assert call.body is not None
    assert set(call.body["properties"]) == {"principalId", "roleDefinitionId", "requestType", "scheduleInfo"}
    assert set(call.body["properties"]["scheduleInfo"]) == {"expiration"}


def test_a_validation_is_asked_of_the_request_itself():
    given = (row_of(), OID, Activation(300), "a-guid")
    asked, sent = (PROVIDER.activate_call(*given, validate_only=only) for only in (True, False))
    assert (asked.method, asked.repeatable, asked.body) == ("POST", True, sent.body)
    assert asked.path == sent.path.replace("a-guid?", "a-guid/validate?")


def test_a_deactivation_has_the_fewest_properties_there_can_be():
    row = row_of(linkedRoleEligibilityScheduleId=FULL, condition="c", conditionVersion="2.0")
    call = PROVIDER.deactivate_call(row, OID, None, "a-guid")
    assert (call.method, call.repeatable) == ("PUT", True)
    assert call.body == {
        "properties": {"principalId": OID, "roleDefinitionId": DEFINITION, "requestType": "SelfDeactivate"}
    }
    call = PROVIDER.deactivate_call(row, OID, "done", "a-guid")
    assert call.body is not None
    assert call.body["properties"]["justification"] == "done"


def test_a_withdrawal_answers_nothing_and_is_not_repeated():
    call = PROVIDER.cancel_call(row_of(), "a-guid")
    assert (call.method, call.body, call.answers_nothing, call.repeatable) == ("POST", None, True, False)
    assert call.path.endswith("/roleAssignmentScheduleRequests/a-guid/cancel?api-version=2020-10-01")


def test_a_request_is_asked_for_as_its_target():
    call = PROVIDER.request_call(row_of(), "a-guid")
    assert (call.method, call.pages) == ("GET", False)
    assert urlsplit(call.path).path.endswith("/roleAssignmentScheduleRequests/a-guid")
    assert query_of(call) == {"$filter": "asTarget()", "api-version": "2020-10-01"}


def test_an_id_cannot_leave_its_place_in_the_path():
    for call in (PROVIDER.cancel_call(row_of(), "../x?y=/z"), PROVIDER.request_call(row_of(), "../x?y=/z")):
        path = urlsplit(call.path).path
        assert unquote(path.split("/")[6]) == "../x?y=/z"


# Scopes and roles, as they are written and as rows have them.

SCOPES = [
    GROUP,
    SUBSCRIPTION,
    f"{SUBSCRIPTION}/resourceGroups/rg-1",
    f"{SUBSCRIPTION}/resourceGroups/rg (1).é",
    f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1",
    f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/net/subnets/default",
    f"{SUBSCRIPTION}/providers/Microsoft.Insights/actionGroups/Failure Anomalies - x",
]


_WORDS = ["", *ALIAS.split("/"), *GROUP.split("/"), "resourceGroups", "rg"]


@pytest.mark.parametrize("scope", SCOPES)
def test_scopes_that_can_exist(scope):
    PROVIDER.check_scope(scope)
    PROVIDER.check_scope(scope.upper())
    assert PROVIDER.canonical_scope(scope) == scope


def test_a_scope_may_be_left_out():
    assert PROVIDER.check_scope(None) is None


@pytest.mark.parametrize(
    "scope",
    [
        *["", "/", "//", "Example Sub", "x", "/subscriptions", "/subscriptions/", "/providers", "/resourceGroups/rg"],
        *["/providers/Microsoft.Management/managementGroups", "/providers/Microsoft.Management/managementGroups/a/b"],
        *["/providers/Microsoft.Management/managementGroups/..", "/providers/Microsoft.Other/things/x"],
        *["/subscriptions/..", "/subscriptions/.", "/subscriptions/../subscriptions/x", "/subscriptions/x/.."],
        *["/subscriptions/x/resourceGroups", "/subscriptions/x/resourceGroups/", "/subscriptions/x/resourceGroups/.."],
        *["/subscriptions/x/resourceGroups/./y", "/subscriptions/x/y/z", "/subscriptions/x/providers/n"],
        *["/subscriptions/x/providers/n/t", "/subscriptions/x/providers/n/t/a/b", "/subscriptions/x/providers/n/t/.."],
        *["/subscriptions/x?y", "/subscriptions/x#y", "/subscriptions/x%2f..%2fy", "/subscriptions/x\ny"],
        *["/subscriptions/x\x00", "https://elsewhere.example/subscriptions/x", "/subscriptions/x/resourceGroups/a?b=c"],
        *[
            "/administrativeUnits/x",
            "/providers/Microsoft.Subscription/subscriptions",
            "/subscriptions/x/providers/../..",
        ],
        # Blanks at either end of a segment.
        *["/subscriptions/ x", "/subscriptions/x /resourceGroups/rg", "/subscriptions/x/resourceGroups/ rg"],
        *["/subscriptions/x/resourceGroups/rg\u00a0/providers/n/t/y", "/subscriptions/x/providers/n/t /y"],
        *["/subscriptions/x/resourceGroups/\u2003", "/providers/Microsoft.Management/managementGroups/\u3000mg"],
        # Letters that only without regard to ASCII are those of the fixed parts.
        *["/\u017fubscriptions/x", "/sub\u017fcriptions/x", "/subscriptions/x/re\u017fourceGroups/rg"],
        *["/providers/Micro\u017foft.Management/managementGroups/mg", "/\uff53ubscriptions/x"],
        *["/providers/Micro\u017foft.Subscription/subscriptions/x"],
        # Halves of characters.
        *["/subscriptions/\ud800", "/subscriptions/x/resourceGroups/a\udfffb"],
        *["/subscriptions/x\x7fy", "/subscriptions/x/resourceGroups/rg\tb"],
    ],
)
def test_scopes_that_cannot_exist(scope):
    assert refused(PROVIDER.check_scope, scope).code == "invalid_option"


@pytest.mark.parametrize(
    ("written", "scope"),
    [
        (ALIAS, SUBSCRIPTION),
        (ALIAS.lower(), SUBSCRIPTION),
        (SUBSCRIPTION.upper(), SUBSCRIPTION),
        (f" {SUBSCRIPTION[1:]}// ", SUBSCRIPTION),
        (f"{ALIAS}//RESOURCEGROUPS/Rg-1/", f"{SUBSCRIPTION}/resourceGroups/Rg-1"),
        (GROUP.lower(), "/providers/Microsoft.Management/managementGroups/mg-1"),
        (f"{SUBSCRIPTION}/Providers/microsoft.compute/disks/D", f"{SUBSCRIPTION}/providers/microsoft.compute/disks/D"),
        ("Example Sub", "Example Sub"),
        ("/", "/"),
        # The alias stands at the beginning, and once.
        (f"{SUBSCRIPTION}{ALIAS}", f"{SUBSCRIPTION}{ALIAS}"),
        (f"{GROUP}{ALIAS}", f"{GROUP}{ALIAS}"),
        (
            "/providers/Micro\u017foft.Subscription/subscriptions/x",
            "/providers/Micro\u017foft.Subscription/subscriptions/x",
        ),
    ],
)
def test_a_scope_becomes_what_rows_have(written, scope):
    assert PROVIDER.canonical_scope(written) == scope
    assert PROVIDER.canonical_scope(scope) == scope


@given(st.lists(st.sampled_from([*_WORDS, *(word.upper() for word in _WORDS)]) | st.text(max_size=3), max_size=9))
def test_a_scope_of_rows_is_itself(words):
    scope = PROVIDER.canonical_scope("/".join(words))
    try:
        PROVIDER.check_scope(scope)
    except PimError as error:
        assert error.code == "invalid_option"  # noqa: PT017  # both ends are right
        return
    assert PROVIDER.canonical_scope(scope) == scope


@pytest.mark.parametrize(
    ("written", "role"),
    [
        (DEFINITION, READER),
        (DEFINITION.upper(), READER),
        (READER.upper(), READER),
        (f"providers/Microsoft.Authorization/roleDefinitions/{READER}", READER),
        ("Reader", "Reader"),
        ("Reader/Writer", "Reader/Writer"),
        (f"{READER.upper()}x", f"{READER.upper()}x"),
        (f"{READER.upper()}\n", f"{READER.upper()}\n"),
    ],
)
def test_a_role_becomes_what_rows_have(written, role):
    PROVIDER.check_role(written)
    assert PROVIDER.canonical_role(written) == role


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._()-]{0,6}[A-Za-z0-9]", fullmatch=True)
_RESOURCES = st.lists(st.tuples(_NAMES, _NAMES), min_size=1, max_size=2)


@st.composite
def scopes(draw) -> str:
    """Any scope in the spelling of rows."""
    if draw(st.integers(0, 3)) == 0:
        return f"/providers/Microsoft.Management/managementGroups/{draw(_NAMES)}"
    scope = f"/subscriptions/{draw(st.sampled_from(['0f', 'b7']))}"
    if draw(st.booleans()):
        scope += f"/resourceGroups/{draw(st.sampled_from(['rg', 'rg-1', 'other']))}"
    if draw(st.integers(0, 2)) == 0:
        scope += f"/providers/{draw(_NAMES)}" + "".join(f"/{kind}/{name}" for kind, name in draw(_RESOURCES))
    return scope


def respelled(draw, scope: str) -> str:
    """The same scope as somebody else would write it."""
    fixed = ("subscriptions", "resourceGroups", "providers", "managementGroups", "Microsoft.Management")
    spelled = [
        draw(st.sampled_from([part, part.lower(), part.upper()])) if part in fixed else part
        for part in scope.split("/")
    ]
    if spelled[1].lower() == "subscriptions":
        spelled[2] = draw(st.sampled_from([spelled[2], spelled[2].upper()]))
        if draw(st.booleans()):
            spelled[1:1] = ["providers", draw(st.sampled_from(["Microsoft.Subscription", "MICROSOFT.subscription"]))]
    text = draw(st.sampled_from(["/", "//"])).join(spelled[1:])
    return draw(st.sampled_from(["", "/", "//", " /"])) + text + draw(st.sampled_from(["", "/", "// "]))


@given(st.data())
def test_any_spelling_of_a_scope_is_the_same(data):
    scope = data.draw(scopes())
    written = respelled(data.draw, scope)
    PROVIDER.check_scope(written)
    assert PROVIDER.canonical_scope(written) == scope


_PIECES = ["/", "//", "..", ".", "/../", "/./", "%2e", "?", "#", "x", " ", "\n", "\x7f", "é", "\\", "'", "@", "\u2028"]


@given(scopes(), st.lists(st.tuples(st.integers(0, 60), st.sampled_from(_PIECES)), max_size=3))
def test_what_is_taken_for_a_scope_leads_nowhere_else(scope, pieces):
    written = scope
    for place, piece in pieces:
        written = written[:place] + piece + written[place:]
    try:
        PROVIDER.check_scope(written)
    except PimError as error:
        assert error.code == "invalid_option"  # noqa: PT017  # both ends are right
        return
    scope = PROVIDER.canonical_scope(written)
    path = PROVIDER.cancel_call(row_of(scope), "a-guid").path
    assert path.isascii()
    assert path.isprintable()
    assert "#" not in path
    assert path.count("?") == 1
    segments = unquote(path.partition("?")[0]).split("/")[1:]
    assert "" not in segments
    assert not {".", ".."} & set(segments)
    tail = "/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/a-guid/cancel"
    assert "/" + "/".join(segments) == scope + tail


@given(st.sampled_from(["Reader", "a/b", READER, DEFINITION, READER.upper()]) | st.text(max_size=9))
def test_a_role_of_rows_is_itself(written):
    role = PROVIDER.canonical_role(written)
    assert PROVIDER.canonical_role(role) == role
    assert role in (written, READER)


# What lies below what.


@pytest.mark.parametrize(
    ("scope", "outer", "told"),
    [
        (f"{SUBSCRIPTION}/resourceGroups/a", SUBSCRIPTION, True),
        (f"{SUBSCRIPTION}/resourceGroups/a/providers/n/t/x", f"{SUBSCRIPTION}/resourceGroups/A", True),
        (SUBSCRIPTION.upper(), SUBSCRIPTION, False),
        (f"{SUBSCRIPTION}/resourceGroups/ab", f"{SUBSCRIPTION}/resourceGroups/a", False),
        (SUBSCRIPTION, f"{SUBSCRIPTION}/resourceGroups/a", False),
        (f"{SUBSCRIPTION}0", SUBSCRIPTION, False),
        # Only the service knows.
        (SUBSCRIPTION, GROUP, None),
        (f"{SUBSCRIPTION}/resourceGroups/a", GROUP.lower(), None),
        (f"{GROUP}0", GROUP, None),
        (GROUP.upper(), GROUP, False),
        (GROUP, SUBSCRIPTION, False),
        ("Example Sub", SUBSCRIPTION, False),
        ("Example Sub", GROUP, False),
        (SUBSCRIPTION, "/", True),
    ],
)
def test_below(scope, outer, told):
    assert PROVIDER.below(scope, outer) is told


@given(scopes(), scopes(), scopes())
def test_below_is_an_order(one, other, third):
    assert PROVIDER.below(one, one) is False
    assert not (PROVIDER.below(one, other) and PROVIDER.below(other, one))
    if PROVIDER.below(one, other) and PROVIDER.below(other, third):
        assert PROVIDER.below(one, third)


@given(scopes(), _NAMES, _NAMES)
def test_what_begins_alike_is_not_below_but_what_goes_on_is(scope, kind, name):
    assert PROVIDER.below(f"{scope}{name}", scope) is (None if "/managementGroups/" in scope else False)
    if "/managementGroups/" not in scope:
        assert PROVIDER.below(f"{scope}/{kind}/{name}".upper(), scope) is True
        assert PROVIDER.below(scope, f"{scope}/{kind}/{name}") is False


def test_children_are_asked_for_at_any_depth():
    call = PROVIDER.children_call(GROUP)
    assert (call.api, call.method, call.pages) == ("arm", "GET", True)
    assert call.path.startswith(f"{GROUP}/providers/Microsoft.Authorization/eligibleChildResources?")
    assert query_of(call) == {"$getAllChildren": "true", "api-version": "2020-10-01"}


def test_children():
    listed = [{"name": "rg-1", "id": f"{ALIAS}/resourceGroups/rg-1", "type": "resourcegroup"}]
    assert PROVIDER.read_children(Answer(200, {"value": listed})) == [f"{SUBSCRIPTION}/resourceGroups/rg-1"]
    assert refused(PROVIDER.read_children, Answer(200, {"value": [{"name": "x"}]})).code == "invalid_response"


# Whatever the service answers.


@given(st.sampled_from(sorted({*ACTIVE["properties"], *ELIGIBLE["properties"]})), anything, st.booleans())
def test_any_value_in_a_line_is_read_or_refused(key, value, is_eligible):
    row = copy.deepcopy(ELIGIBLE if is_eligible else ACTIVE)
    row["properties"][key] = value
    try:
        found = listing([row], []) if is_eligible else listing([], [row])
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert len(found.holdings) == 1


@given(st.sampled_from([*sorted(REQUEST["properties"]), "name", "properties"]), anything)
def test_any_value_in_a_request_is_read_or_refused(key, value):
    body = copy.deepcopy(REQUEST)
    (body if key in body else body["properties"])[key] = value
    try:
        found = PROVIDER.read_request(Answer(201, body), NOW)
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert found.phase in (*models.PENDING, models.DONE, models.DENIED, models.WITHDRAWN, models.FAILED)


@given(st.sampled_from(["scope", "roleDefinitionId", "effectiveRules"]), anything)
def test_any_value_in_a_policy_is_read_or_refused(key, value):
    one = assignment()
    one["properties"][key] = value
    try:
        found = policy(one)
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert (found.maximum_duration is None) == (found.as_result()["maximum_duration"] is None)
