# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the tenant, found by id and name: users, groups, service principals, administrative units, roles."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, Union

from pim_simulator.tenant.addresses import addresses
from pim_simulator.tenant.azure_roles import AzureRoles
from pim_simulator.tenant.azure_scopes import AzureScopes
from pim_simulator.tenant.models import (
    AdministrativeUnit,
    Client,
    Group,
    PolicySettings,
    Role,
    ServicePrincipal,
    TenantFile,
    User,
)

DirectoryObject = Union[User, Group, ServicePrincipal, AdministrativeUnit]


class Directory:
    """Lookups over a tenant file. Nothing is created or deleted; only states of users change (``put_user``)."""

    def __init__(self, tenant: TenantFile) -> None:
        self.tenant = tenant
        self._objects: dict[str, DirectoryObject] = {}
        for things in (tenant.users, tenant.groups, tenant.service_principals, tenant.administrative_units):
            self._objects.update({item.id or "": item for item in things})
        self._users: dict[str, User] = {}
        self.restore_users()
        self._groups = {group.name.casefold(): group for group in tenant.groups}
        self._service_principals = {sp.name.casefold(): sp for sp in tenant.service_principals}
        self._roles = {role.id or "": role for role in tenant.roles}
        self._clients = {client.client_id: client for client in tenant.clients}
        self._apps = {sp.client_id: sp for sp in tenant.service_principals}
        self._policies = {name.casefold(): settings for name, settings in tenant.policies.items()}
        self._addresses = addresses(tenant)
        self.azure_scopes = AzureScopes(tenant.tenant_id, tenant.azure)
        self.azure_roles = AzureRoles(tenant.azure)
        self._azure_policies = {
            self.address("azure_resources", item.role, item.scope): item.policy for item in tenant.azure.role_policies
        }
        self._groups_of: dict[str, list[str]] = {}
        self._members_of: dict[str, list[str]] = {}
        self._owners_of: dict[str, list[str]] = {}
        for group in tenant.groups:
            group_id = group.id or ""
            self._members_of[group_id] = [self.user_named(name).id or "" for name in group.members]
            self._owners_of[group_id] = [self.user_named(name).id or "" for name in group.owners]
            for member_id in self._members_of[group_id]:
                self._groups_of.setdefault(member_id, []).append(group_id)

    def object(self, object_id: str) -> DirectoryObject | None:
        return self._objects.get(object_id.lower())

    def principal(self, object_id: str) -> User | Group | ServicePrincipal | None:
        """Something that can hold a role."""
        found = self.object(object_id)
        return None if isinstance(found, AdministrativeUnit) else found

    def principal_named(self, name: str) -> User | Group | ServicePrincipal:
        """A principal by the name or id that the tenant file uses (checked when the file was loaded)."""
        key = name.casefold()
        by_id = self.principal(key)
        return by_id or self._users.get(key) or self._groups.get(key) or self._service_principals[key]

    def find_user(self, name_or_id: str) -> User | None:
        """By user principal name, home name or object id, in any case."""
        found = self._users.get(name_or_id.casefold()) or self.object(name_or_id)
        return found if isinstance(found, User) else None

    def put_user(self, user: User) -> None:
        """The user of this id is so from now on."""
        self._objects[user.id or ""] = user
        for name in (user.username, user.home_username):
            if name:
                self._users[name.casefold()] = user

    def restore_users(self) -> None:
        """All of them as the tenant file has them."""
        for user in self.tenant.users:
            self.put_user(user)

    def users(self) -> list[User]:
        """In the order of the tenant file."""
        return [self._users[user.username.casefold()] for user in self.tenant.users]

    def user_named(self, name: str) -> User:
        return self._users[name.casefold()]

    def group(self, group_id: str) -> Group | None:
        found = self.object(group_id)
        return found if isinstance(found, Group) else None

    def is_group(self, object_id: str) -> bool:
        return self.group(object_id) is not None

    def groups_of(self, object_id: str) -> list[str]:
        """Ids of the groups that a user is a member of without PIM."""
        return self._groups_of.get(object_id, [])

    def members_of(self, group_id: str) -> list[str]:
        """Ids of the members without PIM."""
        return self._members_of.get(group_id, [])

    def owners_of(self, group_id: str) -> list[str]:
        """Ids of the owners without PIM."""
        return self._owners_of.get(group_id, [])

    def policy_settings(self, name: str) -> PolicySettings:
        return self._policies[name.casefold()]

    def azure_policy(self, role_id: str, scope: str) -> str:
        """The name of the policy of an Azure role at a scope."""
        role = self.azure_roles.get(role_id)
        return self._azure_policies.get((role_id, scope)) or (role.policy if role else "default")

    def role(self, role_id: str) -> Role | None:
        return self._roles.get(role_id.lower())

    def roles(self) -> Iterable[Role]:
        return self._roles.values()

    def address(self, provider: str, role: str, scope: str) -> tuple[str, str]:
        """(role id, scope id) of a role and a scope as the tenant file names them (checked when it was loaded)."""
        return self._addresses[provider].of(role, scope, "the tenant")

    def canonical_scope(self, directory_scope_id: str) -> str | None:
        """The service's spelling of a directoryScopeId, None where there is no such scope. A name is no id here."""
        if directory_scope_id == "/":
            return "/"
        found = self.object(directory_scope_id.rsplit("/", 1)[-1])
        if isinstance(found, AdministrativeUnit):
            expected = f"/administrativeUnits/{found.id}"
        elif found is not None:
            expected = f"/{found.id}"
        else:
            return None
        return expected if directory_scope_id.casefold() == expected.casefold() else None

    def client(self, client_id: str) -> Client | None:
        return self._clients.get(client_id.lower())

    def app(self, client_id: str) -> ServicePrincipal | None:
        return self._apps.get(client_id.lower())


def is_guest(user: User) -> bool:
    return "#EXT#" in user.username.upper()


def home_ids(user: User, tenant_id: str) -> tuple[str, str]:
    """(object id, tenant id) of the account where it is at home. Of a guest's they are made up: nothing else of that
    tenant is simulated."""
    if not is_guest(user):
        return user.id or "", tenant_id
    domain = (user.home_username or user.username).rpartition("@")[2].casefold()
    home = uuid.uuid5(uuid.NAMESPACE_DNS, domain)
    return str(uuid.uuid5(home, user.id or "")), str(home)


def object_view(item: DirectoryObject, typed: bool = False) -> dict[str, Any]:
    """A directory object as Graph shows it; ``typed`` adds the @odata.type that an expanded object carries."""
    if isinstance(item, User):
        kind = "user"
        view: dict[str, Any] = {
            "id": item.id,
            "displayName": item.name,
            "userPrincipalName": item.username,
            "mail": item.home_username or item.username,
            "accountEnabled": item.enabled,
            "userType": "Guest" if is_guest(item) else "Member",
            "givenName": None,
            "surname": None,
            "jobTitle": None,
        }
    elif isinstance(item, Group):
        kind = "group"
        view = {
            "id": item.id,
            "displayName": item.name,
            "description": None,
            "mailEnabled": False,
            "securityEnabled": True,
            "isAssignableToRole": item.role_assignable,
        }
    elif isinstance(item, ServicePrincipal):
        kind = "servicePrincipal"
        view = {"id": item.id, "displayName": item.name, "appId": item.client_id, "accountEnabled": True}
    else:
        kind = "administrativeUnit"
        view = {"id": item.id, "displayName": item.name, "description": item.description, "visibility": None}
    return {"@odata.type": f"#microsoft.graph.{kind}", **view} if typed else view
