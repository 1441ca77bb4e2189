# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant file as data. Each class is one mapping of the file, each field one key; docs/testing_with_the_simulator.md
explains them to users. Nothing here changes while the simulator runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from pim_simulator.tenant.azure import Azure, AzureBehaviour

Provider = Literal["entra_roles", "groups", "azure_resources"]

GRAPH_COMMAND_LINE_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"


@dataclass(frozen=True)
class When:
    """A point in time: absolute (UTC), or an offset from the moment the simulator starts or is reset."""

    absolute: datetime | None = None
    offset: timedelta | None = None

    def at(self, start: datetime) -> datetime:
        if self.absolute is not None:
            return self.absolute
        return start + (self.offset or timedelta())


@dataclass(frozen=True)
class Tokens:
    access_lifetime: timedelta = timedelta(hours=1)
    refresh_lifetime: timedelta = timedelta(days=90)
    # how long a refresh token that was redeemed already is still taken (two processes may refresh at once)
    refresh_grace: timedelta = timedelta(seconds=30)


@dataclass(frozen=True)
class DeviceLogin:
    expires_in: timedelta = timedelta(minutes=15)
    interval: timedelta = timedelta(seconds=5)
    # unattended use: this user approves each device code after so many polls were answered with "pending"
    approve_as: str | None = None
    after_polls: int = 1


@dataclass(frozen=True)
class AreaLag:
    """How late the service shows what it has done."""

    activation: timedelta = timedelta()
    deactivation: timedelta = timedelta()
    provisioning: timedelta = timedelta()
    request: timedelta = timedelta()


@dataclass(frozen=True)
class AzureLag(AreaLag):
    """``deactivation_blind``: so long after its start an activation cannot be found by whoever wants to end it."""

    deactivation_blind: timedelta = timedelta()


@dataclass(frozen=True)
class Lag(AreaLag):
    """Of Entra roles; the other providers have theirs."""

    groups: AreaLag = field(default_factory=AreaLag)
    azure_resources: AzureLag = field(default_factory=AzureLag)


@dataclass(frozen=True)
class Behaviour:
    """Where the real service was seen to answer in more than one way, the tenant chooses."""

    error_envelope: Literal["mixed", "wrapped"] = "mixed"
    rule_messages: Literal["text", "list"] = "text"
    not_eligible: Literal["EligibilityRule", "RoleAssignmentDoesNotExist"] = "EligibilityRule"
    scheduled_status: Literal["Granted", "ScheduleCreated"] = "Granted"
    group_row_principal: Literal["group", "member"] = "group"
    group_exists_message: Literal["pim", "directory"] = "pim"
    group_repeated_deactivation: Literal["BadRequest", "RoleAssignmentDoesNotExist"] = "BadRequest"
    group_enum_case: Literal["lower", "capital"] = "lower"
    group_list_without_filter: Literal["MissingProvider", "BadRequest"] = "MissingProvider"
    expand_group: Literal["full", "empty", "none"] = "full"
    batch_order: Literal["shuffled", "as_asked"] = "shuffled"
    challenge_header: Literal["bearer", "pop_first", "commas", "invalid_token"] = "bearer"
    batch_challenge: Literal["outer", "inner"] = "outer"
    expired_refresh: Literal["AADSTS700082", "AADSTS70008"] = "AADSTS700082"
    foreign_account: Literal["AADSTS90072", "AADSTS50020"] = "AADSTS90072"
    azure_resources: AzureBehaviour = field(default_factory=AzureBehaviour)


@dataclass(frozen=True)
class Client:
    """An application that people sign in with."""

    client_id: str
    name: str
    public: bool = True
    first_party: bool = False
    enabled: bool = True
    graph_permissions: tuple[str, ...] = ()
    azure_permissions: tuple[str, ...] = ()
    allowed_users: tuple[str, ...] | None = None
    redirect_uris: tuple[str, ...] = ("http://localhost",)


@dataclass(frozen=True)
class Secret:
    value: str
    expires: When | None = None


@dataclass(frozen=True)
class FederatedCredential:
    """Tokens of another issuer that an application may sign in with. ``public_key``: PEM, or in the file its path."""

    issuer: str
    subject: str
    public_key: str
    audience: str = "api://AzureADTokenExchange"


@dataclass(frozen=True)
class ServicePrincipal:
    """``certificates``: PEM, or in the file their paths."""

    client_id: str
    name: str
    id: str | None = None
    enabled: bool = True
    secrets: tuple[Secret, ...] = ()
    certificates: tuple[str, ...] = ()
    federated_credentials: tuple[FederatedCredential, ...] = ()
    graph_permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManagedIdentity:
    """A service principal whose tokens come from the platform that the client runs on."""

    client_id: str
    name: str
    id: str | None = None
    system_assigned: bool = False
    graph_permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    username: str
    name: str
    id: str | None = None
    password: str | None = None
    home_username: str | None = None
    enabled: bool = True
    state: Literal["normal", "locked", "password_expired", "not_invited"] = "normal"
    mfa: Literal["none", "unregistered", "capable", "required"] = "capable"
    authentication_contexts: tuple[str, ...] = ()
    silent_step_up: bool = False


@dataclass(frozen=True)
class ConditionalAccessPolicy:
    """For whom it holds, with which applications and APIs (None: all of them), and what it asks. With an
    ``authentication_context`` it holds only where that one is asked for."""

    name: str
    id: str | None = None
    users: tuple[str, ...] | None = None
    clients: tuple[str, ...] | None = None
    resources: tuple[Literal["graph", "azure"], ...] | None = None
    authentication_context: str | None = None
    require: Literal["mfa", "block", "compliant_device", "joined_device", "nothing"] = "mfa"
    # a sign-in that is older is asked for again
    sign_in_frequency: timedelta | None = None


@dataclass(frozen=True)
class Group:
    name: str
    id: str | None = None
    members: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    role_assignable: bool = True
    member_policy: str | None = None
    owner_policy: str | None = None


@dataclass(frozen=True)
class AdministrativeUnit:
    name: str
    id: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class PolicySettings:
    """The settings of a role, as the portal shows them."""

    maximum_duration: timedelta = timedelta(hours=8)
    justification: bool = True
    ticket: bool = False
    mfa: bool = False
    authentication_context: str | None = None
    approval: bool = False
    approvers: tuple[str, ...] = ()
    permanent_eligibility: bool = True
    maximum_eligibility: timedelta = timedelta(days=365)
    permanent_assignment: bool = True
    maximum_assignment: timedelta = timedelta(days=180)
    assignment_justification: bool = True
    assignment_mfa: bool = False


@dataclass(frozen=True)
class Role:
    name: str
    id: str | None = None
    description: str | None = None
    enabled: bool = True
    policy: str | None = None


@dataclass(frozen=True)
class Holding:
    """An eligibility or an assignment. What ``role`` and ``scope`` may be depends on the provider."""

    principal: str
    role: str
    provider: Provider = "entra_roles"
    scope: str = "/"
    starts: When | None = None
    ends: When | None = None
    # of Azure resources only
    condition: str | None = None
    condition_version: str = "2.0"


@dataclass(frozen=True)
class PrivilegedResource:
    """A resource of Graph or of Azure that only holders of an active role may use."""

    path: str
    role: str
    provider: Provider = "entra_roles"
    scope: str = "/"
    permission: str | None = None
    body: Any = None


@dataclass(frozen=True)
class TenantFile:
    tenant_id: str
    name: str
    domains: tuple[str, ...]
    federated_domains: tuple[str, ...] = ()
    cloud: Literal["public", "usgov", "usgov_dod", "china"] = "public"
    licence: Literal["p2", "none"] = "p2"
    minimum_active: timedelta = timedelta(minutes=5)
    page_size: int = 100
    tokens: Tokens = field(default_factory=Tokens)
    device_login: DeviceLogin = field(default_factory=DeviceLogin)
    lag: Lag = field(default_factory=Lag)
    behaviour: Behaviour = field(default_factory=Behaviour)
    clients: tuple[Client, ...] = ()
    service_principals: tuple[ServicePrincipal, ...] = ()
    managed_identities: tuple[ManagedIdentity, ...] = ()
    users: tuple[User, ...] = ()
    conditional_access: tuple[ConditionalAccessPolicy, ...] = ()
    groups: tuple[Group, ...] = ()
    administrative_units: tuple[AdministrativeUnit, ...] = ()
    policies: dict[str, PolicySettings] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    azure: Azure = field(default_factory=Azure)
    eligibilities: tuple[Holding, ...] = ()
    assignments: tuple[Holding, ...] = ()
    privileged_resources: tuple[PrivilegedResource, ...] = ()
