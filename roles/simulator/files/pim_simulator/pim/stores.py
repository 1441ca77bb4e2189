# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One store for each area, and the areas know each other's."""

from __future__ import annotations

from datetime import datetime

from pim_simulator.directory import Directory
from pim_simulator.pim.areas import Area
from pim_simulator.pim.azure_resources import AzureResources
from pim_simulator.pim.entra_roles import EntraRoles
from pim_simulator.pim.groups import Groups
from pim_simulator.pim.memberships import Memberships
from pim_simulator.pim.store import Store

AREAS: tuple[type[Area], ...] = (EntraRoles, Groups, AzureResources)


def build_stores(directory: Directory, now: datetime) -> dict[str, Store]:
    """By the provider's name, as the tenant file describes them at the start."""
    stores: dict[str, Store] = {}
    memberships = Memberships(directory, stores)
    for area in AREAS:
        stores[area.name] = Store(area(directory, memberships, stores), now)
    return stores
