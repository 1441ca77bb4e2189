# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of Azure's calls themselves: what is right passes, and each thing that may be wrong is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contract.exchanges import Exchange

AUTHORIZATION = "/providers/Microsoft.Authorization"
SUBSCRIPTION = "/subscriptions/3f6a1d52-8c07-4b9e-a2d4-5e1f70c8b936"
ROLE = f"{SUBSCRIPTION}{AUTHORIZATION}/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
OPERATOR = "5b6f1b9a-3f0a-4c35-9d2c-6a1f0f9f6d10"
NAME = "911bab8a-6912-4de2-9dc0-2648ede7dd6d"
REQUESTS = f"{SUBSCRIPTION}{AUTHORIZATION}/roleAssignmentScheduleRequests"
VERSION = "api-version=2020-10-01"
ACTIVE = f"{AUTHORIZATION}/roleAssignmentScheduleInstances?$filter=asTarget()&{VERSION}"
POLICIES = f"{SUBSCRIPTION}{AUTHORIZATION}/roleManagementPolicyAssignments"
CHILDREN = f"{SUBSCRIPTION}{AUTHORIZATION}/eligibleChildResources"

ACTIVATION = {
    "properties": {
        "principalId": OPERATOR,
        "roleDefinitionId": ROLE,
        "requestType": "SelfActivate",
        "linkedRoleEligibilityScheduleId": f"{SUBSCRIPTION}{AUTHORIZATION}/roleEligibilitySchedules/{NAME}",
        "justification": "A sample",
        "ticketInfo": {"ticketNumber": "CHG-1"},
        "scheduleInfo": {
            "startDateTime": "2026-04-14T00:00:00Z",
            "expiration": {"type": "AfterDuration", "duration": "PT5H30M"},
        },
        "condition": "@Resource[a] StringEquals 'b'",
        "conditionVersion": "2.0",
    }
}
ACCEPTED = {
    "id": f"{REQUESTS}/{NAME}",
    "name": NAME,
    "type": "Microsoft.Authorization/roleAssignmentScheduleRequests",
    "properties": {
        **ACTIVATION["properties"],
        "scope": SUBSCRIPTION,
        "status": "Provisioned",
        "principalType": "User",
        "createdOn": "2026-04-14T00:00:00.1234567Z",
    },
}
REFUSED = {"error": {"code": "RoleAssignmentExists", "message": "The Role assignment already exists."}}
PAGE = {"value": [{"id": "a", "name": "b", "type": "c", "properties": {"memberType": "Direct", "status": "Accepted"}}]}

RIGHT = {
    "activation": Exchange("PUT", f"{REQUESTS}/{NAME}?{VERSION}", ACTIVATION, 201, ACCEPTED),
    "validation": Exchange("POST", f"{REQUESTS}/{NAME}/validate?{VERSION}", ACTIVATION, 200, ACCEPTED),
    "refusal": Exchange("PUT", f"{REQUESTS}/{NAME}?{VERSION}", ACTIVATION, 400, REFUSED),
    "cancel": Exchange("POST", f"{REQUESTS}/{NAME}/cancel?{VERSION}", None, 200, None),
    "request": Exchange("GET", f"{REQUESTS}/{NAME}?$filter=asTarget()&{VERSION}", None, 200, ACCEPTED),
    "list": Exchange("GET", ACTIVE, None, 200, PAGE),
    "somebody's": Exchange("GET", ACTIVE.replace("asTarget()", f"principalId eq '{NAME}'"), None, 200, PAGE),
    "policy": Exchange("GET", f"{POLICIES}?$filter=roleDefinitionId eq '{ROLE}'&{VERSION}", None, 200, {"value": []}),
    "children": Exchange("GET", f"{CHILDREN}?$getAllChildren=true&{VERSION}", None, 200, {"value": []}),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right(arm, name):
    findings = arm.check([RIGHT[name]], strictly=True)
    assert findings.faults == []
    assert findings.calls.total() == 1


def _changed(name: str, change: Callable[[dict[str, Any]], Any]) -> Exchange:
    parts = copy.deepcopy(RIGHT[name].__dict__)
    change(parts)
    return Exchange(**parts)


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(parts: Any) -> None:
        for key in path[:-1]:
            parts = parts[key]
        parts[path[-1]] = to

    return change


def _drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def change(parts: Any) -> None:
        for key in path[:-1]:
            parts = parts[key]
        del parts[path[-1]]

    return change


def _sent(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    return _set("request", "properties", *path, to=to)


def _asked(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    return lambda parts: parts.update(target=parts["target"].replace(old, new))


WRONG = {
    # requests
    "path": ("list", _asked("Instances", "Instance"), "no path and method"),
    "method": ("activation", _set("method", to="PATCH"), "no path and method"),
    "no version": ("list", _asked(f"&{VERSION}", ""), "no path and method"),
    "another version": ("list", _asked("2020-10-01", "2022-04-01"), "no path and method"),
    "version of another type": ("list", _asked("2020-10-01", "2022-04-01-preview"), "no path and method"),
    "option": ("list", _asked("$filter", "$search"), "query option $search"),
    "option of another type": ("list", _asked("$filter=asTarget()", "$getAllChildren=true"), "option $getAllChildren"),
    "option twice": ("list", _asked("?", "?$filter=asTarget()&"), "given twice"),
    "filter of a cancel": ("cancel", _asked("?", "?$filter=asTarget()&"), "query option $filter"),
    "filter": ("list", _asked("asTarget()", "asTarget"), "a $filter that is none"),
    "filtered by": ("somebody's", _asked("principalId", "principal"), "filters by principal"),
    "policy filtered by": ("policy", _asked("roleDefinitionId", "role"), "filters by role"),
    "next page": ("list", _asked("?", "?$skiptoken=1&"), "no reply has linked to"),
    "name": ("activation", _asked(NAME, "my-request"), "no GUID"),
    "name of a validation": ("validation", _asked(NAME, "my-request"), "no GUID"),
    "body of a cancel": ("cancel", _set("request", to={}), "has a body"),
    "body of a read": ("list", _set("request", to={"a": 1}), "has a body"),
    "no body": ("activation", _set("request", to=None), "request lacks properties"),
    "body without properties": ("activation", _set("request", to={}), "request lacks properties"),
    "content type": ("activation", _set("request_type", to="text/plain"), "body of the type text/plain"),
    "sent beside": ("activation", _set("request", "durationHours", to=5), "request.durationHours is unknown"),
    "sent id": ("activation", _set("request", "id", to="x"), "request.id is told by the service only"),
    "sent property": ("validation", _sent("hours", to=5), "request.properties.hours is unknown"),
    "sent of the service": ("activation", _sent("status", to="Granted"), "status is told by the service only"),
    "sent by mistake, and refused": ("refusal", _sent("status", to="Granted"), "status is told by the service only"),
    "sent type": ("activation", _sent("justification", to=5), "justification is no string"),
    "sent enum": ("activation", _sent("requestType", to="selfActivate"), "'selfActivate', which is none of"),
    "sent inner enum": (
        "activation",
        _sent("scheduleInfo", "expiration", "type", to="afterDuration"),
        "'afterDuration', which is none of",
    ),
    "sent inner property": ("activation", _sent("scheduleInfo", "end", to="x"), "scheduleInfo.end is unknown"),
    "sent time": ("activation", _sent("scheduleInfo", "startDateTime", to="2026-04-14T00:00:00"), "is no time"),
    "sent duration": ("activation", _sent("scheduleInfo", "expiration", "duration", to="5h"), "is no duration"),
    "condition alone": ("activation", _drop("request", "properties", "conditionVersion"), "condition of the version"),
    "no principal": ("activation", _drop("request", "properties", "principalId"), "lacks principalId"),
    "no role": ("refusal", _drop("request", "properties", "roleDefinitionId"), "lacks roleDefinitionId"),
    "no type": ("validation", _drop("request", "properties", "requestType"), "lacks requestType"),
    # answers
    "status": ("activation", _set("status", to=200), "published are ['201']"),
    "status of a validation": ("validation", _set("status", to=201), "published are ['200']"),
    "answer of a cancel": ("cancel", _set("reply", to={}), "answered with content"),
    "answer's type": ("list", _set("reply_type", to="text/html"), "body of the type text/html"),
    "no list": ("list", _set("reply", "value", to={}), "reply.value is no list"),
    "member type": ("list", _set("reply", "value", 0, "properties", "memberType", to="direct"), "which is none of"),
    "told property": ("request", _set("reply", "properties", "x", to=1), "reply.properties.x is unknown"),
    "told time": ("request", _set("reply", "properties", "createdOn", to="2026-04-14"), "createdOn is no time"),
    # refusals
    "refusal's status": ("refusal", _set("status", to=418), "answered with 418"),
    "refusal's form": ("refusal", _set("reply", to={"message": "no"}), "another form"),
    "refusal's code": ("refusal", _set("reply", "error", "code", to=""), "without a code"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(arm, name):
    base, change, told = WRONG[name]
    faults = arm.check([_changed(base, change)], strictly=True).faults
    assert any(told in fault for fault in faults), faults


def test_a_next_page_is_one_that_was_linked_to(arm):
    link = f"https://localhost:1{ACTIVE}&$skiptoken=opaque"
    first = _changed("list", _set("reply", "nextLink", to=link))
    following = _changed("list", _set("target", to=link.removeprefix("https://localhost:1").replace("(", "%28")))
    assert arm.check([first, following], strictly=True).faults == []
    assert "no reply has linked to" in arm.check([following, first], strictly=True).faults[0]
