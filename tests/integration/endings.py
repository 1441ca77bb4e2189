# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endings that ansible-playbook can have, and how they are brought about for real."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from integration import runs
from simulator_process import Simulator

AT_ONCE = 4
SECONDS = 60.0

CONNECT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - entra.pim.pim_connect:
        username: manyroles@contoso.example
        password: "{{ lookup('ansible.builtin.env', 'PASSWORD_OF_MANYROLES') }}"
"""
ELEVATE = """
    - entra.pim.pim_role_activation:
        role: "{{ role }}"
        justification: Test
"""
WORK = """
    - ansible.builtin.raw: touch "{{ ready }}"; sleep 60
"""


@dataclass(frozen=True)
class Ending:
    """What follows the elevation: more tasks, more plays, and signals. Whom they go to: the process, or its group.

    ``given_back`` has one answer for each of WAYS.
    """

    status: int
    given_back: tuple[bool, ...]
    role: str
    tasks: str = ""
    plays: str = ""
    signals: tuple[tuple[int, str], ...] = ()


WAYS = ("safety_net", "always", "handler", "forced_handler")
ALL, NET_ALONE, NONE = (True, True, True, True), (True, False, False, False), (False, False, False, False)

# By the first cell of the guide's table. Each has a role of its own, so that they can go on side by side.
ENDINGS = {
    "The playbook ends": Ending(0, ALL, "Application Administrator"),
    "A task fails": Ending(
        2, (True, True, False, True), "Application Developer", tasks="\n    - ansible.builtin.fail:\n"
    ),
    "A host is unreachable": Ending(
        4, NET_ALONE, "Attack Payload Author", tasks="\n    - ansible.builtin.ping:\n      delegate_to: nowhere\n"
    ),
    "`meta: end_play`": Ending(
        0, NET_ALONE, "Authentication Administrator", tasks="\n    - ansible.builtin.meta: end_play\n"
    ),
    "`hosts` of a later play is undefined": Ending(
        4, ALL, "Azure DevOps Administrator", plays='\n- hosts: "{{ nobody }}"\n  tasks: []\n'
    ),
    "A later play has a strategy that does not exist": Ending(
        1, ALL, "Billing Administrator", plays="\n- hosts: localhost\n  strategy: nothing\n  tasks: []\n"
    ),
    "SIGINT to `ansible-playbook` alone": Ending(
        99, NET_ALONE, "Cloud Device Administrator", tasks=WORK, signals=((signal.SIGINT, "process"),)
    ),
    "Ctrl-C": Ending(99, NET_ALONE, "Compliance Administrator", tasks=WORK, signals=((signal.SIGINT, "group"),)),
    "Ctrl-C twice": Ending(
        99, NET_ALONE, "Domain Name Administrator", tasks=WORK, signals=((signal.SIGINT, "group"),) * 2
    ),
    "SIGTERM": Ending(143, NET_ALONE, "Edge Administrator", tasks=WORK, signals=((signal.SIGTERM, "process"),)),
    "SIGHUP": Ending(129, NET_ALONE, "Guest Inviter", tasks=WORK, signals=((signal.SIGHUP, "group"),)),
    "SIGKILL": Ending(137, NONE, "Intune Administrator", tasks=WORK, signals=((signal.SIGKILL, "process"),)),
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
            if signals:
                process.wait(SECONDS)
                seconds = time.monotonic() - begun
                # The workers of older Ansible outlive it at their task, and hold its output open.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate(timeout=SECONDS)
            if not signals:
                seconds = time.monotonic() - begun
            return Outcome(shell_status(process), output, errors, seconds)
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


def shell_status(process: subprocess.Popen[str]) -> int:
    """Its exit status as a shell has it."""
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def until(condition: Any, said: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
