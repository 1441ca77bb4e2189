# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedule requests: putting, validating, reading, cancelling."""

from __future__ import annotations

from datetime import datetime, timedelta

from pim_simulator.arm.asked import read_request
from pim_simulator.arm.errors import ArmError, authorization_failed, bad_request, not_found
from pim_simulator.arm.filters import Comparison, Filter, Function, read_filter
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.schedules import GUID, last_segment
from pim_simulator.arm.views import Row, Views, capital
from pim_simulator.pim.azure_resources import WRITE_ASSIGNMENTS
from pim_simulator.pim.records import Kind, Request
from pim_simulator.pim.submission import Submission, cancel

# Seen by the authors of terraform's provider: requests go, what they made stays.
KEPT = timedelta(days=45)

# each of them needs no right, and shows what concerns the caller
_OF_CALLER = ("astarget", "asrequestor", "asapprover")
_FUNCTIONS = {**dict.fromkeys(_OF_CALLER, False), "atscope": False}
_PROPERTIES = ("principalid", "roledefinitionid", "requestorid", "status")


class Requests:
    """Of assignments or of eligibilities."""

    def __init__(self, place: Place, views: Views, kind: Kind) -> None:
        self._place = place
        self._views = views
        self._kind: Kind = kind
        self._what = f"Role{capital(kind)}ScheduleRequest"

    # writing

    def put(self, call: ArmCall, name: str) -> ArmAnswer:
        now = self._place.open()
        self._check_name(name)
        earlier = self._place.store.requests.get(name.lower())
        if earlier is not None:
            return self._repeated(call, earlier)
        request = self._submit(call, name, now, validation_only=False)
        return ArmAnswer(201, self._views.request(request))

    def validate(self, call: ArmCall, name: str) -> ArmAnswer:
        """Seen: PendingEvaluation for what an approver would decide, Granted for anything else that would be taken."""
        now = self._place.open()
        self._check_name(name)
        request = self._submit(call, name, now, validation_only=True)
        request.status = "PendingEvaluation" if request.approval_id else "Granted"
        request.approval_id = request.target_schedule_id = None
        return ArmAnswer(200, self._views.request(request))

    def _submit(self, call: ArmCall, name: str, now: datetime, validation_only: bool) -> Request:
        asked = read_request(self._place, call, self._kind, name, validation_only)
        if not asked.own:
            self._place.require(call, WRITE_ASSIGNMENTS, asked.key.scope)
        submission = Submission(self._place.store, self._kind, asked.action, asked.key, asked.details, call.caller, now)
        return submission.submit()

    @staticmethod
    def _check_name(name: str) -> None:
        if not GUID.fullmatch(name):
            raise bad_request(f"The name '{name[:60]}' of the request is not a GUID.")

    def _repeated(self, call: ArmCall, earlier: Request) -> ArmAnswer:
        """The client chose the name, so the same name again is the same request again."""
        idempotent = self._place.world.tenant.behaviour.azure_resources.repeated_request == "idempotent"
        if idempotent and earlier.created_by == call.caller.object_id:
            return ArmAnswer(201, self._views.request(earlier))
        raise ArmError(400, "RoleAssignmentRequestExists", "The Role assignment request already exists.")

    def cancel(self, call: ArmCall, name: str) -> ArmAnswer:
        now = self._place.open()
        scope = self._place.scope(call.address.scope).path
        request = self._found(name, scope, now)
        caller = call.caller.object_id
        if request.created_by != caller and not self._place.area.may_administer(caller, request.key.scope, now):
            raise authorization_failed(call.caller, WRITE_ASSIGNMENTS, request.key.scope)
        cancel(self._place.store, request, call.caller, now)
        return ArmAnswer(200)

    # reading

    def all(self, call: ArmCall) -> ArmAnswer:
        now = self._place.open()
        wanted = read_filter(call.filter_text, _FUNCTIONS, _PROPERTIES)
        scope = self._place.scope(call.address.scope).path if call.address.scope else None
        if not any(wanted.has(name) for name in _OF_CALLER):
            self._place.require_reader(call, scope or self._place.scopes.root.path)
        matching = _Matching(self._place, call, wanted, scope, now)

        def shown(_source: None, request: Request) -> bool:
            return request.kind == self._kind and _visible(request, now) and matching(request)

        def row(_source: None, request: Request) -> Row:
            return self._views.request(request)

        requests = list(self._place.store.requests.values())
        return page(call, [(None, requests)], shown, row, self._place.world.tenant.page_size)

    def get(self, call: ArmCall, name: str) -> ArmAnswer:
        """Recorded: also of one's own request this is refused without asTarget() or the like."""
        now = self._place.open()
        wanted = read_filter(call.filter_text, _FUNCTIONS, _PROPERTIES)
        scope = self._place.scope(call.address.scope).path if call.address.scope else None
        if not any(wanted.has(function) for function in _OF_CALLER):
            self._place.require_reader(call, scope or self._place.scopes.root.path)
        request = self._found(name, scope, now)
        if not _Matching(self._place, call, wanted, scope, now)(request):
            raise self._missing(name)
        return ArmAnswer(body=self._views.request(request))

    def _found(self, name: str, scope: str | None, now: datetime) -> Request:
        request = self._place.store.requests.get(name.lower())
        if request is None or request.kind != self._kind or not _visible(request, now):
            raise self._missing(name)
        if scope not in (None, request.key.scope):
            raise self._missing(name)
        return request

    def _missing(self, name: str) -> ArmError:
        return not_found(self._what, name[:60])


def _visible(request: Request, now: datetime) -> bool:
    return (request.visible_from is None or request.visible_from <= now) and now < request.created + KEPT


class _Matching:
    """Whether a request satisfies the filter, and lies where it is asked for."""

    def __init__(self, place: Place, call: ArmCall, wanted: Filter, scope: str | None, now: datetime) -> None:
        self._place = place
        self._caller = call.caller.object_id
        self._own = set(place.holders(self._caller, now))
        self._wanted = wanted
        self._scope = scope
        self._above = set(place.scopes.upward(scope)) if scope else set()
        self._now = now

    def __call__(self, request: Request) -> bool:
        return self._in_place(request.key.scope) and self._wanted.matches(lambda term: self._holds(term, request))

    def _in_place(self, scope: str) -> bool:
        if self._scope is None or scope in self._above:
            return True
        return not self._wanted.has("atscope") and self._scope in self._place.scopes.upward(scope)

    def _holds(self, term: Function | Comparison, request: Request) -> bool:
        if isinstance(term, Comparison):
            return {
                "principalid": request.key.principal_id,
                "roledefinitionid": request.key.role_id,
                "requestorid": request.created_by,
                "status": request.status.lower(),
            }[term.property] == last_segment(term.value)
        if term.name == "astarget":
            return request.key.principal_id in self._own
        if term.name == "asrequestor":
            return request.created_by == self._caller
        if term.name == "asapprover":
            waits = request.approval_id is not None
            return waits and self._place.store.is_approver(self._caller, request, self._now)
        return self._scope is None or request.key.scope in self._above
