# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM for Entra roles as Graph spells it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from pim_simulator.graph.bodies import ROLE_REQUEST
from pim_simulator.graph.dialect import Dialect, RequestCollection, ScheduleCollection
from pim_simulator.graph.errors import denied
from pim_simulator.graph.filters import fixed_values
from pim_simulator.graph.messages import GraphCall
from pim_simulator.graph.options import Options
from pim_simulator.graph.permissions import (
    ASSIGNMENT_REQUESTS,
    DECIDE,
    READ_ASSIGNMENT,
    READ_ELIGIBILITY,
    WRITE_ELIGIBILITY,
)
from pim_simulator.graph.role_keys import role_key
from pim_simulator.graph.role_views import (
    RoleExpander,
    instance_row,
    principal_and_role_in,
    role_request_row,
    schedule_row,
)
from pim_simulator.graph.shapes import (
    ASSIGNMENT_INSTANCE,
    ASSIGNMENT_REQUEST,
    ASSIGNMENT_SCHEDULE,
    ELIGIBILITY_INSTANCE,
    ELIGIBILITY_REQUEST,
    ELIGIBILITY_SCHEDULE,
)
from pim_simulator.graph.views import Row
from pim_simulator.pim.entra_roles import TENANT_SCOPE, EntraRoles
from pim_simulator.pim.records import Key, Kind, Request, Schedule

ROOT = "roleManagement/directory"


class RoleDialect(Dialect):
    provider = EntraRoles.name
    root = ROOT
    schedules = (
        ScheduleCollection(
            "eligibility", "roleEligibilityScheduleInstances", ELIGIBILITY_INSTANCE, READ_ELIGIBILITY, instances=True
        ),
        ScheduleCollection(
            "eligibility", "roleEligibilitySchedules", ELIGIBILITY_SCHEDULE, READ_ELIGIBILITY, instances=False
        ),
        ScheduleCollection(
            "assignment", "roleAssignmentScheduleInstances", ASSIGNMENT_INSTANCE, READ_ASSIGNMENT, instances=True
        ),
        ScheduleCollection(
            "assignment", "roleAssignmentSchedules", ASSIGNMENT_SCHEDULE, READ_ASSIGNMENT, instances=False
        ),
    )
    requests = (
        RequestCollection(
            "assignment",
            "roleAssignmentScheduleRequests",
            ASSIGNMENT_REQUEST,
            ASSIGNMENT_REQUESTS,
            ASSIGNMENT_REQUESTS,
            ROLE_REQUEST,
        ),
        RequestCollection(
            "eligibility",
            "roleEligibilityScheduleRequests",
            ELIGIBILITY_REQUEST,
            READ_ELIGIBILITY,
            WRITE_ELIGIBILITY,
            ROLE_REQUEST,
        ),
    )
    approvals = "roleAssignmentApprovals"
    decide = DECIDE
    # decisions on directory roles exist in beta only
    approval_parts = MappingProxyType({"beta": ("steps",)})
    held_through_group = "Group"
    # seen live: the tenant-wide collection refuses a filter on the status
    unfilterable = frozenset({"status"})

    def _reads_all(self, call: GraphCall) -> bool:
        """An application by its permission alone, a user by a reading role."""
        if call.caller.app_only:
            return True
        return self.store.area.may_read_all(call.caller.object_id, TENANT_SCOPE, self.world.clock.now())

    def check_everybodys(self, call: GraphCall, options: Options) -> None:
        if not self._reads_all(call):
            raise denied()

    def may_read(self, call: GraphCall, key: Key) -> bool:
        return self._reads_all(call)

    def candidates(self, kind: Kind, options: Options) -> Sequence[Schedule]:
        fixed = fixed_values(options.filter) if options.filter is not None else {}
        principal_id = fixed.get("principalId")
        if isinstance(principal_id, str):
            return self.store.of_principal(kind, principal_id.lower())
        return self.store.of_kind(kind)

    def instance_row(self, schedule: Schedule) -> Row:
        return instance_row(schedule)

    def schedule_row(self, schedule: Schedule) -> Row:
        return schedule_row(schedule)

    def request_row(self, request: Request, version: str, digits: int = 3) -> Row:
        return role_request_row(request, version, digits)

    def find(self, collection: ScheduleCollection, row_id: str) -> Schedule | None:
        found = self.store.schedules.get(row_id)
        principal_id, role_id = principal_and_role_in(row_id)
        held = self.store.of_principal(collection.kind, principal_id)
        candidates = [found] if found else [s for s in held if s.key.role_id == role_id]
        now = self.world.clock.now()
        return next((s for s in candidates if self.row(collection, s)["id"] == row_id and s.listed(now)), None)

    def expand(self, row: Row, name: str) -> Any:
        return RoleExpander(self.store)(row, name)

    def key(self, body: dict[str, Any]) -> Key:
        return role_key(self.world.directory, body)
