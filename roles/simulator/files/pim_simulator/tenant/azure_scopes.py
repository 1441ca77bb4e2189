# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scopes of a tenant's Azure: management groups, subscriptions, resource groups, resources, each below another.

A path is canonical as the tenant file spells it, without a slash at its end; it is found in any case, with doubled
slashes, and with ``/providers/Microsoft.Subscription/subscriptions/`` for ``/subscriptions/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pim_simulator.tenant.azure import Azure, Resource

ScopeKind = Literal["managementgroup", "subscription", "resourcegroup", "resource"]

MANAGEMENT_GROUPS = "/providers/Microsoft.Management/managementGroups"
ROOT_NAME = "Tenant Root Group"

_SLASHES = re.compile(r"/+")
_ALIAS = re.compile(r"^/providers/microsoft\.subscription(?=/subscriptions(/|$))", re.IGNORECASE)


@dataclass(frozen=True)
class AzureScope:
    """``type`` is what expandedProperties call it: the kind, or a resource's own type. The root group has no parent."""

    path: str
    kind: ScopeKind
    name: str
    type: str
    parent: str | None
    readable_by: tuple[str, ...] | None = None

    @property
    def subscription(self) -> str | None:
        """The id of the subscription it is, or lies in."""
        return self.path.split("/")[2] if self.path.startswith("/subscriptions/") else None


def plain_path(path: str) -> str:
    """One slash between segments, one at the start, none at the end, and the short spelling of subscriptions."""
    return _ALIAS.sub("", _SLASHES.sub("/", f"/{path}").rstrip("/"))


def resource_path(resource: Resource, group_path: str) -> str:
    """Types and names of a resource in another resource stand in turns: ``virtualNetworks/vnet/subnets/subnet``."""
    namespace, *types = resource.type.split("/")
    pairs = "".join(f"/{kind}/{name}" for kind, name in zip(types, resource.name.split("/")))
    return f"{group_path}/providers/{namespace}{pairs}"


class AzureScopes:
    """Never changes. Built from a tenant file whose references have been checked, and whose subscriptions have ids."""

    def __init__(self, tenant_id: str, azure: Azure) -> None:
        self._scopes: dict[str, AzureScope] = {}
        self.root = self._add(f"{MANAGEMENT_GROUPS}/{tenant_id}", "managementgroup", ROOT_NAME, None)
        for item in azure.management_groups:
            parent = f"{MANAGEMENT_GROUPS}/{item.parent}" if item.parent else self.root.path
            self._add(f"{MANAGEMENT_GROUPS}/{item.id}", "managementgroup", item.name or item.id, parent)
        ids = {subscription.name.casefold(): subscription.id for subscription in azure.subscriptions}
        ids.update({(item.id or "").casefold(): item.id for item in azure.subscriptions})
        for subscription in azure.subscriptions:
            above = subscription.management_group
            parent = f"{MANAGEMENT_GROUPS}/{above}" if above else self.root.path
            self._add(f"/subscriptions/{subscription.id}", "subscription", subscription.name, parent)
        for resource_group in azure.resource_groups:
            parent = f"/subscriptions/{ids[resource_group.subscription.casefold()]}"
            path = f"{parent}/resourceGroups/{resource_group.name}"
            self._add(path, "resourcegroup", resource_group.name, parent, readable_by=resource_group.readable_by)
        # those in other resources come after these
        for resource in sorted(azure.resources, key=lambda item: item.type.count("/")):
            subscription_path = f"/subscriptions/{ids[resource.subscription.casefold()]}"
            group = self._scopes[f"{subscription_path}/resourceGroups/{resource.resource_group}".casefold()]
            path = resource_path(resource, group.path)
            outer = self._scopes.get(path.rsplit("/", 2)[0].casefold(), group)
            self._add(path, "resource", resource.name.rsplit("/", 1)[-1], outer.path, resource.type)

    def _add(
        self,
        path: str,
        kind: ScopeKind,
        name: str,
        parent: str | None,
        type_name: str | None = None,
        readable_by: tuple[str, ...] | None = None,
    ) -> AzureScope:
        scope = AzureScope(path, kind, name, type_name or kind, parent, readable_by)
        self._scopes[path.casefold()] = scope
        return scope

    @cached_property
    def _children(self) -> dict[str, list[AzureScope]]:
        result: dict[str, list[AzureScope]] = {}
        for scope in self._scopes.values():
            if scope.parent is not None:
                result.setdefault(self._scopes[scope.parent.casefold()].path, []).append(scope)
        return result

    @cached_property
    def _upward(self) -> dict[str, tuple[str, ...]]:
        """Each path with the paths above it, itself first."""
        result: dict[str, tuple[str, ...]] = {}
        for scope in self._scopes.values():
            line: list[str] = []
            above: AzureScope | None = scope
            while above is not None:
                line.append(above.path)
                above = self._scopes.get(above.parent.casefold()) if above.parent else None
            result[scope.path] = tuple(line)
        return result

    def all(self) -> Iterator[AzureScope]:
        yield from self._scopes.values()

    def find(self, path: str) -> AzureScope | None:
        return self._scopes.get(plain_path(path).casefold())

    def upward(self, path: str) -> tuple[str, ...]:
        """A canonical path and all above it, itself first, the root group last."""
        return self._upward[path]

    def children(self, path: str) -> list[AzureScope]:
        """Directly below a canonical path."""
        return self._children.get(path, [])

    def below(self, path: str) -> Iterator[AzureScope]:
        """At any depth."""
        for child in self.children(path):
            yield child
            yield from self.below(child.path)

    def named(self, text: str) -> list[AzureScope]:
        """What a scope of the tenant file may mean: a path, or display names from the subscription or management group on
        (``Production/rg-web/web01``)."""
        found = self.find(text) if text.startswith("/") else None
        if found is not None:
            return [found]
        return self._by_names.get(text.casefold(), [])

    @cached_property
    def _by_names(self) -> dict[str, list[AzureScope]]:
        result: dict[str, list[AzureScope]] = {}
        for scope in self._scopes.values():
            names = [scope.name]
            above = scope
            while above.kind in ("resourcegroup", "resource") and above.parent is not None:
                above = self._scopes[above.parent.casefold()]
                names.insert(0, above.name)
            spellings = ["/".join(names)]
            if scope.kind in ("managementgroup", "subscription"):
                spellings.append(scope.path.rsplit("/", 1)[-1])
            for spelling in {text.casefold() for text in spellings}:
                result.setdefault(spelling, []).append(scope)
        return result
