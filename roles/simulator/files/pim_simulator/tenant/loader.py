# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant file from the disk, checked as a whole: whatever it refers to must be there."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from pim_simulator.tenant.access_policies import check_policies, completed_policy
from pim_simulator.tenant.addresses import addresses, ids_by_name, only_id
from pim_simulator.tenant.azure_checks import check_azure, completed_azure
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import (
    GRAPH_COMMAND_LINE_TOOLS,
    Client,
    PolicySettings,
    PrivilegedResource,
    Role,
    ServicePrincipal,
    TenantFile,
)
from pim_simulator.tenant.pem import with_pem
from pim_simulator.tenant.reading import TenantError, build, read_yaml
from pim_simulator.tenant.sign_in_checks import check_sign_in

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# What an administrator grants the Graph command line tools for PIM of Entra roles and groups.
_PIM_PERMISSIONS = (
    "User.Read",
    "User.ReadBasic.All",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagementPolicy.Read.Directory",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
    "RoleManagementPolicy.Read.AzureADGroup",
    "GroupMember.Read.All",
)


def load_tenant(path: Path) -> TenantFile:
    """Read and check a tenant file. Raises TenantError with a text for its author."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TenantError(f"tenant file {path}: {error}") from error
    try:
        return parse_tenant(text, path.parent)
    except TenantError as error:
        raise TenantError(f"tenant file {path}: {error}") from error


def tenant_digest(path: Path) -> str:
    """Tells whether a running simulator was started with this very file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def parse_tenant(text: str, folder: Path = Path()) -> TenantFile:
    """The same from the text of the file; paths in it count from ``folder``."""
    written = build(TenantFile, read_yaml(text), "the tenant")
    _check_group_names(written)
    tenant = _completed(with_pem(written, folder))
    _check_ids(tenant)
    _check_unique(tenant)
    _check_references(tenant)
    _check_ranges(tenant)
    check_sign_in(tenant)
    return tenant


def _completed(tenant: TenantFile) -> TenantFile:
    """With what each tenant has: the built-in roles, a default policy, the Graph command line tools, and ids."""

    def guid(kind: str, name: str, given: str | None) -> str:
        # the same file gives the same ids at each start, so that playbooks may refer to them
        return (given or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant.tenant_id}/{kind}/{name}"))).lower()

    # documented defaults: what is permanent in a role must end in a group
    of_groups = PolicySettings(permanent_eligibility=False, permanent_assignment=False)
    policies = {"default": PolicySettings(), "group_default": of_groups, **tenant.policies}
    named = {role.name for role in tenant.roles}
    custom_seen: dict[str, int] = {}
    roles = []
    for role in tenant.roles:
        builtin = BUILTIN_ROLES.get(role.name)
        if builtin and role.id is None:
            roles.append(dataclasses.replace(role, id=builtin))
        else:
            number = custom_seen[role.name] = custom_seen.get(role.name, 0) + 1
            suffix = "" if number == 1 else f"#{number}"
            roles.append(dataclasses.replace(role, id=guid("role", role.name + suffix, role.id)))
    roles += [Role(name=name, id=template) for name, template in BUILTIN_ROLES.items() if name not in named]
    clients = [dataclasses.replace(client, client_id=client.client_id.lower()) for client in tenant.clients]
    if not any(client.client_id == GRAPH_COMMAND_LINE_TOOLS for client in clients):
        clients.append(
            Client(
                client_id=GRAPH_COMMAND_LINE_TOOLS,
                name="Microsoft Graph Command Line Tools",
                first_party=True,
                graph_permissions=_PIM_PERMISSIONS,
            )
        )
    return dataclasses.replace(
        tenant,
        tenant_id=tenant.tenant_id.lower(),
        domains=tuple(domain.lower() for domain in tenant.domains),
        federated_domains=tuple(domain.lower() for domain in tenant.federated_domains),
        policies=policies,
        roles=tuple(dataclasses.replace(role, policy=role.policy or "default") for role in roles),
        clients=tuple(clients),
        azure=completed_azure(tenant.azure, guid),
        users=tuple(dataclasses.replace(u, id=guid("user", u.username, u.id)) for u in tenant.users),
        conditional_access=tuple(completed_policy(tenant.tenant_id, policy) for policy in tenant.conditional_access),
        groups=tuple(dataclasses.replace(g, id=guid("group", g.name, g.id)) for g in tenant.groups),
        administrative_units=tuple(
            dataclasses.replace(unit, id=guid("unit", unit.name, unit.id)) for unit in tenant.administrative_units
        ),
        # a managed identity is a service principal of the directory that has no credential of its own
        service_principals=tuple(
            dataclasses.replace(sp, client_id=sp.client_id.lower(), id=guid("service principal", sp.name, sp.id))
            for sp in (
                *tenant.service_principals,
                *(
                    ServicePrincipal(
                        client_id=identity.client_id,
                        name=identity.name,
                        id=identity.id,
                        graph_permissions=identity.graph_permissions,
                    )
                    for identity in tenant.managed_identities
                ),
            )
        ),
    )


def _check_group_names(written: TenantFile) -> None:
    """Two groups may share a name, as in a directory, if the file gives their ids."""
    without_id = {group.name.casefold() for group in written.groups if group.id is None}
    seen: set[str] = set()
    for group in written.groups:
        name = group.name.casefold()
        if name in seen and name in without_id:
            raise TenantError(f"the group {group.name!r} is there twice: groups of one name need an id each")
        seen.add(name)


def _check_ids(tenant: TenantFile) -> None:
    ids: list[tuple[str, str | None]] = [("tenant_id", tenant.tenant_id)]
    ids += [(f"the client_id of {item.name}", item.client_id) for item in tenant.clients + tenant.service_principals]
    for things in (tenant.users, tenant.groups, tenant.administrative_units, tenant.service_principals, tenant.roles):
        ids += [(f"the id of {item.name}", item.id) for item in things]
    for what, value in ids:
        if not _GUID.fullmatch(value or ""):
            raise TenantError(f"{what} must be a GUID, not {value!r}")


def _check_unique(tenant: TenantFile) -> None:
    sign_in_names = [user.username for user in tenant.users] + [
        u.home_username for u in tenant.users if u.home_username
    ]
    _once("the username", sign_in_names)
    _once("the administrative unit", (unit.name for unit in tenant.administrative_units))
    _once("the conditional access policy", (policy.name for policy in tenant.conditional_access))
    _once("the service principal", (sp.name for sp in tenant.service_principals))
    _once("the client_id", (item.client_id for item in tenant.clients + tenant.service_principals))
    _once("the role id", (role.id or "" for role in tenant.roles))
    _once("the privileged resource", (resource.path for resource in tenant.privileged_resources))
    principals = tenant.users + tenant.groups + tenant.administrative_units + tenant.service_principals
    _once("the object id", (item.id or "" for item in principals))


def _once(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise TenantError(f"{what} {name!r} is there twice")
        seen.add(name.casefold())


def _check_references(tenant: TenantFile) -> None:
    names = [name for user in tenant.users for name in (user.username, user.home_username) if name]
    users = {name.casefold() for name in names}
    groups = ids_by_name((group.name, group.id or "") for group in tenant.groups)
    principals = users | set(groups) | {sp.name.casefold() for sp in tenant.service_principals}
    principals |= {item.id or "" for item in tenant.users + tenant.service_principals}
    plain_groups = {name.casefold() for g in tenant.groups if not g.role_assignable for name in (g.name, g.id or "")}
    policies = {name.casefold() for name in tenant.policies}
    check_azure(tenant.azure, tenant.tenant_id, policies, principals)
    resolvers = addresses(tenant)
    for item in tenant.azure.role_policies:
        resolvers["azure_resources"].of(item.role, item.scope, f"the azure policy of {item.role} at {item.scope}")

    def known(value: str, names: set[str], where: str, what: str) -> None:
        if value.casefold() not in names:
            raise TenantError(f"{where} names {value!r}, which is no {what} of this tenant")
        if value.casefold() in groups and value.casefold() not in users:
            only_id(groups, value, where, "group")

    for group in tenant.groups:
        for person in group.members + group.owners:
            known(person, users, f"group {group.name}", "user")
        for policy_name in (group.member_policy, group.owner_policy):
            known(policy_name or "default", policies, f"group {group.name}", "policy")
    for name, policy in tenant.policies.items():
        for approver in policy.approvers:
            known(approver, users | set(groups), f"policy {name}", "user or group")
    for role in tenant.roles:
        known(role.policy or "default", policies, f"role {role.name}", "policy")
    for kind, holdings in (("eligibility", tenant.eligibilities), ("assignment", tenant.assignments)):
        for holding in holdings:
            where = f"{kind} of {holding.principal} for {holding.role}"
            known(holding.principal, principals, where, "user, group or service principal")
            resolvers[holding.provider].of(holding.role, holding.scope, where)
            if holding.condition is not None and holding.provider != "azure_resources":
                raise TenantError(f"{where}: only roles of Azure resources have a condition")
            if holding.provider == "entra_roles" and holding.principal.casefold() in plain_groups:
                raise TenantError(f"{where}: the group is not role_assignable")
    for resource in tenant.privileged_resources:
        where = f"privileged resource {resource.path}"
        resolvers[resource.provider].of(resource.role, resource.scope, where)
        _check_resource_path(resource, where)
    check_policies(tenant)
    for client in tenant.clients:
        for name in client.allowed_users or ():
            known(name, users, f"client {client.name}", "user")
    if tenant.device_login.approve_as is not None:
        known(tenant.device_login.approve_as, users, "device_login.approve_as", "user")


def _check_resource_path(resource: PrivilegedResource, where: str) -> None:
    if resource.provider == "azure_resources":
        if not re.fullmatch(r"/(subscriptions|providers)/\S*[^/\s]", resource.path):
            raise TenantError(f"{where}: the path must begin with /subscriptions/ or /providers/")
    elif not re.fullmatch(r"/(v1\.0|beta)/\S*[^/\s]", resource.path):
        raise TenantError(f"{where}: the path must begin with /v1.0/ or /beta/")


def _check_ranges(tenant: TenantFile) -> None:
    if not tenant.domains:
        raise TenantError("domains must name at least one domain")
    if not 1 <= tenant.page_size <= 999:
        raise TenantError("page_size must be between 1 and 999")
    if tenant.tokens.access_lifetime < timedelta(seconds=1):
        raise TenantError("tokens.access_lifetime must be at least one second")
    if tenant.device_login.interval < timedelta(seconds=1):
        # msal counts the interval in whole seconds
        raise TenantError("device_login.interval must be at least one second")
    for name, policy in tenant.policies.items():
        # documented for the portal: half an hour to a day
        if not timedelta(minutes=30) <= policy.maximum_duration <= timedelta(hours=24):
            raise TenantError(f"policy {name}: maximum_duration must be between PT30M and PT24H")
        if policy.approvers and not policy.approval:
            raise TenantError(f"policy {name} has approvers but not approval: true")
