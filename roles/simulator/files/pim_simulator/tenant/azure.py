# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``azure`` mapping of the tenant file as data: the tree of scopes, roles and their policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ManagementGroup:
    """Without a ``parent`` it lies directly below the tenant's root group. ``name`` is its id where it has none."""

    id: str
    name: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class Subscription:
    name: str
    id: str | None = None
    management_group: str | None = None


@dataclass(frozen=True)
class ResourceGroup:
    """``readable_by``: who may read it without a role there; None is everybody. It matters where a role from a management
    group is activated for this resource group only."""

    name: str
    subscription: str
    readable_by: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Resource:
    """``type`` with its namespace; of a resource in another both have more parts (``vnet/subnet``)."""

    name: str
    resource_group: str
    subscription: str
    type: str


@dataclass(frozen=True)
class AzureRole:
    """A built-in role by its name, or a custom one. ``actions`` are a custom role's."""

    name: str
    id: str | None = None
    policy: str | None = None
    actions: tuple[str, ...] = ("*/read",)


@dataclass(frozen=True)
class RolePolicy:
    """The policy of a role at one scope, where it is not the role's."""

    role: str
    scope: str
    policy: str


@dataclass(frozen=True)
class Azure:
    management_groups: tuple[ManagementGroup, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    resource_groups: tuple[ResourceGroup, ...] = ()
    resources: tuple[Resource, ...] = ()
    roles: tuple[AzureRole, ...] = ()
    role_policies: tuple[RolePolicy, ...] = ()
    # two spellings of a subscription in one object (recorded in 2022), or one throughout (recorded in 2024)
    subscription_spelling: Literal["mixed", "plain"] = "mixed"
    upper_case_ids: bool = False


@dataclass(frozen=True)
class AzureBehaviour:
    """Where Azure's PIM was seen, or is assumed, to answer in more than one way."""

    group_row_principal: Literal["member", "group"] = "member"
    inherited_rows: Literal["absent", "listed"] = "absent"
    linked_ids: Literal["full", "bare"] = "full"
    repeated_request: Literal["RoleAssignmentRequestExists", "idempotent"] = "RoleAssignmentRequestExists"
    rule_messages: Literal["list", "text"] = "list"
    mandatory_mfa: Literal["none", "challenge", "disallowed"] = "none"
