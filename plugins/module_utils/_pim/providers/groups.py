# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership and ownership of groups: Microsoft Graph, identityGovernance/privilegedAccess/group. Private to the collection.

Facts: Microsoft Graph documentation, "privileged identity management for groups" (privilegedaccessgroup-*). The role is the `accessId`,
the scope the group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..api.calls import Call
from ..errors import invalid_option
from ..models import Holding, Request, RoleRow
from .base import literal, maybe_text, part, text, time
from .graph_pim import GraphPim

_GROUP = "/identityGovernance/privilegedAccess/group"
_ROLES = ("member", "owner")
# Graph takes this many values in an `in` filter.
_NAMES_AT_ONCE = 15


class Groups(GraphPim):
    name = "groups"
    permissions: tuple[str, ...] = (
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "RoleManagementPolicy.Read.AzureADGroup",
    )
    default_scope: str | None = None

    _eligible = f"{_GROUP}/eligibilityScheduleInstances"
    _active = f"{_GROUP}/assignmentScheduleInstances"
    _requests = f"{_GROUP}/assignmentScheduleRequests"
    _expand = "group"
    # Clients are known to decide by the beta; v1.0 has the same under another name, by its schema.
    _approvals = f"{_GROUP}/assignmentApprovals"
    _stages = ((True, "steps"), (False, "stages"))

    def check_role(self, role: str) -> None:
        if role.lower() not in _ROLES:
            raise invalid_option("role", role, f"with provider={self.name} it must be one of {', '.join(_ROLES)}")

    def check_scope(self, scope: str | None) -> None:
        if scope is None:
            raise invalid_option("scope", scope, f"with provider={self.name} it must be the name or id of a group")

    def name_calls(self, lines: Sequence[Holding] | Sequence[Request]) -> list[Call]:
        """The service was seen to leave the expanded group empty."""
        unnamed = list(dict.fromkeys(line.scope for line in lines if line.scope_name is None))
        chunks = [unnamed[start : start + _NAMES_AT_ONCE] for start in range(0, len(unnamed), _NAMES_AT_ONCE)]
        return [
            Call(
                self.api,
                "GET",
                f"/groups?$filter={quote('id in ({})'.format(','.join(map(literal, chunk))))}&$select=id,displayName",
                pages=True,
            )
            for chunk in chunks
        ]

    def _policy_filter(self, row: RoleRow) -> str:
        return f"scopeId eq {literal(row.scope or '')} and scopeType eq 'Group' and roleDefinitionId eq {literal(row.role_id or '')}"

    def _address(self, body: Mapping[str, Any]) -> tuple[str, str]:
        return (maybe_text(body, "accessId") or "").lower(), maybe_text(body, "groupId") or ""

    def _names(self, body: Mapping[str, Any]) -> tuple[str | None, str | None]:
        return self._address(body)[0], maybe_text(part(body, "group"), "displayName")

    def _holding(self, body: Mapping[str, Any], *, eligible: bool) -> Holding:
        access, group = text(body, "accessId").lower(), text(body, "groupId")
        return Holding(
            role=access,
            role_id=access,
            scope=group,
            scope_name=maybe_text(part(body, "group"), "displayName"),
            eligible=eligible,
            member_type=(maybe_text(body, "memberType") or "Direct").lower(),
            assignment_type=None if eligible else (maybe_text(body, "assignmentType") or "Assigned").lower(),
            start=time(body, "startDateTime"),
            end=time(body, "endDateTime"),
            native={"accessId": access, "groupId": group},
        )
