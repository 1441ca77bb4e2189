# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM for Azure resources: a role at a scope covers all below it, and who may do what follows from the roles in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pim_simulator.pim.areas import Area
from pim_simulator.pim.records import Key, Schedule
from pim_simulator.tenant.models import AreaLag, PolicySettings

READ_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
WRITE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/write"


class AzureResources(Area):
    name = "azure_resources"
    # the spelling of the documented bodies of ARM
    operations = "All"

    @property
    def lag(self) -> AreaLag:
        return self.directory.tenant.lag.azure_resources

    @property
    def deactivation_blind(self) -> timedelta:
        return self.directory.tenant.lag.azure_resources.deactivation_blind

    @property
    def rule_messages(self) -> str:
        return self.directory.tenant.behaviour.azure_resources.rule_messages

    def covering(self, scope: str) -> Sequence[str]:
        """An eligibility may be activated anywhere below its scope."""
        return self.directory.azure_scopes.upward(scope)

    def policy_scope(self, scope: str) -> str:
        """Documented: settings belong to a role at one scope, and scopes below do not inherit them."""
        return scope

    def policy_settings(self, role_id: str, scope: str) -> PolicySettings:
        return self.directory.policy_settings(self.directory.azure_policy(role_id, scope))

    def may_read_all(self, object_id: str, scope: str, now: datetime) -> bool:
        """Documented: this action is needed to read what others hold."""
        return self.allowed(object_id, READ_ASSIGNMENTS, scope, now)

    def may_administer(self, object_id: str, scope: str, now: datetime) -> bool:
        return self.allowed(object_id, WRITE_ASSIGNMENTS, scope, now)

    def role_name(self, key: Key) -> str | None:
        role = self.directory.azure_roles.get(key.role_id)
        return role.name if role else None

    def in_force(self, object_id: str, now: datetime) -> Iterator[Schedule]:
        """Assignments of a principal and of the groups it is in."""
        for holder in (object_id, *self.memberships.groups_of(object_id, now)):
            for schedule in self.stores[self.name].of_principal("assignment", holder):
                if schedule.in_force(now):
                    yield schedule

    def allowed(self, object_id: str, action: str, scope: str, now: datetime) -> bool:
        """Whether a role in force at the scope or above it has an action."""
        above = set(self.directory.azure_scopes.upward(scope))
        for schedule in self.in_force(object_id, now):
            role = self.directory.azure_roles.get(schedule.key.role_id)
            if schedule.key.scope in above and role is not None and role.allows(action):
                return True
        return False
