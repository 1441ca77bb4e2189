# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a `pim_role_activation` task has to do. Pure: wanted state, what is there, policy -> steps. Private to the collection.

Two passes, because policies cost a call: `first_look` says what each role needs, `decide` adds what the policies say of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..advice import step_up_advice
from ..errors import PimError
from ..models import A_MOMENT, PROVISIONING, SHORTEST_ACTIVATION, Policy, Request, RoleRow, Wanted
from ..times import format_duration, format_time, later
from .rows import switched_off

# What has to be done for one role.
KEEP = "keep"
ACTIVATE = "activate"
RENEW = "renew"  # deactivate, then activate again: a running activation cannot be prolonged
AWAIT = "await"  # an own request is already on its way
REPLACE = "replace"  # cancel the own later request, then activate
DEACTIVATE = "deactivate"
CANCEL = "cancel"
ACTIVATING = (ACTIVATE, REPLACE, RENEW)

DEFAULT_DURATION = 3600
# The longest activation any policy can allow (Microsoft Entra documentation, "pim-how-to-change-default-settings").
LONGEST_ACTIVATION = 24 * 3600


@dataclass(frozen=True)
class Terms:
    """The options of a task that hold for all its roles. `minimum_remaining` in seconds; `start` None for now."""

    active: bool
    minimum_remaining: int = 0
    start: datetime | None = None
    justification: str | None = None
    ticket_number: str | None = None
    # What the session's token is known to satisfy; None where it does not tell.
    mfa: bool | None = None
    authentication_contexts: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Step:
    """What to do for one role: `before` is the row now, `after` the row as it is meant to be, `duration` in seconds.

    `problem`: it cannot work, and nothing of the task may be written. `step_up`: it will work only after a step-up.
    """

    wanted: Wanted
    before: RoleRow
    action: str
    after: RoleRow
    duration: int = DEFAULT_DURATION
    problem: PimError | None = None
    step_up: PimError | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def changes(self) -> bool:
        return self.action not in (KEEP, AWAIT) and self.problem is None


def first_look(wanted: Wanted, row: RoleRow, terms: Terms, now: datetime) -> Step:
    """The step for one role as far as it can be told without its policy."""
    action, problem = _wanted_active(row, terms, now) if terms.active else _wanted_inactive(row)
    if terms.active and problem is None and action not in ACTIVATING:
        # Nothing will be activated, but the next run may find it otherwise: a wrong duration is told at once.
        problem = _breach_of([_too_short(wanted)], row)
    if problem is not None:
        problem.about(provider=row.provider, role=str(row.role), scope=row.scope)
    after = row
    if problem is None and action == DEACTIVATE:
        after = switched_off(row)
    elif problem is None and action == CANCEL:
        after = replace(row, pending=None)
    return Step(wanted, row, action, after, problem=problem, warnings=_ends_before_start(row, terms))


def _ends_before_start(row: RoleRow, terms: Terms) -> tuple[str, ...]:
    """The service schedules nothing for a role that is active: a later start than its end is not served."""
    if not (terms.active and row.active and terms.start and row.expires_at and row.expires_at < terms.start):
        return ()
    return (
        f"{_name(row)} is active until {format_time(row.expires_at)}, and Entra schedules nothing while it is active: "
        f"nothing was asked for {format_time(terms.start)}. Run again after its end.",
    )


def needs_policy(steps: Sequence[Step]) -> list[Step]:
    """The steps whose policy decides before anything is written.

    A single activation is checked by the service itself: a refused request writes nothing.
    """
    activating = [step for step in steps if step.action in ACTIVATING and step.problem is None]
    return [step for step in activating if len(activating) > 1 or step.wanted.duration == "max" or step.action == RENEW]


def decide(step: Step, policy: Policy | PimError | None, terms: Terms, now: datetime) -> Step:
    """The step with what its role's policy says: the duration in force, what is refused and why, what to warn about.

    `policy` is None where it was not read, a PimError where it could not be.
    """
    if step.action not in ACTIVATING or step.problem is not None:
        return step
    known = policy if isinstance(policy, Policy) else None
    warnings = list(step.warnings)
    if isinstance(policy, PimError):
        if step.wanted.duration == "max":
            problem = _of(step, policy)
            return replace(step, problem=problem)
        warnings.append(
            f"The policy of {_name(step.before)} could not be read ({policy.code}): the service decides what it allows."
        )
    duration = _duration(step.wanted, known)
    breach = _breach_of(_breaches(step, known, duration, terms), step.before)
    if breach is not None:
        return replace(step, problem=_of(step, breach))
    start = terms.start if terms.start is not None and terms.start > now else None
    end = later(start or now, duration)
    eligible_until = step.before.eligible_until
    if eligible_until is not None and eligible_until < end:
        warnings.append(
            f"The eligibility for {_name(step.before)} ends at {format_time(eligible_until)}, before the activation would ({format_time(end)})."
        )
    if start is not None:
        after = replace(
            step.before,
            pending=Request("", str(step.before.role_id), str(step.before.scope), "activate", "", "", None, start),
        )
    elif known is not None and known.requires_approval:
        after = replace(
            step.before,
            pending=Request("", str(step.before.role_id), str(step.before.scope), "activate", "", "", now, None),
        )
    else:
        after = replace(
            step.before,
            active=True,
            permanent=False,
            assignment_type="activated",
            active_since=now,
            expires_at=end,
            pending=None,
        )
    return replace(step, after=after, duration=duration, step_up=_step_up(step, known, terms), warnings=tuple(warnings))


def all_problems(steps: Iterable[Step]) -> PimError | None:
    """One failure that tells every problem, with the code of the first in the order asked; None where all can work."""
    return together([step.problem for step in steps if step.problem is not None])


def together(problems: Sequence[PimError]) -> PimError | None:
    if len(problems) < 2:
        return problems[0] if problems else None
    told = " ".join(f"({number}) {problem.message}." for number, problem in enumerate(problems, 1))
    return problems[0].retold(f"{len(problems)} of the roles cannot work, and nothing was written: {told}")


def twice(rows: Sequence[RoleRow]) -> RoleRow | None:
    """A role that is asked for twice, by whatever names."""
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        key = (row.provider, str(row.role_id).lower(), str(row.scope).lower())
        if key in seen:
            return row
        seen.add(key)
    return None


def _wanted_active(row: RoleRow, terms: Terms, now: datetime) -> tuple[str, PimError | None]:
    if row.active:
        enough = timedelta(seconds=terms.minimum_remaining)
        if not enough or row.expires_at is None or row.expires_at - now >= enough:
            return KEEP, None
        until = f"it is active until {format_time(row.expires_at)}, less than minimum_remaining={format_duration(terms.minimum_remaining)} from now"
        if not row.eligible:
            return KEEP, PimError(
                "not_eligible", f"{_name(row)}: {until}, and this account is not eligible to activate it again"
            )
        if row.assignment_type != "activated":
            return KEEP, PimError(
                "not_self_activated",
                f"{_name(row)}: {until}, by an administrator's assignment, which cannot be renewed",
            )
        return RENEW, None
    if row.pending is not None:
        begins = row.pending.start_time
        # A start for now is the moment the service took the request up.
        asked = terms.start if terms.start is not None and terms.start > now else now + A_MOMENT
        later_than_asked = begins is not None and begins > asked and row.pending.phase != PROVISIONING
        return (REPLACE if later_than_asked else AWAIT), None
    if not row.eligible:
        return KEEP, PimError("not_eligible", f"{_name(row)}: this account is not eligible for it")
    return ACTIVATE, None


def _wanted_inactive(row: RoleRow) -> tuple[str, PimError | None]:
    if row.active:
        if row.assignment_type == "activated":
            return DEACTIVATE, None
        kind = "permanent" if row.permanent else f"assigned until {format_time(row.expires_at)}"
        return KEEP, PimError(
            "not_self_activated", f"{_name(row)} is {kind}: an administrator assigned it, it was not activated"
        )
    return (CANCEL if row.pending is not None else KEEP), None


def _duration(wanted: Wanted, policy: Policy | None) -> int:
    most = policy.maximum_duration if policy is not None else None
    if wanted.duration == "max":
        return min(most or LONGEST_ACTIVATION, LONGEST_ACTIVATION)
    if isinstance(wanted.duration, int):
        return wanted.duration
    return min(DEFAULT_DURATION, most or DEFAULT_DURATION)


def _too_short(wanted: Wanted) -> str:
    """What is wrong with a duration that no policy allows, empty where nothing is."""
    if not isinstance(wanted.duration, int) or wanted.duration >= SHORTEST_ACTIVATION:
        return ""
    return f"duration {format_duration(wanted.duration)} is below the minimum of {format_duration(SHORTEST_ACTIVATION)}"


def _breach_of(rules: Sequence[str], row: RoleRow) -> PimError | None:
    told = "; ".join(rule for rule in rules if rule)
    return PimError("policy_violation", f"{_name(row)}: {told}") if told else None


def _breaches(step: Step, policy: Policy | None, duration: int, terms: Terms) -> list[str]:
    """Every rule the activation would break, each with what is allowed."""
    found = [_too_short(step.wanted)]
    if terms.minimum_remaining > duration:
        found.append(
            f"minimum_remaining {format_duration(terms.minimum_remaining)} is more than a new activation gives ({format_duration(duration)})"
        )
    if policy is None:
        return found
    if policy.maximum_duration is not None and duration > policy.maximum_duration:
        found.append(
            f"duration {format_duration(duration)} is above the maximum of {format_duration(policy.maximum_duration)}"
        )
    if policy.requires_justification and not terms.justification:
        found.append("a justification is required")
    if policy.requires_ticket and not terms.ticket_number:
        found.append("a ticket is required (ticket_number, ticket_system)")
    if step.action == RENEW and policy.requires_approval:
        found.append(
            "it needs an approval, so it is not renewed: the role would be off while an approver is waited for"
        )
    return found


def _step_up(step: Step, policy: Policy | None, terms: Terms) -> PimError | None:
    """What the session's token is known to lack for this role."""
    if policy is None:
        return None
    context = policy.authentication_context
    if context and terms.authentication_contexts is not None and context not in terms.authentication_contexts:
        return _of(
            step,
            PimError(
                "mfa_required",
                f"{_name(step.before)} requires the authentication context {context}, which this sign-in does not have",
                authentication_context=context,
                advice=step_up_advice([context]),
            ),
        )
    if policy.requires_mfa and terms.mfa is False:
        return _of(
            step,
            PimError(
                "mfa_required",
                f"{_name(step.before)} requires multi-factor authentication, which this sign-in did not use",
                advice=step_up_advice([]),
            ),
        )
    return None


def _of(step: Step, problem: PimError) -> PimError:
    return problem.about(provider=step.before.provider, role=str(step.before.role), scope=step.before.scope)


def _name(row: RoleRow) -> str:
    return row.title if row.scope != "/" else str(row.role)
