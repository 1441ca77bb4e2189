# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles ``entra.pim.elevate`` and ``entra.pim.restore`` in whole playbooks, on servers that cannot be reached, and in every ending."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator_process import Simulator

CHANGES = {"minimum_active": "PT0S"}
SECONDS = 120.0
READER, GROUPS = "Security Reader", "Groups Administrator"


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(changes=CHANGES) as simulator:
        yield simulator


@pytest.fixture
def simulator(running) -> Simulator:
    running.control("POST", "reset")
    return running


class Plays:
    """Playbooks of one user, on servers that nobody reaches, with ``become``."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.directory = directory
        self.environment = {
            **os.environ,
            **simulator.environment,
            "ENTRA_PIM_SESSION_DIR": str(directory / "sessions"),
            "ENTRA_PIM_SESSION": "default",
        }
        sign_in = {"entra.pim.pim_connect": {"username": "operator@contoso.example", "password": "{{ password }}"}}
        output = self.run([{**sign_in, "delegate_to": "localhost", "run_once": True}], become=False)
        assert output[0] == 0, output[1]

    def begin(self, tasks: list[dict[str, Any]], *arguments: str, **play: Any) -> subprocess.Popen[str]:
        playbook = self.directory / "playbook.yml"
        content = {"hosts": "all", "gather_facts": False, "become": True, "tasks": tasks, **play}
        playbook.write_text(yaml.safe_dump([content]), encoding="utf-8")
        variables = {"password": "Sim-operator-password-1", "elevate_justification": "Test"}
        return subprocess.Popen(
            [
                str(Path(sys.prefix) / "bin" / "ansible-playbook"),
                *("-i", "web1.invalid,web2.invalid,", "-e", json.dumps(variables)),
                *arguments,
                str(playbook),
            ],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, tasks: list[dict[str, Any]], *arguments: str, **play: Any) -> tuple[int, str]:
        """Exit status and output."""
        process = self.begin(tasks, *arguments, **play)
        try:
            # It ends with the playbook: whatever goes on afterwards has no part in its output.
            output, _errors = process.communicate(timeout=SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return process.returncode, output


@pytest.fixture
def plays(simulator, tmp_path) -> Plays:
    return Plays(simulator, tmp_path)


def elevate(*roles: str, **variables: Any) -> dict[str, Any]:
    variables = {"elevate_roles": [{"role": role} for role in roles], **variables}
    return {"ansible.builtin.include_role": {"name": "entra.pim.elevate"}, "vars": variables}


def restore(**variables: Any) -> dict[str, Any]:
    return {"ansible.builtin.include_role": {"name": "entra.pim.restore"}, "vars": variables}


def has(condition: str) -> dict[str, Any]:
    return {"ansible.builtin.assert": {"that": condition}}


FAIL = {"ansible.builtin.fail": {"msg": "the work failed"}}
LEFTOVERS = {
    "entra.pim.pim_session_info": {},
    "register": "info",
    "delegate_to": "localhost",
    "run_once": True,
    "become": False,
}


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def test_around_a_block(plays):
    status, output = plays.run(
        [
            {
                "block": [
                    elevate(READER, GROUPS),
                    has(
                        "elevate_result.held | map(attribute='role') | sort == ['Groups Administrator', 'Security Reader']"
                    ),
                    has("elevate_result.changed and elevate_result.activated | length == 2"),
                    FAIL,
                ],
                "always": [restore()],
            }
        ]
    )
    assert status == 2, output
    assert "the work failed" in output
    assert plays.simulator.activated() == set()
    requests = plays.simulator.control("GET", "requests")["requests"]
    assert sorted(one["action"] for one in requests) == ["selfActivate"] * 2 + ["selfDeactivate"] * 2


def test_by_the_handler_although_the_first_host_has_failed(plays):
    failing = {**FAIL, "when": "inventory_hostname == 'web1.invalid'"}
    status, output = plays.run([elevate(READER), failing])
    assert status == 2, output
    assert "RUNNING HANDLER [entra.pim.elevate : Restore PIM roles]" in output
    assert plays.simulator.activated() == set()


def test_by_the_handler_when_a_task_asks_for_it(plays):
    noticed = {"ansible.builtin.debug": {"msg": "done"}, "changed_when": True, "notify": "Restore PIM roles"}
    status, output = plays.run(
        [
            elevate(READER),
            noticed,
            {"ansible.builtin.meta": "flush_handlers"},
            *[LEFTOVERS, has("info.leftovers == []")],
        ]
    )
    assert status == 0, output
    assert plays.simulator.activated() == set()


def test_one_of_two_cannot_be_had(plays):
    """The one that was taken is held, and given back by the handler."""
    approval = "Privileged Role Administrator"
    status, output = plays.run([elevate(READER, approval, elevate_wait_timeout=1)], force_handlers=True)
    assert status == 2, output
    assert "wait_timeout" in output
    assert plays.simulator.activated() == set()


def test_what_was_active_before_stays(plays):
    task = {"role": READER, "justification": "Mine"}
    mine = {"entra.pim.pim_role_activation": task, "delegate_to": "localhost", "run_once": True, "become": False}
    assert plays.run([mine])[0] == 0
    status, output = plays.run([elevate(READER), has("elevate_result.held == [] and not elevate_result.changed")])
    assert status == 0, output
    assert "RUNNING HANDLER" not in output
    assert plays.simulator.activated() == {READER}


def test_nobody_is_signed_in(plays):
    """The failure that is told is that of the elevation, not that of the giving back."""
    plays.environment["ENTRA_PIM_SESSION"] = "another"
    status, output = plays.run([{"block": [elevate(READER)], "always": [restore()]}])
    assert status == 2, output
    assert output.count("not_connected") > 0
    assert "entra.pim.restore : Give back what this run holds" in output
    assert "failed=1" in output
    status, output = plays.run([{"block": [elevate(READER)], "always": [restore()]}], "--check")
    assert status == 0, output


def test_check_mode(plays):
    status, output = plays.run(
        [
            elevate(READER),
            has("elevate_result.held == elevate_result.activated and elevate_result.held | length == 1"),
            restore(),
        ],
        "--check",
    )
    assert status == 0, output
    assert plays.simulator.activated() == set()
    assert not (plays.directory / "sessions" / "runs").exists()


def test_killed_then_cleaned_up_by_the_next_run(plays):
    waiting = {"ansible.builtin.pause": {"seconds": 60}, "become": False}
    process = plays.begin([elevate(READER), waiting])
    try:
        wait_for(lambda: plays.simulator.activated() == {READER})
        time.sleep(1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    status, output = plays.run(
        [
            {"ansible.builtin.wait_for": {"timeout": 1}, "delegate_to": "localhost", "run_once": True, "become": False}
            | {"vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}},
            LEFTOVERS,
            has("info.leftovers | map(attribute='role') | list == ['Security Reader']"),
            has("info.leftovers[0].active_since < info.leftovers[0].expires_at"),
            restore(restore_leftovers=True),
            LEFTOVERS,
            has("info.leftovers == []"),
        ]
    )
    assert status == 0, output
    assert "has not given back" in output
    assert plays.simulator.activated() == set()


def test_two_playbooks_share_a_role(plays, tmp_path):
    """The first to end leaves it on, and the second gives it back."""
    go = tmp_path / "go"
    there = {"ansible.builtin.wait_for": {"path": str(go), "timeout": 60}, "delegate_to": "localhost", "run_once": True}
    there |= {"become": False, "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    first = plays.begin([elevate(READER), there, restore()])
    try:
        wait_for(lambda: plays.simulator.activated() == {READER})
        status, output = plays.run([elevate(READER), has("elevate_result.held | length == 1"), restore()])
        assert status == 0, output
        assert plays.simulator.activated() == {READER}
        go.touch()
        output, _errors = first.communicate(timeout=SECONDS)
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    assert first.returncode == 0, output
    assert plays.simulator.activated() == set()
