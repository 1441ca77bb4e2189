# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure roles: Azure Resource Manager, Microsoft.Authorization. Private to the collection.

Facts: the Azure REST API specification of Microsoft.Authorization, its wire format as recorded. Lists are read for the whole tenant and
the caller (`asTarget()`), which needs no permission and tells what is held through groups. Ids are compared by what they end in:
the service spells subscriptions in two ways, and GUIDs in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..api.calls import Answer, Call
from ..errors import PimError, invalid_option
from ..models import Holding, Policy, Request, RoleRow, Stage
from ..times import format_duration, format_time
from .base import (
    REVIEW_RESULTS,
    Activation,
    Line,
    Listing,
    duration,
    literal,
    maybe_text,
    part,
    rows,
    stage,
    stages_of,
    text,
    time,
)
from .policies import policy_of
from .requests import action_of, phase_of

_VERSION = "api-version=2020-10-01"
_PIM = "/providers/Microsoft.Authorization"
_ELIGIBLE = "roleEligibilityScheduleInstances"
_ACTIVE = "roleAssignmentScheduleInstances"
_REQUESTS = "roleAssignmentScheduleRequests"
_MINE = "$filter=asTarget()"
_TO_DECIDE = "$filter=asApprover()"
_APPROVALS = f"{_PIM}/roleAssignmentApprovals"
_APPROVALS_VERSION = "api-version=2021-01-01-preview"

# Fixed parts of a path, which services spell in any case, in Azure's own spelling.
_FIXED = {
    name.lower(): name
    for name in ("subscriptions", "resourceGroups", "providers", "managementGroups", "Microsoft.Management")
}
_ALIAS = re.compile(r"^/providers/Microsoft\.Subscription(?=/subscriptions/)", re.IGNORECASE | re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
# No empty segment, none that leads elsewhere, nothing that would end a path, and no blank at either end.
_SEGMENT = r"(?!\.{1,2}(?:/|$)|(?u:\s))[^/?#%\x00-\x1f\x7f\ud800-\udfff]+(?<!(?u:\s))"
_RESOURCE = rf"/providers/{_SEGMENT}(?:/{_SEGMENT}/{_SEGMENT})+"
_SCOPE = re.compile(
    rf"/providers/Microsoft\.Management/managementGroups/{_SEGMENT}"
    rf"|/subscriptions/{_SEGMENT}(?:/resourceGroups/{_SEGMENT})?(?:{_RESOURCE})?",
    re.IGNORECASE | re.ASCII,
)
_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"


class AzureResources:
    name = "azure_resources"
    api = "arm"
    permissions: tuple[str, ...] = ("user_impersonation",)
    default_scope: str | None = None
    requests_are_free = False
    takes_our_ids = True
    # Azure documentation, "mandatory multifactor authentication".
    wants_mfa_for_writes = True

    def check_role(self, role: str) -> None:
        """Custom roles have any name."""

    def check_scope(self, scope: str | None) -> None:
        if scope is not None and not _SCOPE.fullmatch(self.canonical_scope(scope)):
            raise invalid_option(
                "scope",
                scope,
                "with provider=azure_resources it must be the id of a management group, subscription, resource group or resource, "
                "such as /subscriptions/<id>/resourceGroups/<name>",
            )

    def canonical_role(self, role: str) -> str:
        """The GUID of a full role definition id; a name stays as it is."""
        last = role.rpartition("/")[2]
        return last.lower() if _GUID.fullmatch(last) else role

    def canonical_scope(self, scope: str) -> str:
        """One slash between segments, the plain spelling of a subscription, its id in lower case."""
        if "/" not in scope:
            return scope
        path = _ALIAS.sub("", re.sub("/+", "/", f"/{scope.strip().strip('/')}"), count=1)
        segments = path.split("/")
        spelled = [_FIXED.get(segment.lower(), segment) for segment in segments]
        if len(spelled) > 2 and spelled[1] == "subscriptions":
            spelled[2] = spelled[2].lower()
        return "/".join(spelled)

    def below(self, scope: str, outer: str) -> bool | None:
        inner, around = scope.lower(), outer.lower().rstrip("/")
        if inner == around:
            return False
        if around.startswith(_MANAGEMENT_GROUP):
            # Paths of subscriptions and of management groups do not name the group above them.
            return None if inner.startswith(("/subscriptions/", _MANAGEMENT_GROUP)) else False
        return inner.startswith(f"{around}/")

    def children_call(self, outer: str) -> Call:
        # Without getAllChildren, which is not documented, only direct children are told.
        path = f"{_url(outer)}{_PIM}/eligibleChildResources?$getAllChildren=true&{_VERSION}"
        return Call(self.api, "GET", path, pages=True)

    def read_children(self, answer: Answer) -> list[str]:
        return [self.canonical_scope(text(row, "id")) for row in rows(answer)]

    def list_calls(self, principal: str | None, *, requests: bool) -> list[Call]:
        which = _MINE if principal is None else f"$filter={quote(f'principalId eq {literal(principal)}')}"
        kinds = [_ELIGIBLE, _ACTIVE, *([_REQUESTS] if requests else [])]
        return [Call(self.api, "GET", f"{_PIM}/{kind}?{which}&{_VERSION}", pages=True) for kind in kinds]

    def read_lists(self, answers: Sequence[Answer | PimError], now: datetime) -> Listing:
        # Without one's own requests, only what is pending stays unknown.
        read = list(answers[:2])
        read += [answer for answer in answers[2:] if not (isinstance(answer, PimError) and answer.code == "forbidden")]
        for answer in read:
            if isinstance(answer, PimError):
                raise answer
        eligible, active, *more = (rows(answer) for answer in read if isinstance(answer, Answer))
        holdings = [self._holding(row, eligible=True) for row in _without_inherited(eligible)]
        holdings += [self._holding(row, eligible=False) for row in active]
        return Listing(holdings, [self._request(row, now) for row in more[0]] if more else None)

    def name_calls(self, lines: Sequence[Holding] | Sequence[Request]) -> list[Call]:
        """Rows carry the names of role and scope themselves."""
        return []

    def with_names(self, lines: Sequence[Line], answers: Sequence[Answer | PimError]) -> list[Line]:
        return list(lines)

    def active_call(self) -> Call:
        return Call(self.api, "GET", f"{_PIM}/{_ACTIVE}?{_MINE}&{_VERSION}", pages=True)

    def read_active(self, answer: Answer) -> list[Holding]:
        return [self._holding(row, eligible=False) for row in rows(answer)]

    def policy_call(self, row: RoleRow) -> Call:
        wanted = quote(f"roleDefinitionId eq {literal(row.native.get('roleDefinitionId', ''))}")
        path = f"{_url(row.scope)}{_PIM}/roleManagementPolicyAssignments?$filter={wanted}&{_VERSION}"
        return Call(self.api, "GET", path, pages=True)

    def read_policy(self, answer: Answer, row: RoleRow) -> Policy:
        """Of the assignments listed, the one of this role at this scope; of wider scopes only where it has none."""
        found = [
            one
            for one in map(_properties, rows(answer))
            if self.canonical_role(maybe_text(one, "roleDefinitionId") or "") == row.role_id
        ]
        here = [
            one
            for one in found
            if self.canonical_scope(maybe_text(one, "scope") or "").lower() == str(row.scope).lower()
        ]
        listed = next((one.get("effectiveRules") for one in [*here, *found]), None)
        if not isinstance(listed, list):
            raise PimError("invalid_response", "The service has no policy for this role", request_id=answer.request_id)
        return policy_of(listed)

    def activate_call(
        self, row: RoleRow, principal: str, activation: Activation, request_id: str, *, validate_only: bool
    ) -> Call:
        expiration = {"type": "AfterDuration", "duration": format_duration(activation.duration)}
        schedule: dict[str, Any] = {"expiration": expiration}
        if activation.start is not None:
            # Always with Z: a time without an offset is refused.
            schedule["startDateTime"] = format_time(activation.start)
        properties = {**self._body("SelfActivate", row, principal, activation.justification), "scheduleInfo": schedule}
        properties.update({key: value for key, value in row.native.items() if key != "roleDefinitionId"})
        if activation.ticket:
            properties["ticketInfo"] = activation.ticket
        path = self._request_path(row, request_id)
        if validate_only:
            return Call(self.api, "POST", f"{path}/validate?{_VERSION}", {"properties": properties}, repeatable=True)
        return self._put(path, properties)

    def deactivate_call(self, row: RoleRow, principal: str, justification: str | None, request_id: str) -> Call:
        properties = self._body("SelfDeactivate", row, principal, justification)
        return self._put(self._request_path(row, request_id), properties)

    def cancel_call(self, row: RoleRow, request_id: str) -> Call:
        return Call(self.api, "POST", f"{self._request_path(row, request_id)}/cancel?{_VERSION}", answers_nothing=True)

    def request_call(self, row: RoleRow, request_id: str) -> Call:
        # Also one's own request is told only to somebody who asks as its target.
        return Call(self.api, "GET", f"{self._request_path(row, request_id)}?{_MINE}&{_VERSION}")

    def read_request(self, answer: Answer, now: datetime) -> Request:
        return self._request(answer.body, now)

    def read_status(self, answer: Answer) -> str | None:
        return maybe_text(_properties(answer.body), "status")

    def requests_call(self, *, approver: bool, status: str | None) -> Call:
        # Nothing is documented that could be joined to these two filters.
        return Call(self.api, "GET", f"{_PIM}/{_REQUESTS}?{_TO_DECIDE if approver else _MINE}&{_VERSION}", pages=True)

    def read_requests(self, answer: Answer, now: datetime) -> list[Request]:
        return [self._request(row, now) for row in rows(answer)]

    def stages_calls(self, approval_id: str) -> list[Call]:
        # A request names its approval by its path, which ends in the GUID.
        guid = quote(approval_id.rpartition("/")[2], safe="")
        return [Call(self.api, "GET", f"{_APPROVALS}/{guid}/stages?{_APPROVALS_VERSION}", pages=True)]

    def read_stages(self, answer: Answer) -> list[Stage]:
        listed = []
        for row in rows(answer):
            properties = _properties(row)
            stage_id = (maybe_text(row, "name") or text(row, "id")).rpartition("/")[2]
            by = part(properties, "reviewedBy")
            listed.append(stage(properties, stage_id, by, "principalId", ("principalName", "userPrincipalName")))
        return stages_of(listed, answer)

    def decide_call(self, stages: Call, stage_id: str, decision: str, justification: str | None) -> Call:
        properties = {"reviewResult": REVIEW_RESULTS[decision], "justification": justification or ""}
        path = f"{stages.path.partition('?')[0]}/{quote(stage_id, safe='')}?{_APPROVALS_VERSION}"
        # Answered by nothing (seen), or by the stage (published).
        return Call(self.api, "PUT", path, {"properties": properties}, answers_nothing=True)

    def _put(self, path: str, properties: Mapping[str, Any]) -> Call:
        # The same request id means the same request, however often it arrives.
        return Call(self.api, "PUT", f"{path}?{_VERSION}", {"properties": properties}, repeatable=True)

    @staticmethod
    def _request_path(row: RoleRow, request_id: str) -> str:
        return f"{_url(row.scope)}{_PIM}/{_REQUESTS}/{quote(request_id, safe='')}"

    @staticmethod
    def _body(action: str, row: RoleRow, principal: str, justification: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "principalId": principal,
            "roleDefinitionId": row.native["roleDefinitionId"],
            "requestType": action,
        }
        if justification:
            body["justification"] = justification
        return body

    def _request(self, body: Mapping[str, Any], now: datetime) -> Request:
        properties = _properties(body)
        status = text(properties, "status")
        schedule, ticket = part(properties, "scheduleInfo"), part(properties, "ticketInfo")
        told = part(properties, "expandedProperties")
        scope, principal = part(told, "scope"), part(told, "principal")
        start = time(schedule, "startDateTime")
        definition = maybe_text(properties, "roleDefinitionId") or ""
        return Request(
            request_id=text(body, "name").lower(),
            role_id=self.canonical_role(definition),
            scope=self.canonical_scope(maybe_text(properties, "scope") or maybe_text(scope, "id") or ""),
            action=action_of(properties.get("requestType")),
            status=status,
            phase=phase_of(status, start, now),
            created_at=time(properties, "createdOn"),
            start_time=start,
            principal_id=maybe_text(properties, "principalId") or "",
            principal_name=maybe_text(principal, "displayName") or maybe_text(principal, "email"),
            role=maybe_text(part(told, "roleDefinition"), "displayName"),
            scope_name=maybe_text(scope, "displayName"),
            justification=maybe_text(properties, "justification"),
            ticket_number=maybe_text(ticket, "ticketNumber"),
            ticket_system=maybe_text(ticket, "ticketSystem"),
            duration=duration(schedule),
            approval_id=maybe_text(properties, "approvalId"),
            native={"roleDefinitionId": definition},
        )

    def _holding(self, body: Mapping[str, Any], *, eligible: bool) -> Holding:
        properties = _properties(body)
        told = part(properties, "expandedProperties")
        role, scope = part(told, "roleDefinition"), part(told, "scope")
        definition = text(properties, "roleDefinitionId")
        role_id = self.canonical_role(definition)
        place = self.canonical_scope(maybe_text(properties, "scope") or text(scope, "id"))
        native = {"roleDefinitionId": definition}
        linked = maybe_text(properties, "roleEligibilityScheduleId" if eligible else "linkedRoleEligibilityScheduleId")
        if linked:
            # A bare id is refused at a scope below that of the eligibility.
            native["linkedRoleEligibilityScheduleId"] = (
                linked if "/" in linked else f"{place}{_PIM}/roleEligibilitySchedules/{linked}"
            )
        for key in ("condition", "conditionVersion"):
            value = maybe_text(properties, key)
            if value:
                native[key] = value
        return Holding(
            role=maybe_text(role, "displayName") or role_id,
            role_id=role_id,
            scope=place,
            scope_name=maybe_text(scope, "displayName"),
            eligible=eligible,
            member_type=(maybe_text(properties, "memberType") or "Direct").lower(),
            assignment_type=None if eligible else (maybe_text(properties, "assignmentType") or "Assigned").lower(),
            start=time(properties, "startDateTime"),
            end=time(properties, "endDateTime"),
            native=native,
        )


def _properties(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return part(body, "properties")


def _url(scope: str | None) -> str:
    return quote((scope or "").rstrip("/"), safe="/")


def _without_inherited(eligible: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The service was seen to repeat an eligibility at scopes below its own: there it is the same one, and only a narrower place for it."""

    def schedule(row: Mapping[str, Any]) -> str:
        return (maybe_text(_properties(row), "roleEligibilityScheduleId") or "").rpartition("/")[2].lower()

    def inherited(row: Mapping[str, Any]) -> bool:
        return (maybe_text(_properties(row), "memberType") or "").lower() == "inherited"

    own = {schedule(row) for row in eligible if not inherited(row)} - {""}
    return [row for row in eligible if not (inherited(row) and schedule(row) in own)]
