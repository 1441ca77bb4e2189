# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM for Groups as Graph spells it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from pim_simulator.graph.bodies import GROUP_REQUEST
from pim_simulator.graph.dialect import Dialect, RequestCollection, ScheduleCollection
from pim_simulator.graph.errors import bad_request, denied, missing_provider
from pim_simulator.graph.filters import fixed_values
from pim_simulator.graph.group_views import GroupViews, find_schedule
from pim_simulator.graph.messages import GraphCall
from pim_simulator.graph.options import Options
from pim_simulator.graph.permissions import (
    READ_GROUP_ASSIGNMENT,
    READ_GROUP_ELIGIBILITY,
    WRITE_GROUP_ASSIGNMENT,
    WRITE_GROUP_ELIGIBILITY,
)
from pim_simulator.graph.shapes import (
    GROUP_ASSIGNMENT_INSTANCE,
    GROUP_ASSIGNMENT_REQUEST,
    GROUP_ASSIGNMENT_SCHEDULE,
    GROUP_ELIGIBILITY_INSTANCE,
    GROUP_ELIGIBILITY_REQUEST,
    GROUP_ELIGIBILITY_SCHEDULE,
)
from pim_simulator.graph.views import Row
from pim_simulator.pim.errors import PimRefusal, invalid_request
from pim_simulator.pim.groups import Groups
from pim_simulator.pim.memberships import MEMBER, OWNER
from pim_simulator.pim.records import Key, Kind, Request, Schedule
from pim_simulator.pim.submission import INVALID
from pim_simulator.world import World

ROOT = "identityGovernance/privilegedAccess/group"


class GroupDialect(Dialect):
    provider = Groups.name
    root = ROOT
    schedules = (
        ScheduleCollection(
            "eligibility",
            "eligibilityScheduleInstances",
            GROUP_ELIGIBILITY_INSTANCE,
            READ_GROUP_ELIGIBILITY,
            instances=True,
        ),
        ScheduleCollection(
            "eligibility", "eligibilitySchedules", GROUP_ELIGIBILITY_SCHEDULE, READ_GROUP_ELIGIBILITY, instances=False
        ),
        ScheduleCollection(
            "assignment",
            "assignmentScheduleInstances",
            GROUP_ASSIGNMENT_INSTANCE,
            READ_GROUP_ASSIGNMENT,
            instances=True,
        ),
        ScheduleCollection(
            "assignment", "assignmentSchedules", GROUP_ASSIGNMENT_SCHEDULE, READ_GROUP_ASSIGNMENT, instances=False
        ),
    )
    requests = (
        RequestCollection(
            "assignment",
            "assignmentScheduleRequests",
            GROUP_ASSIGNMENT_REQUEST,
            READ_GROUP_ASSIGNMENT,
            WRITE_GROUP_ASSIGNMENT,
            GROUP_REQUEST,
        ),
        RequestCollection(
            "eligibility",
            "eligibilityScheduleRequests",
            GROUP_ELIGIBILITY_REQUEST,
            READ_GROUP_ELIGIBILITY,
            WRITE_GROUP_ELIGIBILITY,
            GROUP_REQUEST,
        ),
    )
    approvals = "assignmentApprovals"
    decide = WRITE_GROUP_ASSIGNMENT
    # the schema of v1.0 has stages, its documentation steps: which of them the service takes is not known
    approval_parts = MappingProxyType({"v1.0": ("stages", "steps"), "beta": ("steps",)})

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.held_through_group = self._views.spelled("group")

    @property
    def _views(self) -> GroupViews:
        return GroupViews(self.store)

    def check_everybodys(self, call: GraphCall, options: Options) -> None:
        """Documented: the filter names a group or a principal. Of a group, who may read it; of somebody else's groups, who
        reads everything; one's own are one's own."""
        fixed = fixed_values(options.filter) if options.filter is not None else {}
        group_id, principal_id = fixed.get("groupId"), fixed.get("principalId")
        if group_id is None and principal_id is None:
            # what the service says to a list without it is not recorded
            if self.world.tenant.behaviour.group_list_without_filter == "MissingProvider":
                raise missing_provider()
            raise bad_request("The required filter on groupId or principalId is missing.")
        if call.caller.app_only or str(principal_id).lower() == call.caller.object_id:
            return
        now = self.world.clock.now()
        area = self.store.area
        assert isinstance(area, Groups)
        if group_id is not None and area.may_read_all(call.caller.object_id, str(group_id).lower(), now):
            return
        if not area.reads_everything(call.caller.object_id, now):
            raise denied()

    def may_read(self, call: GraphCall, key: Key) -> bool:
        if call.caller.app_only:
            return True
        return self.store.area.may_read_all(call.caller.object_id, key.scope, self.world.clock.now())

    def candidates(self, kind: Kind, options: Options) -> Sequence[Schedule]:
        fixed = fixed_values(options.filter) if options.filter is not None else {}
        if isinstance(fixed.get("principalId"), str):
            return self.store.of_principal(kind, fixed["principalId"].lower())
        return self.store.at_scope(kind, str(fixed.get("groupId")).lower())

    def instance_row(self, schedule: Schedule) -> Row:
        return self._views.instance(schedule)

    def schedule_row(self, schedule: Schedule) -> Row:
        return self._views.schedule(schedule)

    def request_row(self, request: Request, version: str, digits: int = 3) -> Row:
        return self._views.request(request, version, digits)

    def find(self, collection: ScheduleCollection, row_id: str) -> Schedule | None:
        found = find_schedule(self.store, row_id)
        listed = found is not None and found.kind == collection.kind and found.listed(self.world.clock.now())
        return found if listed else None

    def expand(self, row: Row, name: str) -> Any:
        return self._views.expand(row, name)

    def key(self, body: dict[str, Any]) -> Key:
        principal_id, group_id, access = body.get("principalId"), body.get("groupId"), body.get("accessId")
        if not (principal_id and group_id) or not isinstance(access, str) or access.lower() not in (MEMBER, OWNER):
            raise invalid_request(INVALID)
        principal = self.world.directory.principal(principal_id)
        if principal is None:
            raise PimRefusal(404, "SubjectNotFound", "The subject is not found.")
        group = self.world.directory.group(group_id)
        if group is None:
            raise PimRefusal(404, "ResourceNotFound", "The resource is not found.")
        return Key(principal.id or "", access.lower(), group.id or "")
