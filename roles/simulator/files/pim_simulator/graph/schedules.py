# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role definitions; eligibility and assignment schedules and their instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pim_simulator.callers import Caller
from pim_simulator.graph.collections import (
    collection_options,
    entity_answer,
    entity_options,
    list_answer,
    nothing_to_expand,
)
from pim_simulator.graph.errors import GraphError, bad_request, denied, not_found
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.permissions import READ_ASSIGNMENT, READ_ELIGIBILITY, READ_ROLES, require, require_for_pim
from pim_simulator.graph.router import Router
from pim_simulator.graph.shapes import (
    ASSIGNMENT_INSTANCE,
    ASSIGNMENT_SCHEDULE,
    ELIGIBILITY_INSTANCE,
    ELIGIBILITY_SCHEDULE,
    ROLE_DEFINITION,
    Shape,
)
from pim_simulator.graph.views import PimExpander, Row, instance_row, role_row, schedule_row
from pim_simulator.pim.entra_roles import TENANT_SCOPE, EntraRoles
from pim_simulator.pim.records import Kind, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.world import World

ROOT = "roleManagement/directory"
PROVIDER = EntraRoles.name


def check_licence(world: World) -> None:
    """Without the licence PIM answers 400, even when it is only read. Raises GraphError."""
    if world.tenant.licence == "none":
        raise GraphError(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        )


def may_read_all(world: World, caller: Caller) -> bool:
    """An application by its permission alone, a user by a reading role."""
    return caller.app_only or world.stores[PROVIDER].area.may_read_all(
        caller.object_id, TENANT_SCOPE, world.clock.now()
    )


def add_routes(router: Router, world: World) -> None:
    definitions = _RoleDefinitions(world)
    router.add(f"{ROOT}/roleDefinitions", GET=definitions.all)
    router.add(f"{ROOT}/roleDefinitions/{{}}", GET=definitions.get)
    for kind, name, shape, row in (
        ("eligibility", "roleEligibilityScheduleInstances", ELIGIBILITY_INSTANCE, instance_row),
        ("eligibility", "roleEligibilitySchedules", ELIGIBILITY_SCHEDULE, schedule_row),
        ("assignment", "roleAssignmentScheduleInstances", ASSIGNMENT_INSTANCE, instance_row),
        ("assignment", "roleAssignmentSchedules", ASSIGNMENT_SCHEDULE, schedule_row),
    ):
        schedules = _Schedules(world, kind, name, shape, row)  # type: ignore[arg-type]  # the two literals above
        router.add(f"{ROOT}/{name}", GET=schedules.everybodys)
        router.add(f"{ROOT}/{name}/filterByCurrentUser", GET=schedules.own)
        router.add(f"{ROOT}/{name}/{{}}", GET=schedules.get)


class _RoleDefinitions:
    def __init__(self, world: World) -> None:
        self._world = world

    def all(self, call: GraphCall) -> GraphAnswer:
        require(call.caller, READ_ROLES)
        options = collection_options(call, ROLE_DEFINITION, of_pim=False)
        rows = [role_row(role) for role in self._world.directory.roles()]
        page = self._world.tenant.page_size
        return list_answer(call, f"{ROOT}/roleDefinitions", rows, options, nothing_to_expand, page)

    def get(self, call: GraphCall, role_id: str) -> GraphAnswer:
        require(call.caller, READ_ROLES)
        options = entity_options(call, ROLE_DEFINITION)
        role = self._world.directory.role(role_id)
        if role is None:
            raise not_found(role_id)
        return entity_answer(call, f"{ROOT}/roleDefinitions", role_row(role), options, nothing_to_expand)


class _Schedules:
    """One of the four collections."""

    def __init__(self, world: World, kind: Kind, name: str, shape: Shape, row: Callable[[Schedule], Row]) -> None:
        self._world = world
        self._kind: Kind = kind
        self._name = name
        self._shape = shape
        self._row = row
        self._instances = name.endswith("Instances")
        self._permissions = READ_ELIGIBILITY if kind == "eligibility" else READ_ASSIGNMENT

    def _check(self, call: GraphCall) -> None:
        require_for_pim(call.caller, self._permissions)
        check_licence(self._world)
        self._world.settle()

    @property
    def _store(self) -> Store:
        return self._world.stores[PROVIDER]

    def _listed(self) -> list[Schedule]:
        now = self._world.clock.now()
        schedules = (s for s in self._store.of_kind(self._kind) if s.listed(now))
        # a schedule stands from its creation, an instance from its start
        return [s for s in schedules if not self._instances or s.start <= now]

    def own(self, call: GraphCall, on: str) -> GraphAnswer:
        self._check(call)
        if on != "principal":
            raise bad_request(f"Requested value '{on}' was not found.")
        options = collection_options(call, self._shape, of_pim=True)
        caller = call.caller.object_id
        rows = [self._row(s) for s in self._listed() if s.key.principal_id == caller]
        if self._instances:
            rows += self._through_groups(caller)
        return self._answer(call, rows, options)

    def _through_groups(self, member_id: str) -> list[Row]:
        """What a principal holds through its groups, as far as instances show it. Whose id such a row carries is not
        recorded for certain: the tenant chooses."""
        groups = self._store.area.memberships.groups_of(member_id, self._world.clock.now())
        rows = []
        for schedule in self._listed():
            if schedule.key.principal_id in groups:
                row = {**self._row(schedule), "memberType": "Group"}
                if self._world.tenant.behaviour.group_row_principal == "member":
                    row["principalId"] = member_id
                rows.append(row)
        return rows

    def everybodys(self, call: GraphCall) -> GraphAnswer:
        """Everybody's: for administrators."""
        self._check(call)
        if not may_read_all(self._world, call.caller):
            raise denied()
        options = collection_options(call, self._shape, of_pim=True)
        rows = [self._row(schedule) for schedule in self._listed()]
        if self._instances and self._world.tenant.behaviour.group_row_principal == "member":
            for group in self._world.tenant.groups:
                rows += self._member_rows(group.id or "")
        return self._answer(call, rows, options)

    def _member_rows(self, group_id: str) -> list[Row]:
        rows = []
        for schedule in self._listed():
            if schedule.key.principal_id == group_id:
                for member_id in self._store.area.memberships.members_of(group_id, self._world.clock.now()):
                    rows.append({**self._row(schedule), "memberType": "Group", "principalId": member_id})
        return rows

    def get(self, call: GraphCall, schedule_id: str) -> GraphAnswer:
        self._check(call)
        options = entity_options(call, self._shape)
        for schedule in self._listed():
            row = self._row(schedule)
            if row["id"] == schedule_id:
                own = schedule.key.principal_id == call.caller.object_id
                if not own and not may_read_all(self._world, call.caller):
                    raise denied()
                return entity_answer(call, f"{ROOT}/{self._name}", row, options, self._expander())
        raise GraphError(404, "ResourceNotFound", "The resource could not be found.")

    def _expander(self) -> PimExpander:
        return PimExpander(self._store)

    def _answer(self, call: GraphCall, rows: list[Row], options: Any) -> GraphAnswer:
        page = self._world.tenant.page_size
        return list_answer(call, f"{ROOT}/{self._name}", rows, options, self._expander(), page)
