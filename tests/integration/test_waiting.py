# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is waited for is on the screen while the task waits, over the controller edge; over the module edge nothing is shown or asked."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration import leaks, runs
from simulator_process import Simulator

SECONDS = 120.0
NOTICE = "Waiting for an approver: Privileged Role Administrator at /"
POLICIES = "roleManagementPolicyAssignments"


@pytest.fixture
def simulator():
    with Simulator() as started:
        yield started


class Task:
    """A playbook that waits: its standard error is a pipe, read line by line as it comes."""

    def __init__(self, simulator, directory, edge):
        (directory / "tmp").mkdir()
        self.directory = directory
        arguments = ["-i", str(runs.HERE / "inventory.yml"), "--limit", edge, "-e", f"run_dir={directory}"]
        self.environment = runs.environment(simulator, directory, {})
        self.process = subprocess.Popen(
            [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(runs.HERE / "approval.yml"), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def notice(self):
        """The line, as soon as it is there."""
        seen = ""
        for line in self.process.stderr:
            seen += line
            if NOTICE in line:
                return line.strip()
        raise AssertionError(f"nobody was waited for:\n{seen}")

    def end(self):
        """Both streams, after the end."""
        output, errors = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, output + errors
        secrets = {*runs.passwords_in(self.environment), *runs.recorded_tokens(self.directory)}
        assert not leaks.leaks((output + errors).encode(), secrets)
        return output, errors


def decide(simulator, decision):
    """As soon as there is a request."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for one in simulator.control("GET", "requests")["requests"]:
            if one["status"] == "PendingApproval":
                body = {"decision": decision, "approver": "approver@contoso.example", "justification": "agreed"}
                simulator.control("POST", f"requests/{one['id']}/decision", body)
                return
        time.sleep(0.2)
    raise AssertionError("there was no request")


def test_the_screen_says_who_is_waited_for(simulator, tmp_path):
    task = Task(simulator, tmp_path, "controller")
    assert task.notice() == f"{NOTICE} (approvers: Approver, group Role Approvers)"
    assert task.process.poll() is None
    decide(simulator, "approve")
    output, errors = task.end()
    assert "ended: active" in output
    assert NOTICE not in errors
    assert len(simulator.calls(POLICIES)) == 1


def test_nothing_is_shown_or_asked_over_the_module_edge(simulator, tmp_path):
    task = Task(simulator, tmp_path, "module")
    decide(simulator, "approve")
    output, errors = task.end()
    assert "ended: active" in output
    assert NOTICE not in output + errors
    assert simulator.calls(POLICIES) == []
