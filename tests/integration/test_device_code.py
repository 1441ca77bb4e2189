# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device code is on the screen at once, without a terminal, and each way it can end has its own code."""

from __future__ import annotations

import re
import time

import pytest

from integration.screen import Screen
from simulator_process import Simulator

CODE = re.compile(r"https://\S+/\S+ .*?\b([A-Z0-9]{9})\b")
SECONDS = 60.0


@pytest.fixture(scope="module")
def simulator():
    with Simulator(changes={"device_login": {"interval": "PT1S"}}) as started:
        yield started


class SignIn(Screen):
    """A playbook that signs in with a code."""

    def __init__(self, simulator, directory, edge="controller", quiet=False, seconds=SECONDS):
        variables = f"run_dir={directory} method=device_code quiet={quiet} seconds={seconds:.0f}"
        super().__init__(simulator, directory, "person.yml", "-vvv", "--limit", edge, "-e", variables)

    def code(self):
        """Waits for the line with the code."""
        return self.wait_for(CODE).group(1)


def pending(simulator, code):
    codes = simulator.control("GET", "device_codes")["device_codes"]
    return [one["status"] for one in codes if one["user_code"] == code] == ["pending"]


@pytest.mark.parametrize("quiet", [False, True], ids=["shown", "no_log"])
def test_code_is_shown_at_once_and_signs_in(simulator, tmp_path, quiet):
    sign_in = SignIn(simulator, tmp_path, quiet=quiet)
    code = sign_in.code()
    # The task has not ended: nobody has entered the code yet.
    assert sign_in.process.poll() is None
    assert pending(simulator, code)
    assert "operator@contoso.example" in sign_in.seen
    simulator.control("POST", f"device_codes/{code}", {"decision": "approve", "username": "operator@contoso.example"})
    assert "ended: signed in, changed: True" in sign_in.end()
    assert (tmp_path / "sessions" / "default.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("decision", "failure"), [("decline", "login_declined"), ("expire", "login_expired")])
def test_code_that_is_not_accepted(simulator, tmp_path, decision, failure):
    sign_in = SignIn(simulator, tmp_path)
    simulator.control("POST", f"device_codes/{sign_in.code()}", {"decision": decision})
    assert f"ended: {failure}, changed: False" in sign_in.end()
    assert not (tmp_path / "sessions" / "default.json").exists()


def test_code_entered_by_somebody_else(simulator, tmp_path):
    sign_in = SignIn(simulator, tmp_path)
    decision = {"decision": "approve", "username": "administrator@contoso.example"}
    simulator.control("POST", f"device_codes/{sign_in.code()}", decision)
    assert "ended: login_failed, changed: False" in sign_in.end()
    assert not (tmp_path / "sessions" / "default.json").exists()


def test_code_that_nobody_enters(simulator, tmp_path):
    sign_in = SignIn(simulator, tmp_path, seconds=2)
    sign_in.code()
    started = time.monotonic()
    assert "ended: login_timeout, changed: False" in sign_in.end()
    assert time.monotonic() - started < SECONDS / 2


def test_code_is_refused_over_the_module_edge(simulator, tmp_path):
    """Nobody would see it before the module has ended."""
    before = len(simulator.control("GET", "device_codes")["device_codes"])
    assert "ended: invalid_option, changed: False" in SignIn(simulator, tmp_path, edge="module").end()
    assert len(simulator.control("GET", "device_codes")["device_codes"]) == before
