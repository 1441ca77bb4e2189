# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule requests: posting, reading, cancelling; decisions of approvers (beta)."""

from __future__ import annotations

from typing import Any

from pim_simulator.graph.bodies import APPROVAL_DECISION, SCHEDULE_REQUEST, check_body, read_details
from pim_simulator.graph.collections import (
    collection_options,
    entity_answer,
    entity_options,
    list_answer,
    nothing_to_expand,
)
from pim_simulator.graph.errors import GraphError, bad_request, denied
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Options, read_options
from pim_simulator.graph.permissions import (
    ASSIGNMENT_REQUESTS,
    DECIDE,
    READ_ELIGIBILITY,
    WRITE_ELIGIBILITY,
    require_for_pim,
)
from pim_simulator.graph.role_keys import role_key
from pim_simulator.graph.router import Router
from pim_simulator.graph.schedules import PROVIDER, ROOT, check_licence, may_read_all
from pim_simulator.graph.shapes import APPROVAL, APPROVAL_STEP, ASSIGNMENT_REQUEST, ELIGIBILITY_REQUEST, Shape
from pim_simulator.graph.views import PimExpander, Row, request_row
from pim_simulator.pim.approvals import decide
from pim_simulator.pim.records import Kind, Request
from pim_simulator.pim.store import Store
from pim_simulator.pim.submission import Submission, cancel, read_action
from pim_simulator.times import format_time
from pim_simulator.world import World


def add_routes(router: Router, world: World) -> None:
    for kind, name, shape, read, write in (
        ("assignment", "roleAssignmentScheduleRequests", ASSIGNMENT_REQUEST, ASSIGNMENT_REQUESTS, ASSIGNMENT_REQUESTS),
        ("eligibility", "roleEligibilityScheduleRequests", ELIGIBILITY_REQUEST, READ_ELIGIBILITY, WRITE_ELIGIBILITY),
    ):
        requests = _Requests(world, kind, name, shape, read, write)  # type: ignore[arg-type]  # the two literals above
        router.add(f"{ROOT}/{name}", GET=requests.everybodys, POST=requests.post)
        router.add(f"{ROOT}/{name}/filterByCurrentUser", GET=requests.own)
        router.add(f"{ROOT}/{name}/{{}}", GET=requests.get)
        router.add(f"{ROOT}/{name}/{{}}/cancel", POST=requests.cancel)
    approvals = _Approvals(world)
    # decisions on directory roles exist in beta only
    path = f"{ROOT}/roleAssignmentApprovals/{{}}"
    router.add(path, versions=("beta",), GET=approvals.get)
    router.add(f"{path}/steps", versions=("beta",), GET=approvals.steps)
    router.add(f"{path}/steps/{{}}", versions=("beta",), GET=approvals.step, PATCH=approvals.decide)


def request_not_found() -> GraphError:
    return GraphError(404, "RoleAssignmentRequestNotFound", "The role assignment request could not be found.")


class _Requests:
    def __init__(
        self, world: World, kind: Kind, name: str, shape: Shape, read: tuple[str, ...], write: tuple[str, ...]
    ) -> None:
        self._world = world
        self._kind: Kind = kind
        self._name = name
        self._shape = shape
        self._read = read
        self._write = write

    @property
    def _store(self) -> Store:
        return self._world.stores[PROVIDER]

    def _check(self, call: GraphCall, permissions: tuple[str, ...]) -> None:
        require_for_pim(call.caller, permissions)
        check_licence(self._world)
        self._world.settle()

    def _all(self) -> list[Request]:
        """Newest first."""
        found = [request for request in self._store.requests.values() if request.kind == self._kind]
        return found[::-1]

    def post(self, call: GraphCall) -> GraphAnswer:
        self._check(call, self._write)
        if call.query:
            raise bad_request(f"The query parameter '{call.query[0][0]}' is not supported.")
        body = check_body(call.body, SCHEDULE_REQUEST, self._shape.name)
        action = read_action(body.get("action"), self._kind)
        key = role_key(self._world.directory, body)
        details = read_details(body)
        now = self._world.clock.now()
        request = Submission(self._store, self._kind, action, key, details, call.caller, now).submit()
        return self._entity(call, request_row(request, call.version, digits=7), Options(), status=201)

    def everybodys(self, call: GraphCall) -> GraphAnswer:
        self._check(call, self._read)
        if not may_read_all(self._world, call.caller):
            raise denied()
        # seen live: the tenant-wide collection refuses a filter on the status
        unfilterable = frozenset({"status"})
        options = collection_options(call, self._shape, of_pim=True, unfilterable=unfilterable)
        return self._answer(call, self._all(), options)

    def own(self, call: GraphCall, on: str) -> GraphAnswer:
        self._check(call, self._read)
        options = collection_options(call, self._shape, of_pim=True)
        caller = call.caller.object_id
        now = self._world.clock.now()
        if on == "principal":
            # what is held through a group is not listed here, documented
            found = [request for request in self._all() if request.key.principal_id == caller]
        elif on == "createdBy":
            found = [request for request in self._all() if request.created_by == caller]
        elif on == "approver":
            found = [r for r in self._all() if r.approval_id and self._store.is_approver(caller, r, now)]
        else:
            raise bad_request(f"Requested value '{on}' was not found.")
        return self._answer(call, found, options)

    def get(self, call: GraphCall, request_id: str) -> GraphAnswer:
        self._check(call, self._read)
        options = entity_options(call, self._shape)
        request = self._found(request_id)
        self._require_party(call, request)
        return self._entity(call, request_row(request, call.version), options)

    def cancel(self, call: GraphCall, request_id: str) -> GraphAnswer:
        self._check(call, self._write)
        if call.body not in (None, {}):
            raise bad_request("The action takes no parameters.")
        cancel(self._store, self._found(request_id), call.caller, self._world.clock.now())
        return GraphAnswer(204)

    def _found(self, request_id: str) -> Request:
        request = self._store.requests.get(request_id.lower())
        now = self._world.clock.now()
        if request is None or request.kind != self._kind or (request.visible_from and now < request.visible_from):
            raise request_not_found()
        return request

    def _require_party(self, call: GraphCall, request: Request) -> None:
        """Requestor, principal, approver, or somebody who reads everything."""
        own = call.caller.object_id in (request.created_by, request.key.principal_id)
        now = self._world.clock.now()
        if own or self._store.is_approver(call.caller.object_id, request, now):
            return
        if not may_read_all(self._world, call.caller):
            raise denied()

    def _expander(self) -> PimExpander:
        return PimExpander(self._store)

    def _entity(self, call: GraphCall, row: Row, options: Options, status: int = 200) -> GraphAnswer:
        return entity_answer(call, f"{ROOT}/{self._name}", row, options, self._expander(), status)

    def _answer(self, call: GraphCall, requests: list[Request], options: Options) -> GraphAnswer:
        now = self._world.clock.now()
        rows = [request_row(r, call.version) for r in requests if r.visible_from is None or r.visible_from <= now]
        page = self._world.tenant.page_size
        return list_answer(call, f"{ROOT}/{self._name}", rows, options, self._expander(), page)


class _Approvals:
    """One approval for each request that waits, or waited, with one step."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def _store(self) -> Store:
        return self._world.stores[PROVIDER]

    def _found(self, call: GraphCall, approval_id: str) -> Request:
        require_for_pim(call.caller, DECIDE)
        check_licence(self._world)
        self._world.settle()
        request = self._store.requests.get(approval_id.lower())
        if request is None or request.approval_id is None:
            raise GraphError(404, "ResourceNotFound", "The approval could not be found.")
        now = self._world.clock.now()
        party = call.caller.object_id == request.created_by
        if not party and not self._store.is_approver(call.caller.object_id, request, now):
            raise denied()
        return request

    def _step(self, call: GraphCall, request: Request) -> Row:
        decision = request.decision
        reviewer = self._world.directory.object(decision.by) if decision else None
        now = self._world.clock.now()
        return {
            "id": request.approval_id,
            "displayName": None,
            "reviewedDateTime": format_time(decision.at) if decision else None,
            "reviewResult": decision.result if decision else "NotReviewed",
            "status": "InProgress" if request.status == "PendingApproval" else "Completed",
            "assignedToMe": self._store.is_approver(call.caller.object_id, request, now),
            "justification": decision.justification if decision else "",
            "reviewedBy": {"id": reviewer.id, "displayName": reviewer.name} if reviewer else None,
        }

    def get(self, call: GraphCall, approval_id: str) -> GraphAnswer:
        request = self._found(call, approval_id)
        options = entity_options(call, APPROVAL)

        def expand(_row: Row, _name: str) -> Any:
            return [self._step(call, request)]

        row = {"id": request.approval_id, "steps": [self._step(call, request)]}
        return entity_answer(call, f"{ROOT}/roleAssignmentApprovals", row, options, expand)

    def steps(self, call: GraphCall, approval_id: str) -> GraphAnswer:
        request = self._found(call, approval_id)
        options = collection_options(call, APPROVAL_STEP, of_pim=True)
        context = f"{ROOT}/roleAssignmentApprovals('{approval_id}')/steps"
        rows = [self._step(call, request)]
        return list_answer(call, context, rows, options, nothing_to_expand, self._world.tenant.page_size)

    def step(self, call: GraphCall, approval_id: str, step_id: str) -> GraphAnswer:
        request = self._found_step(call, approval_id, step_id)
        context = f"{ROOT}/roleAssignmentApprovals('{approval_id}')/steps"
        options = entity_options(call, APPROVAL_STEP)
        return entity_answer(call, context, self._step(call, request), options, nothing_to_expand)

    def decide(self, call: GraphCall, approval_id: str, step_id: str) -> GraphAnswer:
        request = self._found_step(call, approval_id, step_id)
        read_options(call.query, (), call.url)
        body = check_body(call.body, APPROVAL_DECISION, "approvalStep")
        result = body.get("reviewResult")
        if result not in ("Approve", "Deny"):
            raise bad_request(f"Requested value '{result}' was not found.")
        justification = body.get("justification") or ""
        decide(self._store, request, result, call.caller.object_id, justification, self._world.clock.now())
        return GraphAnswer(204)

    def _found_step(self, call: GraphCall, approval_id: str, step_id: str) -> Request:
        request = self._found(call, approval_id)
        if step_id.lower() != request.approval_id:
            raise GraphError(404, "ResourceNotFound", "The approval step could not be found.")
        return request
