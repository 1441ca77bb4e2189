# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Entra roles and groups share: PIM on Microsoft Graph keeps both alike, under other names. Private to the collection.

Facts: Microsoft Graph documentation, "privileged identity management APIs". Service spellings end here. Enum values are compared
without case: documentation and service differ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ..api.calls import Answer, Call
from ..errors import PimError
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
    objects,
    part,
    rows,
    stage,
    stages_of,
    text,
    time,
)
from .policies import policy_of
from .requests import action_of, phase_of

_MINE = "/filterByCurrentUser(on='principal')"
_TO_DECIDE = "/filterByCurrentUser(on='approver')"


class GraphPim(ABC):
    """A subclass says where its collections are, and how a role and its scope are spelled there."""

    name: str
    api = "graph"
    permissions: tuple[str, ...]
    default_scope: str | None
    # All lists fit into one batch.
    requests_are_free = True
    wants_mfa_for_writes = False
    takes_our_ids = False

    # Below the version: the three collections, and what of a row's neighbours holds the names.
    _eligible: str
    _active: str
    _requests: str
    _expand: str
    # Where approvals are; as (in the beta, what their stages are called there), the surest first.
    _approvals: str
    _stages: tuple[tuple[bool, str], ...]

    @abstractmethod
    def _holding(self, body: Mapping[str, Any], *, eligible: bool) -> Holding:
        """One line of a list."""

    @abstractmethod
    def _address(self, body: Mapping[str, Any]) -> tuple[str, str]:
        """Role id and scope that a request is for."""

    @abstractmethod
    def _names(self, body: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The names of both, as far as the list has them."""

    @abstractmethod
    def _policy_filter(self, row: RoleRow) -> str:
        """Names the policy of a role; both scope filters are mandatory (else MissingProvider)."""

    def canonical_role(self, role: str) -> str:
        return role

    def canonical_scope(self, scope: str) -> str:
        return scope

    def below(self, scope: str, outer: str) -> bool | None:
        """A role is activated exactly where it is eligible."""
        return False

    def children_call(self, outer: str) -> Call:
        raise PimError("invalid_option", f"{self.name}: nothing lies below {outer}")

    def read_children(self, answer: Answer) -> list[str]:
        return []

    def list_calls(self, principal: str | None, *, requests: bool) -> list[Call]:
        if principal is None:
            paths = [f"{self._eligible}{_MINE}?$expand={self._expand}", f"{self._active}{_MINE}?$expand={self._expand}"]
            if requests:
                paths.append(f"{self._requests}{_MINE}")
        else:
            whose = f"?$filter={quote(f'principalId eq {literal(principal)}')}&$expand={self._expand}"
            paths = [f"{self._eligible}{whose}", f"{self._active}{whose}"]
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
            [self._holding(row, eligible=True) for row in rows(eligible)]
            + [self._holding(row, eligible=False) for row in rows(active)],
            requests,
        )

    def name_calls(self, lines: Sequence[Holding] | Sequence[Request]) -> list[Call]:
        return []

    def with_names(self, lines: Sequence[Line], answers: Sequence[Answer | PimError]) -> list[Line]:
        """Names found in `/<collection>?$filter=id in (...)`, for lines whose scope has none."""
        names = {
            str(maybe_text(row, "id")).lower(): maybe_text(row, "displayName")
            for answer in answers
            if isinstance(answer, Answer)
            for row in objects(answer.body, "value")
        }
        return [replace(line, scope_name=line.scope_name or names.get(line.scope.lower())) for line in lines]

    def active_call(self) -> Call:
        return Call(self.api, "GET", f"{self._active}{_MINE}?$expand={self._expand}", pages=True)

    def read_active(self, answer: Answer) -> list[Holding]:
        return [self._holding(row, eligible=False) for row in rows(answer)]

    def policy_call(self, row: RoleRow) -> Call:
        wanted = quote(self._policy_filter(row))
        path = f"/policies/roleManagementPolicyAssignments?$filter={wanted}&$expand=policy($expand=rules)"
        return Call(self.api, "GET", path)

    def read_policy(self, answer: Answer, row: RoleRow) -> Policy:
        found = rows(answer)
        if not found:
            raise PimError("invalid_response", "The service has no policy for this role", request_id=answer.request_id)
        listed = part(found[0], "policy").get("rules")
        if not isinstance(listed, list):
            raise PimError(
                "invalid_response", "The service left out the rules of the policy", request_id=answer.request_id
            )
        return policy_of(listed)

    def activate_call(
        self, row: RoleRow, principal: str, activation: Activation, request_id: str, *, validate_only: bool
    ) -> Call:
        body = self._body("selfActivate", row, principal, activation.justification)
        schedule: dict[str, Any] = {
            "expiration": {"type": "afterDuration", "duration": format_duration(activation.duration)}
        }
        if activation.start is not None:
            # Always with Z: a time without an offset is refused.
            schedule["startDateTime"] = format_time(activation.start)
        body["scheduleInfo"] = schedule
        if activation.ticket:
            body["ticketInfo"] = activation.ticket
        if validate_only:
            body["isValidationOnly"] = True
        return Call(self.api, "POST", self._requests, body)

    def deactivate_call(self, row: RoleRow, principal: str, justification: str | None, request_id: str) -> Call:
        return Call(self.api, "POST", self._requests, self._body("selfDeactivate", row, principal, justification))

    def cancel_call(self, row: RoleRow, request_id: str) -> Call:
        return Call(self.api, "POST", f"{self._requests}/{quote(request_id, safe='')}/cancel")

    def request_call(self, row: RoleRow, request_id: str) -> Call:
        return Call(self.api, "GET", f"{self._requests}/{quote(request_id, safe='')}")

    def read_request(self, answer: Answer, now: datetime) -> Request:
        return self._request(answer.body, now)

    def read_status(self, answer: Answer) -> str | None:
        return maybe_text(answer.body, "status")

    def requests_call(self, *, approver: bool, status: str | None) -> Call:
        # One value is the filter that is documented, and that the list of everybody's requests does not take.
        wanted = f"$filter={quote(f'status eq {literal(status)}')}&" if status else ""
        path = f"{self._requests}{_TO_DECIDE if approver else _MINE}?{wanted}$expand={self._expand},principal"
        return Call(self.api, "GET", path, pages=True)

    def read_requests(self, answer: Answer, now: datetime) -> list[Request]:
        return [self._request(row, now) for row in rows(answer)]

    def stages_calls(self, approval_id: str) -> list[Call]:
        where = f"{self._approvals}/{quote(approval_id, safe='')}"
        return [Call(self.api, "GET", f"{where}/{name}", pages=True, beta=beta) for beta, name in self._stages]

    def read_stages(self, answer: Answer) -> list[Stage]:
        listed = [
            stage(row, text(row, "id"), part(row, "reviewedBy"), "id", ("displayName", "userPrincipalName"))
            for row in rows(answer)
        ]
        return stages_of(listed, answer)

    def decide_call(self, stages: Call, stage_id: str, decision: str, justification: str | None) -> Call:
        body = {"reviewResult": REVIEW_RESULTS[decision], "justification": justification or ""}
        path = f"{stages.path}/{quote(stage_id, safe='')}"
        return Call(self.api, "PATCH", path, body, answers_nothing=True, beta=stages.beta)

    @staticmethod
    def _body(action: str, row: RoleRow, principal: str, justification: str | None) -> dict[str, Any]:
        body: dict[str, Any] = {"action": action, "principalId": principal, **row.native}
        if justification:
            body["justification"] = justification
        return body

    def _request(self, body: Mapping[str, Any], now: datetime) -> Request:
        status = text(body, "status")
        schedule, ticket, principal = part(body, "scheduleInfo"), part(body, "ticketInfo"), part(body, "principal")
        start = time(schedule, "startDateTime")
        role_id, scope = self._address(body)
        role, scope_name = self._names(body)
        return Request(
            request_id=text(body, "id"),
            role_id=role_id,
            scope=scope,
            action=action_of(body.get("action")),
            status=status,
            phase=phase_of(status, start, now),
            created_at=time(body, "createdDateTime"),
            start_time=start,
            principal_id=maybe_text(body, "principalId") or "",
            principal_name=maybe_text(principal, "displayName") or maybe_text(principal, "userPrincipalName"),
            role=role,
            scope_name=scope_name,
            justification=maybe_text(body, "justification"),
            ticket_number=maybe_text(ticket, "ticketNumber"),
            ticket_system=maybe_text(ticket, "ticketSystem"),
            duration=duration(schedule),
            approval_id=maybe_text(body, "approvalId"),
        )
