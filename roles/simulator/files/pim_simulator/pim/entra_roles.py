# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra roles: one policy for each role, and an eligibility for the whole tenant covers every smaller scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pim_simulator.pim.areas import Area
from pim_simulator.pim.records import Key
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import AreaLag, PolicySettings

TENANT_SCOPE = "/"

_READERS = (
    "Global Reader",
    "Security Reader",
    "Security Operator",
    "Security Administrator",
    "Privileged Role Administrator",
    "Global Administrator",
)
_ADMINISTRATORS = ("Privileged Role Administrator", "Global Administrator")


class EntraRoles(Area):
    name = "entra_roles"

    @property
    def lag(self) -> AreaLag:
        return self.directory.tenant.lag

    def covering(self, scope: str) -> Sequence[str]:
        """The portal lets a user narrow the scope at activation."""
        return (scope,) if scope == TENANT_SCOPE else (scope, TENANT_SCOPE)

    def policy_scope(self, scope: str) -> str:
        return TENANT_SCOPE

    def policy_settings(self, role_id: str, scope: str) -> PolicySettings:
        role = self.directory.role(role_id)
        return self.directory.policy_settings((role.policy if role else None) or "default")

    def may_read_all(self, object_id: str, scope: str, now: datetime) -> bool:
        """Documented for PIM: these roles read what others hold."""
        return self.holds_any(object_id, _READERS, now)

    def may_administer(self, object_id: str, scope: str, now: datetime) -> bool:
        return self.holds_any(object_id, _ADMINISTRATORS, now)

    def holds_any(self, object_id: str, names: tuple[str, ...], now: datetime) -> bool:
        """Whether a built-in role of these names is in force for somebody in the whole tenant."""
        active = self.stores[self.name].active_role_ids(object_id, now, TENANT_SCOPE)
        return bool(active & {BUILTIN_ROLES[name] for name in names})

    def role_name(self, key: Key) -> str | None:
        role = self.directory.role(key.role_id)
        return role.name if role else None
