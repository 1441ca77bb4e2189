# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The providers this version has, by the word users know them by. Private to the collection."""

from __future__ import annotations

from .azure_resources import AzureResources
from .base import Provider
from .entra_roles import EntraRoles
from .groups import Groups

PROVIDERS: dict[str, Provider] = {provider.name: provider for provider in (EntraRoles(), Groups(), AzureResources())}
