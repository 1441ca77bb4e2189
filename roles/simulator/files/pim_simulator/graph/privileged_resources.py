# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources that only a token with an active role may use: with them a playbook proves that elevation took effect."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pim_simulator.callers import Caller
from pim_simulator.graph.errors import bad_request, denied
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import read_options
from pim_simulator.graph.router import Router
from pim_simulator.pim.groups import Groups
from pim_simulator.pim.memberships import OWNER
from pim_simulator.tenant.models import PrivilegedResource
from pim_simulator.world import World


def add_routes(router: Router, world: World) -> None:
    for resource in world.tenant.privileged_resources:
        if resource.provider == "azure_resources":
            continue
        version, path = resource.path.strip("/").split("/", 1)
        endpoint = _Resource(world, resource)
        router.add(path, versions=(version,), GET=endpoint.read, PATCH=endpoint.merge, PUT=endpoint.replace)


class _Resource:
    def __init__(self, world: World, resource: PrivilegedResource) -> None:
        self._world = world
        self._resource = resource
        self._role_id, self._scope = world.directory.address(resource.provider, resource.role, resource.scope)

    def _check(self, call: GraphCall) -> None:
        """The permission; the role in force now, and since before the token was issued, as far as tokens tell."""
        read_options(call.query, (), call.url)
        if self._resource.permission and self._resource.permission not in call.caller.permissions:
            raise denied()
        allowed = self._in_group if self._resource.provider == Groups.name else self._has_role
        if not allowed(call.caller, self._world.settle()):
            raise denied()

    def _has_role(self, caller: Caller, now: datetime) -> bool:
        store = self._world.stores[self._resource.provider]
        if self._role_id not in store.active_role_ids(caller.object_id, now, self._scope):
            return False
        # tokens tell nothing of roles held at smaller scopes
        return self._scope != "/" or caller.app_only or self._role_id in caller.wids

    def _in_group(self, caller: Caller, now: datetime) -> bool:
        area = self._world.stores[Groups.name].area
        assert isinstance(area, Groups)
        if self._role_id == OWNER:
            # tokens tell nothing of owners
            return caller.object_id in area.owners(self._scope, now)
        return self._scope in caller.groups and self._scope in area.memberships.groups_of(caller.object_id, now)

    def read(self, call: GraphCall) -> GraphAnswer:
        self._check(call)
        return GraphAnswer(body=self._world.resource_bodies[self._resource.path])

    def merge(self, call: GraphCall) -> GraphAnswer:
        self._check(call)
        current = self._world.resource_bodies[self._resource.path]
        if not isinstance(call.body, dict) or not isinstance(current, dict):
            raise bad_request("A PATCH merges an object into an object.")
        return self._store({**current, **call.body})

    def replace(self, call: GraphCall) -> GraphAnswer:
        self._check(call)
        return self._store(call.body)

    def _store(self, body: Any) -> GraphAnswer:
        self._world.resource_bodies[self._resource.path] = body
        return GraphAnswer(body=body)
