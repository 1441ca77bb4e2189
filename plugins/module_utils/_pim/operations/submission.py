# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes: journal first, then the calls, then what became of each. Private to the collection.

A write whose answer was lost is never blindly repeated: the service is looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..api.calls import Answer, Call
from ..errors import PimError, fault
from ..models import DENIED, FAILED, UNDECIDED, WAITING, WITHDRAWN, Request
from ..times import format_time
from .connection import Connection
from .holdings import read_rows
from .stepping_up import STEP_UPS, after_refusal, asks_for_more
from .work import Work

# After a lost answer: the service may still be at work on the first request, so look again for a while before repeating.
_LOOKS = (0.0, 2.0, 5.0)


def submit(
    connection: Connection, works: Sequence[Work], action: str, call_of: Callable[[Work], Call]
) -> dict[int, Answer | PimError]:
    """Sends one write for each work, with its journal entries; the outcome by place in `works`. Lost answers stay `uncertain`.

    Those refused for how the account signed in are sent again, with the token of one step-up for all of them.
    """
    outcomes = _sent(connection, works, action, call_of)
    # Once more where the service then asks for something else, which needs no person.
    for _round in range(STEP_UPS):
        refused = {
            place: outcome
            for place, outcome in outcomes.items()
            if isinstance(outcome, PimError) and asks_for_more(outcome)
        }
        if not refused:
            break
        again = [works[place] for place in refused]
        try:
            after_refusal(connection, again, list(refused.values()))
        except Exception as error:  # noqa: BLE001  # whatever it is must not hide what the first writes did
            failure = error if isinstance(error, PimError) else fault("The step-up", error)
            outcomes.update({place: _about(failure, refusal) for place, refusal in refused.items()})
            break
        outcomes.update(zip(refused, _sent(connection, again, action, call_of).values()))
    return outcomes


def _about(failure: PimError, refusal: PimError) -> PimError:
    """Why this refusal could not be satisfied; of several, each is told of its own requirement."""
    told = failure.because_of(refusal)
    told.authentication_context = refusal.authentication_context
    return told


def _sent(
    connection: Connection, works: Sequence[Work], action: str, call_of: Callable[[Work], Call]
) -> dict[int, Answer | PimError]:
    if not works:
        return {}
    session = connection.session
    asked_at = format_time(connection.now())
    entries = _intend(
        connection,
        [{"tenant_id": session.tenant_id, "asked_at": asked_at, **work.journal_entry(action)} for work in works],
    )
    for work, entry in zip(works, entries):
        work.asked = True
        if action == "activate":
            work.entries.append(entry)
    outcomes = connection.run([call_of(work) for work in works])
    try:
        connection.journal.conclude(
            [
                (entry, _outcome_entry(work, outcome, connection))
                for entry, work, outcome in zip(entries, works, outcomes)
            ]
        )
    except PimError as error:
        # The writes are made; what they did must be told, whatever became of the journal.
        connection.warn(f"The journal lacks the outcome of {len(works)} requests: {error.sentence}")
    return dict(enumerate(outcomes))


def _intend(connection: Connection, entries: Sequence[dict[str, Any]]) -> list[str]:
    """The journal's entries of writes about to be sent."""
    if not any(entry.get("lease") for entry in entries):
        return connection.journal.intend(entries)
    from .leasing import intend

    return intend(connection, entries)


def withdraw(connection: Connection, works: Sequence[Work]) -> dict[int, PimError | None]:
    """Withdraws the pending request of each work; by place in `works`, None, or why it still waits.

    One whose answer was lost is looked for, and asked for a second time where it still waits; `uncertain` where that cannot be seen.
    """
    failures: dict[int, PimError | None] = {}
    open_places = list(range(len(works)))
    for last_try in (False, True):
        asked, open_places = open_places, []
        outcomes = submit(connection, [works[place] for place in asked], "cancel", _cancel_call)
        for number, place in enumerate(asked):
            work, outcome = works[place], outcomes[number]
            failure = outcome.retold() if isinstance(outcome, PimError) else None
            if failure is not None and (failure.uncertain or failure.repeated):
                withdrawn = _is_withdrawn(connection, work)
                failure.uncertain = withdrawn is None
                failure = None if withdrawn else failure
                if withdrawn is False and not last_try:
                    open_places.append(place)
            failures[place] = failure
            if failure is None:
                work.status, work.row = "Canceled", replace(work.row, pending=None)
    return failures


def _cancel_call(work: Work) -> Call:
    return work.provider.cancel_call(work.row, request_id_of(work))


def _is_withdrawn(connection: Connection, work: Work) -> bool | None:
    """None where it cannot be seen: then the failure of the withdrawal itself is what the user is told."""
    try:
        answer = connection.one(work.provider.request_call(work.row, request_id_of(work)))
        return work.provider.read_request(answer, connection.now()).phase == WITHDRAWN
    except PimError:
        return None


def request_id_of(work: Work) -> str:
    """The id of the pending request a work was planned for; it has one, or the plan would not have led there."""
    if work.request is None:
        raise PimError("unknown_request", f"{work.name} has no pending request")
    return work.request.request_id


def accept(connection: Connection, work: Work, answer: Answer) -> Request:
    """The request in the answer to a write."""
    request = work.provider.read_request(answer, connection.now())
    work.request, work.status, work.ours = request, request.status, True
    return request


def ended_badly(work: Work, request: Request) -> PimError | None:
    """The failure a request's phase stands for, None where it is still good."""
    if request.phase == DENIED:
        return PimError(
            "approval_denied",
            f"The request for {work.name} was not approved ({request.status})",
            request_id=request.request_id,
        )
    if request.phase == UNDECIDED:
        return PimError(
            "approval_denied",
            f"Nobody decided the request for {work.name} in time ({request.status})",
            request_id=request.request_id,
        )
    if request.phase == WITHDRAWN and request.action == "activate":
        return PimError(
            "request_withdrawn",
            f"The request for {work.name} was withdrawn ({request.status})",
            request_id=request.request_id,
        )
    if request.phase == FAILED:
        return PimError(
            "service_unavailable",
            f"The service accepted the request for {work.name}, then failed ({request.status})",
            request_id=request.request_id,
        )
    return None


def find_lost(connection: Connection, works: Sequence[Work], *, active: bool) -> list[Work]:
    """Looks what became of writes whose answers were lost; gives those that the service does not know of.

    Found: a new own request since the lists were read, or the role in the state that was asked for.
    """
    open_works = list(works)
    for work in open_works:
        connection.transport.tell(f"{work.name}: what became of the request is not known; looking for it first")
    for wait in _LOOKS:
        connection.transport.pause(wait)
        try:
            found = read_rows(connection, list(dict.fromkeys(work.row.provider for work in open_works)))
        except PimError as error:
            found = {work.row.provider: error for work in open_works}
        missing = []
        for work in open_works:
            told = found[work.row.provider]
            if isinstance(told, PimError):
                fate_unknown(work, told, active=active)
                continue
            row = told.again(work.row, connection.now())
            arrived = bool(row.active) and not work.is_the_old_one(row) if active else not row.active
            pending = row.pending
            if active and pending is not None and work.made(pending):
                work.request, work.status, work.ours, arrived = pending, pending.status, True, True
            elif active and arrived:
                # Nobody may look again.
                work.row = row
            if not arrived:
                missing.append(work)
        open_works = missing
        if not open_works:
            break
    return open_works


def _outcome_entry(work: Work, outcome: Answer | PimError, connection: Connection) -> dict[str, object]:
    if isinstance(outcome, Answer):
        try:
            request = work.provider.read_request(outcome, connection.now())
        except PimError:
            # A withdrawal answers without the request; an answer that nobody can read is dealt with by who asked.
            return {"outcome": "accepted", "request_id": None, "status": None}
        told: dict[str, object] = {"outcome": "accepted", "request_id": request.request_id, "status": request.status}
        return {**told, "waiting": True} if request.phase == WAITING else told
    return {
        # One that was sent several times may have been carried out, whatever was said at last.
        "outcome": "unknown" if outcome.uncertain or outcome.repeated else "refused",
        "code": outcome.code,
        "service_code": outcome.service_code,
    }


def fate_unknown(work: Work, error: PimError, *, active: bool) -> None:
    """Ends a work whose write may have been carried out.

    An activation is named among those of the task then: giving back a role that never came on does no harm, and leaving one on
    that nobody knows of does.
    """
    work.switched_on = work.changed = active
    work.failed(_unknown_fate(work, error), told=True)


def _unknown_fate(work: Work, error: PimError) -> PimError:
    return error.retold(
        f"The answer to the request for {work.name} was lost, and what became of it could not be found out: {error.message}",
        advice="Its state is unknown. Running again is safe: what is already done is found and left.",
    )
