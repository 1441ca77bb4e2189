# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eligibility and assignment schedules and their instances: everybody's, one's own, one by its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from pim_simulator.graph.collections import collection_options, entity_answer, entity_options, items_answer
from pim_simulator.graph.dialect import Dialect, ScheduleCollection
from pim_simulator.graph.errors import GraphError, bad_request
from pim_simulator.graph.filters import fixed_values
from pim_simulator.graph.licence import check_licence
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Options
from pim_simulator.graph.permissions import require_for_pim
from pim_simulator.graph.router import Router
from pim_simulator.graph.views import Row
from pim_simulator.pim.records import Schedule

Item = TypeVar("Item")


class _Held(NamedTuple):
    """A schedule, and whose row it is made for where that one holds it through a group."""

    schedule: Schedule
    member_id: str | None = None


def add_routes(router: Router, dialect: Dialect) -> None:
    for collection in dialect.schedules:
        schedules = _Schedules(dialect, collection)
        path = f"{dialect.root}/{collection.name}"
        router.add(path, GET=schedules.everybodys)
        router.add(f"{path}/filterByCurrentUser", GET=schedules.own)
        router.add(f"{path}/{{}}", GET=schedules.get)


class _Schedules:
    """One collection."""

    def __init__(self, dialect: Dialect, collection: ScheduleCollection) -> None:
        self._dialect = dialect
        self._collection = collection
        self._world = dialect.world
        self._context = f"{dialect.root}/{collection.name}"

    def _check(self, call: GraphCall) -> None:
        require_for_pim(call.caller, self._collection.permissions)
        check_licence(self._world)
        self._world.settle()

    def _rows(self) -> Callable[[Schedule], Row | None]:
        """Makes the row of a schedule, None of one that is not listed now."""
        now = self._world.clock.now()
        instances = self._collection.instances

        def row_of(schedule: Schedule) -> Row | None:
            listed = schedule.instance_listed(now) if instances else schedule.listed(now)
            return self._dialect.row(self._collection, schedule) if listed else None

        return row_of

    def _held_rows(self) -> Callable[[_Held], Row | None]:
        """Whose id the row of something held through a group carries is not recorded for certain: the tenant chooses."""
        row_of = self._rows()
        names_member = self._names_member

        def held_row(held: _Held) -> Row | None:
            row = row_of(held.schedule)
            if row is not None and held.member_id is not None:
                row["memberType"] = self._dialect.held_through_group
                if names_member:
                    row["principalId"] = held.member_id
            return row

        return held_row

    @property
    def _names_member(self) -> bool:
        return self._world.tenant.behaviour.group_row_principal == "member"

    def own(self, call: GraphCall, on: str) -> GraphAnswer:
        self._check(call)
        if on != "principal":
            raise bad_request(f"Requested value '{on}' was not found.")
        options = collection_options(call, self._collection.shape, of_pim=True)
        caller = call.caller.object_id
        held = [_Held(schedule) for schedule in self._of(caller)]
        if self._collection.instances:
            held += self._through_groups(caller)
        return self._answer(call, held, self._held_rows(), options)

    def _of(self, principal_id: str) -> Sequence[Schedule]:
        return self._dialect.store.of_principal(self._collection.kind, principal_id)

    def _through_groups(self, member_id: str) -> list[_Held]:
        """What a principal holds through its groups, as far as instances show it."""
        groups = self._dialect.store.area.memberships.groups_of(member_id, self._world.clock.now())
        return [_Held(schedule, member_id) for group_id in groups for schedule in self._of(group_id)]

    def everybodys(self, call: GraphCall) -> GraphAnswer:
        """For administrators."""
        self._check(call)
        options = collection_options(call, self._collection.shape, of_pim=True)
        self._dialect.check_everybodys(call, options)
        schedules = self._dialect.candidates(self._collection.kind, options)
        if not self._collection.instances or not self._names_member:
            return self._answer(call, schedules, self._rows(), options)
        held = [_Held(schedule) for schedule in schedules] + self._members_rows(options)
        return self._answer(call, held, self._held_rows(), options)

    def _members_rows(self, options: Options) -> list[_Held]:
        """What the groups hold, once for each member."""
        fixed = fixed_values(options.filter) if options.filter is not None else {}
        if isinstance(fixed.get("principalId"), str):
            return self._through_groups(fixed["principalId"].lower())
        memberships = self._dialect.store.area.memberships
        now = self._world.clock.now()
        return [
            _Held(schedule, member_id)
            for schedule in self._dialect.candidates(self._collection.kind, options)
            if self._world.directory.is_group(schedule.key.principal_id)
            for member_id in memberships.members_of(schedule.key.principal_id, now)
        ]

    def get(self, call: GraphCall, row_id: str) -> GraphAnswer:
        self._check(call)
        options = entity_options(call, self._collection.shape)
        schedule = self._dialect.find(self._collection, row_id)
        row = self._rows()(schedule) if schedule else None
        if schedule is None or row is None:
            raise GraphError(404, "ResourceNotFound", "The resource could not be found.")
        if schedule.key.principal_id != call.caller.object_id:
            self._dialect.require_read(call, schedule.key)
        return entity_answer(call, self._context, row, options, self._dialect.expand)

    def _answer(
        self, call: GraphCall, items: Sequence[Item], row_of: Callable[[Item], Row | None], options: Options
    ) -> GraphAnswer:
        page = self._world.tenant.page_size
        return items_answer(call, self._context, items, row_of, options, self._dialect.expand, page)
