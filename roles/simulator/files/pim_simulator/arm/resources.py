# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure itself has at these addresses: subscriptions, resource groups, resources. Only who holds a role in force sees
them, so a playbook can prove with them that its elevation took effect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pim_simulator.arm.api_versions import require_version
from pim_simulator.arm.errors import ArmError, authorization_failed, bad_request
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.views import Row
from pim_simulator.tenant.azure_scopes import AzureScope, plain_path
from pim_simulator.tenant.models import PrivilegedResource

_SUBSCRIPTION = "Microsoft.Resources/subscriptions/read"
_RESOURCE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"


class Resources:
    """Every address of ARM that is none of Microsoft.Authorization's, and those that the tenant file protects."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._privileged = {
            plain_path(resource.path).casefold(): resource
            for resource in place.world.tenant.privileged_resources
            if resource.provider == "azure_resources"
        }

    def answer(self, call: ArmCall, path: str) -> ArmAnswer:
        """``path`` in its plain spelling. Raises ArmError."""
        require_version(call)
        now = self._place.world.settle()
        resource = self._privileged.get(path.casefold())
        if resource is not None:
            return self._protected(call, resource, now)
        if call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", f"The method {call.method} is not allowed here.")
        parts = path.strip("/").lower().split("/")
        if parts == ["subscriptions"]:
            return self._list(call, self._subscriptions(), self._sees(call, now), self._subscription)
        if len(parts) == 3 and parts[::2] == ["subscriptions", "resourcegroups"]:
            subscription = self._place.scope(path.rsplit("/", 1)[0])
            self._require(call, subscription, _SUBSCRIPTION, now)
            below = [item for item in self._place.scopes.children(subscription.path) if item.kind == "resourcegroup"]
            return self._list(call, below, self._reads_group(call, now), self._shown)
        scope = self._place.scope(path)
        self._require(call, scope, _read_action(scope), now)
        return ArmAnswer(body=self._shown(scope))

    # reading

    def _subscriptions(self) -> list[AzureScope]:
        return [scope for scope in self._place.scopes.all() if scope.kind == "subscription"]

    def _list(
        self,
        call: ArmCall,
        scopes: list[AzureScope],
        visible: Callable[[AzureScope], bool],
        row: Callable[[AzureScope], Row],
    ) -> ArmAnswer:
        size = self._place.world.tenant.page_size
        return page(call, [(None, scopes)], lambda _source, item: visible(item), lambda _source, item: row(item), size)

    def _sees(self, call: ArmCall, now: datetime) -> Callable[[AzureScope], bool]:
        """A subscription is listed for who has any role at it, above it, or below it."""
        held = {schedule.key.scope for schedule in self._place.area.in_force(call.caller.object_id, now)}
        touched = {path for scope in held for path in self._place.scopes.upward(scope)}

        def visible(scope: AzureScope) -> bool:
            return scope.path in touched or not held.isdisjoint(self._place.scopes.upward(scope.path))

        return visible

    def _reads_group(self, call: ArmCall, now: datetime) -> Callable[[AzureScope], bool]:
        return lambda scope: self._place.area.allowed(call.caller.object_id, _RESOURCE_GROUP, scope.path, now)

    def _require(self, call: ArmCall, scope: AzureScope, action: str, now: datetime) -> None:
        if scope.kind == "subscription" and self._sees(call, now)(scope):
            return
        self._place.require(call, action, scope.path)

    def _shown(self, scope: AzureScope) -> Row:
        if scope.kind == "subscription":
            return self._subscription(scope)
        if scope.kind == "managementgroup":
            properties = {"tenantId": self._place.world.tenant.tenant_id, "displayName": scope.name}
            name = scope.path.rsplit("/", 1)[-1]
            kind = "Microsoft.Management/managementGroups"
            return {"id": scope.path, "type": kind, "name": name, "properties": properties}
        kind = "Microsoft.Resources/resourceGroups" if scope.kind == "resourcegroup" else scope.type
        return {
            "id": scope.path,
            "name": scope.name,
            "type": kind,
            "location": "westeurope",
            "properties": {"provisioningState": "Succeeded"},
        }

    def _subscription(self, scope: AzureScope) -> Row:
        return {
            "id": scope.path,
            "authorizationSource": "RoleBased",
            "subscriptionId": scope.subscription,
            "tenantId": self._place.world.tenant.tenant_id,
            "displayName": scope.name,
            "state": "Enabled",
        }

    # what the tenant file protects

    def _protected(self, call: ArmCall, resource: PrivilegedResource, now: datetime) -> ArmAnswer:
        """In force at the scope or above it; a token's age does not matter, Azure looks at each call."""
        role_id, scope = self._place.directory.address(resource.provider, resource.role, resource.scope)
        above = set(self._place.scopes.upward(scope))
        held = any(
            schedule.key.role_id == role_id and schedule.key.scope in above
            for schedule in self._place.area.in_force(call.caller.object_id, now)
        )
        if not held:
            action = "read" if call.method == "GET" else "write"
            raise authorization_failed(call.caller, f"Microsoft.Resources/tags/{action}", resource.path)
        bodies: dict[str, Any] = self._place.world.resource_bodies
        current = bodies[resource.path]
        if call.method == "PUT":
            bodies[resource.path] = call.body
        elif call.method == "PATCH":
            if not isinstance(call.body, dict) or not isinstance(current, dict):
                raise bad_request("A PATCH merges an object into an object.")
            bodies[resource.path] = {**current, **call.body}
        elif call.method != "GET":
            raise ArmError(405, "MethodNotAllowed", f"The method {call.method} is not allowed here.")
        return ArmAnswer(body=bodies[resource.path])


def _read_action(scope: AzureScope) -> str:
    if scope.kind == "managementgroup":
        return "Microsoft.Management/managementGroups/read"
    if scope.kind == "subscription":
        return _SUBSCRIPTION
    return _RESOURCE_GROUP if scope.kind == "resourcegroup" else f"{scope.type}/read"
