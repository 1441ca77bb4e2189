# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until what was asked for is so: a role in force or gone, approval included. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..api.calls import Answer, Call
from ..errors import PimError
from ..models import DENIED, DONE, PENDING, PROVISIONING, SCHEDULED, RoleRow
from ..plans import activation as plan
from ..plans.rows import merge, same_role, switched_off
from ..providers.registry import PROVIDERS
from .activation_options import ActivationOptions
from .connection import Connection
from .context import Context
from .submission import ended_badly, request_id_of, withdraw
from .work import Work

# Seconds between looks: soon at first, because most activations are in force within seconds; then patiently.
_PAUSES = (1.0, 2.0, 3.0, 5.0)
_PATIENT_PAUSE = 10.0
# A look that failed for one of these is simply tried again while there is time.
_TRANSIENT = frozenset({"network", "throttled", "service_unavailable", "invalid_response"})


def without_waiting(works: Sequence[Work]) -> None:
    """Rows as the answers to the writes tell them."""
    for work in works:
        if work.settled:
            continue
        request = work.request
        if work.step.action == plan.DEACTIVATE or (request is not None and request.phase == DONE):
            work.row = replace(work.step.after, pending=None)
        elif request is not None and request.phase in PENDING:
            work.row = replace(work.row, pending=request)
        work.settled = True


def wait_for(connection: Connection, works: Sequence[Work], options: ActivationOptions, context: Context) -> None:
    """Looks until each open work is settled, or `wait_timeout` is over; a request of this task that timed out is withdrawn."""
    _let_go_of_scheduled(works)
    notices = None
    if context.show is not None:
        from .notices import Notices

        notices = Notices(connection, context)
    deadline = context.clock.monotonic() + options.wait_timeout
    pauses = _pauses()
    troubles: dict[str, PimError] = {}
    while True:
        open_works = [work for work in works if not work.settled]
        if not open_works:
            return
        with connection.transport.until(deadline):
            if notices is not None:
                notices.tell(open_works)
            troubles = _look(connection, open_works)
        for work in open_works:
            error = troubles.get(work.row.provider)
            if error is not None and error.code not in _TRANSIENT and not work.settled:
                work.failed(_cannot_look(work, error), unsure=True)
        open_works = [work for work in works if not work.settled]
        left = deadline - context.clock.monotonic()
        if not open_works or left <= 0:
            break
        context.clock.sleep(min(next(pauses), left))
    for work in open_works:
        _time_out(connection, work, options, troubles.get(work.row.provider))


def _let_go_of_scheduled(works: Sequence[Work]) -> None:
    """What starts later is not waited for."""
    for work in works:
        planned, request = work.step.after.pending, work.request
        later = planned is not None and planned.start_time is not None and planned.phase != PROVISIONING
        if not work.settled and (later or (request is not None and request.phase == SCHEDULED)):
            work.row = replace(work.row, pending=request)
            work.settled = True


def _look(connection: Connection, works: Sequence[Work]) -> dict[str, PimError]:
    """One look for all: the active roles of each provider, and the requests that are still on their way, in one go.

    Gives the providers that could not be looked at, and why; one hides nothing of the others.
    """
    providers = list(dict.fromkeys(work.row.provider for work in works))
    asking = [work for work in works if work.request is not None and work.request.phase in PENDING]
    calls: list[Call] = [PROVIDERS[name].active_call() for name in providers]
    calls += [work.provider.request_call(work.row, request_id_of(work)) for work in asking]
    troubles: dict[str, PimError] = {}
    try:
        answers = connection.run(calls)
    except PimError as error:
        return {name: error.retold() for name in providers}
    now = connection.now()
    for work, answer in zip(asking, answers[len(providers) :]):
        try:
            # A request may be unknown for a short while after it was made.
            if isinstance(answer, Answer):
                work.request = work.provider.read_request(answer, now)
                work.status = work.request.status
            elif answer.status != 404:
                raise answer
        except PimError as error:
            troubles[work.row.provider] = error
    for name, answer in zip(providers, answers):
        try:
            if isinstance(answer, PimError):
                raise answer
            active = merge(name, connection.session.object_id, PROVIDERS[name].read_active(answer), now)
        except PimError as error:
            troubles[name] = error
            continue
        for work in works:
            if work.row.provider == name and name not in troubles:
                _see(connection, work, same_role(work.row, active))
    return troubles


def _see(connection: Connection, work: Work, active: RoleRow | None) -> None:
    """Takes over what was seen, and settles the work where it is what was asked for, or can no longer become so."""
    pending = work.request if work.request is not None and work.request.phase in PENDING else None
    if active is None:
        work.row = replace(switched_off(work.row), pending=pending)
    else:
        work.row = replace(
            work.row,
            # A scope below that of the eligibility has its name from here.
            scope_name=work.row.scope_name or active.scope_name,
            member_type=active.member_type,
            active=True,
            permanent=active.permanent,
            assignment_type=active.assignment_type,
            active_since=active.active_since,
            expires_at=active.expires_at,
            pending=None,
        )
    if work.step.action == plan.DEACTIVATE:
        work.settled = active is None or work.ended_before(active)
        return
    if active is not None and not work.is_the_old_one(active):
        work.settled = True
        return
    bad = ended_badly(work, work.request) if work.request is not None else None
    if bad is not None:
        # What was denied or withdrawn has changed nothing.
        work.changed = work.switched_on = False
        if work.request is not None and work.request.phase == DENIED:
            from .approver_words import with_words

            bad = with_words(connection, work, bad)
        work.failed(bad)


def _time_out(connection: Connection, work: Work, options: ActivationOptions, trouble: PimError | None) -> None:
    waited = f"within wait_timeout={options.wait_timeout} s"
    request = work.request
    # Whether the message tells what is so now.
    told = False
    if work.step.action == plan.DEACTIVATE:
        seen = "still listed as active" if trouble is None else "asked to be ended, but not seen gone"
        error = PimError("wait_timeout", f"{work.name} was {seen} {waited}")
    elif request is not None and request.phase in PENDING:
        kept = f"{work.name} did not come into force {waited} (status {request.status})"
        told = trouble is None
        if not (work.ours and options.cancel_on_timeout):
            error = PimError("wait_timeout", f"{kept}; the request goes on waiting")
        elif withdraw(connection, [work])[0] is None:
            work.changed = work.switched_on = False
            error, told = PimError("wait_timeout", f"{kept}; this task's request was withdrawn"), True
        else:
            # Perhaps it was approved at the last moment.
            trouble = _look(connection, [work]).get(work.row.provider)
            if work.settled:
                return
            error = PimError("wait_timeout", f"{kept}; the request could not be withdrawn and goes on")
            told = trouble is None
    else:
        error = PimError("wait_timeout", f"{work.name} was accepted, but not seen in force {waited}")
    if trouble is not None:
        error.message += f" (the last look failed: {trouble.message})"
    error.request_id = request.request_id if request is not None else None
    work.failed(error, unsure=not told, told=told)


def _cannot_look(work: Work, error: PimError) -> PimError:
    return error.retold(
        f"The request for {work.name} was sent, but the service does not let it be looked at: {error.message}"
    )


def _pauses() -> Iterator[float]:
    yield from _PAUSES
    while True:
        yield _PATIENT_PAUSE
