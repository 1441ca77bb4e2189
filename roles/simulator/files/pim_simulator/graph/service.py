# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of Graph from its parts to its answer, refusals included."""

from __future__ import annotations

import uuid

from pim_simulator.graph import (
    approvals,
    directory_objects,
    policies,
    privileged_resources,
    requests,
    role_definitions,
    schedules,
)
from pim_simulator.graph.dialect import Dialect
from pim_simulator.graph.errors import GraphError, error_body, from_refusal, missing_provider, throttled
from pim_simulator.graph.group_dialect import ROOT as GROUP_ROOT
from pim_simulator.graph.group_dialect import GroupDialect
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.role_dialect import RoleDialect
from pim_simulator.graph.router import Router
from pim_simulator.pim.errors import PimRefusal
from pim_simulator.world import World


class GraphService:
    """All addresses, over the world's present tenant."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._router = Router()
        dialects: tuple[Dialect, ...] = (RoleDialect(world), GroupDialect(world))
        for dialect in dialects:
            for of_pim in (schedules, requests, approvals):
                of_pim.add_routes(self._router, dialect)
        self._router.add(GROUP_ROOT, GET=bare_container)
        for part in (role_definitions, policies, directory_objects, privileged_resources):
            part.add_routes(self._router, world)

    def answer(self, call: GraphCall, client_request_id: str | None) -> GraphAnswer:
        """Never raises a refusal: it becomes an answer. Each answer has its ids and the tenant's time."""
        wait = self._world.throttling.take("graph", call.method, call.caller.app_id)
        if wait is not None:
            return self.refused(throttled(wait), client_request_id)
        try:
            answer = self._router.dispatch(call)
        except PimRefusal as refusal:
            return self.refused(from_refusal(refusal), client_request_id)
        except GraphError as error:
            return self.refused(error, client_request_id)
        add_ids(answer, client_request_id)
        return answer

    def refused(self, error: GraphError, client_request_id: str | None) -> GraphAnswer:
        request_id = str(uuid.uuid4())
        now = self._world.clock.now()
        envelope = self._world.tenant.behaviour.error_envelope
        body = error_body(error, envelope, now, request_id, client_request_id or request_id)
        answer = GraphAnswer(error.status, body, dict(error.headers))
        add_ids(answer, client_request_id, request_id)
        return answer


def bare_container(_call: GraphCall) -> GraphAnswer:
    """Seen live: what holds the collections of groups is no list."""
    raise missing_provider()


def add_ids(answer: GraphAnswer, client_request_id: str | None, request_id: str | None = None) -> None:
    """The ids that every answer carries; the client's own comes back, where it sent one."""
    request_id = request_id or str(uuid.uuid4())
    answer.headers["request-id"] = request_id
    answer.headers["client-request-id"] = client_request_id or request_id
