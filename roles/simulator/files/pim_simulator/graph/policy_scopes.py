# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where policies are: those of all Entra roles in the tenant, and the two of each group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pim_simulator.graph.errors import GraphError, missing_provider
from pim_simulator.graph.permissions import (
    READ_GROUP_POLICIES,
    READ_POLICIES,
    WRITE_GROUP_POLICIES,
    WRITE_POLICIES,
)
from pim_simulator.pim.entra_roles import TENANT_SCOPE, EntraRoles
from pim_simulator.pim.groups import Groups
from pim_simulator.pim.memberships import MEMBER, OWNER
from pim_simulator.pim.policies import Policy
from pim_simulator.pim.store import Store
from pim_simulator.world import World

_OF_ROLES = {"directoryrole": "DirectoryRole", "directory": "Directory"}
_OF_GROUPS = "group"


@dataclass(frozen=True)
class PolicyScope:
    """``owner`` is the second part of a policy's id."""

    store: Store
    scope_type: str
    scope_id: str
    owner: str
    role_ids: tuple[str, ...]
    read: tuple[str, ...]
    write: tuple[str, ...]

    def all(self) -> list[Policy]:
        return [self.store.policies.at(role_id, self.scope_id) for role_id in self.role_ids]

    def id_of(self, policy: Policy) -> str:
        return f"{self.scope_type}_{self.owner}_{policy.guid}"


def filtered_scope(world: World, fixed: Mapping[str, Any]) -> PolicyScope:
    """The one that a filter must name by scopeId and scopeType. Raises GraphError."""
    scope_type, scope_id = str(fixed.get("scopeType")).lower(), str(fixed.get("scopeId"))
    if scope_type in _OF_ROLES and scope_id == TENANT_SCOPE:
        return _of_roles(world, scope_type)
    if scope_type == _OF_GROUPS and "scopeId" in fixed:
        return _of_group(world, scope_id)
    raise missing_provider()


def policy_by_id(world: World, policy_id: str) -> tuple[PolicyScope, Policy]:
    """Raises GraphError. The first part of an id is read as the provider: what is none is "missing", not unknown."""
    kind, _line, rest = policy_id.lower().partition("_")
    owner, _line, guid = rest.partition("_")
    if kind not in (*_OF_ROLES, _OF_GROUPS) or not guid:
        raise missing_provider()
    scope = _of_roles(world, kind) if kind in _OF_ROLES else _of_group(world, owner)
    policy = next((found for found in scope.all() if found.guid == guid), None)
    if policy is None or owner != scope.owner:
        raise GraphError(404, "ResourceNotFound", "The policy could not be found.")
    return scope, policy


def _of_roles(world: World, scope_type: str) -> PolicyScope:
    role_ids = tuple(role.id or "" for role in world.directory.roles())
    store = world.stores[EntraRoles.name]
    owner = world.tenant.tenant_id
    return PolicyScope(store, _OF_ROLES[scope_type], TENANT_SCOPE, owner, role_ids, READ_POLICIES, WRITE_POLICIES)


def _of_group(world: World, group_id: str) -> PolicyScope:
    group = world.directory.group(group_id)
    if group is None:
        raise GraphError(404, "ResourceNotFound", "The group could not be found.")
    found = group.id or ""
    store = world.stores[Groups.name]
    return PolicyScope(store, "Group", found, found, (OWNER, MEMBER), READ_GROUP_POLICIES, WRITE_GROUP_POLICIES)
