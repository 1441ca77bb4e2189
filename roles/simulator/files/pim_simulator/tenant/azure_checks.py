# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``azure`` mapping of a tenant file, completed and checked: whatever it refers to must be there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable

from pim_simulator.tenant.azure import Azure
from pim_simulator.tenant.builtin_azure_roles import BUILTIN_AZURE_ROLES
from pim_simulator.tenant.reading import TenantError

# (kind, name, id given) -> the id to use
Guid = Callable[[str, str, "str | None"], str]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# documented for management groups and resource groups
_NAME = re.compile(r"[\w.()-]{1,90}")
_RESOURCE_TYPE = re.compile(r"[\w.]+(/[\w.]+)+", re.ASCII)


def completed_azure(azure: Azure, guid: Guid) -> Azure:
    """With ids of subscriptions and roles; a built-in role has its own."""
    builtin = {name.casefold(): role.id for name, role in BUILTIN_AZURE_ROLES.items()}
    return dataclasses.replace(
        azure,
        subscriptions=tuple(
            dataclasses.replace(item, id=guid("subscription", item.name, item.id)) for item in azure.subscriptions
        ),
        roles=tuple(
            dataclasses.replace(role, id=guid("azure role", role.name, role.id or builtin.get(role.name.casefold())))
            for role in azure.roles
        ),
    )


def check_azure(azure: Azure, tenant_id: str, policies: Iterable[str], principals: Iterable[str]) -> None:
    """``policies`` and ``principals`` are the names that may be referred to. Raises TenantError."""
    _check_management_groups(azure, tenant_id)
    _check_subscriptions(azure)
    _check_resources(azure, {name.casefold() for name in principals})
    policy_names = {name.casefold() for name in policies}
    _once("the id of the Azure role", (role.id or "" for role in azure.roles))
    for role in azure.roles:
        where = f"azure role {role.name}"
        _guid(role.id, where)
        _known(role.policy or "default", policy_names, where, "policy")
    for item in azure.role_policies:
        _known(item.policy, policy_names, f"the azure policy of {item.role} at {item.scope}", "policy")


def _check_management_groups(azure: Azure, tenant_id: str) -> None:
    groups = {group.id.casefold(): group for group in azure.management_groups}
    _once("the management group", (group.id for group in azure.management_groups))
    for group in azure.management_groups:
        where = f"management group {group.id}"
        if not _NAME.fullmatch(group.id):
            raise TenantError(f"{where}: the id has letters, digits and ._()- only")
        if group.id.casefold() == tenant_id:
            raise TenantError(f"{where} is the tenant's root group, which is always there")
        seen = {group.id.casefold()}
        above = group.parent
        while above is not None:
            _known(above, set(groups), where, "management group")
            if above.casefold() in seen:
                raise TenantError(f"{where} is below itself")
            seen.add(above.casefold())
            above = groups[above.casefold()].parent


def _check_subscriptions(azure: Azure) -> None:
    groups = {group.id.casefold() for group in azure.management_groups}
    _once("the subscription", (item.id or "" for item in azure.subscriptions))
    _once("the subscription", (item.name for item in azure.subscriptions))
    for item in azure.subscriptions:
        where = f"subscription {item.name}"
        _guid(item.id, where)
        if item.management_group is not None:
            _known(item.management_group, groups, where, "management group")


def _check_resources(azure: Azure, principals: set[str]) -> None:
    ids = {name.casefold(): item.id or "" for item in azure.subscriptions for name in (item.name, item.id or "")}
    groups = set()
    for group in azure.resource_groups:
        where = f"resource group {group.name}"
        _known(group.subscription, set(ids), where, "subscription")
        if not _NAME.fullmatch(group.name):
            raise TenantError(f"{where}: the name has letters, digits and ._()- only")
        groups.add((ids[group.subscription.casefold()], group.name.casefold()))
        for name in group.readable_by or ():
            _known(name, principals, where, "user, group or service principal")
    if len(groups) != len(azure.resource_groups):
        raise TenantError("a resource group is there twice in one subscription")
    for resource in azure.resources:
        where = f"resource {resource.name}"
        _known(resource.subscription, set(ids), where, "subscription")
        if (ids[resource.subscription.casefold()], resource.resource_group.casefold()) not in groups:
            raise TenantError(f"{where} names {resource.resource_group!r}, which is no resource group there")
        if not _RESOURCE_TYPE.fullmatch(resource.type) or resource.type.count("/") != resource.name.count("/") + 1:
            raise TenantError(
                f"{where}: the type is a namespace and as many parts as the name has, not {resource.type!r}"
            )


def _guid(value: str | None, where: str) -> None:
    if not _GUID.fullmatch(value or ""):
        raise TenantError(f"the id of {where} must be a GUID, not {value!r}")


def _known(value: str, names: set[str], where: str, what: str) -> None:
    if value.casefold() not in names:
        raise TenantError(f"{where} names {value!r}, which is no {what} of this tenant")


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise TenantError(f"{what} {name!r} is there twice")
        seen.add(name.casefold())
