# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership and ownership of groups in the service's spelling: what is sent, and what is read out of every kind of answer."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import models
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.base import Activation
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.groups import Groups
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW
from unit.providers.bodies import anything, rules
from unit.role_rows import eligible, minutes

PROVIDER = Groups()
ROOM = "/identityGovernance/privilegedAccess/group"
OID = "3fa5d2a0-0000-4000-8000-000000000001"
GROUP = "2b5ed229-4072-478d-9504-a047ebd4b07d"
NATIVE = {"accessId": "member", "groupId": GROUP}

# Bodies in the shape Microsoft's documentation prints them (Graph, privilegedaccessgroup-list-*scheduleinstances).
ELIGIBLE = {
    "id": f"{GROUP}_member_cf2d4f3b-6d4d-4a3c-8f6d-1d0b6e6a2f11",
    "principalId": OID,
    "accessId": "member",
    "groupId": GROUP,
    "memberType": "Direct",
    "startDateTime": "2029-03-17T17:46:40.15Z",
    "endDateTime": None,
    "eligibilityScheduleId": f"{GROUP}_member_cf2d4f3b-6d4d-4a3c-8f6d-1d0b6e6a2f11",
    "group": {"id": GROUP, "displayName": "Platform Operators"},
}
ACTIVE = {
    **ELIGIBLE,
    "startDateTime": "2030-03-17T17:00:00Z",
    "endDateTime": "2030-03-17T19:00:00Z",
    "assignmentType": "Activated",
    "assignmentScheduleId": f"{GROUP}_member_9e2f8a51-3a3e-4d52-9f19-54cf6a6a1c5a",
}
REQUEST = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#identityGovernance/privilegedAccess/group/x/$entity",
    "id": "6b6f3e0c-4f44-4c8f-9c3e-9c0d5a8f4b1d",
    "status": "Provisioned",
    "createdDateTime": "2030-03-17T17:40:00.1495973Z",
    "completedDateTime": "2030-03-17T17:40:01.6Z",
    "approvalId": None,
    "action": "selfActivate",
    "principalId": OID,
    "accessId": "member",
    "groupId": GROUP,
    "isValidationOnly": False,
    "targetScheduleId": f"{GROUP}_member_6b6f3e0c-4f44-4c8f-9c3e-9c0d5a8f4b1d",
    "justification": "why",
    "scheduleInfo": {
        "startDateTime": "2030-03-17T17:40:00.1Z",
        "recurrence": None,
        "expiration": {"type": "afterDuration", "endDateTime": None, "duration": "PT2H"},
    },
    "ticketInfo": {"ticketNumber": None, "ticketSystem": None},
}


def listing(eligible_rows, active_rows):
    return PROVIDER.read_lists([Answer(200, {"value": eligible_rows}), Answer(200, {"value": active_rows})], NOW)


def refused(call, *arguments) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments)
    return caught.value


def row_of(**changes):
    return eligible("member", GROUP, role_id="member", principal_id="the group's", native=NATIVE, **changes)


def query_of(call):
    return {key: values[0] for key, values in parse_qs(urlsplit(call.path).query).items()}


def test_what_is_asked_of_the_service_for_the_caller():
    calls = PROVIDER.list_calls(None, requests=True)
    assert [(call.api, call.method, call.pages) for call in calls] == [("graph", "GET", True)] * 3
    assert [call.path for call in calls] == [
        f"{ROOM}/eligibilityScheduleInstances/filterByCurrentUser(on='principal')?$expand=group",
        f"{ROOM}/assignmentScheduleInstances/filterByCurrentUser(on='principal')?$expand=group",
        f"{ROOM}/assignmentScheduleRequests/filterByCurrentUser(on='principal')",
    ]
    assert len(PROVIDER.list_calls(None, requests=False)) == 2
    assert PROVIDER.active_call() == calls[1]


def test_what_is_asked_of_the_service_for_somebody_else():
    for call in PROVIDER.list_calls("o'brien", requests=False):
        assert query_of(call) == {"$filter": "principalId eq 'o''brien'", "$expand": "group"}


def test_an_eligible_line():
    (line,) = listing([ELIGIBLE], []).holdings
    assert (line.role, line.role_id, line.scope, line.scope_name) == ("member", "member", GROUP, "Platform Operators")
    assert (line.eligible, line.member_type, line.assignment_type) == (True, "direct", None)
    assert line.start == datetime(2029, 3, 17, 17, 46, 40, 150000, tzinfo=timezone.utc)
    assert line.end is None
    assert line.native == NATIVE


def test_an_active_line():
    (line,) = PROVIDER.read_active(Answer(200, {"value": [{**ACTIVE, "accessId": "Owner", "memberType": "GROUP"}]}))
    assert (line.role, line.role_id, line.eligible) == ("owner", "owner", False)
    assert (line.member_type, line.assignment_type) == ("group", "activated")
    assert line.end == datetime(2030, 3, 17, 19, tzinfo=timezone.utc)
    assert line.native == {"accessId": "owner", "groupId": GROUP}


@pytest.mark.parametrize("key", ["accessId", "groupId"])
@pytest.mark.parametrize("value", [None, 7, "", [], {}])
def test_a_line_without_its_address_is_no_answer(key, value):
    assert refused(listing, [{**ELIGIBLE, key: value}], []).code == "invalid_response"


# Names of groups, which the service was seen to leave out.


@pytest.mark.parametrize("group", [None, {}, {"displayName": None}, {"displayName": ""}, {"displayName": 7}, "text"])
def test_a_group_left_empty_is_asked_for(group):
    holdings = listing([{**ELIGIBLE, "group": group}], [ACTIVE]).holdings
    assert [line.scope_name for line in holdings] == [None, "Platform Operators"]
    (call,) = PROVIDER.name_calls(holdings)
    assert (call.api, call.method, call.pages) == ("graph", "GET", True)
    assert call.path.startswith("/groups?")
    assert query_of(call) == {"$filter": f"id in ('{GROUP}')", "$select": "id,displayName"}


def test_named_groups_are_not_asked_for():
    assert PROVIDER.name_calls(listing([ELIGIBLE], [ACTIVE]).holdings) == []


@pytest.mark.parametrize(("number", "sizes"), [(1, [1]), (15, [15]), (16, [15, 1]), (31, [15, 15, 1])])
def test_fifteen_groups_are_asked_for_at_once_and_each_only_once(number, sizes):
    ids = [f"g{place}'" for place in range(number)]
    rows = [{**ELIGIBLE, "groupId": one, "group": None} for one in ids]
    calls = PROVIDER.name_calls(listing(rows, rows).holdings)
    told = [query_of(call)["$filter"] for call in calls]
    assert [one.count("''") for one in told] == sizes
    literals = [one for text in told for one in text.removeprefix("id in (").removesuffix(")").split(",")]
    assert literals == ["'" + one.replace("'", "''") + "'" for one in ids]


def test_names_found_go_to_their_groups():
    rows = [{**ELIGIBLE, "groupId": one, "group": None} for one in ("A1", "b2", "c3")]
    holdings = listing([*rows, ELIGIBLE], []).holdings
    answers = [
        Answer(200, {"value": [{"id": "a1", "displayName": "One"}, {"id": None}, {"id": "B2", "displayName": "Two"}]}),
        PimError("forbidden", "no", status=403),
    ]
    named = PROVIDER.with_names(holdings, answers)
    assert [line.scope_name for line in named] == ["One", "Two", None, "Platform Operators"]
    assert [line.scope for line in named] == [line.scope for line in holdings]


@pytest.mark.parametrize("value", [[None], [None, "text", 7, []], None, "text", {}])
def test_an_answer_without_names_leaves_the_lines_as_they_are(value):
    holdings = listing([{**ELIGIBLE, "group": None}], []).holdings
    assert PROVIDER.with_names(holdings, [Answer(200, {"value": value})]) == holdings


def test_a_name_that_is_there_is_not_replaced():
    holdings = listing([ELIGIBLE], []).holdings
    (line,) = PROVIDER.with_names(holdings, [Answer(200, {"value": [{"id": GROUP, "displayName": "Other"}]})])
    assert line.scope_name == "Platform Operators"


# Requests and writes.


def test_a_request():
    request = PROVIDER.read_request(Answer(201, REQUEST), NOW)
    assert (request.request_id, request.role_id, request.scope) == (REQUEST["id"], "member", GROUP)
    assert (request.action, request.phase, request.principal_id) == ("activate", models.DONE, OID)
    assert request.created_at == datetime(2030, 3, 17, 17, 40, 0, 149597, tzinfo=timezone.utc)


def test_an_activation():
    asked = Activation(5400, minutes(60), "why", "T-1", "Desk")
    call = PROVIDER.activate_call(row_of(), OID, asked, "ours", validate_only=False)
    assert (call.method, call.path, call.repeatable) == ("POST", f"{ROOM}/assignmentScheduleRequests", False)
    assert call.body == {
        "action": "selfActivate",
        "principalId": OID,
        "accessId": "member",
        "groupId": GROUP,
        "justification": "why",
        "scheduleInfo": {
            "startDateTime": "2030-03-17T18:46:40Z",
            "expiration": {"type": "afterDuration", "duration": "PT1H30M"},
        },
        "ticketInfo": {"ticketNumber": "T-1", "ticketSystem": "Desk"},
    }


def test_a_validation_says_so():
    body = PROVIDER.activate_call(row_of(), OID, Activation(300), "ours", validate_only=True).body
    assert body is not None
    assert body["isValidationOnly"] is True


def test_a_deactivation():
    assert PROVIDER.deactivate_call(row_of(), OID, None, "ours").body == {
        "action": "selfDeactivate",
        "principalId": OID,
        "accessId": "member",
        "groupId": GROUP,
    }


def test_both_scope_filters_of_a_policy_are_sent():
    asked = query_of(PROVIDER.policy_call(row_of()))
    assert asked["$filter"] == f"scopeId eq '{GROUP}' and scopeType eq 'Group' and roleDefinitionId eq 'member'"


def test_a_policy():
    answer = Answer(200, {"value": [{"policy": {"rules": rules()}}]})
    assert PROVIDER.read_policy(answer, row_of()).maximum_duration == 28800


# Options.


@pytest.mark.parametrize("role", ["member", "owner", "Member", "OWNER"])
def test_roles_that_can_exist(role):
    assert PROVIDER.check_role(role) is None


@pytest.mark.parametrize("role", ["", "members", "member ", "Reader", "own"])
def test_roles_that_cannot_exist(role):
    error = refused(PROVIDER.check_role, role)
    assert error.code == "invalid_option"
    assert "member, owner" in error.message


def test_a_group_must_be_named():
    assert refused(PROVIDER.check_scope, None).code == "invalid_option"
    for name in (GROUP, "Platform Operators", "any / name, even 'this'"):
        PROVIDER.check_scope(name)
        assert PROVIDER.canonical_scope(name) == name


def test_nothing_lies_below_a_group():
    assert PROVIDER.below("a", "b") is False
    assert refused(PROVIDER.children_call, GROUP).code == "invalid_option"


@given(st.sampled_from(sorted(ACTIVE)), anything, st.booleans())
def test_any_value_in_a_line_is_read_or_refused(key, value, is_eligible):
    rows = [{**ACTIVE, key: value}]
    try:
        found = listing(rows, []) if is_eligible else listing([], rows)
    except PimError as error:
        assert error.code == "invalid_response"  # noqa: PT017  # both ends are right
        return
    assert len(found.holdings) == 1


@given(st.lists(anything, max_size=3))
def test_any_answer_about_names_leaves_the_lines_as_they_are(values):
    holdings = listing([{**ELIGIBLE, "group": None}], []).holdings
    (line,) = PROVIDER.with_names(holdings, [Answer(200, {"value": values})])
    assert line.scope == GROUP
