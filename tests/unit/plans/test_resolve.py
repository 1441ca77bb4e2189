# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exactly one row, or an error that lists the candidates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.models import Wanted
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.resolve import open_questions
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.resolve import resolve as resolve_below
from hypothesis import assume, given
from hypothesis import strategies as st

from unit import role_rows
from unit.role_rows import PROVIDER, activated, eligible, minutes, request


def wanted(role: str, scope: str | None = "/", provider: str = PROVIDER) -> Wanted:
    return Wanted(provider, role, scope)


def nothing_below(_provider: str, _scope: str, _outer: str) -> bool:
    return False


def resolve(one: Wanted, rows, below=nothing_below, active: bool = True):
    return resolve_below(one, rows, below, active=active)


def refused(one: Wanted, rows, below=nothing_below, active: bool = True) -> PimError:
    with pytest.raises(PimError) as caught:
        resolve(one, rows, below, active)
    failure = caught.value.as_failure()
    assert (failure["provider"], failure["role"], failure["scope"]) == (one.provider, one.role, one.scope)
    return caught.value


ROWS = [
    eligible("Security Reader"),
    eligible("Security Administrator"),
    eligible("Helpdesk Administrator"),
    eligible("Helpdesk Administrator", "/administrativeUnits/N1", scope_name="Campus North"),
    eligible("Twin", role_id="t1"),
    eligible("twin", role_id="t2"),
]


@pytest.mark.parametrize("name", ["Security Reader", "security READER", "id-security reader", "ID-SECURITY READER"])
def test_by_name_or_id_in_any_case(name):
    assert resolve(wanted(name), ROWS) is ROWS[0]


def test_the_scope_tells_two_of_a_name_apart():
    assert resolve(wanted("helpdesk administrator"), ROWS) is ROWS[2]
    assert resolve(wanted("helpdesk administrator", "/administrativeUnits/n1"), ROWS) is ROWS[3]


@pytest.mark.parametrize(
    "name", ["Security", "Reader", "Security Reader ", "Security*", "%", ".", "", "SecurityReader"]
)
def test_a_part_of_a_name_is_no_name(name):
    assert refused(wanted(name), ROWS).code == "unknown_role"


def test_an_unknown_role_lists_what_there_is_and_the_near_miss():
    error = refused(wanted("Security Readr"), ROWS)
    assert error.code == "unknown_role"
    assert "Did you mean 'Security Reader'?" in error.message
    assert "Helpdesk Administrator" in error.message


def test_nothing_near_is_not_guessed():
    assert "Did you mean" not in refused(wanted("Printer Technician"), ROWS).message


def test_a_long_list_is_cut_and_says_so():
    message = refused(wanted("none such"), [eligible(f"Role {number:02}") for number in range(40)]).message
    assert "and 25 more" in message
    assert len(message) < 1000


def test_an_account_without_roles_is_told_so():
    assert "no roles" in refused(wanted("Reader"), []).message


def test_another_scope_is_not_eligible_and_lists_the_scopes():
    error = refused(wanted("Helpdesk Administrator", "/administrativeUnits/other"), ROWS)
    assert error.code == "not_eligible"
    assert "/administrativeUnits/N1 (Campus North)" in error.message


def test_two_of_a_name_are_ambiguous_and_both_listed():
    error = refused(wanted("Twin"), ROWS)
    assert error.code == "ambiguous_role"
    assert "t1" in error.message
    assert "t2" in error.message
    assert resolve(wanted("t2"), ROWS) is ROWS[5]


def test_without_a_scope_a_role_held_twice_is_ambiguous():
    assert refused(wanted("Helpdesk Administrator", None), ROWS).code == "ambiguous_role"
    assert resolve(wanted("Security Reader", None), ROWS) is ROWS[0]


def test_another_provider_has_other_roles():
    assert refused(wanted("Security Reader", provider="groups"), ROWS).code == "unknown_role"


def test_a_name_that_is_missing_is_no_name():
    """A row without a display name of its scope is not at a scope called None."""
    assert refused(wanted("Reader", "None"), [eligible(scope_name=None)]).code == "not_eligible"
    assert refused(wanted("none"), [eligible(role_id=None)]).code == "unknown_role"


def test_control_characters_of_a_name_do_not_reach_the_message():
    rows = [eligible("Evil\x1b[31m\u202e", role_id="e1"), eligible("Evil\x1b[31m\u202e", role_id="e2")]
    for one in (wanted("Reader"), wanted("Evil\x1b[31m\u202e"), wanted("Evil\x1b[31m\u202e", "/x")):
        message = refused(one, rows).sentence
        assert "\x1b" not in message
        assert "\u202e" not in message


_WORDS = st.sampled_from(["Reader", "READER", "id-reader", "Read", "None", "none", "Writer", "strasse", "istanbul", ""])


@given(st.lists(role_rows.rows(), max_size=6), _WORDS | st.text(max_size=8), st.sampled_from([None, "/", "/x", "none"]))
def test_only_an_exact_match_is_ever_returned(rows, name, scope):
    one = wanted(name, scope)
    named = [row for row in rows if name.casefold() in (row.role.casefold(), row.role_id.casefold())]
    if scope is None:
        matches = [row for row in named if row.eligible] or named
    else:
        matches = [row for row in named if scope.casefold() == row.scope.casefold()] or [
            row for row in named if row.scope_name is not None and scope.casefold() == row.scope_name.casefold()
        ]
    if len(matches) == 1:
        assert resolve(one, rows) is matches[0]
    else:
        assert refused(one, rows).code in ("unknown_role", "not_eligible", "ambiguous_role")


@given(st.lists(role_rows.rows(), min_size=1, max_size=6), st.data())
def test_what_a_result_gives_is_taken_back(rows, data):
    row = data.draw(st.sampled_from(rows))
    twins = [
        one
        for one in rows
        if (one.role_id.casefold(), one.scope.casefold()) == (row.role_id.casefold(), row.scope.casefold())
    ]
    assume(len(twins) == 1)
    # A name that is another role's id does not occur: ids are GUIDs.
    assume(not any(one.role.casefold() == row.role_id.casefold() for one in rows))
    assert resolve(wanted(row.role_id, row.scope), rows) is row


def by_path(_provider: str, scope: str, outer: str) -> bool | None:
    """Below `/mg` only somebody else knows."""
    return None if outer == "/mg" else scope.startswith(f"{outer}/")


SUB, GROUP, VM = "/s/one", "/s/one/g", "/s/one/g/vm"


def test_an_eligibility_covers_what_lies_below_it():
    row = eligible("Contributor", SUB, eligible_until=minutes(600), native={"id": "e"})
    found = resolve(wanted("contributor", VM), [row], by_path)
    assert (found.scope, found.scope_name, found.eligible, found.active) == (VM, None, True, False)
    assert (found.eligible_until, found.native) == (minutes(600), {"id": "e"})


def test_the_nearest_eligibility_is_the_one_to_stand_on():
    rows = [eligible("Contributor", SUB, native={"id": "far"}), eligible("Contributor", GROUP, native={"id": "near"})]
    for order in (rows, rows[::-1]):
        assert resolve(wanted("Contributor", VM), order, by_path).native == {"id": "near"}


def test_of_several_at_one_depth_the_one_that_lasts():
    rows = [
        eligible("Contributor", "/a", eligible_until=minutes(5), native={"id": "short"}),
        eligible("Contributor", "/b", native={"id": "for ever"}),
        eligible("Contributor", "/c", eligible_until=minutes(9), native={"id": "longer"}),
    ]
    assert resolve(wanted("Contributor", VM), rows, lambda *_: True).native == {"id": "for ever"}
    assert resolve(wanted("Contributor", VM), rows[::2], lambda *_: True).native == {"id": "longer"}


def test_a_scope_is_never_widened():
    rows = [eligible("Contributor", VM), activated("Contributor", GROUP, eligible=False)]
    assert refused(wanted("Contributor", SUB), rows, by_path).code == "not_eligible"
    # Active above is not active here.
    found = resolve(wanted("Contributor", VM), [eligible("Contributor", SUB), *rows[1:]], by_path, active=False)
    assert (found.scope, found.active) == (VM, False)


def test_a_row_at_the_scope_itself_comes_first():
    rows = [eligible("Contributor", SUB), eligible("Contributor", VM)]
    assert resolve(wanted("Contributor", VM), rows, by_path) is rows[1]


def test_what_is_active_below_an_eligibility_can_be_activated_again_there():
    running = activated("Contributor", VM, eligible=False)
    found = resolve(wanted("Contributor", VM), [eligible("Contributor", SUB, native={"id": "e"}), running], by_path)
    assert (found.active, found.expires_at) == (True, running.expires_at)
    assert (found.eligible, found.native) == (True, {"id": "e"})


def test_two_roles_of_a_name_above_are_ambiguous():
    rows = [eligible("Twin", SUB, role_id="t1"), eligible("Twin", SUB, role_id="t2")]
    assert refused(wanted("Twin", VM), rows, by_path).code == "ambiguous_role"


def test_only_what_paths_do_not_tell_has_to_be_asked():
    top, own = eligible("Contributor", "/mg"), eligible("Contributor", SUB)
    assert open_questions(wanted("Contributor", VM), [top], by_path) == ["/mg"]
    assert open_questions(wanted("Contributor", VM), [top, own], by_path) == []
    assert open_questions(wanted("Contributor", "/mg"), [top], by_path) == []
    assert open_questions(wanted("Contributor", None), [top], by_path) == []
    assert open_questions(wanted("Reader", VM), [top], by_path) == []


def test_without_a_scope_it_counts_where_the_role_may_be_switched_on():
    rows = [eligible("Contributor", SUB), activated("Contributor", VM, eligible=False)]
    assert resolve(wanted("Contributor", None), rows) is rows[0]
    assert refused(wanted("Contributor", None), [*rows, eligible("Contributor", "/s/two")]).code == "ambiguous_role"


def test_without_a_scope_it_counts_where_the_role_is_on_or_on_its_way():
    off, on = eligible("Contributor", SUB), activated("Contributor", "/s/two")
    waiting = eligible("Contributor", "/s/three", pending=request())
    assert resolve(wanted("Contributor", None), [off, on, waiting], active=False) is on
    assert resolve(wanted("Contributor", None), [off, waiting], active=False) is waiting
    assert refused(wanted("Contributor", None), [on, replace(on, scope=VM)], active=False).code == "ambiguous_role"


def test_what_is_off_everywhere_is_off():
    rows = [eligible("Contributor", SUB), eligible("Contributor", "/s/two")]
    assert resolve(wanted("Contributor", None), rows[:1], active=False) is rows[0]
    found = resolve(wanted("Contributor", None), rows, active=False)
    assert (found.scope, found.scope_name, found.active) == (None, None, False)


def test_an_id_is_stronger_than_the_name_somebody_gave_to_another():
    rows = [eligible("member", "g1", scope_name="Admins"), eligible("member", "g2", scope_name="g1")]
    assert resolve(wanted("member", "G1"), rows) is rows[0]


def test_a_scope_that_is_nearly_right_is_told():
    error = refused(wanted("member", "Servr Admins"), [eligible("member", "g1", scope_name="Server Admins")])
    assert error.code == "not_eligible"
    assert "Did you mean 'Server Admins'?" in error.message
