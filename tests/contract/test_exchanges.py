# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks themselves: what is right passes, and each thing that may be wrong is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contract.exchanges import Checker, Exchange

DIRECTORY = "/v1.0/roleManagement/directory"
REQUESTS = f"{DIRECTORY}/roleAssignmentScheduleRequests"
ACTIVE = f"{DIRECTORY}/roleAssignmentScheduleInstances/filterByCurrentUser(on='principal')"
OPERATOR = "5b6f1b9a-3f0a-4c35-9d2c-6a1f0f9f6d10"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"

ACTIVATION = {
    "action": "selfActivate",
    "principalId": OPERATOR,
    "roleDefinitionId": SECURITY_READER,
    "directoryScopeId": "/",
    "justification": "A sample",
    "scheduleInfo": {
        "startDateTime": "2026-04-14T00:00:00Z",
        "expiration": {"type": "afterDuration", "duration": "PT5H30M"},
    },
    "ticketInfo": {"ticketNumber": "CHG-1"},
}
ACCEPTED = {
    "@odata.context": f"https://graph.microsoft.com{REQUESTS}/$entity".replace("/v1.0/", "/v1.0/$metadata#"),
    "id": "911bab8a-6912-4de2-9dc0-2648ede7dd6d",
    "status": "Granted",
    "createdDateTime": "2026-04-13T08:52:32.6485851Z",
    "completedDateTime": "2026-04-14T00:00:00Z",
    "approvalId": None,
    "customData": None,
    "action": "selfActivate",
    "principalId": OPERATOR,
    "roleDefinitionId": SECURITY_READER,
    "directoryScopeId": "/",
    "appScopeId": None,
    "isValidationOnly": False,
    "targetScheduleId": "911bab8a-6912-4de2-9dc0-2648ede7dd6d",
    "justification": "A sample",
    "createdBy": {"application": None, "device": None, "user": {"displayName": None, "id": OPERATOR}},
    "scheduleInfo": {
        "startDateTime": "2026-04-14T00:00:00Z",
        "recurrence": None,
        "expiration": {"type": "afterDuration", "endDateTime": None, "duration": "PT5H30M"},
    },
    "ticketInfo": {"ticketNumber": "CHG-1", "ticketSystem": None},
}
REFUSED = {
    "error": {
        "code": "RoleAssignmentExists",
        "message": "The Role assignment already exists.",
        "innerError": {"date": "2026-09-09T14:01:18", "request-id": "a", "client-request-id": "b"},
    }
}
ROW = {
    "id": "t7drXXHeI0a0r5Y4CjUlCZobbls_CjVMnSxqHw-fbRA-1",
    "principalId": OPERATOR,
    "roleDefinitionId": SECURITY_READER,
    "directoryScopeId": "/",
    "appScopeId": None,
    "startDateTime": "2026-04-14T00:00:00Z",
    "endDateTime": None,
    "memberType": "Direct",
    "assignmentType": "Activated",
    "roleAssignmentOriginId": "a",
    "roleAssignmentScheduleId": "b",
    "directoryScope": {"id": "/"},
}
PAGE = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#x", "value": [ROW]}
RULE = {
    "@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule",
    "id": "Expiration_EndUser_Assignment",
    "isExpirationRequired": True,
    "maximumDuration": "PT8H",
    "target": {
        "caller": "EndUser",
        "operations": ["all"],
        "level": "Assignment",
        "inheritableSettings": [],
        "enforcedSettings": [],
    },
}
RULES = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#x", "value": [RULE]}
ITEM = {"id": "0", "method": "POST", "url": REQUESTS.removeprefix("/v1.0"), "body": ACTIVATION}
ITEM["headers"] = {"Content-Type": "application/json"}
BATCH = {
    "requests": [ITEM, {"id": "1", "method": "GET", "url": f"{ACTIVE.removeprefix('/v1.0')}?$expand=directoryScope"}]
}
ANSWERS = {
    "responses": [
        {"id": "1", "status": 200, "headers": {}, "body": PAGE},
        {"id": "0", "status": 201, "headers": {}, "body": ACCEPTED},
    ]
}

RIGHT = {
    "activation": Exchange("POST", REQUESTS, ACTIVATION, 201, ACCEPTED),
    "refusal": Exchange("POST", REQUESTS, ACTIVATION, 400, REFUSED),
    "list": Exchange("GET", f"{ACTIVE}?$expand=directoryScope", None, 200, PAGE),
    "rules": Exchange("GET", "/v1.0/policies/roleManagementPolicies/a/rules", None, 200, RULES),
    "cancel": Exchange("POST", f"{REQUESTS}/911b/cancel", None, 204, None),
    "batch": Exchange("POST", "/v1.0/$batch", BATCH, 200, ANSWERS),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right(graph, name):
    findings = Checker(graph).check([RIGHT[name]])
    assert findings.faults == []
    assert findings.requests.total() == findings.replies.total() == (3 if name == "batch" else 1)


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


WRONG = {
    # requests
    "path": ("list", _set("target", to=f"{DIRECTORY}/roleAssignmentScheduleInstance"), "no path and method"),
    "method": ("list", _set("method", to="PUT"), "no path and method"),
    "undocumented method": ("rules", _set("method", to="POST"), "no page in the documentation"),
    "on": ("list", _set("target", to=ACTIVE.replace("principal", "approver")), "no path and method"),
    "version": ("list", _set("target", to=ACTIVE.replace("v1.0", "v2.0")), "no version of Graph"),
    "query option": ("list", _set("target", to=f"{ACTIVE}?$apply=x"), "query option $apply"),
    "filter": ("list", _set("target", to=f"{ACTIVE}?$filter=principal eq 'x'"), "filters by principal"),
    "select": ("list", _set("target", to=f"{ACTIVE}?$select=displayName"), "$select names displayName"),
    "expand": ("list", _set("target", to=f"{ACTIVE}?$expand=role"), "$expand names role"),
    "nested select": (
        "list",
        _set("target", to=f"{ACTIVE}?$expand=roleDefinition($select=name)"),
        "$select names name",
    ),
    "next page": ("list", _set("target", to=f"{ACTIVE}?$skiptoken=1"), "no reply has linked to"),
    "sent property": ("activation", _set("request", "durationHours", to=5), "request.durationHours is unknown"),
    "sent navigation": ("activation", _set("request", "principal", to={}), "request.principal is unknown"),
    "sent type": ("activation", _set("request", "isValidationOnly", to="true"), "is no Edm.Boolean"),
    "sent enum": ("activation", _set("request", "action", to="activate"), "no unifiedRoleScheduleRequestActions"),
    "sent inner enum": (
        "activation",
        _set("request", "scheduleInfo", "expiration", "type", to="forever"),
        "no expirationPatternType",
    ),
    "sent time": (
        "activation",
        _set("request", "scheduleInfo", "startDateTime", to="2026-04-14T00:00:00"),
        "DateTimeOffset",
    ),
    "sent duration": (
        "activation",
        _set("request", "scheduleInfo", "expiration", "duration", to="5h"),
        "is no Edm.Duration",
    ),
    "sent null": ("activation", _set("request", "status", to=None), "request.status is null"),
    "no body": ("activation", _set("request", to=None), "request is null"),
    "body of a read": ("list", _set("request", to={"a": 1}), "has a body"),
    "content type": ("activation", _set("request_type", to="text/plain"), "body of the type text/plain"),
    # replies
    "status": ("activation", _set("status", to=200), "documented is 201"),
    "status of a cancel": ("cancel", _set("status", to=200), "documented is 204"),
    "body of a cancel": ("cancel", _set("reply", to={}), "answered with a body"),
    "told property": ("activation", _set("reply", "expiresAt", to=None), "reply.expiresAt is unknown"),
    "property left out": ("activation", _drop("reply", "approvalId"), "reply lacks approvalId"),
    "inner property left out": (
        "activation",
        _drop("reply", "ticketInfo", "ticketSystem"),
        "ticketInfo lacks ticketSystem",
    ),
    "told null": ("activation", _set("reply", "status", to=None), "reply.status is null"),
    "told status": ("activation", _set("reply", "status", to="Done"), "not among the documented"),
    "told type": ("activation", _set("reply", "createdDateTime", to=1775000000), "is no Edm.DateTimeOffset"),
    "context": ("activation", _drop("reply", "@odata.context"), "lacks @odata.context"),
    "reply type": ("activation", _set("reply_type", to="text/html"), "body of the type text/html"),
    "no list": ("list", _set("reply", "value", to=ROW), "reply.value is no list"),
    "property of a page": ("list", _set("reply", "nextLink", to="x"), "reply.nextLink is unknown"),
    "wrong property in a row": ("list", _set("reply", "value", 0, "displayName", to="x"), "displayName is unknown"),
    "member type": ("list", _set("reply", "value", 0, "memberType", to="direct"), "not among the documented"),
    "not expanded": ("list", _drop("reply", "value", 0, "directoryScope"), "lacks directoryScope"),
    "expanded unasked": ("list", _set("reply", "value", 0, "principal", to={"id": "x"}), "was not asked for"),
    "not selected": ("list", _set("target", to=f"{ACTIVE}?$select=id&$expand=directoryScope"), "was not selected"),
    "abstract": ("rules", _drop("reply", "value", 0, "@odata.type"), "does not tell which"),
    "derived type": (
        "rules",
        _set("reply", "value", 0, "@odata.type", to="#microsoft.graph.user"),
        "no unifiedRoleManag",
    ),
    "property of another rule": ("rules", _set("reply", "value", 0, "claimValue", to="c1"), "claimValue is unknown"),
    "enum in a list": ("rules", _set("reply", "value", 0, "target", "operations", to=["Alle"]), "TargetOperations"),
    # refusals
    "refusal's status": ("refusal", _set("status", to=418), "answered with 418"),
    "refusal's form": ("refusal", _set("reply", to={"message": "no"}), "another form"),
    "refusal's time": (
        "refusal",
        _set("reply", "error", "innerError", "date", to="2026-09-09T14:01:18Z"),
        "without a zone",
    ),
    "refusal's wrapping": (
        "refusal",
        _set("reply", "error", to={"code": "UnknownError", "message": '{"code":"a"}'}),
        "wrapped refusal has",
    ),
    # batches
    "wrong property in an item": ("batch", _set("request", "requests", 0, "body", "x", to=1), "request.x is unknown"),
    "wrong property in an answer": ("batch", _set("reply", "responses", 1, "body", "x", to=1), "reply.x is unknown"),
    "property of an item": ("batch", _set("request", "requests", 0, "path", to="x"), "has ['path']"),
    "item without a type": ("batch", _drop("request", "requests", 0, "headers"), "does not call JSON"),
    "address of an item": ("batch", _set("request", "requests", 1, "url", to=f"https://a{ACTIVE}"), "no relative url"),
    "two items of one id": ("batch", _set("request", "requests", 1, "id", to="0"), "items with ids"),
    "answer missing": ("batch", _drop("reply", "responses", 1), "got answers for"),
    "too many items": ("batch", _set("request", "requests", to=[{"id": str(n)} for n in range(21)]), "21 items"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong(graph, name):
    base, change, told = WRONG[name]
    faults = Checker(graph).check([_changed(base, change)]).faults
    assert any(told in fault for fault in faults), faults


def test_a_next_page_is_one_that_was_linked_to(graph):
    link = f"https://localhost:1{ACTIVE}?$expand=directoryScope&$skiptoken=opaque"
    first = _changed("list", _set("reply", "@odata.nextLink", to=link))
    next_page = _changed("list", _set("target", to=link.removeprefix("https://localhost:1").replace("'", "%27")))
    assert Checker(graph).check([first, next_page]).faults == []
