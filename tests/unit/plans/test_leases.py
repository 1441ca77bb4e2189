# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which role, as lines of the journal tell."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.models import Request, RoleRow
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import (
    Key,
    Shared,
    asked_for,
    key_of,
    leases_of,
    leftovers,
    needed,
    shared_roles,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.times import format_time
from hypothesis import example, given
from hypothesis import strategies as st

from unit.clocks import NOW

ADDRESS = {"tenant_id": "T", "principal_id": "me", "provider": "entra_roles", "role_id": "R", "scope": "/"}
ROW = RoleRow(
    "entra_roles",
    "Reader",
    "r",
    "/",
    None,
    principal_id="ME",
    active=True,
    assignment_type="activated",
    active_since=NOW,
    expires_at=NOW + timedelta(hours=1),
)
AT = format_time(NOW)


def begun(entry: str = "1", run: str = "a", action: str = "activate", **given_: Any) -> dict[str, Any]:
    lease = {"lease": True, "run": run} if action == "activate" else {}
    return {
        "at": AT, "event": "submitting", "entry": entry, "action": action, "asked_at": AT, "role": "Reader",
        **lease, **ADDRESS, **given_,
    }  # fmt: skip


def outcome(entry: str = "1", told: str = "accepted", **given_: Any) -> dict[str, Any]:
    return {"at": AT, "event": "outcome", "entry": entry, "outcome": told, **given_}


def settled(run: str = "a", **given_: Any) -> dict[str, Any]:
    times = {"active_since": AT, "expires_at": format_time(NOW + timedelta(hours=1))}
    return {"at": AT, "event": "lease", "run": run, "role": "Reader", "asked_at": AT, **ADDRESS, **times, **given_}


def released(run: str = "a") -> dict[str, Any]:
    return {"at": AT, "event": "released", "run": run, **ADDRESS}


def one(*lines: dict[str, Any]) -> Shared:
    found = shared_roles(lines)
    assert len(found) == 1
    return found[key_of("t", ROW)]


def holders(*lines: dict[str, Any]) -> dict[str, bool]:
    """By run, whether it is known to have a part."""
    return {run: lease.decided for run, lease in one(*lines).leases.items()}


def nobody(_run: str) -> bool:
    return False


def everybody(_run: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([begun()], {"a": False}),
        ([begun(), outcome()], {"a": True}),
        ([begun(), outcome(told="unknown")], {"a": False}),
        ([begun(), outcome(told="refused")], {}),
        ([begun(), outcome(), outcome(told="ended")], {}),
        ([begun(), outcome(), settled()], {"a": True}),
        ([begun(), outcome(), settled(), settled("b")], {"a": True, "b": True}),
        ([begun(), outcome(), settled(), settled("b"), released()], {"b": True}),
        # Two tasks of one run asked for it at once: one was refused.
        ([begun(), begun("2"), outcome(), outcome("2", "refused")], {"a": True}),
        # Not held: a plain task.
        ([begun(lease=False)], {}),
        # Ended, by whomever.
        ([begun(), outcome(), settled("b"), begun("2", action="deactivate"), outcome("2")], {}),
        ([begun(), outcome(), begun("2", action="deactivate"), outcome("2", "refused")], {"a": True}),
        ([begun(), outcome(waiting=True), begun("2", action="cancel"), outcome("2")], {}),
        # It expired, and was activated anew: by another run, or by hand.
        ([begun(), outcome(), settled(), begun("2", "b"), outcome("2")], {"b": True}),
        ([begun(), outcome(), settled(), begun("2", lease=False), outcome("2")], {}),
        # Ended to be renewed.
        ([begun(), outcome(), begun("2", action="deactivate", renewal=True), outcome("2")], {"a": True}),
        # Activated anew by another run, before the journal tells that the old one was ended.
        (
            [begun(), outcome(), begun("2", action="deactivate"), begun("3", "b"), outcome("2"), outcome("3")],
            {"b": True},
        ),
    ],
)
def test_who_holds_it(lines, wanted):
    assert holders(*lines) == wanted


def test_a_renewal_is_the_activation_of_all_who_hold_it():
    later = NOW + timedelta(minutes=50)
    found = one(
        begun(),
        outcome(),
        settled(),
        settled("b"),
        begun("2", action="deactivate", renewal=True),
        outcome("2"),
        begun("3", "b", renewal=True, asked_at=format_time(later)),
        outcome("3"),
    )
    assert found.began(replace(ROW, active_since=later + timedelta(seconds=2)))
    now = NOW + timedelta(minutes=90)
    assert found.held_by("a", now) is not None


@pytest.mark.parametrize(
    ("lines", "seconds", "ours"),
    [
        ([begun()], 3, True),
        ([begun()], -60, False),
        ([begun()], 300, False),
        ([begun(), outcome()], 300, True),
        # After an approval.
        ([begun(), outcome(waiting=True)], 7200, True),
        ([begun(), outcome(), settled()], 0, True),
        ([settled()], 300, False),
    ],
)
def test_whose_activation_it_is(lines, seconds, ours):
    assert one(*lines).began(replace(ROW, active_since=NOW + timedelta(seconds=seconds))) is ours


def test_what_an_administrator_assigned_is_nobodys():
    assert not one(settled()).began(replace(ROW, assignment_type="assigned"))


def test_leftovers_are_of_runs_that_are_gone():
    shared = shared_roles([begun(), outcome(), settled(), settled("b")])
    assert leftovers(shared, NOW, everybody) == []
    assert leftovers(shared, NOW, lambda run: run == "b") == []
    (left,) = leftovers(shared, NOW, nobody)
    assert left.as_leftover() == {
        "provider": "entra_roles",
        "role": "Reader",
        "role_id": "R",
        "scope": "/",
        "active_since": "2030-03-17T17:46:40Z",
        "expires_at": "2030-03-17T18:46:40Z",
    }
    assert leftovers(shared, NOW + timedelta(hours=1), nobody) == []


def test_one_that_nobody_has_seen_is_a_leftover_for_two_days():
    shared = shared_roles([begun()])
    (left,) = leftovers(shared, NOW + timedelta(hours=47), nobody)
    assert (left.active_since, left.expires_at) == (None, None)
    assert leftovers(shared, NOW + timedelta(hours=49), nobody) == []


def test_what_a_run_holds():
    shared = shared_roles(
        [begun(), outcome(), {**begun("2", scope="/x"), "asked_at": "2030-03-17T17:40:00Z"}, settled("b")]
    )
    assert [lease.scope for lease in leases_of("a", shared)] == ["/x", "/"]
    assert leases_of("c", shared) == []


def test_claims_count_while_who_made_them_lives():
    found = one(settled(), {"at": AT, "event": "claim", "run": "x", **ADDRESS})
    assert found.claimed(lambda run: run == "x")
    assert not found.claimed(nobody)
    assert found.ending_at == NOW


def test_which_request_that_waits_is_meant():
    pending = Request("REQ", "r", "/", "activate", "PendingApproval", "waiting", NOW)
    by_id = one(begun(), outcome(request_id="req", waiting=True)).leases["a"]
    assert asked_for(by_id, pending)
    assert not asked_for(by_id, replace(pending, request_id="other"))
    by_time = one(begun()).leases["a"]
    assert asked_for(by_time, pending)
    assert not asked_for(by_time, replace(pending, created_at=NOW - timedelta(hours=1)))


@pytest.mark.parametrize("told", [[], [outcome("2", "refused")], [outcome("2", "unknown")]])
def test_one_that_waits_is_not_forgotten_when_it_is_asked_for_again(told):
    later = format_time(NOW + timedelta(hours=1))
    known = one(begun(), outcome(request_id="req", waiting=True), begun("2", asked_at=later, request_id="other"), *told)
    lease = known.leases["a"]
    assert lease.decided
    assert lease.waiting
    assert asked_for(lease, Request("REQ", "r", "/", "activate", "PendingApproval", "waiting", NOW))


def aged(lines: Iterable[dict[str, Any]], **age: float) -> list[dict[str, Any]]:
    """The same lines, written so long before NOW."""
    return [{**line, "at": format_time(NOW - timedelta(**age))} for line in lines]


OLD_TASK = [begun("1"), outcome("1"), settled(), begun("2", action="deactivate"), outcome("2"), released()]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # Nobody holds it any more.
        (aged(OLD_TASK, minutes=61), []),
        (aged([begun(lease=False), outcome()], minutes=61), []),
        (aged([{"event": "outcome", "entry": "nobody knows"}, {"event": "any"}], minutes=61), []),
        # It may be looked at still.
        (aged(OLD_TASK, minutes=59), OLD_TASK),
        # Somebody does.
        (aged([begun(), outcome(), settled()], days=4), [begun(), outcome(), settled()]),
        (aged([begun()], days=4), [begun()]),
        # Of what was held before it, and of who gave a part up, nothing is left.
        (aged([*OLD_TASK, begun("3"), outcome("3")], minutes=61), [begun("3"), outcome("3")]),
        (aged([begun(), outcome(), settled("b"), released("b")], minutes=61), [begun(), outcome()]),
        # Longer than anything can be on.
        (aged([begun(), outcome(), settled()], days=6), []),
    ],
)
def test_which_lines_can_still_tell_something(lines, wanted):
    found = needed(lines, NOW, nobody)
    assert [{**line, "at": AT} for line in found] == wanted


def test_what_a_live_run_holds_is_never_forgotten():
    """Whatever the clock says."""
    lines = aged([begun(), outcome(), settled()], days=400)
    assert needed(lines, NOW, everybody) == lines


_LINES = st.lists(
    st.sampled_from(
        [
            *[begun(entry, run) for entry, run in (("1", "a"), ("2", "b"), ("3", "a"))],
            *[outcome(entry, told) for entry in "123" for told in ("accepted", "refused", "unknown", "ended")],
            settled("a"),
            settled("b"),
            released("a"),
            released("b"),
            begun("9", action="deactivate"),
            outcome("9"),
        ]
    ),
    max_size=14,
)


@given(_LINES, st.integers(0, 400))
def test_a_journal_that_ends_anywhere_forgets_no_activation(lines, cut):
    """Cut in the middle of a line, by a kill: what was accepted before it and not ended, released or refused is held by somebody."""
    text = "\n".join(json.dumps(line) for line in lines)
    kept = _readable(text[: max(0, len(text) - cut)].splitlines())
    found = shared_roles(kept).get(key_of("t", ROW))
    for entry, run in (("1", "a"), ("2", "b")):
        begins = [place for place, line in enumerate(kept) if line == begun(entry, run)]
        if begins:
            after = kept[begins[-1] + 1 :]
            # Also by an activation that came after it: the service makes none of what is active.
            others = [outcome(other) for other in "123" if other != entry]
            endings = [outcome("9"), released(run), outcome(entry, "refused"), outcome(entry, "ended"), *others]
            over = any(line in endings for line in after)
            assert over or (found is not None and run in found.leases)


@given(_LINES)
@example([begun("1", "a"), begun("2", "b"), released("a")])
def test_without_what_tells_nothing_the_same_runs_hold_the_same(lines):
    lines = aged(lines, hours=2)
    whole, left = (shared_roles(some).get(key_of("t", ROW), Shared()) for some in (lines, needed(lines, NOW, nobody)))
    assert left.leases == {run: replace(lease, place=left.leases[run].place) for run, lease in whole.leases.items()}
    assert not left.leases or left.began(ROW) == whole.began(ROW)


def _readable(lines: Iterable[str]) -> list[dict[str, Any]]:
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(AT)
_KEYS = st.sampled_from(
    ["event", "entry", "run", "lease", "action", "outcome", "asked_at", "active_since", "expires_at", "role", *ADDRESS]
)


@given(st.lists(st.dictionaries(_KEYS, _SCALARS | st.sampled_from(["submitting", "lease", "activate", "outcome"]))))
def test_lines_of_any_content_are_read_or_passed_over(contents):
    shared: dict[Key, Shared] = shared_roles([{**ADDRESS, **content, "at": AT} for content in contents])
    for found in leftovers(shared, NOW, nobody):
        assert set(found.as_leftover()) == {"provider", "role", "role_id", "scope", "active_since", "expires_at"}
