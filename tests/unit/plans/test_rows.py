# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row for each role and scope, out of the lines of the service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.models import PENDING, Holding
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.rows import (
    JUST_NOW,
    key_of,
    lately_activated,
    merge,
    with_requests,
)
from hypothesis import given
from hypothesis import strategies as st

from unit import role_rows
from unit.clocks import NOW
from unit.role_rows import PROVIDER, activated, eligible, minutes, permanent, request


def line(is_eligible: bool, end=None, **changes) -> Holding:
    values = {
        "role": "Reader",
        "role_id": "id-reader",
        "scope": "/",
        "scope_name": "Directory",
        "eligible": is_eligible,
        "member_type": "direct",
        "assignment_type": None if is_eligible else "activated",
        "start": minutes(-10),
        "end": end,
        **changes,
    }
    return Holding(**values)


def merged(*lines: Holding):
    return merge(PROVIDER, "me", lines, NOW)


def test_eligible_and_active_fall_together():
    (row,) = merged(line(True, minutes(600)), line(False, minutes(50)))
    assert (row.eligible, row.eligible_until) == (True, minutes(600))
    assert (row.active, row.permanent, row.assignment_type) == (True, False, "activated")
    assert (row.active_since, row.expires_at) == (minutes(-10), minutes(50))
    assert (row.provider, row.principal_id) == (PROVIDER, "me")


def test_ids_and_scopes_are_one_in_any_case():
    (row,) = merged(line(True), line(False, role_id="ID-READER", scope="/"))
    assert row.eligible
    assert row.active
    assert len(merged(line(True, scope="/administrativeUnits/AB"), line(False, scope="/administrativeUnits/ab"))) == 1


def test_the_same_role_elsewhere_is_another_row():
    assert [row.scope for row in merged(line(True), line(True, scope="/x"))] == ["/", "/x"]


def test_the_active_line_decides_the_member_type():
    for lines in ([line(True, member_type="direct"), line(False, member_type="group")],) * 2:
        (row,) = merged(*lines)
        assert row.member_type == "group"
        (row,) = merged(*reversed(lines))
        assert row.member_type == "group"


def test_the_later_end_wins():
    for order in (1, -1):
        (row,) = merged(*[line(True, minutes(60)), line(True, minutes(600)), line(True, minutes(5))][::order])
        assert row.eligible_until == minutes(600)
        (row,) = merged(*[line(False, minutes(60)), line(False, minutes(90), member_type="group")][::order])
        assert (row.expires_at, row.member_type) == (minutes(90), "group")


def test_an_eligibility_without_end_outlasts_one_with():
    for order in (1, -1):
        (row,) = merged(*[line(True, None), line(True, minutes(600))][::order])
        assert row.eligible
        assert row.eligible_until is None


def test_permanent_wins_over_an_activation():
    lines = [line(False, minutes(60)), line(False, None, assignment_type="assigned", start=None, member_type="group")]
    for order in (1, -1):
        (row,) = merged(*lines[::order])
        assert (row.permanent, row.assignment_type, row.expires_at) == (True, "assigned", None)
        assert row.member_type == "group"


def test_an_activation_without_a_told_end_is_not_permanent():
    (row,) = merged(line(False, None))
    assert (row.active, row.permanent, row.assignment_type) == (True, False, "activated")


def test_what_has_ended_says_nothing():
    assert merged(line(True, NOW), line(False, minutes(-1))) == []
    (row,) = merged(line(True, minutes(60)), line(False, minutes(-1)))
    assert row.active is False


def test_what_is_listed_long_after_its_end_is_in_force():
    """The service keeps the last owner of a group."""
    (row,) = merged(line(True, minutes(60)), line(False, minutes(-6)))
    assert row.active
    assert row.expires_at == minutes(-6)
    assert merged(line(True, minutes(-6))) == []


def test_nothing_is_nothing():
    assert merged() == []


def test_the_newest_waiting_request_is_shown():
    older, newer = request(request_id="old", created_at=minutes(-50)), request(request_id="new")
    for order in (1, -1):
        (row,) = with_requests([eligible()], [older, newer][::order], NOW)
        assert row.pending is not None
        assert row.pending.request_id == "new"


def test_requests_that_do_not_wait_or_do_not_activate_are_not_pending():
    others = [request(phase=phase) for phase in ("done", "denied", "withdrawn", "failed")]
    others += [request(action="deactivate"), request(role_id="other"), request(scope="/x")]
    (row,) = with_requests([eligible()], others, NOW)
    assert row.pending is None


def test_an_active_role_has_nothing_pending():
    (row,) = with_requests([activated()], [request()], NOW)
    assert row.pending is None


@pytest.mark.parametrize("when", [minutes(-4), minutes(-1), NOW])
def test_what_was_carried_out_a_moment_ago_is_found_before_it_is_listed(when):
    done = request(phase="done", status="Provisioned", created_at=when)
    assert lately_activated(eligible(), [request(phase="failed", created_at=NOW), done], NOW) is done
    assert with_requests([eligible()], [done], NOW) == [eligible()]


def test_a_start_that_has_come_counts_from_the_start():
    scheduled = request(phase="done", status="Granted", created_at=minutes(-600), start=minutes(-1))
    assert lately_activated(eligible(), [scheduled], NOW) is scheduled


def test_what_was_ended_since_or_long_ago_is_not_on_its_way():
    long_ago = request(phase="done", created_at=minutes(-6))
    done = request(phase="done", created_at=minutes(-2))
    ended = request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-1))
    by_administrator = request(action="adminRemove", phase="withdrawn", status="Revoked", created_at=minutes(-1))
    somebody_elses = request(phase="done", created_at=minutes(-1), principal_id="a group")
    for requests in ([long_ago], [done, ended], [done, by_administrator], [somebody_elses], [], None):
        assert lately_activated(eligible(), requests, NOW) is None


def test_what_was_ended_a_moment_ago_is_not_active_however_long_it_is_listed():
    ended = request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-1))
    before = request(phase="done", status="Provisioned", created_at=minutes(-4))
    for requests in ([ended, before], [before, ended]):
        (row,) = with_requests([activated(left=50)], requests, NOW)
        assert not row.active
        assert row.expires_at is None
        assert row.pending is None


@pytest.mark.parametrize(
    "done",
    [
        # long ago: the list knows better
        request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-6)),
        # refused or withdrawn: nothing has changed
        request(action="deactivate", phase="failed", status="Failed", created_at=minutes(-1)),
        request(phase="withdrawn", status="Canceled", created_at=minutes(-1)),
        # somebody else's
        request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-1), principal_id="other"),
        # it came on again since
        request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-3)),
    ],
)
def test_an_active_role_is_active_whatever_else_was_asked(done):
    row = activated(active_since=minutes(-2))
    assert with_requests([row], [done], NOW) == [row]


def test_an_assigned_role_is_not_ended_by_the_accounts_own_requests():
    ended = request(action="deactivate", phase="withdrawn", status="Revoked", created_at=minutes(-1))
    (row,) = with_requests([permanent()], [ended], NOW)
    assert row.active


def test_the_eligibility_that_lasts_longest_is_the_one_an_activation_stands_on():
    short = line(True, minutes(60), native={"id": "short"})
    long = line(True, None, native={"id": "long"})
    for lines in ((short, long), (long, short)):
        (row,) = merged(*lines)
        assert row.native == {"id": "long"}


def test_requests_that_may_not_be_read_leave_pending_unknown():
    (row,) = with_requests([eligible()], None, NOW)
    assert row.pending is None


@given(st.lists(role_rows.holdings), st.randoms(use_true_random=False))
def test_the_order_of_the_service_decides_nothing_but_the_order(lines, random):
    def told(rows):
        return {
            key_of(row.role_id, row.scope): (
                *(row.eligible, row.eligible_until, row.active, row.permanent, row.expires_at),
            )
            for row in rows
        }

    shuffled = list(lines)
    random.shuffle(shuffled)
    assert told(merged(*lines)) == told(merged(*shuffled))


@given(st.lists(role_rows.holdings))
def test_no_role_is_lost_doubled_or_made_up(lines):
    living = [
        one
        for one in lines
        if one.end is None or one.end > NOW or (not one.eligible and one.end <= minutes(-JUST_NOW / 60))
    ]
    found = merged(*lines)
    keys = [key_of(row.role_id, row.scope) for row in found]
    assert len(keys) == len(set(keys))
    assert set(keys) == {key_of(one.role_id, one.scope) for one in living}
    for row in found:
        own = [one for one in living if key_of(one.role_id, one.scope) == key_of(row.role_id, row.scope)]
        assert row.eligible == any(one.eligible for one in own)
        assert row.active == any(not one.eligible for one in own)
        ends = [one.end for one in own if not one.eligible]
        if row.permanent:
            assert row.expires_at is None
        assert row.expires_at is None or row.expires_at == max(ends)
        assert (row.assignment_type is None) == (not row.active)


@given(st.lists(role_rows.holdings), st.lists(role_rows.requests))
def test_merging_again_changes_nothing(lines, requests):
    rows = with_requests(merged(*lines), requests, NOW)
    assert with_requests(rows, requests, NOW) == rows
    for row in rows:
        if row.pending is not None:
            assert not row.active
            assert row.pending.phase in PENDING
            assert key_of(row.pending.role_id, row.pending.scope) == key_of(row.role_id, row.scope)


def test_a_line_that_ends_in_a_moment_still_counts():
    assert merged(line(False, NOW + timedelta(microseconds=1)))[0].active is True
