# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to decide of an approval: which stage, and what somebody else's decision means."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.models import APPROVE, DENY, Stage
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.approval import current_stage, has_to_be_decided

from unit.clocks import NOW


def stage(name="s", **changes) -> Stage:
    values = {"in_progress": True, "ended": False, "assigned": True, **changes}
    return Stage(name, **values)


def done(decision=APPROVE, **changes) -> Stage:
    return stage(in_progress=False, ended=True, decision=decision, **changes)


@pytest.mark.parametrize(
    ("stages", "chosen"),
    [
        ([stage("a")], "a"),
        ([stage("a"), stage("b")], "a"),
        ([done(name="a"), stage("b", assigned=False), stage("c")], "b"),
        ([done(name="a", assigned=False), done(name="b")], "b"),
        ([stage("a", in_progress=False, assigned=None), stage("b", in_progress=False, assigned=False)], "a"),
    ],
)
def test_the_first_that_waits_then_the_one_that_is_assigned_then_the_first(stages, chosen):
    assert current_stage(stages).stage_id == chosen


@pytest.mark.parametrize("decision", [APPROVE, DENY])
def test_what_waits_has_to_be_decided(decision):
    assert has_to_be_decided(stage(), decision, "The request") is True
    # A word for its status that nobody knows yet: the service says what it thinks of a decision.
    assert has_to_be_decided(stage(in_progress=False), decision, "The request") is True


@pytest.mark.parametrize("decision", [APPROVE, DENY])
def test_what_is_decided_the_same_way_is_left(decision):
    assert has_to_be_decided(done(decision), decision, "The request") is False


@pytest.mark.parametrize(
    ("decision", "wanted", "by", "told"),
    [
        (APPROVE, DENY, {"decided_by_name": "Anna", "decided_by_id": "1"}, "approved already by Anna (1) at 2"),
        (DENY, APPROVE, {"decided_by_name": "Anna"}, "denied already by Anna at 2"),
        (DENY, APPROVE, {"decided_by_id": "1", "decided_at": None}, "denied already by 1"),
        (DENY, APPROVE, {"decided_at": None}, "denied already by somebody the service does not name"),
    ],
)
def test_what_is_decided_the_other_way_says_who_did(decision, wanted, by, told):
    decided = done(decision, **{"decided_at": NOW - timedelta(hours=1), **by})
    with pytest.raises(PimError) as caught:
        has_to_be_decided(decided, wanted, "The request 7")
    assert caught.value.code == "already_decided"
    assert caught.value.message.startswith(f"The request 7 was {told}")


def test_what_ended_without_a_decision_is_not_there_to_decide():
    with pytest.raises(PimError) as caught:
        has_to_be_decided(stage(in_progress=False, ended=True), APPROVE, "The request 7")
    assert caught.value.code == "unknown_request"
    assert "does not wait" in caught.value.message
