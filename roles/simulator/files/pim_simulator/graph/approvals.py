# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of approvers: one approval for each request that waits, or waited, with one part."""

from __future__ import annotations

from typing import Any

from pim_simulator.graph.bodies import APPROVAL_DECISION, check_body
from pim_simulator.graph.collections import (
    collection_options,
    entity_answer,
    entity_options,
    list_answer,
    nothing_to_expand,
)
from pim_simulator.graph.dialect import Dialect
from pim_simulator.graph.errors import GraphError, bad_request, denied
from pim_simulator.graph.licence import check_licence
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import read_options
from pim_simulator.graph.permissions import require_for_pim
from pim_simulator.graph.router import Router
from pim_simulator.graph.shapes import APPROVAL_PART, approval_shape
from pim_simulator.graph.views import Row
from pim_simulator.pim.approvals import decide
from pim_simulator.pim.records import Request
from pim_simulator.times import format_time


def add_routes(router: Router, dialect: Dialect) -> None:
    for version, names in dialect.approval_parts.items():
        path = f"{dialect.root}/{dialect.approvals}"
        approvals = _Approvals(dialect, names)
        router.add(f"{path}/filterByCurrentUser", versions=(version,), GET=approvals.own)
        router.add(f"{path}/{{}}", versions=(version,), GET=approvals.get)
        for name in names:
            parts = _Parts(dialect, name)
            router.add(f"{path}/{{}}/{name}", versions=(version,), GET=parts.all)
            router.add(f"{path}/{{}}/{name}/{{}}", versions=(version,), GET=parts.get, PATCH=parts.decide)


class _Of:
    """What both need: the request behind an approval."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._world = dialect.world
        self._context = f"{dialect.root}/{dialect.approvals}"

    def _check(self, call: GraphCall) -> None:
        require_for_pim(call.caller, self._dialect.decide)
        check_licence(self._world)
        self._world.settle()

    def _is_approver(self, call: GraphCall, request: Request) -> bool:
        return self._dialect.store.is_approver(call.caller.object_id, request, self._world.clock.now())

    def _found(self, call: GraphCall, approval_id: str) -> Request:
        self._check(call)
        request = self._dialect.store.requests.get(approval_id.lower())
        if request is None or request.approval_id is None:
            raise GraphError(404, "ResourceNotFound", "The approval could not be found.")
        if call.caller.object_id != request.created_by and not self._is_approver(call, request):
            raise denied()
        return request

    def _part(self, call: GraphCall, request: Request) -> Row:
        decision = request.decision
        reviewer = self._world.directory.object(decision.by) if decision else None
        return {
            "id": request.approval_id,
            "displayName": None,
            "reviewedDateTime": format_time(decision.at) if decision else None,
            "reviewResult": decision.result if decision else "NotReviewed",
            "status": "InProgress" if request.status == "PendingApproval" else "Completed",
            "assignedToMe": self._is_approver(call, request),
            "justification": decision.justification if decision else "",
            "reviewedBy": {"id": reviewer.id, "displayName": reviewer.name} if reviewer else None,
        }


class _Approvals(_Of):
    """``names`` are what this version calls the parts; the first is shown within the approval."""

    def __init__(self, dialect: Dialect, names: tuple[str, ...]) -> None:
        super().__init__(dialect)
        self._name = names[0]
        self._shape = approval_shape(self._name)

    def _row(self, call: GraphCall, request: Request) -> Row:
        return {"id": request.approval_id, self._name: [self._part(call, request)]}

    def get(self, call: GraphCall, approval_id: str) -> GraphAnswer:
        request = self._found(call, approval_id)
        row = self._row(call, request)
        return entity_answer(call, self._context, row, entity_options(call, self._shape), self._expand)

    def own(self, call: GraphCall, on: str) -> GraphAnswer:
        self._check(call)
        options = collection_options(call, self._shape, of_pim=True)
        asked = [request for request in self._dialect.store.requests.values() if request.approval_id]
        caller = call.caller.object_id
        if on == "approver":
            found = [request for request in asked if self._is_approver(call, request)]
        elif on == "createdBy":
            found = [request for request in asked if request.created_by == caller]
        elif on == "target":
            found = [request for request in asked if request.key.principal_id == caller]
        else:
            raise bad_request(f"Requested value '{on}' was not found.")
        rows = [self._row(call, request) for request in found]
        return list_answer(call, self._context, rows, options, self._expand, self._world.tenant.page_size)

    def _expand(self, row: Row, _name: str) -> Any:
        return row[self._name]


class _Parts(_Of):
    """``name``: steps or stages."""

    def __init__(self, dialect: Dialect, name: str) -> None:
        super().__init__(dialect)
        self._name = name

    def _parts_context(self, approval_id: str) -> str:
        return f"{self._context}('{approval_id}')/{self._name}"

    def all(self, call: GraphCall, approval_id: str) -> GraphAnswer:
        request = self._found(call, approval_id)
        options = collection_options(call, APPROVAL_PART, of_pim=True)
        context = self._parts_context(approval_id)
        rows = [self._part(call, request)]
        return list_answer(call, context, rows, options, nothing_to_expand, self._world.tenant.page_size)

    def get(self, call: GraphCall, approval_id: str, part_id: str) -> GraphAnswer:
        request = self._found_part(call, approval_id, part_id)
        options = entity_options(call, APPROVAL_PART)
        context = self._parts_context(approval_id)
        return entity_answer(call, context, self._part(call, request), options, nothing_to_expand)

    def decide(self, call: GraphCall, approval_id: str, part_id: str) -> GraphAnswer:
        request = self._found_part(call, approval_id, part_id)
        read_options(call.query, (), call.url)
        body = check_body(call.body, APPROVAL_DECISION, "approvalStep")
        result = body.get("reviewResult")
        if result not in ("Approve", "Deny"):
            raise bad_request(f"Requested value '{result}' was not found.")
        justification = body.get("justification") or ""
        now = self._world.clock.now()
        decide(self._dialect.store, request, result, call.caller.object_id, justification, now)
        return GraphAnswer(204)

    def _found_part(self, call: GraphCall, approval_id: str, part_id: str) -> Request:
        request = self._found(call, approval_id)
        if part_id.lower() != request.approval_id:
            raise GraphError(404, "ResourceNotFound", "The approval step could not be found.")
        return request
