# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is waited for is on the screen while the task waits, over the controller edge; over the module edge nothing is shown or asked."""

from __future__ import annotations

import re
import time

import pytest

from integration.screen import Screen
from simulator_process import Simulator

NOTICE = "Waiting for an approver: Privileged Role Administrator at /"
POLICIES = "roleManagementPolicyAssignments"


@pytest.fixture
def simulator():
    with Simulator() as started:
        yield started


class Task(Screen):
    """A playbook that waits for an approver."""

    def __init__(self, simulator, directory, edge):
        super().__init__(simulator, directory, "approval.yml", "--limit", edge, "-e", f"run_dir={directory}")


def decide(simulator, decision):
    """As soon as there is a request."""
    deadline = time.monotonic() + Screen.SECONDS
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
    notice = task.wait_for(re.compile(rf".*{NOTICE}.*"))
    assert notice.group() == f"{NOTICE} (approvers: Approver, group Role Approvers)"
    assert task.process.poll() is None
    decide(simulator, "approve")
    output = task.end()
    assert "ended: active" in output
    assert output.count(NOTICE) == 1
    assert len(simulator.calls(POLICIES)) == 1


def test_nothing_is_shown_or_asked_over_the_module_edge(simulator, tmp_path):
    task = Task(simulator, tmp_path, "module")
    decide(simulator, "approve")
    output = task.end()
    assert "ended: active" in output
    assert NOTICE not in output
    assert simulator.calls(POLICIES) == []
