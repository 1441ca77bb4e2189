# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM for Groups: membership and ownership of a group, each with a policy of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pim_simulator.pim.areas import Area
from pim_simulator.pim.errors import PimRefusal, role_assignment_exists
from pim_simulator.pim.memberships import MEMBER, OWNER
from pim_simulator.pim.records import Key, Schedule
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import AreaLag, PolicySettings

# Documented: who manages groups to which roles may be assigned, and who manages the others.
_ROLE_ASSIGNABLE = ("Privileged Role Administrator", "Global Administrator")
_OTHERS = (
    "Directory Writers",
    "Groups Administrator",
    "Identity Governance Administrator",
    "User Administrator",
    *_ROLE_ASSIGNABLE,
)
_READERS = ("Global Reader",)


class Groups(Area):
    name = "groups"
    # the spelling of the documented bodies of groups
    operations = "All"

    @property
    def lag(self) -> AreaLag:
        return self.directory.tenant.lag.groups

    def covering(self, scope: str) -> Sequence[str]:
        return (scope,)

    def policy_scope(self, scope: str) -> str:
        return scope

    def policy_settings(self, role_id: str, scope: str) -> PolicySettings:
        group = self.directory.group(scope)
        name = (group.owner_policy if role_id == OWNER else group.member_policy) if group else None
        return self.directory.policy_settings(name or "group_default")

    def may_read_all(self, object_id: str, scope: str, now: datetime) -> bool:
        """Documented: members and owners of the group, and those who manage it; Global Reader reads everything."""
        if scope in self.memberships.groups_of(object_id, now):
            return True
        return self.may_administer(object_id, scope, now) or self._holds_any(object_id, _READERS, now)

    def may_administer(self, object_id: str, scope: str, now: datetime) -> bool:
        if object_id in self.owners(scope, now):
            return True
        group = self.directory.group(scope)
        assignable = group is None or group.role_assignable
        return self._holds_any(object_id, _ROLE_ASSIGNABLE if assignable else _OTHERS, now)

    def reads_everything(self, object_id: str, now: datetime) -> bool:
        """Whether somebody may read the rows of every group."""
        return self._holds_any(object_id, (*_READERS, *_ROLE_ASSIGNABLE), now)

    def _holds_any(self, object_id: str, names: tuple[str, ...], now: datetime) -> bool:
        active = self.stores["entra_roles"].active_role_ids(object_id, now)
        return bool(active & {BUILTIN_ROLES[name] for name in names})

    def owners(self, group_id: str, now: datetime) -> set[str]:
        """Ids of the owners at this moment: those of the tenant file, and those by PIM."""
        owners = set(self.directory.owners_of(group_id))
        for schedule in self.stores[self.name].at_scope("assignment", group_id):
            if schedule.key.role_id == OWNER and schedule.in_force(now):
                owners.add(schedule.key.principal_id)
        return owners

    def role_name(self, key: Key) -> str | None:
        return key.role_id

    def already_held(self, key: Key) -> PimRefusal | None:
        holders = self.directory.members_of(key.scope) if key.role_id == MEMBER else self.directory.owners_of(key.scope)
        return self.exists() if key.principal_id in holders else None

    def exists(self) -> PimRefusal:
        """Seen live with PIM's own text, and with what the directory beneath it said."""
        if self.directory.tenant.behaviour.group_exists_message == "pim":
            return role_assignment_exists()
        return PimRefusal(
            400,
            "RoleAssignmentExists",
            "One or more added object references already exist for the following modified properties: 'members'.",
        )

    def gone_but_listed(self) -> PimRefusal:
        if self.directory.tenant.behaviour.group_repeated_deactivation == "BadRequest":
            # seen live; its text was not recorded
            return PimRefusal(400, "BadRequest", "The request is invalid.")
        return super().gone_but_listed()

    def must_stay(self, schedule: Schedule, now: datetime) -> PimRefusal | None:
        if not self._last_owner(schedule, now):
            return None
        return PimRefusal(400, "CannotDeleteLastAdminAssignment", "Cannot delete the last admin assignment.")

    def outlives(self, schedule: Schedule, now: datetime) -> bool:
        """Seen live: the activated ownership of the only owner does not end at its end."""
        return self._last_owner(schedule, now)

    def _last_owner(self, schedule: Schedule, now: datetime) -> bool:
        if schedule.kind != "assignment" or schedule.key.role_id != OWNER:
            return False
        return not self.owners(schedule.key.scope, now) - {schedule.key.principal_id}
