# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device code is on the screen at once, without a terminal, and each way it can end has its own code."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration import leaks, runs
from simulator_process import Simulator

CODE = re.compile(r"https://\S+/\S+ .*?\b([A-Z0-9]{9})\b")
SECONDS = 60.0


@pytest.fixture(scope="module")
def simulator():
    with Simulator(changes={"device_login": {"interval": "PT1S"}}) as started:
        yield started


class SignIn:
    """A playbook that signs in with a code: its standard error is a pipe, read line by line as it comes."""

    def __init__(self, simulator, directory, edge="controller", quiet=False, seconds=SECONDS):
        (directory / "tmp").mkdir()
        self.directory = directory
        variables = f"run_dir={directory} method=device_code quiet={quiet} seconds={seconds:.0f}"
        arguments = ["-vvv", "-i", str(runs.HERE / "inventory.yml"), "--limit", edge, "-e", variables]
        self.environment = runs.environment(simulator, directory, {})
        assert "PYTHONUNBUFFERED" not in self.environment
        self.process = subprocess.Popen(
            [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(runs.HERE / "person.yml"), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen = ""

    def code(self):
        """Waits for the line with the code."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen += line
            found = CODE.search(line)
            if found:
                return found.group(1)
        raise AssertionError(f"no code was shown:\n{self.seen}")

    def end(self):
        """The whole output, after the end."""
        output, errors = self.process.communicate(timeout=SECONDS)
        assert self.process.returncode == 0, output + errors
        whole = output + self.seen + errors
        tokens = {*runs.passwords_in(self.environment), *runs.recorded_tokens(self.directory)}
        assert not leaks.leaks(whole.encode(), tokens)
        assert not leaks.leaks_below(self.directory, tokens)
        return whole


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
