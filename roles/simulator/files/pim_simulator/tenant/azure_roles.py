# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure roles of a tenant: the built-in ones and its own, by id and by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pim_simulator.tenant.azure import Azure
from pim_simulator.tenant.builtin_azure_roles import BUILTIN_AZURE_ROLES


@dataclass(frozen=True)
class AzureRoleDefinition:
    """``policy`` is a name of the tenant file's policies."""

    id: str
    name: str
    builtin: bool
    policy: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """Whether it has a control plane action, such as ``Microsoft.Authorization/roleAssignments/read``."""
        return _any_matches(self.actions, action) and not _any_matches(self.not_actions, action)


def _any_matches(patterns: Iterable[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None for pattern in patterns
    )


class AzureRoles:
    """Never changes. ``azure`` is of a completed tenant: each role has an id."""

    def __init__(self, azure: Azure) -> None:
        named = {role.name.casefold(): role for role in azure.roles}
        found = []
        for name, builtin in BUILTIN_AZURE_ROLES.items():
            own = named.get(name.casefold())
            policy = (own.policy if own and own.id == builtin.id else None) or "default"
            found.append(
                AzureRoleDefinition(
                    builtin.id, name, True, policy, builtin.actions, builtin.not_actions, builtin.data_actions
                )
            )
        builtin_ids = {role.id for role in found}
        for role in azure.roles:
            if role.id not in builtin_ids:
                found.append(
                    AzureRoleDefinition(role.id or "", role.name, False, role.policy or "default", role.actions)
                )
        self._by_id = {role.id: role for role in found}

    def all(self) -> Iterable[AzureRoleDefinition]:
        return self._by_id.values()

    def get(self, role_id: str) -> AzureRoleDefinition | None:
        return self._by_id.get(role_id.lower())
