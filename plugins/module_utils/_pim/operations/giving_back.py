# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives back what this run holds, and what runs that are gone have left on. Private to the collection.

Each role is claimed under the journal's lock before the service is looked at: while the claim stands nobody takes a part in it. Where
another live run has one, this run only gives up its own, and the last gives the role back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from ..errors import PimError, fault, readable
from ..models import Request, RoleRow, Wanted
from ..plans import activation as plan
from ..plans.activation import Step, Terms
from ..plans.leases import ARRIVAL, Key, Lease, Shared, asked_for, leases_of, leftovers, shared_roles
from ..plans.rows import address, last_done, switched_off
from ..providers.registry import PROVIDERS
from ..sign_in.known_clients import is_known_without, serves
from ..state import runs
from ..state.journal import Journal
from ..state.runs import Run
from ..state.sessions import Session, Sessions
from .activation_options import DEFAULT_PROVIDER, ROLES, ActivationOptions, check_wait_timeout
from .carrying_out import CarryOut
from .connection import NOT_SIGNED_IN, Connection, open_connection
from .connection_options import ConnectionOptions, connection_options, connection_spec
from .context import Context
from .five_minutes import Patience, leave_to_expire
from .holdings import read_rows
from .lately import leaving, taken_for_active
from .leasing import alive_in
from .leftovers import is_of
from .operation import Operation, OperationFailed
from .waiting import wait_for, without_waiting
from .work import Work, safe_again

# Seconds: a run that has asked for the same role has its answer by then.
_PATIENCE = 90.0
_PAUSE = 0.5
# This machine's clock may be wrong by so much.
_CLOCKS_DIFFER = timedelta(days=1)


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "roles": ROLES,
            "leftovers": {"type": "bool", "default": False},
            "too_early": {"type": "str", "choices": ["leave", "wait", "fail"], "default": "leave"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 300},
        },
        "supports_check_mode": True,
    }


@dataclass(eq=False)
class _Part:
    """One role to be given back; `runs`: whose parts end with that. `kept`: another live run holds it. `blind`: requests may not be read."""

    lease: Lease
    runs: list[str]
    work: Work | None = None
    kept: bool = False
    blind: bool = False
    error: PimError | None = None

    @property
    def left(self) -> bool:
        return self.work is not None and self.work.status == "left_to_expire"

    @property
    def decided(self) -> bool:
        """Whether it is known what became of it, or that there is nothing to do."""
        work = self.work
        return work is not None and (work.settled or work.changed or work.error is not None)

    def failed(self, error: Exception) -> None:
        """The first failure is told."""
        if self.error is None:
            failure = error if isinstance(error, PimError) else fault("pim_give_back", error)
            message = f"{failure.message.rstrip('.')}; the state of {self.lease.row().title} is unknown"
            self.error = failure.retold(message, advice=safe_again(failure)).about(
                provider=self.lease.provider, role=self.lease.role, scope=self.lease.scope
            )
        if self.work is not None:
            self.work.error = self.work.error or self.error


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        return _run(params, context)
    except OperationFailed:
        raise
    except PimError as error:
        raise OperationFailed(error, _result([], [], context)) from None


def _run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    check_wait_timeout(params)
    named = None if params["roles"] is None else [_named(one) for one in params["roles"]]
    options = connection_options(params, context.environ)
    shared = shared_roles(Journal(options.session_dir, context.clock).lines())
    held = leases_of(context.run.id if context.run is not None else None, shared)
    parts = [_Part(lease, [lease.run]) for lease in _chosen(held, named, context)]
    if params["leftovers"]:
        left = leftovers(shared, context.clock.now() - _CLOCKS_DIFFER, partial(runs.alive, options.session_dir))
        parts += [_Part(lease, list(shared[lease.key].leases)) for lease in left]
    found = sorted(_of_this_version(parts, context), key=lambda part: part.lease.asked_at)
    parts = _of_session(found, options, context)
    if not parts:
        # Nobody has to be signed in: a playbook that failed at its sign-in comes here, too.
        _warn_of_rest(found, context.run, context)
        return _result([], [], context)
    try:
        connection = open_connection(options, context, _providers(parts))
    except PimError as error:
        if not context.check_mode or error.code not in NOT_SIGNED_IN:
            raise
        context.warn(f"Nothing could be checked, because nobody is signed in yet: {error.message}")
        return _result([], [], context)
    parts = _within_reach(parts, connection.session)
    _warn_of_rest([part for part in found if part not in parts], context.run, context)
    giving_back = _GivingBack(connection, params, context)
    if context.check_mode:
        giving_back.foretell(parts, shared)
    else:
        giving_back.all(parts)
    # Of two roles of one name, one may be known by the journal alone.
    known = [lease for one in shared.values() for lease in one.leases.values() if is_of(lease, connection.session)]
    result = _result(parts, [*giving_back.rows, *(lease.row() for lease in known)], context)
    failures = [part.error for part in parts if part.error is not None]
    if failures:
        raise OperationFailed(failures[0], result)
    return result


def _of_this_version(parts: Sequence[_Part], context: Context) -> list[_Part]:
    """Those whose provider there is: another version may have written the journal, or something has damaged it."""
    for part in parts:
        if part.lease.provider not in PROVIDERS:
            provider = readable(part.lease.provider, 80)
            told = f"{readable(part.lease.row().title, 200)} is not given back: this version knows no provider {provider!r}"
            context.warn(f"{told}, which the journal names.")
    return [part for part in parts if part.lease.provider in PROVIDERS]


def _of_session(parts: Sequence[_Part], options: ConnectionOptions, context: Context) -> list[_Part]:
    """Those within the session's reach, as far as that is known before anybody signs in: the others need no connection."""
    credential = options.credentials.task or options.credentials.own
    if credential is not None:
        return [part for part in parts if serves(credential.method, [_api(part)])]
    session = Sessions(options.session_dir, context.clock).load(options.session)
    return list(parts) if session is None else _within_reach(parts, session)


def _within_reach(parts: Sequence[_Part], session: Session) -> list[_Part]:
    """Those of its account, with an API that its client can be used for."""
    return [
        part
        for part in parts
        if is_of(part.lease, session)
        and serves(session.auth_method, [_api(part)])
        and (_api(part) in session.tokens or not is_known_without(session.client_id, _api(part)))
    ]


def _api(part: _Part) -> str:
    return PROVIDERS[part.lease.provider].api


def _warn_of_rest(parts: Sequence[_Part], run: Run | None, context: Context) -> None:
    """What the run holds and this session cannot give back is not to be left on in silence."""
    for part in parts:
        if run is not None and part.lease.run == run.id:
            taken = f"it was taken with the session {part.lease.session}"
            context.warn(f"{part.lease.row().title} is held by this run still: {taken}.")


def _named(item: Mapping[str, Any]) -> Wanted:
    provider = PROVIDERS[item.get("provider") or DEFAULT_PROVIDER]
    scope = item.get("scope") or provider.default_scope
    return Wanted(
        provider.name,
        provider.canonical_role(str(item["role"]).strip()),
        None if scope is None else provider.canonical_scope(scope),
    )


def _chosen(held: Sequence[Lease], named: Sequence[Wanted] | None, context: Context) -> list[Lease]:
    """All, or those that are named. One that is named and not held is left as it is, and that is told: the name may be a slip."""
    if named is None:
        return list(held)
    for name in named:
        if not any(_is_named(lease, name) for lease in held):
            context.warn(f"{name.role} at {name.scope or 'any scope'} is not held by this run, and is left as it is.")
    return [lease for lease in held if any(_is_named(lease, name) for name in named)]


def _is_named(lease: Lease, name: Wanted) -> bool:
    role = name.role.casefold() in (lease.role.casefold(), lease.role_id.casefold())
    scope = name.scope is None or name.scope.casefold() in (lease.scope.casefold(), str(lease.scope_name).casefold())
    return lease.provider == name.provider and role and scope


class _GivingBack:
    def __init__(self, connection: Connection, params: Mapping[str, Any], context: Context) -> None:
        self._connection = connection
        self._context = context
        self._too_early = params["too_early"]
        self._wait = params["wait"]
        self._wait_timeout = params["wait_timeout"]
        self._own = context.run.id if context.run is not None else None
        # Of the account, as far as they had to be read.
        self.rows: list[RoleRow] = []

    def all(self, parts: Sequence[_Part]) -> None:
        """Leaves in each part what came of it."""
        early, patience = self._round(parts), Patience(self._connection, self._context)
        # Nothing is claimed meanwhile: a run that comes now takes its part, and gives the role back later.
        while early and self._too_early == "wait" and patience.pause(_works(early)):
            early = self._round(early)
        self._leave(early)

    def foretell(self, parts: Sequence[_Part], shared: Mapping[Key, Shared]) -> None:
        """Check mode: the same, as far as it can be told without doing it."""
        alive = alive_in(self._connection)
        for part in parts:
            others = shared[part.lease.key].others(self._own, alive)
            part.kept = any(lease.decided for lease in others)
        carry_out = CarryOut(self._connection, self._options(self._too_early), Terms(active=False), self._context)
        self._try([part for part in parts if not part.kept], shared, carry_out.rehearse)
        for part in parts:
            if part.work is not None:
                part.work.foretell()
                part.error = part.error or part.work.error

    def _round(self, parts: Sequence[_Part]) -> list[_Part]:
        """Gives back what can be. Gives those that are too young."""
        clock = self._context.clock
        patience = clock.monotonic() + _PATIENCE
        open_parts, early = list(parts), []
        while open_parts:
            claimed: list[_Part] = []
            undecided: list[_Part] = []
            try:
                with self._claimed(open_parts) as (claimed, undecided):
                    early += self._end(claimed)
                self._follow([part for part in claimed if part not in early and part.error is None])
            except Exception as error:  # noqa: BLE001  # it stops these, but what became of the others is told
                for part in claimed or open_parts:
                    if part not in early:
                        part.failed(error)
            open_parts = undecided
            if open_parts and clock.monotonic() >= patience:
                for part in open_parts:
                    name = f"{part.lease.role} at {part.lease.scope}"
                    part.error = PimError("session_busy", f"{name} is just being asked for by another run")
                break
            if open_parts:
                clock.sleep(_PAUSE)
        return early

    @contextmanager
    def _claimed(self, parts: Sequence[_Part]) -> Iterator[tuple[list[_Part], list[_Part]]]:
        """Claims what no other live run holds, and gives up this run's own part of what one does. The claim lasts as long as the `with`.

        Gives the claimed ones, and those of which another live run does not know yet whether it has a part.
        """
        connection, alive = self._connection, alive_in(self._connection)
        claimed: list[_Part] = []
        undecided: list[_Part] = []
        claimant = str(uuid.uuid4())
        with runs.at_work(connection.session_dir, claimant, self._context.clock):

            def decision(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
                shared, made = shared_roles(lines), []
                for part in parts:
                    one = shared.get(part.lease.key, Shared())
                    # What an earlier round saw is out of date; what has ended meanwhile was given back by whoever ended it.
                    part.work = None
                    part.runs = [run_id for run_id in part.runs if run_id in one.leases]
                    others = one.others(self._own, alive)
                    if part.runs and any(lease.decided for lease in others):
                        part.kept = True
                        made += [part.lease.mark("released", run_id) for run_id in part.runs]
                    elif part.runs and (others or one.claimed(alive)):
                        undecided.append(part)
                    elif part.runs:
                        made.append(part.lease.mark("claim", claimant))
                        claimed.append(part)
                return made

            connection.journal.decide(decision)
            yield claimed, undecided

    def _end(self, parts: Sequence[_Part]) -> list[_Part]:
        """Asks the service to end what is still on and came of a lease. Gives those it refused because they are too young."""
        if not parts:
            return []
        carry_out = CarryOut(self._connection, self._options("fail"), Terms(active=False), self._context)
        self._try(parts, shared_roles(self._connection.journal.lines()), carry_out.all)
        early, lines = [], []
        for part in parts:
            work = part.work
            if work is None or part.error is not None:
                continue
            if work.error is not None and work.error.code == "too_early":
                early.append(part)
            elif work.error is not None:
                part.error = work.error
            elif self._is_over(part, work):
                lines += [part.lease.mark("released", run_id) for run_id in part.runs]
        self._connection.journal.note(lines)
        return early

    def _try(
        self, parts: Sequence[_Part], shared: Mapping[Key, Shared], carry_out: Callable[[Sequence[Work]], None]
    ) -> None:
        """What stops one role, whatever it is, does not keep the others: then they are tried apart."""
        try:
            self._look(parts, shared)
            carry_out(_works(parts))
        except Exception as error:  # noqa: BLE001  # see above
            left = [part for part in parts if not part.decided]
            apart = [[one for one in left if one.lease.provider == name] for name in _providers(left)]
            if len(apart) == 1 and not isinstance(error, PimError):
                apart = [[part] for part in left]
            if len(apart) > 1:
                for some in apart:
                    self._try(some, shared, carry_out)
            else:
                for part in left:
                    part.failed(error)

    def _look(self, parts: Sequence[_Part], shared: Mapping[Key, Shared]) -> None:
        """Gives each part its work, as the service has the role now: what came of no lease is left."""
        connection, listed = self._connection, {}
        for name, told in read_rows(connection, _providers(parts)).items():
            if isinstance(told, PimError):
                raise told
            listed[name] = told
            self.rows += told.rows
        now = connection.now()
        rows = [listed[part.lease.provider].again(part.lease.row(), now) for part in parts]
        for part, row in zip(parts, leaving(connection, rows, listed, self._context)):
            one = shared.get(part.lease.key, Shared())
            action, after = plan.KEEP, row
            requests = listed[row.provider].requests
            part.blind = requests is None
            done = last_done(row, requests)
            if _just_approved(part.lease, row, done):
                # It was asked for long ago, so nothing else tells that the list lags.
                row = after = taken_for_active(row, connection.now())
            if row.active and one.began(row, done):
                action, after = plan.DEACTIVATE, switched_off(row)
            elif row.pending is not None and asked_for(part.lease, row.pending):
                action, after = plan.CANCEL, replace(row, pending=None)
            part.work = Work.of(Step(Wanted(row.provider, str(row.role), row.scope), row, action, after))

    def _is_over(self, part: _Part, work: Work) -> bool:
        """Whether nothing of it can come on any more. A request that was sent a moment ago, and that the service does not know, may yet arrive;
        one that nobody can see may wait for its approver."""
        if work.step.action != plan.KEEP:
            return True
        if part.blind and (part.lease.waiting or not part.lease.decided):
            return False
        if work.row.active:
            return True
        return part.lease.decided or self._connection.now() - part.lease.asked_at > ARRIVAL

    def _follow(self, parts: Sequence[_Part]) -> None:
        """Until the service lists it no more; a failure that comes after the request was accepted means that it is held still."""
        works = _works(parts)
        if self._wait:
            wait_for(self._connection, works, self._options("fail"), self._context)
        else:
            without_waiting(works)
        if any(work.switched_off for work in works):
            self._connection.access.switched_off()
        for part in parts:
            if part.work is not None and part.work.error is not None and part.error is None:
                part.error = part.work.error
                # The service may have it on still. Nobody may have seen before when it began.
                before = part.work.step.before
                lease = replace(
                    part.lease,
                    active_since=before.active_since or part.lease.active_since,
                    expires_at=before.expires_at or part.lease.expires_at,
                )
                self._connection.journal.note([replace(lease, run=run_id).line() for run_id in part.runs])

    def _leave(self, parts: Sequence[_Part]) -> None:
        """The run goes on holding what is too young to be ended: it is given back when it is asked for again, or is a leftover."""
        for part in parts:
            work = part.work
            if work is None:
                continue
            if self._too_early != "leave":
                part.error = work.error
                continue
            leave_to_expire(work, self._context)

    def _options(self, too_early: str) -> ActivationOptions:
        return ActivationOptions(
            wanted=[],
            active=False,
            minimum_remaining=0,
            justification=None,
            ticket_number=None,
            ticket_system=None,
            start=None,
            wait=self._wait,
            wait_timeout=self._wait_timeout,
            cancel_on_timeout=False,
            too_early=too_early,
        )


def _just_approved(lease: Lease, row: RoleRow, done: Request | None) -> bool:
    """Whether the last thing that happened to a role is what this lease asked for, and nobody has seen it active: the service knows best."""
    unseen = not row.active and row.pending is None and lease.expires_at is None
    return unseen and done is not None and done.action == "activate" and asked_for(lease, done)


def _works(parts: Sequence[_Part]) -> list[Work]:
    return [part.work for part in parts if part.work is not None]


def _providers(parts: Sequence[_Part]) -> list[str]:
    return list(dict.fromkeys(part.lease.provider for part in parts))


def _result(parts: Sequence[_Part], rows: Sequence[RoleRow], context: Context) -> dict[str, Any]:
    works = _works(parts)
    result: dict[str, Any] = {
        "changed": any(work.changed for work in works),
        "roles": [work.as_result() for work in works],
        "deactivated": [
            address(part.lease.row(), rows) for part in parts if part.work is not None and part.work.switched_off
        ],
        "left_to_expire": [address(part.lease.row(), rows) for part in parts if part.left],
        "held_by_others": [address(part.lease.row(), rows) for part in parts if part.kept],
    }
    if context.diff:
        result["diff"] = {
            "before": {work.name: {"active": work.step.before.active} for work in works},
            "after": {work.name: {"active": work.row.active} for work in works},
        }
    return result


OPERATION = Operation("pim_give_back", spec, run)
