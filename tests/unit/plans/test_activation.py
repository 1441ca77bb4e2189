# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done for each role, and what is refused before anything is written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.models import Wanted
from ansible_collections.entra.pim.plugins.module_utils._pim.plans import activation as plan
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.activation import Terms
from hypothesis import given
from hypothesis import strategies as st

from unit import role_rows
from unit.clocks import NOW
from unit.role_rows import PROVIDER, activated, eligible, minutes, permanent, policy, request

ON, OFF = Terms(active=True), Terms(active=False)


def wanted(row, duration=None) -> Wanted:
    return Wanted(PROVIDER, row.role, row.scope, duration)


def step_for(row, terms=ON, known=None, duration=None):
    return plan.decide(plan.first_look(wanted(row, duration), row, terms, NOW), known, terms, NOW)


def problem_of(step) -> PimError:
    assert step.problem is not None
    assert not step.changes
    assert step.problem.role == step.before.role
    return step.problem


@pytest.mark.parametrize(
    ("row", "terms", "action"),
    [
        (eligible(), ON, plan.ACTIVATE),
        (activated(), ON, plan.KEEP),
        (activated(left=1), ON, plan.KEEP),
        (permanent(), ON, plan.KEEP),
        (activated(assignment_type="assigned"), ON, plan.KEEP),
        (eligible(pending=request()), ON, plan.AWAIT),
        (eligible(pending=request(minutes(-1))), ON, plan.AWAIT),
        (eligible(pending=request(minutes(90))), ON, plan.REPLACE),
        (eligible(pending=request(minutes(90))), Terms(active=True, start=minutes(90)), plan.AWAIT),
        (eligible(pending=request(minutes(91))), Terms(active=True, start=minutes(90)), plan.REPLACE),
        (activated(left=60), Terms(active=True, minimum_remaining=3600), plan.KEEP),
        (activated(left=59), Terms(active=True, minimum_remaining=3600), plan.RENEW),
        (permanent(), Terms(active=True, minimum_remaining=86400), plan.KEEP),
        (eligible(), OFF, plan.KEEP),
        (activated(), OFF, plan.DEACTIVATE),
        (eligible(pending=request()), OFF, plan.CANCEL),
        (eligible(pending=request(minutes(90), "scheduled")), OFF, plan.CANCEL),
    ],
)
def test_what_is_to_be_done(row, terms, action):
    step = step_for(row, terms)
    assert step.problem is None
    assert step.action == action
    assert step.changes == (action not in (plan.KEEP, plan.AWAIT))
    assert step.before is row


def test_a_role_one_is_not_eligible_for_is_not_activated():
    problem = problem_of(step_for(eligible(eligible=False)))
    assert problem.code == "not_eligible"


@pytest.mark.parametrize("row", [permanent(), activated(assignment_type="assigned")])
def test_what_an_administrator_assigned_is_not_switched_off(row):
    assert problem_of(step_for(row, OFF)).code == "not_self_activated"


def test_what_an_administrator_assigned_is_not_renewed():
    terms = Terms(active=True, minimum_remaining=3600)
    assert problem_of(step_for(activated(left=5, assignment_type="assigned"), terms)).code == "not_self_activated"


def test_what_cannot_be_activated_again_is_not_renewed():
    terms = Terms(active=True, minimum_remaining=3600)
    assert problem_of(step_for(activated(left=5, eligible=False), terms)).code == "not_eligible"


@pytest.mark.parametrize(
    ("duration", "maximum", "seconds"),
    [
        (None, None, 3600),
        (None, 28800, 3600),
        (None, 1800, 1800),
        ("max", 28800, 28800),
        ("max", 1800, 1800),
        (900, 28800, 900),
    ],
)
def test_the_duration_in_force(duration, maximum, seconds):
    step = step_for(eligible(), known=policy(maximum), duration=duration)
    assert step.problem is None
    assert step.duration == seconds
    assert step.after.expires_at == NOW + timedelta(seconds=seconds)


def test_the_row_after_an_activation():
    after = step_for(eligible(), known=policy()).after
    assert (after.active, after.permanent, after.assignment_type) == (True, False, "activated")
    assert (after.active_since, after.expires_at, after.pending) == (NOW, minutes(60), None)


def test_the_row_after_a_deactivation():
    after = step_for(activated(), OFF).after
    assert (after.active, after.expires_at, after.assignment_type, after.eligible) == (False, None, None, True)


def test_the_row_after_a_cancellation():
    assert step_for(eligible(pending=request()), OFF).after == eligible()


def test_a_later_start_leaves_the_role_off_and_pending():
    after = step_for(eligible(), Terms(active=True, start=minutes(90)), policy()).after
    assert after.active is False
    assert after.pending is not None
    assert after.pending.start_time == minutes(90)


def test_a_start_in_the_past_is_now():
    after = step_for(eligible(), Terms(active=True, start=minutes(-90)), policy()).after
    assert after.active is True
    assert after.active_since == NOW


def test_a_start_at_the_end_of_the_calendar_is_no_fault_of_ours():
    start = datetime(9999, 12, 31, 23, 59, tzinfo=timezone.utc)
    step = step_for(eligible(), Terms(active=True, start=start), policy())
    assert step.problem is None or step.problem.code in ("invalid_option", "policy_violation")


def test_what_needs_an_approval_will_be_pending():
    after = step_for(eligible(), known=policy(requires_approval=True)).after
    assert after.active is False
    assert after.pending is not None


def test_every_breach_is_told_with_what_is_allowed():
    strict = policy(3600, requires_justification=True, requires_ticket=True)
    problem = problem_of(step_for(eligible(), known=strict, duration=7200))
    assert problem.code == "policy_violation"
    for word in ("PT2H", "PT1H", "justification", "ticket"):
        assert word in problem.message


@pytest.mark.parametrize(
    ("terms", "known"),
    [
        (ON, policy(requires_justification=True)),
        (ON, policy(requires_ticket=True)),
        (Terms(active=True, justification=""), policy(requires_justification=True)),
        (Terms(active=True, justification="why"), policy(requires_ticket=True)),
        (Terms(active=True, minimum_remaining=7200), policy(3600)),
    ],
)
def test_a_breach(terms, known):
    assert problem_of(step_for(eligible(), terms, known)).code == "policy_violation"


def test_what_is_asked_for_is_given():
    terms = Terms(active=True, justification="why", ticket_number="T-1")
    assert step_for(eligible(), terms, policy(requires_justification=True, requires_ticket=True)).problem is None


def test_more_time_left_than_a_new_activation_gives_is_refused():
    terms = Terms(active=True, minimum_remaining=7200)
    assert problem_of(step_for(activated(left=5), terms, policy(), duration=3600)).code == "policy_violation"
    assert step_for(activated(left=5), terms, policy(), duration=7200).action == plan.RENEW


def test_what_needs_an_approval_is_not_renewed():
    step = step_for(activated(left=5), Terms(active=True, minimum_remaining=600), policy(requires_approval=True))
    assert problem_of(step).code == "policy_violation"


def test_an_unreadable_policy_is_a_warning():
    step = step_for(eligible(), known=PimError("forbidden", "no"))
    assert step.problem is None
    assert len(step.warnings) == 1


def test_the_maximum_of_an_unreadable_policy_is_unknown():
    assert problem_of(step_for(eligible(), known=PimError("forbidden", "no"), duration="max")).code == "forbidden"


def test_an_eligibility_that_ends_first_is_warned_about():
    assert "eligibility" in step_for(eligible(eligible_until=minutes(30)), known=policy()).warnings[0]
    assert step_for(eligible(eligible_until=minutes(90)), known=policy()).warnings == ()


@pytest.mark.parametrize(
    ("terms", "known", "context"),
    [
        (Terms(active=True, mfa=False), policy(requires_mfa=True), None),
        (Terms(active=True, mfa=True, authentication_contexts=()), policy(authentication_context="c1"), "c1"),
        (Terms(active=True, mfa=True, authentication_contexts=("c2",)), policy(authentication_context="c1"), "c1"),
    ],
)
def test_a_step_up_the_session_is_known_to_lack(terms, known, context):
    step = step_for(eligible(), terms, known)
    assert step.problem is None
    assert step.step_up is not None
    assert (step.step_up.code, step.step_up.authentication_context) == ("mfa_required", context)


@pytest.mark.parametrize(
    ("terms", "known"),
    [
        (Terms(active=True, mfa=True), policy(requires_mfa=True)),
        (Terms(active=True), policy(requires_mfa=True, authentication_context="c1")),
        (Terms(active=True, mfa=True, authentication_contexts=("c1",)), policy(authentication_context="c1")),
    ],
)
def test_no_step_up_where_the_token_has_it_or_does_not_tell(terms, known):
    assert step_for(eligible(), terms, known).step_up is None


def test_policies_are_read_only_where_they_decide():
    def asked(*steps):
        return [step.wanted.role for step in plan.needs_policy(steps)]

    def first(row, terms=ON, duration=None):
        return plan.first_look(wanted(row, duration), row, terms, NOW)

    assert asked(first(eligible("A"))) == []
    assert asked(first(eligible("A"), duration="max")) == ["A"]
    assert asked(first(eligible("A")), first(activated("B"))) == []
    assert asked(first(eligible("A")), first(eligible("B"))) == ["A", "B"]
    assert asked(first(activated("A", left=5), Terms(active=True, minimum_remaining=600))) == ["A"]
    assert asked(first(activated("A"), OFF), first(activated("B"), OFF)) == []


def test_all_problems_are_told_at_once_with_the_code_of_the_first():
    steps = [step_for(eligible("A")), step_for(permanent("B"), OFF), step_for(eligible("C", eligible=False))]
    told = plan.all_problems(steps)
    assert told is not None
    assert (told.code, told.role) == ("not_self_activated", "B")
    assert "B" in told.message
    assert "C" in told.message
    assert plan.all_problems(steps[:1]) is None


def test_a_role_named_twice_is_found():
    assert plan.twice([eligible(), eligible(role_id="ID-READER")]) is not None
    assert plan.twice([eligible(), eligible(scope="/x"), eligible("Writer")]) is None


_TERMS = st.builds(
    Terms,
    active=st.booleans(),
    minimum_remaining=st.sampled_from([0, 300, 3600, 7200, 86400]),
    start=st.none() | st.integers(-60, 600).map(minutes),
    justification=st.none() | st.just("why"),
    ticket_number=st.none() | st.just("T-1"),
    mfa=st.none() | st.booleans(),
    authentication_contexts=st.none() | st.just(()) | st.just(("c1",)),
)
_DURATIONS = st.none() | st.just("max") | st.sampled_from([300, 3600, 28800])
_POLICIES = st.none() | role_rows.policies | st.just(PimError("forbidden", "no"))


@given(role_rows.rows(), _TERMS, _POLICIES, _DURATIONS)
def test_the_plan_keeps_its_promises(row, terms, known, duration):
    step = step_for(row, terms, known, duration)
    if not step.changes:
        # A refused or unneeded step promises no other state.
        assert step.problem is not None or step.after == row
        return
    if terms.active:
        long_enough = row.active and (
            row.expires_at is None or row.expires_at - NOW >= timedelta(seconds=terms.minimum_remaining)
        )
        assert not long_enough, "a write for a role that is already active long enough"
        assert row.eligible
        assert step.action in plan.ACTIVATING
        assert step.duration >= terms.minimum_remaining
        if isinstance(duration, int):
            assert step.duration == duration
        if hasattr(known, "maximum_duration"):
            assert known.maximum_duration is None or step.duration <= known.maximum_duration
            assert not (known.requires_justification and not terms.justification)
            assert not (known.requires_ticket and not terms.ticket_number)
            assert not (known.requires_approval and step.action == plan.RENEW)
        if step.action == plan.RENEW:
            assert row.assignment_type == "activated"
    else:
        assert not row.permanent, "a step for a permanent role"
        assert step.action in (plan.DEACTIVATE, plan.CANCEL)
        if step.action == plan.DEACTIVATE:
            assert row.active
            assert row.assignment_type == "activated"
        assert step.after.active is False
        assert step.after.pending is None


@given(role_rows.rows(), _TERMS, _POLICIES, _DURATIONS)
def test_what_was_done_needs_no_doing(row, terms, known, duration):
    """The plan for the row that a step leads to changes nothing."""
    step = step_for(row, terms, known, duration)
    if step.changes:
        again = plan.first_look(step.wanted, step.after, terms, NOW)
        assert again.problem is None
        assert not again.changes
