# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches roles on and off: decides by the plan, then shows it (check mode) or carries it out. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import PimError, fault
from ..models import Policy, RoleRow
from ..plans import activation as plan
from ..plans.activation import Step, Terms
from ..plans.resolve import Below, resolve
from ..plans.rows import address, with_requests
from .activation_options import ActivationOptions, activation_options, spec
from .carrying_out import CarryOut
from .connection import NOT_SIGNED_IN, Connection, open_connection
from .connection_options import connection_options
from .context import Context
from .holdings import Found, read_policies, read_rows
from .lately import arriving, leaving
from .narrowing import below_for
from .operation import Operation, OperationFailed
from .stepping_up import before_writing
from .waiting import wait_for, without_waiting
from .work import Work

if TYPE_CHECKING:
    from ..plans.leases import Lease
    from .leasing import Leases

# Seconds until a role that another run gives back just now is looked at again.
_PAUSE = 1.0


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    try:
        return _run(params, context)
    except OperationFailed:
        raise
    except PimError as error:
        # Nothing was written: an `always` that gives back `activated` finds nothing to give back.
        raise OperationFailed(error, {"changed": False, "activated": [], "deactivated": []}) from None


def _run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    options = activation_options(params)
    connection_choice = connection_options(params, context.environ)
    if not options.wanted:
        return _result([], [], context)
    providers = list(dict.fromkeys(one.provider for one in options.wanted))
    try:
        connection = open_connection(connection_choice, context, providers, login_timeout=float(options.wait_timeout))
        _refuse_applications(connection)
        # Where they cost a call of their own, requests are read only where a refusal would not tell of them.
        needed = not options.active or context.check_mode or options.start is not None
        leases = _leases(connection, options, context)
        looked_at = context.clock.time()
        found = read_rows(connection, providers, requests=needed)
    except PimError as error:
        if context.check_mode and error.code in NOT_SIGNED_IN:
            return _not_checked(options, error, "not_checked", context)
        if context.check_mode and error.code == "mfa_required":
            return _not_checked(options, error, "step_up_required", context)
        raise
    works, rows = _decided(connection, options, found, context)
    if context.check_mode:
        CarryOut(connection, options, _terms(connection, options), context).rehearse(works)
        for work in works:
            work.foretell()
    elif leases is None:
        _write(connection, options, works, context, leases)
    else:
        with leases.at_work():
            _write(connection, options, works, context, leases)
            works = _settled(connection, options, works, context, leases, looked_at)
    return _finished(works, rows, context, leases)


def _write(
    connection: Connection, options: ActivationOptions, works: Sequence[Work], context: Context, leases: Leases | None
) -> None:
    before_writing(connection, [work.step for work in works])
    if leases is not None:
        leases.prepare(works, options)
    if not options.active:
        from .leasing import warn_of_holders

        warn_of_holders(connection, works, context)
    _carried_out(connection, options, works, context)


def _settled(
    connection: Connection,
    options: ActivationOptions,
    works: Sequence[Work],
    context: Context,
    leases: Leases,
    looked_at: float,
) -> list[Work]:
    """The works in the same order. What another run has given back since it was looked at is looked at, and activated, again."""
    done = list(works)
    deadline = context.clock.monotonic() + options.wait_timeout
    places, again = list(range(len(done))), done
    while True:
        try:
            stale = {id(work) for work in leases.settle(again, looked_at)}
        except PimError as error:
            # What was activated must be told, and its entry is in the journal, which makes it known as held.
            context.warn(f"The journal lacks what became of the activations: {error.sentence}")
            return done
        places = [place for place in places if id(done[place]) in stale]
        if not places:
            return done
        if context.clock.monotonic() >= deadline:
            for place in places:
                reason = f"{done[place].name} was being given back by another run for {options.wait_timeout} s"
                done[place].failed(PimError("session_busy", reason))
            return done
        context.clock.sleep(_PAUSE)
        fewer = replace(options, wanted=[options.wanted[place] for place in places])
        looked_at = context.clock.time()
        try:
            found = read_rows(connection, list(dict.fromkeys(one.provider for one in fewer.wanted)))
            again, _rows = _decided(connection, fewer, found, context)
            _write(connection, fewer, again, context, leases)
        except PimError as error:
            for place in places:
                done[place].failed(error.retold())
            return done
        for place, work in zip(places, again):
            done[place] = work


def _leases(connection: Connection, options: ActivationOptions, context: Context) -> Leases | None:
    """None where the run is not to hold what this task activates."""
    if not context.leasing:
        return None
    from .leasing import Leases

    return Leases.of(connection, options, context)


def _refuse_applications(connection: Connection) -> None:
    if connection.session.principal_type != "user":
        raise PimError(
            "app_only_not_supported",
            "This session belongs to an application, and only a person can activate a role: Entra has no self-activation for applications",
        )


def _terms(connection: Connection, options: ActivationOptions) -> Terms:
    session = connection.session
    return Terms(
        active=options.active,
        minimum_remaining=options.minimum_remaining,
        start=options.start,
        justification=options.justification,
        ticket_number=options.ticket_number,
        mfa=session.mfa,
        # A token that does not even name the factors used tells nothing of its contexts either.
        authentication_contexts=tuple(session.authentication_contexts) if session.mfa is not None else None,
    )


def _decided(
    connection: Connection, options: ActivationOptions, found: Mapping[str, Found | PimError], context: Context
) -> tuple[list[Work], list[RoleRow]]:
    """The works in the order asked, and all rows of the account; raises where one of the roles cannot work."""
    listed: dict[str, Found] = {}
    for name, told in found.items():
        if isinstance(told, PimError):
            raise told
        listed[name] = told
    rows = [row for told in listed.values() for row in told.rows]
    below = below_for(connection, options.wanted, rows, renewing=options.active and options.minimum_remaining > 0)
    terms, now = _terms(connection, options), connection.now()
    targets = _resolved(options, rows, below)
    # A row at a scope of its own, below an eligibility, is not among those listed.
    targets = [with_requests([row], listed[row.provider].requests, now)[0] for row in targets]
    lately = arriving if options.active else leaving
    targets = lately(connection, targets, listed, context)
    steps = [plan.first_look(wanted, row, terms, now) for wanted, row in zip(options.wanted, targets)]
    asked = plan.needs_policy(steps)
    policies = dict(zip(map(id, asked), read_policies(connection, [step.before for step in asked])))
    read = [policies.get(id(step)) for step in steps]
    steps = [plan.decide(step, policy, terms, now) for step, policy in zip(steps, read)]
    problem = plan.all_problems(steps)
    if problem is not None:
        raise problem
    for step in steps:
        for warning in step.warnings:
            context.warn(warning)
    works = [Work.of(step) for step in steps]
    for work, policy in zip(works, read):
        work.policy = policy if isinstance(policy, Policy) else None
        requests = listed[work.row.provider].requests
        work.known_requests = None if requests is None else frozenset(request.request_id for request in requests)
    return works, rows


def _resolved(options: ActivationOptions, rows: Sequence[RoleRow], below: Below) -> list[RoleRow]:
    targets, problems = [], []
    for one in options.wanted:
        try:
            targets.append(resolve(one, rows, below, active=options.active))
        except PimError as error:
            problems.append(error)
    problem = plan.together(problems)
    if problem is not None:
        raise problem
    doubled = plan.twice(targets)
    if doubled is not None:
        raise PimError(
            "invalid_option",
            f"roles cannot be used: {doubled.role} at {doubled.scope} is named twice in one task",
            advice="",
        )
    return targets


def _carried_out(connection: Connection, options: ActivationOptions, works: Sequence[Work], context: Context) -> None:
    try:
        CarryOut(connection, options, _terms(connection, options), context).all(works)
        if options.wait:
            wait_for(connection, works, options, context)
        else:
            without_waiting(works)
    except Exception as error:  # noqa: BLE001  # it stops the task, but what was done before it is told
        failure = error if isinstance(error, PimError) else fault("pim_role_activation", error)
        for work in works:
            if not work.settled:
                work.failed(failure.retold(), unsure=work.asked)
    try:
        _mark_tokens(connection, works, context)
    except PimError as error:
        context.warn(f"Tokens from before this task may still be handed out: {error.sentence}")


def _mark_tokens(connection: Connection, works: Sequence[Work], context: Context) -> None:
    """A token from before an activation lacks the role, one from before a deactivation still has it: neither is handed out again."""
    if any(work.switched_on for work in works):
        connection.access.switched_on(context.clock.time())
        return
    # A role somebody else switched on since, or that an approver has: tokens from before do not carry it either.
    ages = [
        (connection.now() - work.row.active_since).total_seconds()
        for work in works
        if work.row.active and work.row.active_since
    ]
    since = context.clock.time() - min(ages) if ages else 0.0
    if since > connection.session.activated_at + 1.0:
        connection.access.switched_on(since)
    elif any(work.switched_off for work in works):
        connection.access.switched_off()


def _finished(
    works: Sequence[Work], rows: Sequence[RoleRow], context: Context, leases: Leases | None = None
) -> dict[str, Any]:
    result = _result(works, rows, context)
    if leases is not None:
        result["held"] = [address(lease.row(), rows) for lease in _all_held(leases, context)]
        result["lease_taken"] = leases.taken
    elif context.leasing:
        # Check mode: what would be. Where no lease can be held there is none.
        result["held"] = result["activated"] if context.check_mode else []
        result["lease_taken"] = bool(result["held"])
    failures = [work.error for work in works if work.error is not None]
    if not failures:
        return result
    first = failures[0]
    if len(works) > 1:
        first.message = (
            f"{len(failures)} of {len(works)} roles failed, first {first.role} at {first.scope}: {first.message}"
        )
    raise OperationFailed(first, result)


def _result(works: Sequence[Work], rows: Sequence[RoleRow], context: Context) -> dict[str, Any]:
    result: dict[str, Any] = {
        "changed": any(work.changed for work in works),
        "roles": [work.as_result() for work in works],
        "activated": [address(work.row, rows) for work in works if work.switched_on],
        "deactivated": [address(work.row, rows) for work in works if work.switched_off and not work.switched_on],
    }
    if context.diff:
        result["diff"] = {
            "before": _shown([work.step.before for work in works]),
            "after": _shown([work.row for work in works]),
        }
    return result


def _all_held(leases: Leases, context: Context) -> list[Lease]:
    try:
        return leases.held()
    except PimError as error:
        context.warn(f"What this run holds could not be read: {error.sentence}")
        return []


def _shown(rows: Sequence[RoleRow]) -> dict[str, Any]:
    """What of a row a task can change, for `--diff`."""
    shown = {}
    for row in rows:
        full = row.as_result()
        shown[f"{row.provider}: {row.role} at {row.scope}"] = {
            "active": full["active"],
            "expires_at": full["expires_at"],
            "pending": full["pending"]
            and {"status": full["pending"]["status"], "start_time": full["pending"]["start_time"]},
        }
    return shown


def _not_checked(options: ActivationOptions, error: PimError, status: str, context: Context) -> dict[str, Any]:
    """Check mode where nothing could be read: the sign-in, or the step-up, of the real run comes first."""
    reason = "nobody is signed in yet" if status == "not_checked" else "somebody has to sign in again first"
    context.warn(f"Nothing could be checked, because {reason}: {error.message}")
    unknown = [
        RoleRow(one.provider, one.role, None, one.scope, None, eligible=None, active=None, permanent=None)
        for one in options.wanted
    ]
    steps = [Step(one, row, plan.KEEP, row) for one, row in zip(options.wanted, unknown)]
    works = [replace(Work.of(step), status=status) for step in steps]
    return _result(works, [], context)


OPERATION = Operation("pim_role_activation", spec, run)
