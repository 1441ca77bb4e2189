# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a role of the tenant file is held: from the names its author used to the ids that the services use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from pim_simulator.tenant.azure_roles import AzureRoles
from pim_simulator.tenant.azure_scopes import AzureScopes
from pim_simulator.tenant.models import TenantFile
from pim_simulator.tenant.reading import TenantError


class Addresses(Protocol):
    """One provider's."""

    def of(self, role: str, scope: str, where: str) -> tuple[str, str]:
        """(role id, scope id). ``where`` names the place in the file. Raises TenantError."""


def addresses(tenant: TenantFile) -> dict[str, Addresses]:
    """For each provider; the lookups are made once, a tenant may have very many holdings."""
    return {"entra_roles": _EntraRoles(tenant), "groups": _Groups(tenant), "azure_resources": _Azure(tenant)}


class _EntraRoles:
    def __init__(self, tenant: TenantFile) -> None:
        self._roles = ids_by_name((role.name, role.id or "") for role in tenant.roles)
        self._scopes = {"/": "/"}
        for item in tenant.users + tenant.groups + tenant.service_principals:
            self._scopes[f"/{item.id}"] = f"/{item.id}"
        for unit in tenant.administrative_units:
            for name in (unit.name, f"/administrativeUnits/{unit.id}"):
                self._scopes[name.casefold()] = f"/administrativeUnits/{unit.id}"

    def of(self, role: str, scope: str, where: str) -> tuple[str, str]:
        scope_id = self._scopes.get(scope.casefold())
        if scope_id is None:
            raise TenantError(f"{where}: the scope {scope!r} is neither / nor an administrative unit nor /<object id>")
        return only_id(self._roles, role, where, "role"), scope_id


class _Groups:
    def __init__(self, tenant: TenantFile) -> None:
        self._groups = ids_by_name((group.name, group.id or "") for group in tenant.groups)

    def of(self, role: str, scope: str, where: str) -> tuple[str, str]:
        if role.casefold() not in ("member", "owner"):
            raise TenantError(f"{where}: the role in a group is member or owner, not {role!r}")
        return role.casefold(), only_id(self._groups, scope, where, "group")


class _Azure:
    def __init__(self, tenant: TenantFile) -> None:
        self._roles = ids_by_name((role.name, role.id) for role in AzureRoles(tenant.azure).all())
        self._scopes = AzureScopes(tenant.tenant_id, tenant.azure)

    def of(self, role: str, scope: str, where: str) -> tuple[str, str]:
        found = self._scopes.named(scope)
        if len(found) != 1:
            problem = "no scope" if not found else "several scopes (use the path)"
            raise TenantError(f"{where}: {problem} of this tenant's Azure by the name {scope!r}")
        return only_id(self._roles, role, where, "Azure role"), found[0].path


def ids_by_name(named: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Each name, and each id as a name of itself, in lower case: the ids it may mean."""
    result: dict[str, set[str]] = {}
    for name, item_id in named:
        result.setdefault(name.casefold(), set()).add(item_id)
        result.setdefault(item_id.casefold(), set()).add(item_id)
    return result


def only_id(ids: Mapping[str, set[str]], name: str, where: str, what: str) -> str:
    """The one id that a name means. Raises TenantError."""
    found = ids.get(name.casefold(), set())
    if len(found) != 1:
        problem = f"no {what}" if not found else f"several {what}s (use the id)"
        raise TenantError(f"{where}: {problem} of this tenant by the name {name!r}")
    return next(iter(found))
