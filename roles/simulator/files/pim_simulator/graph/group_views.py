# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PIM keeps of groups as rows of Graph, and what their navigation properties lead to."""

from __future__ import annotations

from typing import Any

from pim_simulator.directory import object_view
from pim_simulator.graph.views import Row, modified, request_row, schedule_info
from pim_simulator.pim.records import Key, Request, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.times import format_time


class GroupViews:
    """Rows of one store. The schema has lower-case members of its enumerations, the documents print others: the tenant
    chooses."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._directory = store.directory
        self._behaviour = store.directory.tenant.behaviour

    def spelled(self, member: str) -> str:
        """A member of an enumeration, given in lower case."""
        return member if self._behaviour.group_enum_case == "lower" else member.capitalize()

    def instance(self, schedule: Schedule) -> Row:
        """A ...ScheduleInstance."""
        row_id = schedule_row_id(schedule.key, schedule.id)
        row = {
            "id": row_id,
            **_key(schedule.key),
            "startDateTime": format_time(schedule.start),
            "endDateTime": format_time(schedule.end),
            "memberType": self.spelled("direct"),
        }
        if schedule.kind == "eligibility":
            row["eligibilityScheduleId"] = row_id
        else:
            row["assignmentType"] = self.spelled((schedule.assignment_type or "").lower())
            row["assignmentScheduleId"] = row_id
        return row

    def schedule(self, schedule: Schedule) -> Row:
        """A ...Schedule."""
        row = {
            "id": schedule_row_id(schedule.key, schedule.id),
            **_key(schedule.key),
            "createdUsing": schedule.created_using,
            "createdDateTime": format_time(schedule.created),
            "modifiedDateTime": modified(schedule),
            "status": "Provisioned",
            "scheduleInfo": schedule_info(schedule.start, schedule.expiration, 3),
            "memberType": self.spelled("direct"),
        }
        if schedule.kind == "assignment":
            row["assignmentType"] = self.spelled((schedule.assignment_type or "").lower())
        return row

    def request(self, request: Request, version: str, digits: int) -> Row:
        """A ...ScheduleRequest."""
        target = request.target_schedule_id
        return {
            **request_row(request, version, digits),
            **_key(request.key),
            "targetScheduleId": schedule_row_id(request.key, target) if target else None,
        }

    def expand(self, row: Row, name: str) -> Any:
        if name == "group":
            return self._group(row["groupId"])
        if name == "principal":
            found = self._directory.object(row["principalId"])
            return object_view(found, typed=True) if found else None
        if name == "targetSchedule":
            schedule = self._behind(row["targetScheduleId"])
            # the schema has the type of an eligibility here, of whatever kind the request is
            return {k: v for k, v in self.schedule(schedule).items() if k != "assignmentType"} if schedule else None
        return self._activated_using(row)

    def _group(self, group_id: str) -> Row | None:
        """Reported by peers: sometimes there is nothing in it."""
        if self._behaviour.expand_group != "full":
            return {} if self._behaviour.expand_group == "empty" else None
        group = self._directory.group(group_id)
        return object_view(group) if group else None

    def _activated_using(self, row: Row) -> Row | None:
        """Of an instance the instance, of a schedule or request the schedule of the eligibility used."""
        schedule = self._behind(row.get("assignmentScheduleId") or row.get("targetScheduleId") or row["id"])
        source = self._store.schedules.get(schedule.activated_using or "") if schedule else None
        if source is None:
            return None
        return self.instance(source) if "assignmentScheduleId" in row else self.schedule(source)

    def _behind(self, row_id: str | None) -> Schedule | None:
        return find_schedule(self._store, row_id or "")


def schedule_row_id(key: Key, schedule_id: str) -> str:
    """Documented: group, access and a GUID."""
    return f"{key.scope}_{key.role_id}_{schedule_id}"


def find_schedule(store: Store, row_id: str) -> Schedule | None:
    """The schedule whose row has this id."""
    found = store.schedules.get(row_id.rpartition("_")[2].lower())
    return found if found and schedule_row_id(found.key, found.id) == row_id.lower() else None


def _key(key: Key) -> Row:
    return {"accessId": key.role_id, "groupId": key.scope, "principalId": key.principal_id}
