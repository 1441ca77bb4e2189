# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PIM needs a licence of the tenant."""

from __future__ import annotations

from pim_simulator.graph.errors import GraphError
from pim_simulator.world import World


def check_licence(world: World) -> None:
    """Without the licence PIM answers 400, even when it is only read. Raises GraphError."""
    if world.tenant.licence == "none":
        raise GraphError(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        )
