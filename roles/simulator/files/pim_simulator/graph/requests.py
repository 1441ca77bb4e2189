# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule requests: posting, reading, cancelling."""

from __future__ import annotations

from pim_simulator.graph.bodies import check_body, read_details
from pim_simulator.graph.collections import collection_options, entity_answer, entity_options, items_answer
from pim_simulator.graph.dialect import Dialect, RequestCollection
from pim_simulator.graph.errors import GraphError, bad_request
from pim_simulator.graph.licence import check_licence
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Options
from pim_simulator.graph.permissions import require_for_pim
from pim_simulator.graph.router import Router
from pim_simulator.graph.views import Row
from pim_simulator.pim.records import Request
from pim_simulator.pim.submission import Submission, cancel, read_action


def add_routes(router: Router, dialect: Dialect) -> None:
    for collection in dialect.requests:
        requests = _Requests(dialect, collection)
        path = f"{dialect.root}/{collection.name}"
        router.add(path, GET=requests.everybodys, POST=requests.post)
        router.add(f"{path}/filterByCurrentUser", GET=requests.own)
        router.add(f"{path}/{{}}", GET=requests.get)
        router.add(f"{path}/{{}}/cancel", POST=requests.cancel)


class _Requests:
    """One collection."""

    def __init__(self, dialect: Dialect, collection: RequestCollection) -> None:
        self._dialect = dialect
        self._collection = collection
        self._world = dialect.world
        self._context = f"{dialect.root}/{collection.name}"

    def _check(self, call: GraphCall, permissions: tuple[str, ...]) -> None:
        require_for_pim(call.caller, permissions)
        check_licence(self._world)
        self._world.settle()

    def _all(self) -> list[Request]:
        """Newest first."""
        requests = self._dialect.store.requests.values()
        return [request for request in requests if request.kind == self._collection.kind][::-1]

    def post(self, call: GraphCall) -> GraphAnswer:
        self._check(call, self._collection.write)
        if call.query:
            raise bad_request(f"The query parameter '{call.query[0][0]}' is not supported.")
        body = check_body(call.body, self._collection.body, self._collection.shape.name)
        kind = self._collection.kind
        action = read_action(body.get("action"), kind)
        key = self._dialect.key(body)
        now = self._world.clock.now()
        submission = Submission(self._dialect.store, kind, action, key, read_details(body), call.caller, now)
        row = self._dialect.request_row(submission.submit(), call.version, digits=7)
        return self._entity(call, row, Options(), status=201)

    def everybodys(self, call: GraphCall) -> GraphAnswer:
        self._check(call, self._collection.read)
        unfilterable = self._dialect.unfilterable
        options = collection_options(call, self._collection.shape, of_pim=True, unfilterable=unfilterable)
        self._dialect.check_everybodys(call, options)
        return self._answer(call, self._all(), options)

    def own(self, call: GraphCall, on: str) -> GraphAnswer:
        self._check(call, self._collection.read)
        options = collection_options(call, self._collection.shape, of_pim=True)
        caller = call.caller.object_id
        now = self._world.clock.now()
        if on == "principal":
            # what is held through a group is not listed here, documented
            found = [request for request in self._all() if request.key.principal_id == caller]
        elif on == "createdBy":
            found = [request for request in self._all() if request.created_by == caller]
        elif on == "approver":
            found = [r for r in self._all() if r.approval_id and self._dialect.store.is_approver(caller, r, now)]
        else:
            raise bad_request(f"Requested value '{on}' was not found.")
        return self._answer(call, found, options)

    def get(self, call: GraphCall, request_id: str) -> GraphAnswer:
        self._check(call, self._collection.read)
        options = entity_options(call, self._collection.shape)
        request = self._found(request_id)
        self._require_party(call, request)
        return self._entity(call, self._dialect.request_row(request, call.version), options)

    def cancel(self, call: GraphCall, request_id: str) -> GraphAnswer:
        self._check(call, self._collection.write)
        if call.body not in (None, {}):
            raise bad_request("The action takes no parameters.")
        cancel(self._dialect.store, self._found(request_id), call.caller, self._world.clock.now())
        return GraphAnswer(204)

    def _found(self, request_id: str) -> Request:
        request = self._dialect.store.requests.get(request_id.lower())
        if request is None or request.kind != self._collection.kind or not self._visible(request):
            raise GraphError(404, "RoleAssignmentRequestNotFound", "The role assignment request could not be found.")
        return request

    def _visible(self, request: Request) -> bool:
        return request.visible_from is None or request.visible_from <= self._world.clock.now()

    def _require_party(self, call: GraphCall, request: Request) -> None:
        """Requestor, principal, approver, or somebody who reads everything."""
        own = call.caller.object_id in (request.created_by, request.key.principal_id)
        now = self._world.clock.now()
        if not own and not self._dialect.store.is_approver(call.caller.object_id, request, now):
            self._dialect.require_read(call, request.key)

    def _entity(self, call: GraphCall, row: Row, options: Options, status: int = 200) -> GraphAnswer:
        return entity_answer(call, self._context, row, options, self._dialect.expand, status)

    def _answer(self, call: GraphCall, requests: list[Request], options: Options) -> GraphAnswer:
        def row_of(request: Request) -> Row | None:
            return self._dialect.request_row(request, call.version) if self._visible(request) else None

        page = self._world.tenant.page_size
        return items_answer(call, self._context, requests, row_of, options, self._dialect.expand, page)
