# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra (directory) roles: Microsoft Graph, roleManagement/directory. Private to the collection.

Facts: Microsoft Graph documentation, "privileged identity management for Microsoft Entra roles" (rbacapplication-*, unifiedrole*).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import PimError, invalid_option
from ..models import Holding, RoleRow
from .base import literal, maybe_text, part, text, time
from .graph_pim import GraphPim

_DIRECTORY = "/roleManagement/directory"

# `/` is the tenant; ids are GUIDs today, but nothing here depends on it.
_SCOPE = re.compile(r"/|/administrativeUnits/[\w.-]+|/(?!administrativeUnits$)[\w.-]+", re.ASCII | re.IGNORECASE)


class EntraRoles(GraphPim):
    name = "entra_roles"
    permissions: tuple[str, ...] = (
        "RoleEligibilitySchedule.Read.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleManagementPolicy.Read.Directory",
    )
    default_scope: str | None = "/"

    _eligible = f"{_DIRECTORY}/roleEligibilityScheduleInstances"
    _active = f"{_DIRECTORY}/roleAssignmentScheduleInstances"
    _requests = f"{_DIRECTORY}/roleAssignmentScheduleRequests"
    _expand = "roleDefinition,directoryScope"
    # v1.0 has no approvals of directory roles.
    _approvals = f"{_DIRECTORY}/roleAssignmentApprovals"
    _stages = ((True, "steps"),)

    def check_role(self, role: str) -> None:
        """Custom roles have any name."""

    def check_scope(self, scope: str | None) -> None:
        if scope is not None and not _SCOPE.fullmatch(scope):
            raise invalid_option("scope", scope, "it must be /, /administrativeUnits/<id> or /<object id>")

    def _policy_filter(self, row: RoleRow) -> str:
        # A policy belongs to a role, not to a scope.
        return f"scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq {literal(row.role_id or '')}"

    def _address(self, body: Mapping[str, Any]) -> tuple[str, str]:
        scope = maybe_text(body, "directoryScopeId") or maybe_text(body, "appScopeId") or ""
        return maybe_text(body, "roleDefinitionId") or "", scope

    def _names(self, body: Mapping[str, Any]) -> tuple[str | None, str | None]:
        scope = maybe_text(body, "directoryScopeId")
        scope_name = "Directory" if scope == "/" else maybe_text(part(body, "directoryScope"), "displayName")
        return maybe_text(part(body, "roleDefinition"), "displayName"), scope_name

    def _holding(self, body: Mapping[str, Any], *, eligible: bool) -> Holding:
        role_id = text(body, "roleDefinitionId")
        directory_scope, app_scope = maybe_text(body, "directoryScopeId"), maybe_text(body, "appScopeId")
        scope = directory_scope or app_scope
        if scope is None:
            raise PimError("invalid_response", "The service listed a role without its scope")
        return Holding(
            role=maybe_text(part(body, "roleDefinition"), "displayName") or role_id,
            role_id=role_id,
            scope=scope,
            scope_name="Directory" if scope == "/" else maybe_text(part(body, "directoryScope"), "displayName"),
            eligible=eligible,
            member_type=(maybe_text(body, "memberType") or "Direct").lower(),
            assignment_type=None if eligible else (maybe_text(body, "assignmentType") or "Assigned").lower(),
            start=time(body, "startDateTime"),
            end=time(body, "endDateTime"),
            native={
                "roleDefinitionId": role_id,
                **({"directoryScopeId": directory_scope} if directory_scope else {"appScopeId": scope}),
            },
        )
