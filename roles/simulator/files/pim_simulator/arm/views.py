# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM's records as ARM shows them. What is unset is left out, never null (recorded)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pim_simulator.arm.ids import Ids, instance_name, origin_id, role_definition_id
from pim_simulator.directory import Directory
from pim_simulator.pim.records import Expiration, Key, Request, Schedule
from pim_simulator.pim.schedule_info import read_window
from pim_simulator.pim.store import Store
from pim_simulator.tenant.models import Group, User

Row = dict[str, Any]

NAMESPACE = "Microsoft.Authorization"


def capital(name: str) -> str:
    """``selfActivate`` and ``afterDuration`` begin with a capital letter here."""
    return name[:1].upper() + name[1:]


def row_time(value: datetime | None) -> str | None:
    """With ``Z`` and as many digits of the fraction as there are: .NET drops zeros at the end."""
    return None if value is None else _digits(value) + "Z"


def schedule_time(value: datetime) -> str:
    """In scheduleInfo the same with an offset."""
    return _digits(value) + "+00:00"


def _digits(value: datetime) -> str:
    fraction = f"{value.microsecond:06d}".rstrip("0")
    return value.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "")


def without_unset(row: Row) -> Row:
    """The members that have a value."""
    return {name: value for name, value in row.items() if value is not None}


class Views:
    """Rows of one tenant."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._bare = directory.tenant.behaviour.azure_resources.linked_ids == "bare"
        self.ids = Ids(directory.tenant.azure)

    # schedules

    def schedule(self, schedule: Schedule, holder: str, member_type: str) -> Row:
        """A ...Schedule. ``holder`` is the principal that the row names. An assignment's has no linked eligibility: a known
        defect of the service, which documents it."""
        kind = capital(schedule.kind)
        properties = {
            f"role{kind}ScheduleRequestId": self._request_id(schedule),
            "assignmentType": schedule.assignment_type,
            **self._key(schedule.key, holder),
            "status": "Provisioned",
            "startDateTime": None if schedule.classic else row_time(schedule.start),
            "endDateTime": row_time(schedule.end),
            **self._common(schedule, member_type),
            "updatedOn": row_time(schedule.modified or schedule.created),
        }
        return self._object(schedule.key, f"role{kind}Schedules", schedule.id, properties, holder)

    def instance(self, schedule: Schedule, holder: str, member_type: str) -> Row:
        """A ...ScheduleInstance."""
        kind = capital(schedule.kind)
        origin: Row = {}
        if schedule.kind == "assignment":
            source = self._store.schedules.get(schedule.activated_using or "")
            origin = {"originRoleAssignmentId": origin_id(schedule), **self._linked(source)}
        properties = {
            f"role{kind}ScheduleId": self.ids.of(schedule.key.scope, f"role{kind}Schedules", schedule.id),
            **origin,
            "assignmentType": schedule.assignment_type,
            **self._key(schedule.key, holder),
            "status": "Provisioned",
            "startDateTime": None if schedule.classic else row_time(schedule.start),
            "endDateTime": row_time(schedule.end),
            **self._common(schedule, member_type),
        }
        name = instance_name(schedule)
        return self._object(schedule.key, f"role{kind}ScheduleInstances", name, properties, holder)

    def _request_id(self, schedule: Schedule) -> str:
        kind = capital(schedule.kind)
        return self.ids.of(schedule.key.scope, f"role{kind}ScheduleRequests", schedule.created_using or schedule.id)

    def _linked(self, source: Schedule | None) -> Row:
        if source is None:
            return {}
        names = (
            ("linkedRoleEligibilityScheduleId", "roleEligibilitySchedules", source.id),
            ("linkedRoleEligibilityScheduleInstanceId", "roleEligibilityScheduleInstances", instance_name(source)),
        )
        return {
            member: name if self._bare else self.ids.of(source.key.scope, type_name, name)
            for member, type_name, name in names
        }

    @staticmethod
    def _common(schedule: Schedule, member_type: str) -> Row:
        return {
            "memberType": member_type,
            "createdOn": row_time(schedule.created),
            "condition": schedule.condition,
            "conditionVersion": schedule.condition_version if schedule.condition else None,
        }

    # requests

    def request(self, request: Request) -> Row:
        """A ...ScheduleRequest. What ends something has neither schedule nor target."""
        kind = capital(request.kind)
        details, target = request.details, request.target_schedule_id
        source = self._store.schedules.get(details.linked or "")
        linked = self._linked(source).get("linkedRoleEligibilityScheduleId")
        properties = {
            "linkedRoleEligibilityScheduleId": linked,
            f"targetRole{kind}ScheduleId": self.ids.of(request.key.scope, f"role{kind}Schedules", target)
            if target
            else None,
            **self._key(request.key, request.key.principal_id),
            "requestType": capital(request.action),
            "status": request.status,
            "approvalId": approval_id(request),
            "scheduleInfo": self._schedule_info(request),
            "ticketInfo": without_unset(dict(details.ticket)),
            "justification": details.justification,
            "requestorId": request.created_by,
            "createdOn": row_time(request.created),
            "condition": details.condition,
            "conditionVersion": details.condition_version,
        }
        type_name = f"role{kind}ScheduleRequests"
        return self._object(request.key, type_name, request.id, properties, request.key.principal_id)

    @staticmethod
    def _schedule_info(request: Request) -> Row | None:
        if request.expiration is None:
            return None
        start = request.start
        if start is None:
            # waits for an approver: what was asked for
            start = read_window(request.details.schedule_info, request.created).start
        return {"startDateTime": schedule_time(start), "expiration": _expiration(request.expiration)}

    # parts

    def _key(self, key: Key, holder: str) -> Row:
        return {
            "scope": key.scope,
            "roleDefinitionId": role_definition_id(key.scope, key.role_id),
            "principalId": holder,
            "principalType": self._principal_type(holder),
        }

    def _object(self, key: Key, type_name: str, name: str, properties: Row, holder: str) -> Row:
        properties["expandedProperties"] = self.expanded(key, holder)
        return self.ids.shown(
            {
                "properties": without_unset(properties),
                "name": name,
                "id": self.ids.of(key.scope, type_name, name),
                "type": f"{NAMESPACE}/{type_name}",
            }
        )

    def expanded(self, key: Key, holder: str) -> Row:
        """Names for the ids of a row."""
        found = self._directory.principal(holder)
        email = (found.home_username or found.username) if isinstance(found, User) else None
        principal = {
            "id": holder,
            "displayName": found.name if found else None,
            "email": email,
            "type": self._principal_type(holder),
        }
        return {
            "principal": without_unset(principal),
            "roleDefinition": self.role_definition(key.scope, key.role_id),
            "scope": self.scope(key.scope),
        }

    def role_definition(self, scope: str, role_id: str) -> Row:
        role = self._directory.azure_roles.get(role_id)
        kind = "BuiltInRole" if role and role.builtin else "CustomRole"
        name = role.name if role else None
        return without_unset({"id": role_definition_id(scope, role_id), "displayName": name, "type": kind})

    def scope(self, path: str) -> Row:
        scope = self._directory.azure_scopes.find(path)
        name, kind = (scope.name, scope.type) if scope else (None, None)
        return without_unset({"id": path, "displayName": name, "type": kind})

    def _principal_type(self, principal_id: str) -> str:
        found = self._directory.principal(principal_id)
        if isinstance(found, User):
            return "User"
        return "Group" if isinstance(found, Group) else "ServicePrincipal"


def approval_id(request: Request) -> str | None:
    """A whole path, at the tenant."""
    if request.approval_id is None:
        return None
    return f"/providers/{NAMESPACE}/roleAssignmentApprovals/{request.approval_id}"


def _expiration(expiration: Expiration) -> Row:
    # unspecified is shown as what it comes to
    kind = "NoExpiration" if expiration.type == "notSpecified" else capital(expiration.type)
    end = schedule_time(expiration.end) if expiration.end else None
    return without_unset({"type": kind, "endDateTime": end, "duration": expiration.duration})
