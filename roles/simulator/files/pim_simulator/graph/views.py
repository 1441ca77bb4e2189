# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM's records as rows of Graph, and what their navigation properties lead to."""

from __future__ import annotations

import base64
import hashlib
import uuid
from datetime import datetime
from typing import Any

from pim_simulator.directory import object_view
from pim_simulator.pim.records import Expiration, Request, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import Role
from pim_simulator.times import format_time

Row = dict[str, Any]


def instance_id(schedule: Schedule) -> str:
    """As in documented samples: role and principal in .NET byte order, and a suffix. For other scopes than the tenant the
    real form is not known; clients are to take ids as opaque."""
    data = uuid.UUID(schedule.key.role_id).bytes_le + uuid.UUID(schedule.key.principal_id).bytes_le
    if schedule.key.scope != "/":
        data += hashlib.sha256(schedule.key.scope.encode()).digest()[:8]
    suffix = "-1-e" if schedule.kind == "eligibility" else "-1"
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode() + suffix


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
        # seen live for what was never modified
        "modifiedDateTime": format_time(schedule.modified) if schedule.modified else "0001-01-01T08:00:00Z",
        "status": "Provisioned",
        "scheduleInfo": _schedule_info(schedule.start, schedule.expiration, 3),
        "memberType": "Direct",
    }
    if schedule.kind == "assignment":
        row["assignmentType"] = schedule.assignment_type
    return row


def _schedule_info(start: datetime | None, expiration: Expiration | None, digits: int) -> Row | None:
    if expiration is None:
        return None
    return {
        "startDateTime": format_time(start, digits),
        "recurrence": None,
        "expiration": {
            "type": expiration.type,
            "endDateTime": format_time(expiration.end, digits),
            "duration": expiration.duration,
        },
    }


def request_row(request: Request, version: str, digits: int = 3) -> Row:
    """A ...ScheduleRequest. ``digits`` 7 in the answer of the POST. Beta gives the action back as it was written."""
    identity = {"displayName": None, "id": request.created_by}
    return {
        "id": request.id,
        "status": request.status,
        "createdDateTime": format_time(request.created, digits),
        "completedDateTime": format_time(request.completed, digits),
        "approvalId": request.approval_id,
        "customData": request.details.custom_data,
        "action": request.details.action_as_written if version == "beta" else request.action,
        "principalId": request.key.principal_id,
        "roleDefinitionId": request.key.role_id,
        "directoryScopeId": request.key.scope,
        "appScopeId": None,
        "isValidationOnly": request.details.validation_only,
        "targetScheduleId": request.target_schedule_id,
        "justification": request.details.justification,
        "createdBy": {
            "application": identity if request.created_by_app else None,
            "device": None,
            "user": None if request.created_by_app else identity,
        },
        "scheduleInfo": _schedule_info(request.start, request.expiration, digits),
        "ticketInfo": dict(request.details.ticket),
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


class PimExpander:
    """What lies behind the navigation properties of PIM's rows."""

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
