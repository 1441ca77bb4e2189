# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, groups and administrative units, as far as PIM's clients read them."""

from __future__ import annotations

from pim_simulator.directory import object_view
from pim_simulator.graph.collections import (
    collection_options,
    entity_answer,
    entity_options,
    items_answer,
    list_answer,
    nothing_to_expand,
)
from pim_simulator.graph.errors import bad_request, not_found
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.permissions import READ_GROUPS, READ_SELF, READ_UNITS, READ_USERS, require
from pim_simulator.graph.router import Router
from pim_simulator.graph.shapes import ADMINISTRATIVE_UNIT, GROUP, USER, Shape
from pim_simulator.tenant.models import AdministrativeUnit, Group
from pim_simulator.world import World


def add_routes(router: Router, world: World) -> None:
    objects = _DirectoryObjects(world)
    router.add("me", GET=objects.me)
    router.add("users", GET=objects.users)
    router.add("users/{}", GET=objects.user)
    router.add("groups", GET=objects.groups)
    router.add("groups/{}", GET=objects.group)
    router.add("directory/administrativeUnits", GET=objects.units)
    router.add("directory/administrativeUnits/{}", GET=objects.unit)


class _DirectoryObjects:
    def __init__(self, world: World) -> None:
        self._world = world

    def me(self, call: GraphCall) -> GraphAnswer:
        if call.caller.app_only:
            raise bad_request("/me request is only valid with delegated authentication flow.")
        require(call.caller, READ_SELF)
        options = entity_options(call, USER)
        user = self._world.directory.find_user(call.caller.object_id)
        if user is None:
            raise not_found(call.caller.object_id)
        return entity_answer(call, "users", object_view(user), options, nothing_to_expand)

    def users(self, call: GraphCall) -> GraphAnswer:
        require(call.caller, READ_USERS)
        options = collection_options(call, USER, of_pim=False)
        users = self._world.directory.users()
        return items_answer(call, "users", users, object_view, options, nothing_to_expand, self._world.tenant.page_size)

    def user(self, call: GraphCall, name_or_id: str) -> GraphAnswer:
        options = entity_options(call, USER)
        user = self._world.directory.find_user(name_or_id)
        own = user is not None and user.id == call.caller.object_id
        if not (own and call.caller.permissions.intersection(READ_SELF)):
            require(call.caller, READ_USERS)
        # by id or user principal name; a guest's home name is neither
        if user is None or name_or_id.casefold() not in ((user.id or "").casefold(), user.username.casefold()):
            raise not_found(name_or_id)
        return entity_answer(call, "users", object_view(user), options, nothing_to_expand)

    def groups(self, call: GraphCall) -> GraphAnswer:
        require(call.caller, READ_GROUPS)
        options = collection_options(call, GROUP, of_pim=False)
        groups = self._world.tenant.groups
        return items_answer(
            call, "groups", groups, object_view, options, nothing_to_expand, self._world.tenant.page_size
        )

    def group(self, call: GraphCall, group_id: str) -> GraphAnswer:
        require(call.caller, READ_GROUPS)
        return self._entity(call, "groups", GROUP, Group, group_id)

    def units(self, call: GraphCall) -> GraphAnswer:
        require(call.caller, READ_UNITS)
        rows = [object_view(unit) for unit in self._world.tenant.administrative_units]
        return self._list(call, "directory/administrativeUnits", ADMINISTRATIVE_UNIT, rows)

    def unit(self, call: GraphCall, unit_id: str) -> GraphAnswer:
        require(call.caller, READ_UNITS)
        return self._entity(call, "directory/administrativeUnits", ADMINISTRATIVE_UNIT, AdministrativeUnit, unit_id)

    def _list(self, call: GraphCall, context: str, shape: Shape, rows: list[dict[str, object]]) -> GraphAnswer:
        options = collection_options(call, shape, of_pim=False)
        return list_answer(call, context, rows, options, nothing_to_expand, self._world.tenant.page_size)

    def _entity(self, call: GraphCall, context: str, shape: Shape, kind: type, object_id: str) -> GraphAnswer:
        options = entity_options(call, shape)
        found = self._world.directory.object(object_id)
        if found is None or not isinstance(found, kind):
            raise not_found(object_id)
        return entity_answer(call, context, object_view(found), options, nothing_to_expand)
