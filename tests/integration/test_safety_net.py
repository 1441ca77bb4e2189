# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback safety_net, at every ending that ansible-playbook can have, brought about for real."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from integration import leaks, runs
from integration.endings import (
    AT_ONCE,
    CONNECT,
    ELEVATE,
    ENDINGS,
    SECONDS,
    WAYS,
    Ending,
    Outcome,
    Playbook,
    until,
)
from simulator_process import Simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(changes={"minimum_active": "PT0S"}) as running:
        yield running


@pytest.fixture(scope="module")
def endings(simulator, tmp_path_factory) -> Iterator[Any]:
    """A function from the name of an ending to its playbook and its outcome."""
    base = tmp_path_factory.mktemp("endings")

    def bring_about(number: int, ending: Ending) -> tuple[Playbook, Outcome]:
        playbook = Playbook(simulator, base / str(number), ending.role)
        return playbook, playbook.run(CONNECT + ELEVATE + ending.tasks + ending.plays, ending.signals)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = {name: pool.submit(bring_about, number, one) for number, (name, one) in enumerate(ENDINGS.items())}
        yield lambda name: started[name].result()


@pytest.mark.parametrize("name", ENDINGS)
def test_ending(simulator, endings, name):
    playbook, outcome = endings(name)
    ending = ENDINGS[name]
    said = f"{outcome.output}\n{outcome.errors}"
    assert outcome.status == ending.status, said
    given_back = ending.given_back[WAYS.index("safety_net")]
    assert (ending.role in simulator.activated()) is not given_back, said
    if given_back:
        ((role, scope, since, end, became),) = outcome.table
        assert (role, scope, became) == (ending.role, "/", "yes"), said
        assert since < end
    else:
        assert outcome.table == []
    assert outcome.seconds < 20
    assert not leaks.leaks(said.encode(), runs.passwords_in(playbook.environment))


def test_leftovers_of_a_killed_run(simulator, endings):
    """They are told, and given back when somebody asks for that."""
    playbook, _outcome = endings("SIGKILL")
    assert playbook.role in simulator.activated()
    again = playbook.run(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - entra.pim.pim_session_info:
      register: info
    - ansible.builtin.assert:
        that: info.leftovers | map(attribute='role') | list == [role]
    - entra.pim.pim_give_back:
        leftovers: true
"""
    )
    assert again.status == 0, again.output
    assert playbook.role not in simulator.activated()
    assert again.table == []


@pytest.fixture
def playbook(simulator, tmp_path):
    """A function that makes a playbook for a role."""
    numbers = itertools.count()
    return lambda role, **options: Playbook(simulator, tmp_path / str(next(numbers)), role, options)


def test_what_the_play_gave_back_itself_is_not_told(simulator, playbook):
    role = "License Administrator"
    back = "    - entra.pim.pim_role_activation:\n        role: '{{ role }}'\n        state: inactive\n"
    outcome = playbook(role).run(CONNECT + ELEVATE + back)
    assert (outcome.status, "SAFETY NET" in outcome.errors) == (0, False), outcome.errors
    assert role not in simulator.activated()


def test_what_was_active_before_stays(simulator, playbook):
    before, taken = "Network Administrator", "Printer Administrator"
    assert playbook(before, ANSIBLE_CALLBACKS_ENABLED="").run(CONNECT + ELEVATE).status == 0
    outcome = playbook(before).run(CONNECT + ELEVATE + ELEVATE.replace("{{ role }}", taken))
    assert [row[0] for row in outcome.table] == [taken]
    assert before in simulator.activated()
    assert taken not in simulator.activated()


def test_ended_while_an_activation_is_under_way(simulator, playbook):
    """Its answer is lost, and it is given back all the same."""
    role = "Search Administrator"
    simulator.control("POST", "faults", {"path": "roleAssignmentScheduleRequests", "method": "POST", "delay_ms": 3000})
    one = playbook(role)
    process = one.start(CONNECT + ELEVATE)
    until(lambda: role in simulator.activated() or process.poll() is not None, "nothing was activated")
    process.terminate()
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 143, output + errors
    assert [row[-1] for row in Outcome(143, output, errors, 0).table] == ["yes"], errors
    assert role not in simulator.activated()


def test_a_service_that_does_not_answer(simulator, playbook):
    """It ends all the same, in the time that is set, and says so."""
    role = "Teams Administrator"
    one = playbook(role, ENTRA_PIM_SAFETY_NET_TIMEOUT="3")
    text = (
        CONNECT + ELEVATE + "    - ansible.builtin.command: touch {{ ready }}\n    - ansible.builtin.command: sleep 2\n"
    )
    process = one.start(text)
    until(lambda: one.ready.exists() or process.poll() is not None, "the playbook did not get to work")
    simulator.control("POST", "latency", {"ms": 20000, "path": "roleManagement"})
    try:
        begun = time.monotonic()
        output, errors = process.communicate(timeout=SECONDS)
        seconds = time.monotonic() - begun
    finally:
        simulator.control("DELETE", "faults")
    ((told, *_rest, became),) = Outcome(process.returncode, output, errors, seconds).table
    assert (process.returncode, told) == (0, role)
    assert became.startswith("no: ")
    assert seconds < 3 + 10
    assert role in simulator.activated()


def test_what_ran_as_a_module_is_told_and_stays(simulator, playbook):
    role = "Knowledge Administrator"
    outcome = playbook(role).run(CONNECT + ELEVATE + "      async: 60\n      poll: 1\n")
    ((told, _scope, _since, _until, became),) = outcome.table
    assert (outcome.status, told) == (0, role), outcome.output
    assert became == "no: taken as a module on localhost, which has to give it back"
    assert role in simulator.activated()


_WITHOUT_SESSION = "\n- hosts: localhost\n  gather_facts: false\n  tasks:" + ELEVATE


def test_credentials_of_the_environment_serve(simulator, playbook):
    role = "Edge Administrator"
    given = {
        "ENTRA_PIM_USERNAME": "manyroles@contoso.example",
        "ENTRA_PIM_PASSWORD": runs.passwords()["PASSWORD_OF_MANYROLES"],
    }
    outcome = playbook(role, **given).run(_WITHOUT_SESSION)
    assert [row[-1] for row in outcome.table] == ["yes"], outcome.output + outcome.errors
    assert role not in simulator.activated()


def test_credentials_of_a_task_are_not_kept(simulator, playbook):
    role = "Guest Inviter"
    outcome = playbook(role).run(
        _WITHOUT_SESSION
        + """        username: manyroles@contoso.example
        password: "{{ lookup('ansible.builtin.env', 'PASSWORD_OF_MANYROLES') }}"
"""
    )
    ((*_address, became),) = outcome.table
    assert became.startswith("no: There is no session default"), outcome.errors
    assert role in simulator.activated()


def test_sessions_of_several_accounts_and_places(simulator, playbook):
    """Each role is given back by the account that took it, wherever its session lies."""
    text = ""
    for number, (user, role) in enumerate((("manyroles", "Billing Administrator"), ("operator", "Security Reader"))):
        place = f"        session: '{user}'\n        session_dir: '{{{{ ready }}}}-{number}'\n"
        text += (CONNECT + place + ELEVATE + place).replace("manyroles@", f"{user}@").replace(
            "PASSWORD_OF_MANYROLES", f"PASSWORD_OF_{user.upper()}"
        ).replace("{{ role }}", role)  # fmt: skip
    outcome = playbook("").run(text)
    assert [(row[0], row[-1]) for row in outcome.table] == [
        ("Billing Administrator", "yes"),
        ("Security Reader", "yes"),
    ], outcome.output + outcome.errors
    assert not {"Billing Administrator", "Security Reader"} & simulator.activated()


def test_too_early(tmp_path):
    """Left, waited for, and watched. The five minutes are over when the test says so, however slow the machine is."""
    with Simulator() as slow, ThreadPoolExecutor(AT_ONCE) as pool:

        def playbook(name: str, role: str) -> Playbook:
            return Playbook(slow, tmp_path / name, role, {"ENTRA_PIM_SAFETY_NET_TOO_EARLY": name})

        waiting = playbook("wait", "Application Developer").start(CONNECT + ELEVATE)
        try:
            left = pool.submit(playbook("leave", "Application Administrator").run, CONNECT + ELEVATE)
            watched = pool.submit(playbook("watch", "Attack Payload Author").run, CONNECT + ELEVATE)
            assert left.result().table[0][-1] == "no: younger than five minutes, left to expire"
            assert watched.result().table[0][-1] == "later: a watcher gives it back when the five minutes are over"
            assert any("waiting to give back" in line for line in waiting.stderr)
            assert slow.activated() == {"Application Administrator", "Application Developer", "Attack Payload Author"}
            slow.advance("PT5M")
            output, errors = waiting.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(waiting.pid, signal.SIGKILL)
            waiting.wait()
        assert Outcome(waiting.returncode, output, errors, 0).table[0][-1] == "yes", errors
        until(lambda: slow.activated() == {"Application Administrator"}, "the watcher did not give it back")


def test_waiting_is_ended_by_a_signal(tmp_path):
    with Simulator() as slow:
        role = "Application Administrator"
        one = Playbook(slow, tmp_path / "one", role, {"ENTRA_PIM_SAFETY_NET_TOO_EARLY": "wait"})
        process = one.start(CONNECT + ELEVATE)
        try:
            assert any("waiting to give back" in line for line in process.stderr)
            os.killpg(process.pid, signal.SIGINT)
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 99, output + errors
        assert role in slow.activated()
        assert Outcome(99, output, errors, 0).table[0][-1] == "no: younger than five minutes, left to expire"
