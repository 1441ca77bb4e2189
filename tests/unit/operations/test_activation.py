# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole activations against a directory that keeps PIM's rules: what must hold whatever the account has and is asked for."""

from __future__ import annotations

import copy
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.times import parse_duration
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import NOW, START, FakeClock
from unit.operations.azure import SUBSCRIPTION, Azure, AzureRole
from unit.operations.directory import Directory, Role
from unit.operations.world import World, active, role_of, world_of
from unit.state.saved import session

ROW_EXTRAS = {"changed", "request_id", "status"}


@pytest.fixture
def world(tmp_path):
    return lambda *roles: world_of(str(tmp_path / "state"), *roles)


def test_a_role_is_switched_on_and_off_again(world):
    here = world(Role("Reader"))
    on = here.run(role="reader", duration="PT30M")
    assert (on["changed"], on["roles"][0]["active"], on["roles"][0]["changed"]) == (True, True, True)
    assert on["roles"][0]["expires_at"] == "2030-03-17T18:16:40Z"
    assert on["activated"] == [{"provider": "entra_roles", "role": "Reader", "scope": "/"}]
    assert on["deactivated"] == []
    assert here.run(role="reader")["changed"] is False
    here.fake.advance(600)
    off = here.run(roles=on["activated"], state="inactive")
    assert (off["changed"], off["roles"][0]["active"]) == (True, False)
    assert off["deactivated"] == on["activated"]
    assert here.run(roles=on["activated"], state="inactive")["changed"] is False


def test_the_journal_has_each_write(world):
    here = world(Role("A"), Role("B"))
    here.run(roles=[{"role": "A"}, {"role": "B"}])
    lines = here.journal()
    assert [(line["event"], line.get("role")) for line in lines[:2]] == [("submitting", "A"), ("submitting", "B")]
    assert [line["outcome"] for line in lines[2:]] == ["accepted", "accepted"]


@pytest.mark.parametrize(("number", "most"), [(1, 3), (2, 4), (20, 4)])
def test_the_budget_of_calls(world, number, most):
    here = world(*(Role(f"Role{place}") for place in range(number)))
    result = here.run(roles=[{"role": f"Role{place}"} for place in range(number)])
    assert len(result["activated"]) == number
    assert here.directory.calls <= most


@pytest.mark.parametrize(("number", "most"), [(1, 4), (2, 7), (20, 43)])
def test_the_budget_of_calls_to_azure(tmp_path, number, most):
    """Two lists, a policy and a write for each of several, one look."""
    roles = [AzureRole(f"Role{place}") for place in range(number)]
    here = world_of(str(tmp_path / "state"), *roles, kind=Azure)
    result = here.run(roles=[{"role": role.name, "provider": "azure_resources"} for role in roles])
    assert len(result["activated"]) == number
    assert here.directory.calls <= most


def test_an_azure_role_is_switched_on_and_off_again(tmp_path):
    here = world_of(str(tmp_path / "state"), AzureRole("Reader"), kind=Azure)
    on = here.run(role="reader", duration="PT30M")
    assert (on["changed"], on["roles"][0]["active"]) == (True, True)
    assert on["activated"] == [{"provider": "azure_resources", "role": "Reader", "scope": SUBSCRIPTION}]
    # As a list of long ago has it, and by its full id.
    old = f"/providers/Microsoft.Subscription{SUBSCRIPTION.upper()}"
    assert here.run(role=f"{old}/roleDefinitions/{AzureRole('Reader').id.upper()}", scope=old)["changed"] is False
    here.fake.advance(600)
    off = here.run(roles=on["activated"], state="inactive")
    assert (off["changed"], off["deactivated"]) == (True, on["activated"])
    assert here.run(roles=on["activated"], state="inactive")["changed"] is False


def test_too_early_is_waited_out(world):
    here = world(active(since=1))
    result = here.run(role="Reader", state="inactive")
    assert result["changed"] is True
    assert 230 <= sum(here.fake.slept) <= 300


def test_too_early_may_leave_the_role_to_expire(world):
    here = world(active(since=1))
    result = here.run(role="Reader", state="inactive", too_early="leave")
    assert (result["changed"], result["roles"][0]["status"], result["deactivated"]) == (False, "left_to_expire", [])
    assert result["warnings"]


def test_too_early_may_fail(world):
    here = world(active(since=1))
    result = here.run(role="Reader", state="inactive", too_early="fail")
    assert (result["failed"], result["failure"]["code"], result["changed"]) == (True, "too_early", False)


def test_a_renewal(world):
    here = world(active(left=5))
    result = here.run(role="Reader", minimum_remaining="30m", duration="2h")
    assert [write[0] for write in here.directory.writes] == ["selfDeactivate", "selfActivate"]
    assert len(result["activated"]) == 1
    assert result["deactivated"] == []
    assert result["roles"][0]["active"] is True


def test_a_refusal_is_explained_by_the_policy(world):
    here = world(Role("Reader", maximum="PT1H"))
    result = here.run(role="Reader", duration="2h")
    assert (result["failure"]["code"], result["failure"]["service_code"]) == (
        "policy_violation",
        "RoleAssignmentRequestPolicyValidationFailed",
    )
    assert "PT1H" in result["msg"]
    assert here.directory.changes == []


def test_without_a_duration_the_maximum_is_taken(world):
    here = world(Role("Reader", maximum="PT30M"))
    assert here.run(role="Reader")["roles"][0]["expires_at"] == "2030-03-17T18:16:40Z"


def test_one_that_cannot_work_keeps_the_others_from_being_written(world):
    here = world(Role("A"), Role("B", maximum="PT30M"))
    result = here.run(roles=[{"role": "A"}, {"role": "B"}], duration="1h")
    assert result["failure"]["code"] == "policy_violation"
    assert here.directory.writes == []
    assert here.journal() == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"role": "Raeder"}, "unknown_role"),
        ({"role": "Reader", "scope": "/administrativeUnits/x"}, "not_eligible"),
        ({"role": "Reader", "scope": "north"}, "invalid_option"),
        ({"role": "Reader", "duration": "soon"}, "invalid_option"),
        ({"role": "Reader", "duration": "4m"}, "policy_violation"),
        ({"role": "Reader", "minimum_remaining": "max"}, "invalid_option"),
        ({"role": "Reader", "start_time": "tomorrow"}, "invalid_option"),
        ({"role": "Reader", "start_time": "9999-12-31T23:59:59Z"}, "invalid_option"),
        ({"role": "Reader", "wait_timeout": 0}, "invalid_option"),
        ({"role": ""}, "invalid_option"),
        ({"roles": [{"role": "Reader"}, {"role": "reader"}]}, "invalid_option"),
        ({"roles": [{"role": "Reader"}, {"role": "id-reader"}]}, "invalid_option"),
    ],
)
def test_what_is_refused_before_anything_is_written(world, given, code):
    here = world(Role("Reader"))
    result = here.run(**given)
    assert (result["failed"], result["failure"]["code"], result["changed"]) == (True, code, False)
    assert here.directory.writes == []


def test_no_role_is_no_change(world):
    result = world().run(roles=[])
    assert (result["changed"], result["roles"], result["activated"], result["deactivated"]) == (False, [], [], [])


def test_an_application_cannot_activate(world):
    here = world(Role("Reader"))
    Sessions(here.path, here.fake.clock).save(
        session(
            principal_type="service_principal", refresh_token=None, tokens={"graph": Token("t", START, START + 9e5, [])}
        )
    )
    assert here.run(role="Reader")["failure"]["code"] == "app_only_not_supported"
    assert here.directory.calls == 0


def test_check_mode_without_a_session_is_not_checked(tmp_path):
    here = World(FakeClock(), Directory(FakeClock(), []), str(tmp_path / "state"))
    result = here.run(check_mode=True, role="Reader")
    assert "failed" not in result
    assert result["roles"][0]["status"] == "not_checked"
    assert result["warnings"]
    assert not (tmp_path / "state").exists()


def test_an_approval_that_does_not_come_is_withdrawn(world):
    here = world(Role("Reader", approval=True))
    result = here.run(role="Reader", wait_timeout=30)
    assert (result["failure"]["code"], result["changed"], result["activated"]) == ("wait_timeout", False, [])
    assert here.directory.requests[0]["status"] == "Canceled"


def test_an_approval_that_is_not_waited_for_is_pending(world):
    here = world(Role("Reader", approval=True))
    result = here.run(role="Reader", wait=False)
    assert (result["changed"], result["roles"][0]["active"]) == (True, False)
    assert result["roles"][0]["pending"]["status"] == "PendingApproval"
    assert here.run(role="Reader", wait=False)["changed"] is False
    gone = here.run(role="Reader", state="inactive")
    assert (gone["changed"], gone["roles"][0]["pending"]) == (True, None)


def test_a_later_start_is_scheduled_and_not_waited_for(world):
    here = world(Role("Reader"))
    result = here.run(role="Reader", start_time="2030-03-18T00:00:00Z")
    assert (result["changed"], result["roles"][0]["active"]) == (True, False)
    assert result["roles"][0]["pending"]["start_time"] == "2030-03-18T00:00:00Z"
    assert sum(here.fake.slept) < 5


def test_a_row_has_the_keys_of_the_contract(world):
    (row,) = world(Role("Reader")).run(role="Reader")["roles"]
    assert set(row) >= ROW_EXTRAS
    assert "failure" not in row
    result = world(active(assigned=True, end=None)).run(role="Reader", state="inactive")
    assert result["failure"]["code"] == "not_self_activated"


# Whatever the account has, and whatever is asked for.


def _role(name, kind, left, since, maximum, justification, approval) -> Role:
    policy = {"maximum": maximum, "justification": justification, "approval": approval}
    if kind == "eligible":
        return Role(name, **policy)
    if kind == "not eligible":
        return active(name, left, since, eligible=False, **policy)
    if kind == "activated":
        return active(name, left, since, **policy)
    if kind == "assigned":
        return active(name, left, since, assigned=True, **policy)
    return active(name, since=since, assigned=True, end=None, eligible=False, **policy)


_ROLES = st.lists(
    st.builds(
        _role,
        st.sampled_from(["Alpha", "Beta", "Gamma", "Delta"]),
        st.sampled_from(["eligible", "activated", "assigned", "permanent", "not eligible"]),
        # Minutes left, and since when: together never less than the five that every activation lasts.
        st.sampled_from([5, 10, 59, 61, 400]),
        st.sampled_from([1, 6, 60]),
        st.sampled_from(["PT30M", "PT1H", "PT8H"]),
        st.booleans(),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda role: role.name,
)
_OPTIONS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["active", "inactive"]),
        "minimum_remaining": st.sampled_from(["0", "5m", "1h"]),
        "duration": st.sampled_from([None, "max", "30m", "2h"]),
        "justification": st.sampled_from([None, "why"]),
        "too_early": st.sampled_from(["wait", "leave", "fail"]),
        "wait": st.booleans(),
        "start_time": st.sampled_from([None, None, None, "2030-03-17T20:00:00Z"]),
        "wait_timeout": st.just(20),
    }
)


# Both services keep the same promises.
_KINDS = st.sampled_from([Directory, Azure])


def _world(directory: str, kind: type[Directory], roles: list[Role]) -> World:
    return world_of(str(Path(directory) / "s"), *(role_of(kind, role) for role in roles), kind=kind)


def _asked(world: World) -> list[dict[str, str]]:
    return [{"role": role.name, "provider": world.provider} for role in world.directory.roles]


def _addresses(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    kinds = {"entra_roles": Role, "azure_resources": AzureRole}
    return {(kinds[one["provider"]](one["role"]).id, one["scope"]) for one in found}


@given(_KINDS, _ROLES, _OPTIONS)
def test_check_mode_writes_nothing(kind, roles, options):
    with tempfile.TemporaryDirectory() as directory:
        here = _world(directory, kind, roles)
        before, on_disk = copy.deepcopy(here.directory.roles), _content(directory)
        result = here.run(check_mode=True, roles=_asked(here), **options)
        assert here.directory.writes == []
        assert here.directory.roles == before
        assert here.directory.requests == []
        assert _content(directory) == on_disk
        assert result.get("failure", {}).get("code") != "unexpected", result["msg"]
        assert not _addresses(result.get("activated", [])) & _addresses(result.get("deactivated", []))


def _content(directory: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(directory).rglob("*.js*") if path.is_file()}


@given(_KINDS, _ROLES, _OPTIONS)
def test_promises_of_every_run(kind, roles, options):
    with tempfile.TemporaryDirectory() as directory:
        here = _world(directory, kind, roles)
        before = {(role.id, role.scope): copy.copy(role) for role in here.directory.roles}
        were_active = here.directory.state()
        result = here.run(roles=_asked(here), **options)
        assert result.get("failure", {}).get("code") != "unexpected", result["msg"]
        on, off = _addresses(result.get("activated", [])), _addresses(result.get("deactivated", []))
        written = {(role_id, scope) for _action, role_id, scope in here.directory.writes}

        assert off <= were_active, "deactivated what was not active"
        assert not on & off, "one role in both lists"
        assert result["changed"] == any(row["changed"] for row in result.get("roles", []))
        if not here.directory.changes:
            assert result["changed"] is False
            assert not on | off
        if result.get("failed") and result["failure"]["code"] in (
            "policy_violation",
            "not_eligible",
            "not_self_activated",
        ):
            assert not on | off
        remaining = timedelta(seconds=parse_duration(options["minimum_remaining"]))
        for key, role in before.items():
            if options["state"] == "inactive":
                assert not (role.active and role.assigned and key in written), (
                    "a step for what an administrator assigned"
                )
            elif role.active and (role.end is None or role.end - NOW >= remaining):
                assert key not in written, "a write for a role that is active long enough"
        # Each write was in the journal before it was sent.
        intended = [line for line in here.journal() if line["event"] == "submitting"]
        assert len(intended) == len(here.directory.writes)
        assert {(line["role_id"], line["scope"]) for line in intended} == written


@given(_KINDS, _ROLES, _OPTIONS)
def test_a_second_run_changes_nothing(kind, roles, options):
    with tempfile.TemporaryDirectory() as directory:
        here = _world(directory, kind, roles)
        options = {**options, "minimum_remaining": "0", "too_early": "wait"}
        if here.run(roles=_asked(here), **options).get("failed"):
            return
        before = here.directory.state()
        again = here.run(roles=_asked(here), **options)
        assert again["changed"] is False, again
        # Nothing but time may have changed it.
        assert here.directory.state() <= before


@given(_KINDS, _ROLES, _OPTIONS)
def test_what_was_switched_on_is_what_undoing_switches_off(kind, roles, options):
    with tempfile.TemporaryDirectory() as directory:
        here = _world(directory, kind, roles)
        before = here.directory.state()
        options = {**options, "state": "active", "minimum_remaining": "0"}
        result = here.run(roles=_asked(here), **options)
        undone = here.run(roles=result.get("activated", []), state="inactive", wait_timeout=20)
        assert "failed" not in undone, undone["msg"]
        assert not any(one["status"] in ("PendingApproval", "Granted") for one in here.directory.requests)
        after = here.directory.state()
        assert after <= before
        still = {
            (role.id, role.scope)
            for role in here.directory.roles
            if role.end is None or role.end > here.fake.clock.now()
        }
        assert before & still <= after, "a role that was active before was switched off"


@given(_KINDS, _ROLES, _OPTIONS)
def test_check_mode_foretells_the_run(kind, roles, options):
    """Where nothing stands in the way, what check mode says would be is what is."""
    with tempfile.TemporaryDirectory() as directory:
        here = _world(directory, kind, roles)
        told = here.run(check_mode=True, roles=_asked(here), **options)
        done = here.run(roles=_asked(here), **options)
        if told.get("failed"):
            assert done.get("failed"), told["msg"]
        elif not done.get("failed") and options["too_early"] == "wait":
            assert told["changed"] == done["changed"]
            assert _addresses(told["activated"]) == _addresses(done["activated"])
            assert _addresses(told["deactivated"]) == _addresses(done["deactivated"])
