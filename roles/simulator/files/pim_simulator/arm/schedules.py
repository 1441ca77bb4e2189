# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eligibility and assignment schedules and their instances: one's own with asTarget(), everybody's for who may read them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from pim_simulator.arm.errors import ArmError, not_found
from pim_simulator.arm.filters import Comparison, Filter, Function, read_filter
from pim_simulator.arm.ids import instance_name, masked
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.views import Row, Views, capital
from pim_simulator.pim.records import Kind, Schedule

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_FUNCTIONS = {"astarget": False, "atscope": False, "assignedto": True}
_PROPERTIES = (
    "principalid",
    "roledefinitionid",
    "status",
    "roleeligibilityscheduleid",
    "roleassignmentscheduleid",
)


def last_segment(value: str) -> str:
    """The GUID that an id ends in, or is."""
    return value.rstrip("/").rsplit("/", 1)[-1].lower()


class Schedules:
    """One of the four collections."""

    def __init__(self, place: Place, views: Views, kind: Kind, instances: bool) -> None:
        self._place = place
        self._views = views
        self._kind: Kind = kind
        self._instances = instances
        self._what = f"Role{capital(kind)}Schedule{'Instance' if instances else ''}"

    def all(self, call: ArmCall) -> ArmAnswer:
        now = self._place.open()
        wanted = read_filter(call.filter_text, _FUNCTIONS, _PROPERTIES)
        scope = self._place.scope(call.address.scope).path if call.address.scope else None
        if not wanted.has("astarget"):
            self._place.require_reader(call, scope or self._place.scopes.root.path)
        person = self._person(call, wanted)
        holders = self._place.holders(person, now) if person else []
        matching = _Matching(
            self._place, wanted, scope, set(holders), set(self._place.holders(call.caller.object_id, now))
        )

        def shown(_holder: str | None, schedule: Schedule) -> bool:
            return self._listed(schedule, now) and matching(schedule)

        def row(holder: str | None, schedule: Schedule) -> Row:
            inherited = scope is not None and schedule.key.scope != scope and wanted.has("astarget")
            return self._row(schedule, person if holder != person else None, inherited)

        size = self._place.world.tenant.page_size
        return page(call, self._sources(wanted, holders), shown, row, size)

    def _person(self, call: ArmCall, wanted: Filter) -> str | None:
        """Whose rows are asked for, through groups too."""
        if wanted.has("astarget"):
            return call.caller.object_id
        assigned = wanted.value("assignedto")
        return assigned.lower() if assigned else None

    def _sources(self, wanted: Filter, holders: Sequence[str]) -> list[tuple[str | None, Sequence[Schedule]]]:
        store = self._place.store
        if holders:
            return [(holder, store.of_principal(self._kind, holder)) for holder in holders]
        principal = wanted.value("principalid")
        if principal is not None:
            return [(None, store.of_principal(self._kind, principal.lower()))]
        return [(None, store.of_kind(self._kind))]

    def _listed(self, schedule: Schedule, now: datetime) -> bool:
        """A schedule stands from its creation, an instance from its start."""
        return schedule.instance_listed(now) if self._instances else schedule.listed(now)

    def _row(self, schedule: Schedule, member: str | None, inherited: bool = False) -> Row:
        """``member``: who holds it through a group."""
        holder, member_type = schedule.key.principal_id, "Inherited" if inherited else "Direct"
        if member is not None:
            member_type = "Group"
            if self._place.world.tenant.behaviour.azure_resources.group_row_principal == "member":
                holder = member
        show = self._views.instance if self._instances else self._views.schedule
        return show(schedule, holder, member_type)

    def get(self, call: ArmCall, name: str) -> ArmAnswer:
        """Without asTarget() only for who may read what others hold (recorded)."""
        now = self._place.open()
        wanted = read_filter(call.filter_text, _FUNCTIONS, _PROPERTIES)
        scope = self._place.scope(call.address.scope).path if call.address.scope else None
        holders = self._place.holders(call.caller.object_id, now)
        if not wanted.has("astarget"):
            self._place.require_reader(call, scope or self._place.scopes.root.path)
        schedule = self._found(name, now)
        if schedule is None or scope not in (None, schedule.key.scope):
            raise self._missing(name)
        member = None
        if wanted.has("astarget"):
            if schedule.key.principal_id not in holders:
                raise self._missing(name)
            member = call.caller.object_id if schedule.key.principal_id != call.caller.object_id else None
        return ArmAnswer(body=self._row(schedule, member))

    def _found(self, name: str, now: datetime) -> Schedule | None:
        if not GUID.fullmatch(name):
            return None
        candidates = (name.lower(), masked(name.lower())) if self._instances else (name.lower(),)
        for schedule_id in candidates:
            schedule = self._place.store.schedules.get(schedule_id)
            if schedule is None or schedule.kind != self._kind or not self._listed(schedule, now):
                continue
            if not self._instances or instance_name(schedule) == name.lower():
                return schedule
        return None

    def _missing(self, name: str) -> ArmError:
        return not_found(self._what, name[:60])


class _Matching:
    """Whether a schedule satisfies the filter, and lies where the list is asked for."""

    def __init__(self, place: Place, wanted: Filter, scope: str | None, holders: set[str], own: set[str]) -> None:
        self._place = place
        self._wanted = wanted
        self._scope = scope
        self._holders = holders
        self._own = own
        self._above = set(place.scopes.upward(scope)) if scope else set()

    def __call__(self, schedule: Schedule) -> bool:
        return self._in_place(schedule.key.scope) and self._wanted.matches(lambda term: self._holds(term, schedule))

    def _in_place(self, scope: str) -> bool:
        """Of a scope: what lies at it, above it and below it. One's own only what lies at it: seen by one client; another
        saw inherited rows, so the tenant chooses."""
        if self._scope is None or scope == self._scope:
            return True
        if self._wanted.has("atscope"):
            return scope in self._above
        if self._wanted.has("astarget"):
            inherited = self._place.world.tenant.behaviour.azure_resources.inherited_rows
            return inherited == "listed" and scope in self._above
        return scope in self._above or self._scope in self._place.scopes.upward(scope)

    def _holds(self, term: Function | Comparison, schedule: Schedule) -> bool:
        if isinstance(term, Function):
            if term.name == "astarget":
                return schedule.key.principal_id in self._own
            if term.name == "assignedto":
                return schedule.key.principal_id in self._holders
            return self._scope is None or schedule.key.scope in self._above
        if term.property == "principalid":
            return schedule.key.principal_id == term.value.lower()
        if term.property == "roledefinitionid":
            return schedule.key.role_id == last_segment(term.value)
        if term.property == "status":
            return term.value.lower() == "provisioned"
        return term.property == f"role{schedule.kind}scheduleid" and schedule.id == last_segment(term.value)
