# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that share a session directory: the last to end gives a role back, killed runs leave nothing that is not known, and what was
there before stays."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.state.runs import alive

from contract.home import USER, Home
from contract.one_run import RunProcess
from contract.recording import addresses_of, roles_of
from simulator_process import Simulator

# So that what was activated can be given back at once.
CHANGES = {"minimum_active": "PT0S"}
KILLS = 50
KILLS_OF_GIVING_BACK = 8
AT_ONCE = 20
SECONDS = 20.0


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(changes=CHANGES) as running:
        yield running


@pytest.fixture
def home(simulator, tmp_path) -> Home:
    simulator.control("POST", "reset")
    found = Home(simulator, tmp_path)
    assert found.one(*found.connect()[:1], **found.connect()[1])["changed"]
    return found


@pytest.fixture
def run(home) -> Iterator[Callable[[], RunProcess]]:
    """Makes runs, and ends those that are left."""
    made: list[RunProcess] = []

    def begin() -> RunProcess:
        made.append(RunProcess(home.environment))
        return made[-1]

    yield begin
    for one in made:
        one.kill()


ROLES = roles_of(USER)
FIRST, SECOND = ROLES[:2]
UNKNOWN = "No Such Role"
# A resource group in the subscription Production.
WEB = "/subscriptions/3f6a1d52-8c07-4b9e-a2d4-5e1f70c8b936/resourceGroups/rg-web"


def ended(home: Home, *runs: RunProcess) -> None:
    """Until nobody holds the locks of these runs."""
    wait_for(lambda: not any(alive(str(home.directory), one.id) for one in runs))


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def roles_in(rows: list[dict[str, Any]]) -> set[str]:
    return {row["role"] for row in rows}


def ok(result: dict[str, Any]) -> dict[str, Any]:
    assert not result.get("failed"), result
    return result


def test_a_run_gives_back_what_it_took(home, run):
    one = run()
    result = ok(one.elevate(FIRST, SECOND))
    assert roles_in(result["held"]) == {FIRST, SECOND}
    assert ok(one.elevate(FIRST))["lease_taken"] is False
    result = ok(one.give_back())
    assert result["changed"] is True
    assert roles_in(result["deactivated"]) == {FIRST, SECOND}
    assert home.simulator.activated() == set()
    assert ok(one.give_back())["changed"] is False


def test_only_those_named(home, run):
    one = run()
    ok(one.elevate(FIRST, SECOND))
    assert roles_in(ok(one.give_back(roles=[{"role": FIRST}]))["deactivated"]) == {FIRST}
    assert home.simulator.activated() == {SECOND}


def test_named_as_they_were_given_to_elevate(home, run):
    """A group by its name, with a duration; and a role that the run does not hold."""
    one = run()
    wanted = [{"provider": "groups", "role": "member", "scope": "Team 01", "duration": "1h"}]
    held = ok(one.do("activation", roles=wanted, justification="Test"))["held"]
    assert [lease["provider"] for lease in held] == ["groups"]
    result = ok(one.give_back(roles=[*wanted, {"role": FIRST}]))
    assert [row["scope"] for row in result["deactivated"]] == [lease["scope"] for lease in held]
    assert result["warnings"] == [f"{FIRST} at / is not held by this run, and is left as it is."]
    assert home.simulator.activated() == set()


def test_what_was_active_before_stays(home, run):
    assert home.one("activation", role=FIRST, justification="Test")["changed"]
    one = run()
    result = ok(one.elevate(FIRST, SECOND))
    assert roles_in(result["held"]) == {SECOND}
    assert roles_in(ok(one.give_back())["deactivated"]) == {SECOND}
    assert home.simulator.activated() == {FIRST}


def test_the_last_of_two_gives_back(home, run):
    one, other = run(), run()
    assert ok(one.elevate(FIRST))["changed"]
    result = ok(other.elevate(FIRST))
    assert (result["changed"], roles_in(result["held"]), result["lease_taken"]) == (False, {FIRST}, True)
    result = ok(one.give_back())
    assert (result["changed"], roles_in(result["held_by_others"])) == (False, {FIRST})
    assert home.simulator.activated() == {FIRST}
    assert roles_in(ok(other.give_back())["deactivated"]) == {FIRST}
    assert home.simulator.activated() == set()


def test_the_other_was_killed(home, run):
    one, other = run(), run()
    ok(one.elevate(FIRST))
    ok(other.elevate(FIRST))
    other.kill()
    ended(home, other)
    assert home.one("session_info")["leftovers"] == []
    assert roles_in(ok(one.give_back())["deactivated"]) == {FIRST}
    assert home.simulator.activated() == set()
    one.end()
    ended(home, one)
    assert home.one("session_info")["leftovers"] == []


def test_by_hand_meanwhile(home, run):
    """What was ended, and activated again, by hand is not this run's any more."""
    one = run()
    ok(one.elevate(FIRST, SECOND))
    assert ok(home.one("activation", role=FIRST, state="inactive"))["changed"]
    assert ok(home.one("activation", role=SECOND, state="inactive"))["changed"]
    time.sleep(6)
    assert ok(home.one("activation", role=SECOND, justification="Mine"))["changed"]
    result = ok(one.give_back())
    assert (result["changed"], result["deactivated"]) == (False, [])
    assert home.simulator.activated() == {SECOND}


def test_expired_meanwhile(home, run):
    one = run()
    ok(one.elevate(FIRST, duration="5m"))
    home.simulator.advance("PT6M")
    assert ok(one.give_back())["changed"] is False


def test_plain_end_of_what_another_holds_warns(home, run):
    one, other = run(), run()
    ok(one.elevate(FIRST))
    result = ok(other.do("activation", role=FIRST, state="inactive"))
    assert result["changed"]
    assert any("held by another run" in warning for warning in result["warnings"])
    assert ok(one.give_back())["changed"] is False


def test_a_leftover_is_told_and_given_back(home, run):
    one = run()
    ok(one.elevate(FIRST))
    assert home.one("activation", role=SECOND, justification="Test")["changed"]
    one.kill()
    ended(home, one)
    (left,) = home.one("session_info")["leftovers"]
    assert (left["provider"], left["role"], left["scope"]) == ("entra_roles", FIRST, "/")
    assert left["active_since"] < left["expires_at"]
    (told,) = home.one(home.connect()[0], **home.connect()[1])["leftovers"]
    assert told == left
    assert ok(run().give_back())["changed"] is False
    assert home.simulator.activated() == {FIRST, SECOND}
    assert roles_in(ok(run().give_back(leftovers=True))["deactivated"]) == {FIRST}
    assert home.simulator.activated() == {SECOND}
    assert home.one("session_info")["leftovers"] == []


@pytest.mark.parametrize("provider", ["groups", "azure_resources"])
def test_other_providers(home, run, provider):
    """Given back by the run that took it; and by the next where it was killed."""
    (name, params) = home.connect_azure() if provider == "azure_resources" else home.connect()
    ok(home.one(name, **params))
    wanted = {"roles": addresses_of(USER, provider)[:1], "justification": "Test"}
    one = run()
    (held,) = ok(one.do("activation", **wanted))["held"]
    assert (held["provider"], len(home.simulator.activated())) == (provider, 1)
    (row,) = ok(one.give_back())["deactivated"]
    assert (row["provider"], row["role"], row["scope"]) == (provider, held["role"], held["scope"])
    assert home.simulator.activated() == set()
    ok(one.do("activation", **wanted))
    one.kill()
    ended(home, one)
    (left,) = home.one("session_info")["leftovers"]
    assert (left["provider"], left["role"], left["scope"]) == (provider, held["role"], held["scope"])
    assert len(home.simulator.activated()) == 1
    assert len(ok(run().give_back(leftovers=True))["deactivated"]) == 1
    assert home.simulator.activated() == set()
    assert home.one("session_info")["leftovers"] == []


def test_too_early(tmp_path):
    """Left to expire it stays held, and is given back when it is old enough; waited for it is given back at once then."""
    with Simulator() as simulator:
        home = Home(simulator, tmp_path)
        home.one(*home.connect()[:1], **home.connect()[1])
        with RunProcess(home.environment) as one:
            ok(one.elevate(FIRST))
            result = ok(one.give_back())
            assert (result["changed"], roles_in(result["left_to_expire"])) == (False, {FIRST})
            assert result["roles"][0]["status"] == "left_to_expire"
            failed = one.give_back(too_early="fail")
            assert failed["failure"]["code"] == "too_early"
            simulator.advance("PT6M")
            assert roles_in(ok(one.give_back())["deactivated"]) == {FIRST}
            ok(one.elevate(SECOND))
            later = threading.Timer(1.0, simulator.advance, ["PT6M"])
            later.start()
            assert roles_in(ok(one.give_back(too_early="wait"))["deactivated"]) == {SECOND}
            later.join()
            assert home.simulator.activated() == set()


def test_an_azure_role_below_its_eligibility_that_no_list_shows_yet(tmp_path):
    lag = {"azure_resources": {"activation": "PT10M"}}
    with Simulator(changes={**CHANGES, "lag": lag}) as simulator:
        home = Home(simulator, tmp_path)
        ok(home.one(home.connect_azure()[0], **home.connect_azure()[1]))
        below = {**addresses_of(USER, "azure_resources")[0], "scope": WEB}
        with RunProcess(home.environment) as one:
            (held,) = ok(one.do("activation", roles=[below], justification="Test", wait=False))["held"]
            assert held["scope"] == below["scope"]
            assert ok(one.give_back(wait=False))["deactivated"] == [held]
        assert home.simulator.activated() == set()


def test_killed_at_any_moment_of_an_elevation(home, run, capsys):
    """The moments are spread evenly: half of them over the whole, from the order to the result, and half over the writes."""
    journal = home.directory / "journal.jsonl"
    # Active before, by hand: it has to stay, whatever happens.
    assert home.one("activation", role=ROLES[-1], justification="Mine")["changed"]
    wanted = {"roles": [{"role": role} for role in [*ROLES[:3], ROLES[-1]]], "justification": "Test"}

    def writing(one: RunProcess) -> bool:
        return one.id in journal.read_text(encoding="utf-8")

    measured = []
    for _turn in range(3):
        with RunProcess(home.environment) as one:
            begun = time.monotonic()
            one.begin("activation", **wanted)
            wait_for(lambda: writing(one))
            noticed = time.monotonic()
            ok(one.result())
            measured.append((time.monotonic() - begun, time.monotonic() - noticed))
            ok(one.give_back())
    # The shortest: the machine may be busy, and what is killed too late is not killed.
    whole, writes = map(min, zip(*measured))
    hit, left_on = 0, 0
    for number in range(KILLS):
        one = run()
        one.begin("activation", **wanted)
        if number % 2:
            wait_for(lambda: writing(one))  # noqa: B023 - called at once
        after = (writes if number % 2 else whole) * number / KILLS
        time.sleep(after)
        hit += one.kill()
        # What was on its way is carried out all the same.
        time.sleep(0.2)
        ended(home, one)
        where = f"{number}, killed after {after:.4f} s"
        on = home.simulator.activated()
        left_on += len(on) > 1
        told = roles_in(home.one("session_info")["leftovers"])
        assert on - told == {ROLES[-1]}, where
        with RunProcess(home.environment) as cleaner:
            result = ok(cleaner.give_back(leftovers=True))
        assert roles_in(result["deactivated"]) == on - {ROLES[-1]}, where
        assert home.simulator.activated() == {ROLES[-1]}, where
        # What never reached the service is known to be off only after a while.
        assert all(row["active_since"] is None for row in home.one("session_info")["leftovers"]), where
    with capsys.disabled():
        print(f"\n{hit} runs killed at work, roles left on by {left_on} of {KILLS}")
    assert hit >= KILLS // 2
    assert left_on > 1


def test_killed_while_giving_back(home, run, capsys):
    """The moments are spread evenly over the whole, from the order to the result."""
    measured = []
    for _turn in range(3):
        with RunProcess(home.environment) as one:
            ok(one.elevate(*ROLES[:3]))
            begun = time.monotonic()
            ok(one.give_back())
            measured.append(time.monotonic() - begun)
    # Half as long again, because what is measured alone is quicker: some are to be killed when they have written.
    whole = 1.5 * min(measured)
    hit, left_on = 0, 0
    for number in range(KILLS_OF_GIVING_BACK):
        one = run()
        ok(one.elevate(*ROLES[:3]))
        after = whole * number / KILLS_OF_GIVING_BACK
        one.begin("giving_back")
        time.sleep(after)
        hit += one.kill()
        time.sleep(0.2)
        ended(home, one)
        where = f"{number}, killed after {after:.4f} s"
        on = home.simulator.activated()
        left_on += on != set()
        assert on <= roles_in(home.one("session_info")["leftovers"]), where
        with RunProcess(home.environment) as cleaner:
            ok(cleaner.give_back(leftovers=True))
        assert home.simulator.activated() == set(), where
        assert home.one("session_info")["leftovers"] == [], where
    with capsys.disabled():
        print(f"\n{hit} runs killed at work, roles left on by {left_on} of {KILLS_OF_GIVING_BACK}")
    assert hit >= KILLS_OF_GIVING_BACK // 2
    assert left_on > 0


def test_a_kill_that_comes_too_late_is_none(home, run):
    """What the tests above count by."""
    early, late = run(), run()
    early.begin("session_info")
    assert early.kill()
    late.begin("session_info")
    late.wait()
    assert not late.kill()


def test_many_runs_share_roles(home, run):
    """Each takes the same roles, holds them while it works, and gives them back. Some are killed, some end without giving back,
    and some have a task that fails. None loses a role it holds."""
    runs = [run() for _number in range(AT_ONCE)]
    lost: list[object] = []

    def play(number: int, one: RunProcess) -> None:
        try:
            result = one.elevate(FIRST, SECOND, wait_timeout=90)
            if result.get("failed") or roles_in(result["held"]) != {FIRST, SECOND}:
                lost.append((number, "elevate", result))
            time.sleep(random.uniform(0, 1.0))  # noqa: S311 - no secret
            if not {FIRST, SECOND} <= home.simulator.activated():
                lost.append((number, "lost while at work", home.simulator.activated()))
            if number % 4 == 3:
                one.kill()
                return
            if number % 4 == 2:
                # As a playbook does that has neither `always` nor the handler.
                one.end()
                return
            if number % 4 == 1:
                result = one.elevate(SECOND, UNKNOWN)
                if result.get("failure", {}).get("code") != "unknown_role":
                    lost.append((number, "did not fail", result))
                if not {FIRST, SECOND} <= home.simulator.activated():
                    lost.append((number, "lost by a failure", home.simulator.activated()))
            result = one.give_back()
            if result.get("failed"):
                lost.append((number, "give back", result))
        except Exception as error:  # noqa: BLE001 - it is told by the test itself
            lost.append((number, repr(error)))

    threads = [threading.Thread(target=play, args=(number, one)) for number, one in enumerate(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    for one in runs:
        one.end()
    ended(home, *runs)
    with RunProcess(home.environment) as cleaner:
        ok(cleaner.give_back(leftovers=True))
    assert home.simulator.activated() == set()
    assert home.one("session_info")["leftovers"] == []
