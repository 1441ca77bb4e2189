# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role definitions."""

from __future__ import annotations

from pim_simulator.graph.collections import (
    collection_options,
    entity_answer,
    entity_options,
    list_answer,
    nothing_to_expand,
)
from pim_simulator.graph.errors import not_found
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.permissions import READ_ROLES, require
from pim_simulator.graph.role_dialect import ROOT
from pim_simulator.graph.role_views import role_row
from pim_simulator.graph.router import Router
from pim_simulator.graph.shapes import ROLE_DEFINITION
from pim_simulator.world import World


def add_routes(router: Router, world: World) -> None:
    definitions = _RoleDefinitions(world)
    router.add(f"{ROOT}/roleDefinitions", GET=definitions.all)
    router.add(f"{ROOT}/roleDefinitions/{{}}", GET=definitions.get)


class _RoleDefinitions:
    def __init__(self, world: World) -> None:
        self._world = world

    def all(self, call: GraphCall) -> GraphAnswer:
        require(call.caller, READ_ROLES)
        options = collection_options(call, ROLE_DEFINITION, of_pim=False)
        rows = [role_row(role) for role in self._world.directory.roles()]
        page = self._world.tenant.page_size
        return list_answer(call, f"{ROOT}/roleDefinitions", rows, options, nothing_to_expand, page)

    def get(self, call: GraphCall, role_id: str) -> GraphAnswer:
        require(call.caller, READ_ROLES)
        options = entity_options(call, ROLE_DEFINITION)
        role = self._world.directory.role(role_id)
        if role is None:
            raise not_found(role_id)
        return entity_answer(call, f"{ROOT}/roleDefinitions", role_row(role), options, nothing_to_expand)
