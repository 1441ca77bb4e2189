# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a call is made, and whether its caller may."""

from __future__ import annotations

from datetime import datetime

from pim_simulator.arm.errors import ArmError, authorization_failed, insufficient_permissions
from pim_simulator.arm.messages import ArmCall
from pim_simulator.pim.azure_resources import AzureResources
from pim_simulator.pim.store import Store
from pim_simulator.tenant.azure_scopes import AzureScope
from pim_simulator.world import World


class Place:
    """What all handlers ask of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.directory = world.directory
        self.scopes = world.directory.azure_scopes

    @property
    def store(self) -> Store:
        return self.world.stores[AzureResources.name]

    @property
    def area(self) -> AzureResources:
        area = self.store.area
        if not isinstance(area, AzureResources):
            raise TypeError(type(area).__name__)
        return area

    def open(self) -> datetime:
        """The time, with everything that is due done. Without the licence PIM answers 400, even when it is only read."""
        if self.world.tenant.licence == "none":
            raise ArmError(400, "AadPremiumLicenseRequired", "The tenant needs an AAD Premium 2 license.")
        return self.world.settle()

    def scope(self, path: str) -> AzureScope:
        """The scope of a path. Raises ArmError: what of it is missing, the outermost first."""
        found = self.scopes.find(path)
        if found is None:
            raise self._missing(path)
        return found

    def scope_or_root(self, path: str) -> str:
        """The tenant itself counts as its root management group."""
        return self.scope(path).path if path else self.scopes.root.path

    def _missing(self, path: str) -> ArmError:
        parts = path.strip("/").split("/")
        if parts[0].lower() != "subscriptions" or len(parts) < 2:
            name = parts[-1]
            return ArmError(404, "ResourceNotFound", f"The resource '{name}' could not be found.")
        if self.scopes.find("/".join(parts[:2])) is None:
            return ArmError(404, "SubscriptionNotFound", f"The subscription '{parts[1]}' could not be found.")
        if len(parts) < 4 or parts[2].lower() != "resourcegroups":
            return ArmError(404, "ResourceNotFound", f"The resource '{parts[-1]}' could not be found.")
        if self.scopes.find("/".join(parts[:4])) is None:
            return ArmError(404, "ResourceGroupNotFound", f"Resource group '{parts[3]}' could not be found.")
        kind = "/".join(parts[5:7])
        return ArmError(
            404,
            "ResourceNotFound",
            f"The Resource '{kind}/{parts[-1]}' under resource group '{parts[3]}' was not found. For more details please "
            "go to https://aka.ms/ARMResourceNotFoundFix",
        )

    def require(self, call: ArmCall, action: str, path: str) -> None:
        """Raises ArmError 403."""
        if not self.area.allowed(call.caller.object_id, action, path, self.world.clock.now()):
            raise authorization_failed(call.caller, action, path)

    def require_reader(self, call: ArmCall, path: str) -> None:
        """PIM's own refusal of who wants to read what others hold. Raises ArmError 400."""
        if not self.area.may_read_all(call.caller.object_id, path, self.world.clock.now()):
            raise insufficient_permissions(call.caller)

    def holders(self, object_id: str, now: datetime) -> list[str]:
        """A principal and the groups it is in."""
        return [object_id, *self.area.memberships.groups_of(object_id, now)]
