# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback safety_net, at every ending that ansible-playbook can have, brought about for real."""

from __future__ import annotations

import contextlib
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

AT_ONCE = 3
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
        4, "\n- hosts: \"{{ nobody }}\"\n  tasks: []\n", role="Azure DevOps Administrator"
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
    "SIGKILL": Ending(
        -9, signals=((signal.SIGKILL, "process"),), role="Intune Administrator", given_back=False
    ),
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
        (self.directory / "inventory").write_text("localhost ansible_connection=local\nnowhere ansible_host=127.0.0.1 ansible_port=9\n")
        self.ready = self.directory / "ready"
        self.sessions = self.directory / "sessions"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ENTRA_PIM"))},
            **self.simulator.environment,
            **runs.passwords(),
            "ANSIBLE_CALLBACKS_ENABLED": "entra.pim.safety_net",
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ENTRA_PIM_SESSION_DIR": str(self.sessions),
            **self.options,
        }

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
