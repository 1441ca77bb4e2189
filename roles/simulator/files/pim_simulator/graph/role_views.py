# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PIM keeps of Entra roles as rows of Graph, and what their navigation properties lead to."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Any

from pim_simulator.directory import object_view
from pim_simulator.graph.views import Row, modified, request_row, schedule_info
from pim_simulator.pim.records import Request, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import Role
from pim_simulator.times import format_time


def instance_id(schedule: Schedule) -> str:
    """As in documented samples: role and principal in .NET byte order, and a suffix. For other scopes than the tenant the
    real form is not known; clients are to take ids as opaque."""
    data = uuid.UUID(schedule.key.role_id).bytes_le + uuid.UUID(schedule.key.principal_id).bytes_le
    if schedule.key.scope != "/":
        data += hashlib.sha256(schedule.key.scope.encode()).digest()[:8]
    suffix = "-1-e" if schedule.kind == "eligibility" else "-1"
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode() + suffix


def principal_and_role_in(row_id: str) -> tuple[str, str]:
    """Whose the instance is that has this id, and of which role; both empty where it is no such id."""
    coded = row_id.removesuffix("-e").removesuffix("-1")
    try:
        data = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        return str(uuid.UUID(bytes_le=data[16:32])), str(uuid.UUID(bytes_le=data[:16]))
    except ValueError:
        return "", ""


def _key(schedule: Schedule) -> Row:
    return {
        "principalId": schedule.key.principal_id,
        "roleDefinitionId": schedule.key.role_id,
        "directoryScopeId": schedule.key.scope,
        "appScopeId": None,
    }


def instance_row(schedule: Schedule) -> Row:
    """A ...ScheduleInstance."""
    row = {
        "id": instance_id(schedule),
        **_key(schedule),
        # a permanent assignment that was made outside PIM has no times
        "startDateTime": None if schedule.classic else format_time(schedule.start),
        "endDateTime": format_time(schedule.end),
        "memberType": "Direct",
    }
    if schedule.kind == "eligibility":
        row["roleEligibilityScheduleId"] = schedule.id
    else:
        row["assignmentType"] = schedule.assignment_type
        row["roleAssignmentOriginId"] = row["id"]
        row["roleAssignmentScheduleId"] = row["id"] if schedule.classic else schedule.id
    return row


def schedule_row(schedule: Schedule) -> Row:
    """A ...Schedule."""
    row = {
        "id": instance_id(schedule) if schedule.classic else schedule.id,
        **_key(schedule),
        "createdUsing": schedule.created_using,
        "createdDateTime": format_time(schedule.created),
        "modifiedDateTime": modified(schedule),
        "status": "Provisioned",
        "scheduleInfo": schedule_info(schedule.start, schedule.expiration, 3),
        "memberType": "Direct",
    }
    if schedule.kind == "assignment":
        row["assignmentType"] = schedule.assignment_type
    return row


def role_request_row(request: Request, version: str, digits: int) -> Row:
    """A request on an Entra role."""
    return {
        **request_row(request, version, digits),
        "principalId": request.key.principal_id,
        "roleDefinitionId": request.key.role_id,
        "directoryScopeId": request.key.scope,
        "appScopeId": None,
        "targetScheduleId": request.target_schedule_id,
    }


def role_row(role: Role) -> Row:
    """A role definition."""
    builtin = BUILTIN_ROLES.get(role.name) == role.id
    return {
        "id": role.id,
        "description": role.description or f"Simulated role {role.name}.",
        "displayName": role.name,
        "isBuiltIn": builtin,
        "isEnabled": role.enabled,
        "resourceScopes": ["/"],
        "templateId": role.id,
        "version": "1" if builtin else None,
        "rolePermissions": [],
    }


class RoleExpander:
    """What lies behind the navigation properties."""

    def __init__(self, store: Store) -> None:
        self._directory = store.directory
        self._store = store

    def __call__(self, row: Row, name: str) -> Any:
        if name == "roleDefinition":
            role = self._directory.role(row["roleDefinitionId"])
            return role_row(role) if role else None
        if name == "principal":
            found = self._directory.object(row["principalId"])
            return object_view(found, typed=True) if found else None
        if name == "directoryScope":
            return self._scope(row["directoryScopeId"])
        if name == "activatedUsing":
            return self._activated_using(row)
        if name == "targetSchedule":
            schedule = self._store.schedules.get(row["targetScheduleId"] or "")
            return schedule_row(schedule) if schedule else None
        return None  # appScope: no role of this tenant has one

    def _scope(self, scope: str) -> Row | None:
        if scope == "/":
            return {"id": "/"}
        found = self._directory.object(scope.rsplit("/", 1)[-1])
        return object_view(found, typed=True) if found else None

    def _activated_using(self, row: Row) -> Row | None:
        """Of an instance the instance, of a schedule or request the schedule of the eligibility used."""
        schedule_id = row.get("roleAssignmentScheduleId") or row.get("targetScheduleId") or row["id"]
        schedule = self._store.schedules.get(schedule_id)
        source = self._store.schedules.get(schedule.activated_using or "") if schedule else None
        if source is None:
            return None
        return instance_row(source) if "roleAssignmentScheduleId" in row else schedule_row(source)
