# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step-up with a person at the screen: how often one is asked, by whom it is answered, and where nobody is."""

from __future__ import annotations

import json
import re

import pytest

from integration.screen import Screen
from simulator_process import Simulator

CODE = re.compile(r"https://\S+/\S+ .*?\b([A-Z0-9]{9})\b")
OPERATOR = {"decision": "approve", "username": "operator@contoso.example"}
SOMEBODY_ELSE = {"decision": "approve", "username": "administrator@contoso.example"}


def run(directory, scenario, edge, decisions, **variables):
    """Runs a scenario; each code that is shown gets the next decision, None for none. Gives the lines that were shown before the codes."""
    values = {"run_dir": str(directory), "scenario": scenario, "edge": edge, **variables}
    left = list(decisions)
    with Simulator(changes={"device_login": {"interval": "PT1S"}}) as simulator:
        screen = Screen(simulator, directory, "step_up/playbook.yml", "-vvv", "-e", json.dumps(values))
        for line in screen.lines():
            found = CODE.search(line)
            if found:
                assert left, f"one code more than expected:\n{screen.seen}"
                decision = left.pop(0)
                if decision is not None:
                    simulator.control("POST", f"device_codes/{found.group(1)}", decision)
        assert "scenario ended" in screen.end()
    assert not left, "fewer codes than expected"
    return [line for line in screen.seen.splitlines() if "sign in again" in line]


def test_one_prompt_for_several_roles_of_both_apis(tmp_path):
    (told,) = run(tmp_path, "several", "controller", [OPERATOR] * 2)
    assert "multi-factor authentication and the authentication context c1" in told
    for role in ("Exchange Administrator", "Conditional Access Administrator", "Monitoring Contributor"):
        assert role in told
    assert "Groups Administrator" not in told


def test_one_prompt_for_each_task_that_needs_more(tmp_path):
    first, second = run(tmp_path, "one_after_another", "controller", [OPERATOR] * 3)
    assert "Exchange Administrator requires multi-factor authentication" in first
    assert "Conditional Access Administrator requires the authentication context c1" in second


def test_what_has_become_too_old_is_asked_for_by_a_write_alone(tmp_path):
    first, second = run(tmp_path, "forgotten", "controller", [OPERATOR] * 3)
    assert first == second


def test_azure_that_wants_a_second_factor_brings_one_prompt(tmp_path):
    assert len(run(tmp_path, "azure", "controller", [OPERATOR] * 2)) == 1


@pytest.mark.parametrize(
    ("decision", "code"),
    [({"decision": "decline"}, "login_declined"), (SOMEBODY_ELSE, "login_failed"), (None, "login_timeout")],
)
def test_a_step_up_that_nobody_gives(tmp_path, decision, code):
    assert len(run(tmp_path, "declined", "controller", [OPERATOR, decision], code=code)) == 1


@pytest.mark.parametrize(("edge", "pretend"), [("module", False), ("controller", True), ("module", True)])
def test_nobody_is_asked(tmp_path, edge, pretend):
    assert run(tmp_path, "nobody", edge, [OPERATOR], pretend=pretend) == []
