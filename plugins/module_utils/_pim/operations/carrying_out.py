# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries the steps of an activation task out, in phases: withdraw, activate, deactivate, activate again. Private to the collection."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ..advice import ADVICE
from ..api.calls import Answer
from ..errors import PimError
from ..models import PROVISIONING
from ..plans import activation as plan
from ..plans.activation import Step, Terms
from ..plans.rows import lately_activated, switched_off
from ..providers.base import Activation
from .activation_options import ActivationOptions
from .connection import Connection
from .context import Context
from .five_minutes import Patience, leave_to_expire, seconds_too_early
from .holdings import read_policies, read_rows
from .submission import accept, ended_badly, fate_unknown, find_lost, submit, withdraw
from .work import Work

# "It is active already", and "a request for it is under way": not failures, but to be looked at.
_THERE = frozenset({"RoleAssignmentExists"})
_UNDER_WAY = frozenset({"PendingRoleAssignmentRequest", "RoleAssignmentRequestExists"})
_GONE = frozenset({"RoleAssignmentDoesNotExist"})
# Failures that a second try can cure.
_TRANSIENT = frozenset({"network", "throttled", "service_unavailable", "invalid_response"})

# A role that was switched off to be renewed must not stay off: seconds between the tries to switch it on again.
_RENEWAL_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
# So long after an activation, Azure was seen to deny that there is one (44 s yes, 92 s no more; others say up to two minutes).
_UNKNOWN_AT_FIRST = timedelta(seconds=150)


class CarryOut:
    """Each method takes the works of its phase, and leaves in each what came of it."""

    def __init__(self, connection: Connection, options: ActivationOptions, terms: Terms, context: Context) -> None:
        self._connection = connection
        self._options = options
        self._terms = terms
        self._context = context

    def all(self, works: Sequence[Work]) -> None:
        self._withdraw([work for work in works if work.step.action in (plan.CANCEL, plan.REPLACE)])
        self._activate(
            [work for work in works if work.step.action in (plan.ACTIVATE, plan.REPLACE) and not work.settled]
        )
        self._deactivate([work for work in works if work.step.action in (plan.DEACTIVATE, plan.RENEW)])
        self._activate_again([work for work in works if work.step.action == plan.RENEW and not work.settled])

    def _activation(self, step: Step) -> Activation:
        options = self._options
        start = options.start if options.start is not None and options.start > self._connection.now() else None
        return Activation(step.duration, start, options.justification, options.ticket_number, options.ticket_system)

    def rehearse(self, works: Sequence[Work]) -> None:
        """Check mode: asks the service what it would say to the activations, which changes nothing.

        It cannot be asked about a renewal while the role is active, nor about a request that takes the place of another.
        """
        for work in works:
            if work.step.step_up is not None:
                work.status = "step_up_required"
            if work.step.action in (plan.DEACTIVATE, plan.RENEW) and seconds_too_early(self._connection, work) > 0:
                self._too_early(work, PimError("too_early", f"{work.name} has been active for less than five minutes"))
        asked = [work for work in works if work.step.action == plan.ACTIVATE and work.step.step_up is None]
        for work, outcome in zip(asked, self._validated(asked)):
            if isinstance(outcome, PimError) and outcome.code == "policy_violation":
                refusal = self._reconsidered(work, outcome)
                self._rehearsed(work, self._validated([work])[0] if refusal is None else refusal)
            else:
                self._rehearsed(work, outcome)

    def _validated(self, works: Sequence[Work]) -> list[Answer | PimError]:
        calls = [
            work.provider.activate_call(
                work.row,
                str(work.row.principal_id),
                self._activation(work.step),
                work.activation_id,
                validate_only=True,
            )
            for work in works
        ]
        return self._connection.run(calls) if calls else []

    def _rehearsed(self, work: Work, outcome: Answer | PimError) -> None:
        if isinstance(outcome, Answer):
            work.status = work.provider.read_status(outcome)
        elif outcome.code == "mfa_required":
            work.status = "step_up_required"
        elif outcome.service_code not in _THERE | _UNDER_WAY:
            work.failed(outcome)

    def _withdraw(self, works: Sequence[Work]) -> None:
        for place, failure in withdraw(self._connection, works).items():
            work = works[place]
            if failure is not None:
                work.failed(failure, unsure=failure.uncertain)
                continue
            work.changed = True
            work.settled = work.step.action == plan.CANCEL

    def _activate(self, works: Sequence[Work]) -> None:
        lost: list[tuple[Work, PimError]] = []
        refused: list[tuple[Work, PimError]] = []
        taken_down: list[Work] = []
        for place, outcome in self._submit_activations(works).items():
            work = works[place]
            if work.step.before.ended_since is not None and _is_there(outcome):
                taken_down.append(work)
            elif self._accepted(work, outcome) or isinstance(outcome, Answer):
                continue
            elif outcome.uncertain:
                lost.append((work, outcome))
            else:
                refused.append((work, outcome))
        for work, refusal in refused:
            self._refused(work, refusal)
        self._repeat_lost(lost)
        self._activate_again(taken_down)
        self._join([work for work in works if work.under_way and not work.settled])

    def _join(self, works: Sequence[Work]) -> None:
        """The service knows more than the plan did: the role is active, or a request waits, this task's own or an earlier one, which is to
        be waited for or replaced."""
        found = read_rows(self._connection, list(dict.fromkeys(work.row.provider for work in works))) if works else {}
        replaced = []
        for work in works:
            told = found[work.row.provider]
            if isinstance(told, PimError):
                reason = f"{work.name} is active or asked for already, but cannot be looked at: {told.message}"
                work.failed(told.retold(reason), unsure=True)
                continue
            pending = told.again(work.row, self._connection.now()).pending
            if pending is None:
                # Active, or on its way: the look that follows tells.
                work.switched_on = work.changed = work.switched_on and self._may_be_ours(work)
                continue
            # This task's own only where an earlier try of its call, whose answer was lost, may have made it.
            work.request, work.status, work.ours = pending, pending.status, work.switched_on and work.made(pending)
            work.switched_on = work.changed = work.ours
            row = replace(work.row, pending=pending)
            step = plan.first_look(work.step.wanted, row, self._terms, self._connection.now())
            if step.action == plan.REPLACE and not work.ours:
                replaced.append(work)
        self._withdraw(replaced)
        for work in replaced:
            if not work.settled:
                work.activation_id = str(uuid.uuid4())
                self._last_try(work)

    def _may_be_ours(self, work: Work) -> bool:
        """Whether what is active may come of a request of this task whose answer was lost; where requests bear our ids, it is asked."""
        if not work.provider.takes_our_ids:
            return True
        try:
            self._connection.one(work.provider.request_call(work.row, work.activation_id))
        except PimError as error:
            return error.status != 404
        return True

    def _submit_activations(self, works: Sequence[Work]) -> dict[int, Answer | PimError]:
        """An answer that nobody can read is like a lost one, but for what its status tells."""
        outcomes = submit(
            self._connection,
            works,
            "activate",
            lambda work: work.provider.activate_call(
                work.row,
                str(work.row.principal_id),
                self._activation(work.step),
                work.activation_id,
                validate_only=False,
            ),
        )
        return {place: self._readable(works[place], outcome) for place, outcome in outcomes.items()}

    def _readable(self, work: Work, outcome: Answer | PimError) -> Answer | PimError:
        if isinstance(outcome, Answer):
            try:
                work.provider.read_request(outcome, self._connection.now())
            except PimError as error:
                error.status, error.uncertain = outcome.status, True
                return error
        return outcome

    def _accepted(self, work: Work, outcome: Answer | PimError) -> bool:
        """Notes an accepted activation, or that there is one already; False where `outcome` is a failure still to be dealt with."""
        if isinstance(outcome, Answer):
            bad = ended_badly(work, accept(self._connection, work, outcome))
            if bad is not None:
                work.failed(bad)
            else:
                work.switched_on = work.changed = True
            return True
        if outcome.service_code in _THERE | _UNDER_WAY:
            # An earlier try of this very call was carried out after all; else somebody was quicker, and this task changed nothing.
            work.switched_on = work.changed = outcome.repeated
            work.request, work.under_way = None, True
            return True
        return False

    def _reconsidered(self, work: Work, refusal: PimError) -> PimError | None:
        """A refusal by policy, explained with what the policy allows; None where the work now asks for less, and may be tried again.

        Less is asked for once, and only where the task named no duration.
        """
        try:
            policy = read_policies(self._connection, [work.row])[0]
        except PimError:
            # The refusal itself is what the user is told.
            return refusal
        if isinstance(policy, PimError):
            return refusal
        step = plan.decide(work.step, policy, self._terms, self._connection.now())
        if step.problem is not None:
            return refusal.retold(step.problem.message)
        if step.duration == work.step.duration:
            return refusal
        work.step = step
        return None

    def _last_try(self, work: Work) -> None:
        outcome = self._submit_activations([work])[0]
        if not self._accepted(work, outcome) and isinstance(outcome, PimError):
            self._refused(work, outcome)

    def _refused(self, work: Work, error: PimError) -> None:
        if error.uncertain:
            fate_unknown(work, error, active=True)
            return
        refusal = self._reconsidered(work, error) if error.code == "policy_violation" else error
        if refusal is not None:
            work.failed(refusal)
        else:
            self._last_try(work)

    def _repeat_lost(self, lost: Sequence[tuple[Work, PimError]]) -> None:
        """Activations whose answers were lost: found at the service, or sent once more after looking."""
        if not lost:
            return
        missing = find_lost(self._connection, [work for work, _error in lost], active=True)
        for work, error in lost:
            if work not in missing and work.error is None:
                work.switched_on = work.changed = True
            elif work.error is None and error.status is not None and error.status < 300:
                # It was accepted for certain, only its answer cannot be read: never a second time.
                missing.remove(work)
                fate_unknown(work, error, active=True)
        for place, outcome in self._submit_activations(missing).items():
            work = missing[place]
            if not self._accepted(work, outcome) and isinstance(outcome, PimError):
                self._refused(work, outcome)
            elif isinstance(outcome, PimError):
                # The first request has arrived after all.
                work.switched_on = work.changed = True

    def _deactivate(self, works: Sequence[Work]) -> None:
        """Ends activations; one whose answer was lost is looked for, and asked for a second time."""
        open_works = list(works)
        for last_try in (False, True):
            lost = self._deactivate_when_old_enough(open_works)
            missing = find_lost(self._connection, lost, active=False) if lost else []
            for work in lost:
                if work not in missing and work.error is None:
                    work.switched_off = work.changed = True
                elif last_try and work.error is None:
                    work.failed(_still_active(work), told=True)
                work.ending = True
            open_works = missing

    def _deactivate_when_old_enough(self, works: Sequence[Work]) -> list[Work]:
        """Those too young to be ended are waited for, where the task says so; gives those whose answers were lost."""
        open_works, patience = list(works), Patience(self._connection, self._context)
        lost: list[Work] = []
        while True:
            early: list[tuple[Work, PimError]] = []
            for place, outcome in self._submit_deactivations(open_works).items():
                self._deactivated(open_works[place], outcome, early, lost)
            if not early:
                break
            open_works = [work for work, _error in early]
            if not patience.pause(open_works):
                for work, error in early:
                    work.failed(error)
                break
        return lost

    def _submit_deactivations(self, works: Sequence[Work]) -> dict[int, Answer | PimError]:
        return submit(
            self._connection,
            works,
            "deactivate",
            lambda work: work.provider.deactivate_call(
                work.row, str(work.row.principal_id), self._options.justification, work.deactivation_id
            ),
        )

    def _deactivated(
        self, work: Work, outcome: Answer | PimError, early: list[tuple[Work, PimError]], lost: list[Work]
    ) -> None:
        if isinstance(outcome, PimError) and self._not_known_yet(work, outcome):
            outcome = outcome.retold(f"{work.name} was activated a moment ago, and the service cannot end it yet")
            outcome.code, outcome.advice = "too_early", ADVICE["too_early"]
        if isinstance(outcome, Answer):
            try:
                request = accept(self._connection, work, outcome)
            except PimError as error:
                # Accepted, but in words nobody can read: to be looked at like a lost answer.
                work.lost = error
                lost.append(work)
                return
            bad = ended_badly(work, request)
            if bad is not None:
                work.failed(bad)
            else:
                work.switched_off = work.changed = True
        elif outcome.code != "too_early" and (
            outcome.service_code in _GONE or (outcome.repeated and outcome.service_code in _UNDER_WAY)
        ):
            # An earlier try of this very call ended it after all; else it ended by itself or by somebody else. The look tells.
            work.switched_off = work.changed = outcome.repeated or work.ending
            work.request = None
        elif outcome.code == "too_early" and self._options.too_early == "wait":
            early.append((work, outcome))
        elif outcome.code == "too_early":
            self._too_early(work, outcome)
        elif outcome.uncertain:
            work.lost = outcome
            lost.append(work)
        else:
            work.failed(outcome)

    def _not_known_yet(self, work: Work, refusal: PimError) -> bool:
        """Whether "there is no such activation" is said of one that is just too young: Azure says so for a minute or more."""
        since, now = work.row.active_since, self._connection.now()
        if refusal.service_code not in _GONE or refusal.repeated or since is None or now - since > _UNKNOWN_AT_FIRST:
            return False
        told = read_rows(self._connection, [work.row.provider])[work.row.provider]
        if isinstance(told, PimError):
            return True
        row = told.again(work.row, now)
        on_its_way = row.pending is not None and row.pending.phase == PROVISIONING
        return bool(row.active) or on_its_way or lately_activated(row, told.requests, now) is not None

    def _too_early(self, work: Work, refusal: PimError) -> None:
        """What the task says to do about an activation that is too young to be ended; waiting is done elsewhere."""
        if self._options.too_early == "fail":
            work.failed(refusal)
        elif self._options.too_early == "leave":
            leave_to_expire(work, self._context)

    def _activate_again(self, works: Sequence[Work]) -> None:
        """Of a role that was ended a moment ago, as the first half of a renewal is: tried again and again, because it is off meanwhile."""
        failures: dict[int, PimError] = {}
        open_works = list(works)
        for pause in _RENEWAL_PAUSES:
            if not open_works:
                break
            self._context.clock.sleep(pause)
            again: list[Work] = []
            lost: list[Work] = []
            for place, outcome in self._submit_activations(open_works).items():
                work = open_works[place]
                if isinstance(outcome, PimError) and (
                    _is_there(outcome) or outcome.uncertain or (outcome.code in _TRANSIENT and _soon(outcome))
                ):
                    # The old activation is still being taken down, or the service is busy.
                    failures[id(work)] = outcome
                    (lost if outcome.uncertain else again).append(work)
                elif not self._accepted(work, outcome) and isinstance(outcome, PimError):
                    _leave_off(work, outcome)
            missing = find_lost(self._connection, lost, active=True) if lost else []
            for work in lost:
                if work not in missing and work.error is None:
                    work.switched_on = work.changed = True
            open_works = again + missing
        for work in open_works:
            _leave_off(work, failures[id(work)])


def _is_there(outcome: Answer | PimError) -> bool:
    """Whether the service says that the role is active, and not because an earlier try of this call made it so."""
    return isinstance(outcome, PimError) and outcome.service_code in _THERE and not outcome.repeated


def _soon(error: PimError) -> bool:
    """Whether the service may have time again while a role is tried to be switched on again."""
    return (error.retry_after or 0.0) <= sum(_RENEWAL_PAUSES)


def _leave_off(work: Work, error: PimError) -> None:
    work.row = switched_off(work.row)
    work.failed(
        error.retold(
            f"{work.name} was deactivated, and could not be activated again, so it is off now: {error.message}",
            advice="Run again to activate it.",
        ),
        told=True,
    )


def _still_active(work: Work) -> PimError:
    lost = work.lost or PimError("network", "no answer came")
    return lost.retold(
        f"{work.name} is still active: it was asked twice to be ended, and both answers were lost ({lost.message})",
        advice="Running again is safe.",
    )
