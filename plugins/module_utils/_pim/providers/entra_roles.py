# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra (directory) roles: Microsoft Graph, roleManagement/directory. Private to the collection.

Facts: Microsoft Graph documentation, "privileged identity management for Microsoft Entra roles" (rbacapplication-*, unifiedrole*).
Service spellings end here. Enum values are compared without case: documentation and service differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from ..api.calls import Answer, Call
from ..errors import PimError, invalid_option
from ..models import Approver, Holding, Policy, Request, RoleRow
from ..times import format_duration, format_time, parse_duration, parse_time
from . import base
from .base import Activation, Listing, maybe_text, part, rows, text

_DIRECTORY = "/roleManagement/directory"
_ELIGIBLE = f"{_DIRECTORY}/roleEligibilityScheduleInstances"
_ACTIVE = f"{_DIRECTORY}/roleAssignmentScheduleInstances"
_REQUESTS = f"{_DIRECTORY}/roleAssignmentScheduleRequests"
_MINE = "/filterByCurrentUser(on='principal')"
_EXPAND = "$expand=roleDefinition,directoryScope"

# `/` is the tenant; ids are GUIDs today, but nothing here depends on it.
_SCOPE = re.compile(r"/|/administrativeUnits/[\w.-]+|/(?!administrativeUnits$)[\w.-]+", re.ASCII | re.IGNORECASE)

# Status of a request (Microsoft Graph, resource "request", and the values the engine behind it is known to use) -> phase.
_PHASES = {
    "pendingapproval": base.WAITING,
    "pendingapprovalprovisioning": base.WAITING,
    "pendingadmindecision": base.WAITING,
    "pendingevaluation": base.WAITING,
    "pendingprovisioning": base.PROVISIONING,
    "pendingschedulecreation": base.PROVISIONING,
    "pendingexternalprovisioning": base.PROVISIONING,
    "provisioningstarted": base.PROVISIONING,
    "pendingrevocation": base.PROVISIONING,
    "accepted": base.PROVISIONING,
    "adminapproved": base.PROVISIONING,
    "granted": base.DONE,
    "schedulecreated": base.DONE,
    "provisioned": base.DONE,
    "denied": base.DENIED,
    "admindenied": base.DENIED,
    "timedout": base.DENIED,
    "canceled": base.WITHDRAWN,
    "revoked": base.WITHDRAWN,
    "failed": base.FAILED,
    "failedasresourceislocked": base.FAILED,
    "invalid": base.FAILED,
}
# These are also what a request is called that was accepted for a later start.
_MAY_BE_SCHEDULED = frozenset({"granted", "schedulecreated", "pendingschedulecreation", "pendingprovisioning"})


# The start of an activation for now lies a few seconds after its request, and the service's Date has whole seconds only.
_MOMENT = timedelta(minutes=1)


class EntraRoles:
    name = "entra_roles"
    api = "graph"
    permissions: tuple[str, ...] = (
        "RoleEligibilitySchedule.Read.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleManagementPolicy.Read.Directory",
    )
    default_scope: str | None = "/"

    def check_scope(self, scope: str) -> None:
        if not _SCOPE.fullmatch(scope):
            raise invalid_option("scope", scope, "it must be /, /administrativeUnits/<id> or /<object id>")

    def list_calls(self, principal: str | None, *, requests: bool) -> list[Call]:
        if principal is None:
            paths = [f"{_ELIGIBLE}{_MINE}?{_EXPAND}", f"{_ACTIVE}{_MINE}?{_EXPAND}"]
            if requests:
                paths.append(f"{_REQUESTS}{_MINE}")
        else:
            whose = f"?$filter={quote(f'principalId eq {_literal(principal)}')}&{_EXPAND}"
            paths = [f"{_ELIGIBLE}{whose}", f"{_ACTIVE}{whose}"]
        return [Call(self.api, "GET", path, pages=True) for path in paths]

    def read_lists(self, answers: Sequence[Answer | PimError], now: datetime) -> Listing:
        for answer in answers[:2]:
            if isinstance(answer, PimError):
                raise answer
        eligible, active = (answer for answer in answers[:2] if isinstance(answer, Answer))
        # Reading one's own requests needs a permission of its own: without it, only what is pending stays unknown.
        requests = None
        for answer in answers[2:]:
            if isinstance(answer, Answer):
                requests = [self._request(row, now) for row in rows(answer)]
            elif answer.status != 403:
                raise answer
        return Listing(
            [_holding(row, eligible=True) for row in rows(eligible)]
            + [_holding(row, eligible=False) for row in rows(active)],
            requests,
        )

    def active_call(self) -> Call:
        return Call(self.api, "GET", f"{_ACTIVE}{_MINE}?{_EXPAND}", pages=True)

    def read_active(self, answer: Answer) -> list[Holding]:
        return [_holding(row, eligible=False) for row in rows(answer)]

    def principal_call(self, name: str) -> Call:
        return Call(self.api, "GET", f"/users/{quote(name, safe='')}?$select=id")

    def read_principal(self, answer: Answer) -> str:
        return text(answer.body, "id")

    def policy_call(self, row: RoleRow) -> Call:
        # A policy belongs to a role, not to a scope; both scope filters are mandatory (else MissingProvider).
        wanted = (
            f"scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq {_literal(row.role_id or '')}"
        )
        path = f"/policies/roleManagementPolicyAssignments?$filter={quote(wanted)}&$expand=policy($expand=rules)"
        return Call(self.api, "GET", path)

    def read_policy(self, answer: Answer) -> Policy:
        found = rows(answer)
        if not found:
            raise PimError("invalid_response", "The service has no policy for this role", request_id=answer.request_id)
        listed = part(found[0], "policy").get("rules")
        if not isinstance(listed, list):
            raise PimError(
                "invalid_response", "The service left out the rules of the policy", request_id=answer.request_id
            )
        rules = {str(rule.get("id")): rule for rule in listed if isinstance(rule, dict)}
        enabled = {str(one).lower() for one in _texts(rules.get("Enablement_EndUser_Assignment"), "enabledRules")}
        setting = part(rules.get("Approval_EndUser_Assignment", {}), "setting")
        context = rules.get("AuthenticationContext_EndUser_Assignment", {})
        return Policy(
            maximum_duration=_maximum(rules.get("Expiration_EndUser_Assignment", {})),
            requires_mfa="multifactorauthentication" in enabled,
            requires_justification="justification" in enabled,
            requires_ticket="ticketing" in enabled,
            requires_approval=setting.get("isApprovalRequired") is True,
            approvers=tuple(_approvers(setting)),
            authentication_context=maybe_text(context, "claimValue") if context.get("isEnabled") is True else None,
        )

    def activate_call(self, row: RoleRow, principal: str, activation: Activation, *, validate_only: bool) -> Call:
        body = self._body("selfActivate", row, principal, activation.justification)
        schedule: dict[str, Any] = {
            "expiration": {"type": "afterDuration", "duration": format_duration(activation.duration)}
        }
        if activation.start is not None:
            # Always with Z: a time without an offset is refused.
            schedule["startDateTime"] = format_time(activation.start)
        body["scheduleInfo"] = schedule
        ticket = {"ticketNumber": activation.ticket_number, "ticketSystem": activation.ticket_system}
        if any(ticket.values()):
            body["ticketInfo"] = {key: value for key, value in ticket.items() if value}
        if validate_only:
            body["isValidationOnly"] = True
        return Call(self.api, "POST", _REQUESTS, body)

    def deactivate_call(self, row: RoleRow, principal: str, justification: str | None) -> Call:
        return Call(self.api, "POST", _REQUESTS, self._body("selfDeactivate", row, principal, justification))

    def cancel_call(self, request_id: str) -> Call:
        return Call(self.api, "POST", f"{_REQUESTS}/{quote(request_id, safe='')}/cancel")

    def request_call(self, request_id: str) -> Call:
        return Call(self.api, "GET", f"{_REQUESTS}/{quote(request_id, safe='')}")

    def read_request(self, answer: Answer, now: datetime) -> Request:
        return self._request(answer.body, now)

    @staticmethod
    def _body(action: str, row: RoleRow, principal: str, justification: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {"action": action, "principalId": principal, **row.native}
        if justification:
            body["justification"] = justification
        return body

    @staticmethod
    def _request(body: Mapping[str, Any], now: datetime) -> Request:
        status = text(body, "status")
        start = _time(part(body, "scheduleInfo"), "startDateTime")
        phase = _PHASES.get(status.lower(), base.PROVISIONING)
        if status.lower() in _MAY_BE_SCHEDULED and start is not None and start > now:
            phase = base.SCHEDULED if start - now > _MOMENT else base.PROVISIONING
        return Request(
            request_id=text(body, "id"),
            role_id=maybe_text(body, "roleDefinitionId") or "",
            scope=maybe_text(body, "directoryScopeId") or maybe_text(body, "appScopeId") or "",
            action={"selfactivate": "activate", "selfdeactivate": "deactivate"}.get(
                str(body.get("action")).lower(), str(body.get("action"))
            ),
            status=status,
            phase=phase,
            created_at=_time(body, "createdDateTime"),
            start_time=start,
        )


def _holding(body: Mapping[str, Any], *, eligible: bool) -> Holding:
    role_id = text(body, "roleDefinitionId")
    directory_scope, app_scope = maybe_text(body, "directoryScopeId"), maybe_text(body, "appScopeId")
    scope = directory_scope or app_scope
    if scope is None:
        raise PimError("invalid_response", "The service listed a role without its scope")
    assignment = maybe_text(body, "assignmentType")
    return Holding(
        role=maybe_text(part(body, "roleDefinition"), "displayName") or role_id,
        role_id=role_id,
        scope=scope,
        scope_name="Directory" if scope == "/" else maybe_text(part(body, "directoryScope"), "displayName"),
        eligible=eligible,
        member_type=(maybe_text(body, "memberType") or "Direct").lower(),
        assignment_type=None if eligible else (assignment or "Assigned").lower(),
        start=_time(body, "startDateTime"),
        end=_time(body, "endDateTime"),
        native={
            "roleDefinitionId": role_id,
            **({"directoryScopeId": directory_scope} if directory_scope else {"appScopeId": scope}),
        },
    )


def _time(body: Mapping[str, Any], key: str) -> datetime | None:
    value = maybe_text(body, key)
    if value is None:
        return None
    try:
        return parse_time(value)
    except ValueError:
        raise PimError("invalid_response", f"The service gave {key} as something that is no time") from None


def _maximum(rule: Mapping[str, Any]) -> int | None:
    value = maybe_text(rule, "maximumDuration")
    if value is None or rule.get("isExpirationRequired") is False:
        # Without required expiration the service still asks an activation for an end, and takes any.
        return None
    try:
        return parse_duration(value)
    except ValueError:
        raise PimError(
            "invalid_response", "The service gave maximumDuration as something that is no duration"
        ) from None


def _approvers(setting: Mapping[str, Any]) -> list[Approver]:
    found = []
    for stage in _objects(setting, "approvalStages"):
        for one in _objects(stage, "primaryApprovers"):
            group = "group" in str(one.get("@odata.type")).lower()
            ident = maybe_text(one, "groupId" if group else "userId") or maybe_text(one, "id")
            found.append(Approver(ident, maybe_text(one, "description"), "group" if group else "user"))
    return found


def _objects(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = body.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(rule: object, key: str) -> list[str]:
    value = rule.get(key) if isinstance(rule, dict) else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _literal(value: str) -> str:
    """An OData text literal; a quote inside it is doubled."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
