# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback safety_net, at every ending that ansible-playbook can have, brought about for real."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from integration import leaks, runs
from simulator_process import Simulator
from tools import layout

AT_ONCE = 4
SECONDS = 60.0
_GUIDE = layout.ROOT / "docs" / "safety_net.md"

_CONNECT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - entra.pim.pim_connect:
        username: manyroles@contoso.example
        password: "{{ lookup('ansible.builtin.env', 'PASSWORD_OF_MANYROLES') }}"
"""
_ELEVATE = """
    - entra.pim.pim_role_activation:
        role: "{{ role }}"
        justification: Test
"""
_WORK = """
    - ansible.builtin.command: touch {{ ready }}
    - ansible.builtin.command: sleep 60
"""


@dataclass(frozen=True)
class Ending:
    """What follows the elevation, and whom `signals` go to: the process, or its group."""

    status: int
    tail: str = _WORK
    signals: tuple[tuple[int, str], ...] = ()
    role: str = ""
    given_back: bool = True


# By the first cell of the guide's table. Each has a role of its own, so that they can go on side by side.
ENDINGS = {
    "The playbook ends": Ending(0, "", role="Application Administrator"),
    "A task fails": Ending(2, "\n    - ansible.builtin.fail:\n", role="Application Developer"),
    "A host is unreachable": Ending(
        4,
        "\n- hosts: nowhere\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n",
        role="Attack Payload Author",
    ),
    "`meta: end_play`": Ending(0, "\n    - ansible.builtin.meta: end_play\n", role="Authentication Administrator"),
    "`hosts` of a later play is undefined": Ending(
        4, '\n- hosts: "{{ nobody }}"\n  tasks: []\n', role="Azure DevOps Administrator"
    ),
    "A later play has a strategy that does not exist": Ending(
        1, "\n- hosts: localhost\n  strategy: nothing\n  tasks: []\n", role="Billing Administrator"
    ),
    "SIGINT to `ansible-playbook` alone": Ending(
        99, signals=((signal.SIGINT, "process"),), role="Cloud Device Administrator"
    ),
    "Ctrl-C": Ending(99, signals=((signal.SIGINT, "group"),), role="Compliance Administrator"),
    "Ctrl-C twice": Ending(
        99, signals=((signal.SIGINT, "group"), (signal.SIGINT, "group")), role="Domain Name Administrator"
    ),
    "SIGTERM": Ending(143, signals=((signal.SIGTERM, "process"),), role="Edge Administrator"),
    "SIGHUP": Ending(129, signals=((signal.SIGHUP, "group"),), role="Guest Inviter"),
    "SIGKILL": Ending(-9, signals=((signal.SIGKILL, "process"),), role="Intune Administrator", given_back=False),
}


@dataclass
class Playbook:
    """One ansible-playbook under the safety net, with a session directory of its own."""

    simulator: Simulator
    directory: Path
    role: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True)
        (self.directory / "inventory").write_text(
            "localhost ansible_connection=local\nnowhere ansible_host=127.0.0.1 ansible_port=9\n"
        )
        self.ready = self.directory / "ready"
        self.sessions = self.directory / "sessions"
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ENTRA_PIM"))},
            **self.simulator.environment,
            **runs.passwords(),
            "ANSIBLE_CALLBACKS_ENABLED": "entra.pim.safety_net",
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ENTRA_PIM_SESSION_DIR": str(self.sessions),
            **self.options,
        }
        # An empty one is none.
        self.environment = {name: value for name, value in variables.items() if value}

    def start(self, text: str) -> subprocess.Popen[str]:
        playbook = self.directory / "playbook.yml"
        playbook.write_text(text, encoding="utf-8")
        return subprocess.Popen(
            [
                str(Path(sys.prefix) / "bin" / "ansible-playbook"), "-i", str(self.directory / "inventory"), str(playbook),
                "-e", json.dumps({"role": self.role, "ready": str(self.ready), "ansible_python_interpreter": sys.executable}),
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, text: str, signals: tuple[tuple[int, str], ...] = ()) -> Outcome:
        """To its end, with the signals sent while it is at work."""
        process = self.start(text)
        try:
            if signals:
                until(lambda: self.ready.exists() or process.poll() is not None, "the playbook did not get to work")
            for number, whom in signals:
                with contextlib.suppress(ProcessLookupError):
                    (os.kill if whom == "process" else os.killpg)(process.pid, number)
                time.sleep(0.05)
            begun = time.monotonic()
            output, errors = process.communicate(timeout=SECONDS)
            return Outcome(process.returncode, output, errors, time.monotonic() - begun)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str
    errors: str
    seconds: float

    @property
    def table(self) -> list[list[str]]:
        """The cells of the rows, without the head."""
        _before, found, after = self.errors.partition("PIM SAFETY NET")
        lines = after.splitlines()[2:] if found else []
        return [re.split(r" {2,}", line) for line in lines if line.strip()]


def until(condition: Any, said: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def active(simulator: Simulator) -> set[str]:
    rows = simulator.control("GET", "state")["active"]
    return {row["role"] for row in rows if row["type"] == "Activated"}


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
        return playbook, playbook.run(_CONNECT + _ELEVATE + ending.tail, ending.signals)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = {name: pool.submit(bring_about, number, one) for number, (name, one) in enumerate(ENDINGS.items())}
        yield lambda name: started[name].result()


@pytest.mark.parametrize("name", ENDINGS)
def test_ending(simulator, endings, name):
    playbook, outcome = endings(name)
    ending = ENDINGS[name]
    said = f"{outcome.output}\n{outcome.errors}"
    assert outcome.status == ending.status, said
    assert (ending.role in active(simulator)) is not ending.given_back, said
    if ending.given_back:
        ((role, scope, since, end, became),) = outcome.table
        assert (role, scope, became) == (ending.role, "/", "yes"), said
        assert since < end
    else:
        assert outcome.table == []
    assert outcome.seconds < 20
    assert not leaks.leaks(said.encode(), runs.passwords_in(playbook.environment))


def test_the_guide_tells_each_ending():
    """First cell, exit status as a shell has it, whether it was given back."""
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (yes|no)", _GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    told = [(name, status if status >= 0 else 128 - status, "yes" if given_back else "no")
            for name, (status, given_back) in ((name, (one.status, one.given_back)) for name, one in ENDINGS.items())]  # fmt: skip
    assert [(name, int(status), given_back) for name, status, given_back in rows] == told


def test_leftovers_of_a_killed_run(simulator, endings):
    """They are told, and given back when somebody asks for that."""
    playbook, _outcome = endings("SIGKILL")
    assert playbook.role in active(simulator)
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
    assert playbook.role not in active(simulator)
    assert again.table == []


@pytest.fixture
def playbook(simulator, tmp_path):
    """A function that makes a playbook for a role."""
    numbers = itertools.count()
    return lambda role, **options: Playbook(simulator, tmp_path / str(next(numbers)), role, options)


def test_what_the_play_gave_back_itself_is_not_told(simulator, playbook):
    role = "License Administrator"
    back = "    - entra.pim.pim_role_activation:\n        role: '{{ role }}'\n        state: inactive\n"
    outcome = playbook(role).run(_CONNECT + _ELEVATE + back)
    assert (outcome.status, "SAFETY NET" in outcome.errors) == (0, False), outcome.errors
    assert role not in active(simulator)


def test_what_was_active_before_stays(simulator, playbook):
    before, taken = "Network Administrator", "Printer Administrator"
    assert playbook(before, ANSIBLE_CALLBACKS_ENABLED="").run(_CONNECT + _ELEVATE).status == 0
    outcome = playbook(before).run(_CONNECT + _ELEVATE + _ELEVATE.replace("{{ role }}", taken))
    assert [row[0] for row in outcome.table] == [taken]
    assert before in active(simulator)
    assert taken not in active(simulator)


def test_ended_while_an_activation_is_under_way(simulator, playbook):
    """Its answer is lost, and it is given back all the same."""
    role = "Search Administrator"
    simulator.control("POST", "faults", {"path": "roleAssignmentScheduleRequests", "method": "POST", "delay_ms": 3000})
    one = playbook(role)
    process = one.start(_CONNECT + _ELEVATE)
    until(lambda: role in active(simulator) or process.poll() is not None, "nothing was activated")
    process.terminate()
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 143, output + errors
    assert [row[-1] for row in Outcome(143, output, errors, 0).table] == ["yes"], errors
    assert role not in active(simulator)


def test_a_service_that_does_not_answer(simulator, playbook):
    """It ends all the same, in the time that is set, and says so."""
    role = "Teams Administrator"
    one = playbook(role, ENTRA_PIM_SAFETY_NET_TIMEOUT="3")
    text = (
        _CONNECT
        + _ELEVATE
        + "    - ansible.builtin.command: touch {{ ready }}\n    - ansible.builtin.command: sleep 2\n"
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
    assert role in active(simulator)


def test_what_ran_as_a_module_is_told_and_stays(simulator, playbook):
    role = "Knowledge Administrator"
    outcome = playbook(role).run(_CONNECT + _ELEVATE + "      async: 60\n      poll: 1\n")
    ((told, _scope, _since, _until, became),) = outcome.table
    assert (outcome.status, told) == (0, role), outcome.output
    assert became == "no: taken as a module on localhost, which has to give it back"
    assert role in active(simulator)


_WITHOUT_SESSION = "\n- hosts: localhost\n  gather_facts: false\n  tasks:" + _ELEVATE


def test_credentials_of_the_environment_serve(simulator, playbook):
    role = "Edge Administrator"
    given = {
        "ENTRA_PIM_USERNAME": "manyroles@contoso.example",
        "ENTRA_PIM_PASSWORD": runs.passwords()["PASSWORD_OF_MANYROLES"],
    }
    outcome = playbook(role, **given).run(_WITHOUT_SESSION)
    assert [row[-1] for row in outcome.table] == ["yes"], outcome.output + outcome.errors
    assert role not in active(simulator)


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
    assert role in active(simulator)


def test_sessions_of_several_accounts_and_places(simulator, playbook):
    """Each role is given back by the account that took it, wherever its session lies."""
    text = ""
    for number, (user, role) in enumerate((("manyroles", "Billing Administrator"), ("operator", "Security Reader"))):
        place = f"        session: '{user}'\n        session_dir: '{{{{ ready }}}}-{number}'\n"
        text += (_CONNECT + place + _ELEVATE + place).replace("manyroles@", f"{user}@").replace(
            "PASSWORD_OF_MANYROLES", f"PASSWORD_OF_{user.upper()}"
        ).replace("{{ role }}", role)  # fmt: skip
    outcome = playbook("").run(text)
    assert [(row[0], row[-1]) for row in outcome.table] == [
        ("Billing Administrator", "yes"),
        ("Security Reader", "yes"),
    ], outcome.output + outcome.errors
    assert not {"Billing Administrator", "Security Reader"} & active(simulator)


def test_too_early(tmp_path):
    """Left, waited for, watched, and a waiting that somebody ends."""
    with Simulator(changes={"minimum_active": "PT6S"}) as slow, ThreadPoolExecutor(AT_ONCE) as pool:

        def play(name: str, role: str, too_early: str) -> Outcome:
            return Playbook(slow, tmp_path / name, role, {"ENTRA_PIM_SAFETY_NET_TOO_EARLY": too_early}).run(
                _CONNECT + _ELEVATE
            )

        left = pool.submit(play, "left", "Application Administrator", "leave")
        waited = pool.submit(play, "waited", "Application Developer", "wait")
        watched = pool.submit(play, "watched", "Attack Payload Author", "watch")
        assert left.result().table[0][-1] == "no: younger than five minutes, left to expire"
        assert watched.result().table[0][-1] == "later: a watcher gives it back when the five minutes are over"
        assert "Attack Payload Author" in active(slow)
        assert waited.result().table[0][-1] == "yes", waited.result().errors
        assert "Application Developer" not in active(slow)
        until(lambda: "Attack Payload Author" not in active(slow), "the watcher did not give it back")
        assert "Application Administrator" in active(slow)


def test_waiting_is_ended_by_a_signal(tmp_path):
    with Simulator() as slow:
        role = "Application Administrator"
        one = Playbook(slow, tmp_path / "one", role, {"ENTRA_PIM_SAFETY_NET_TOO_EARLY": "wait"})
        process = one.start(_CONNECT + _ELEVATE)
        try:
            assert any("waiting to give back" in line for line in process.stderr)
            os.killpg(process.pid, signal.SIGINT)
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 99, output + errors
        assert role in active(slow)
        assert Outcome(99, output, errors, 0).table[0][-1] == "no: younger than five minutes, left to expire"
