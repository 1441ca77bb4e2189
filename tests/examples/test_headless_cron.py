# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cron, as the guide has it: a person signs in once, the job runs in cron's bare environment, and its end is told."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples import headless
from simulator_process import Simulator
from tools import layout

_CODE = re.compile(r"enter the code ([A-Z0-9]{9})\b")
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def simulator():
    with Simulator(changes={"minimum_active": "PT0S", "device_login": {"interval": "PT1S"}}) as running:
        yield running


class Machine:
    """The account `pim` with what the guide puts into /opt/nightly, which is somewhere else here."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        headless.needs("flock")
        self.simulator = simulator
        self.directory = directory / "nightly"
        self.home = directory / "home"
        (self.directory / "venv").mkdir(parents=True)
        (self.directory / "venv" / "bin").symlink_to(Path(sys.prefix) / "bin")
        (self.home / ".ansible").mkdir(parents=True)
        (self.home / ".ansible" / "collections").symlink_to(layout.LINKED_COLLECTIONS)
        for heading, language, name in (
            ("### Sign in once", "yaml", "sign_in.yml"),
            ("### The job itself", "yaml", "nightly.yml"),
            ("### The job itself", "sh", "nightly.sh"),
        ):
            (self.directory / name).write_text(self._here(headless.block(heading, language)))

    def _here(self, text: str) -> str:
        return text.replace("/opt/nightly", str(self.directory))

    def sign_in(self) -> str:
        """The documented command in the shell of the account; the person enters the code in a browser."""
        process = subprocess.Popen(
            ["sh", "-c", self._here(headless.block("### Sign in once", "sh"))],
            env={**os.environ, **self.simulator.environment, "HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr is not None
            seen = ""
            for line in process.stderr:
                seen += line
                found = _CODE.search(line)
                if found:
                    decision = {"decision": "approve", "username": "operator@contoso.example"}
                    self.simulator.control("POST", f"device_codes/{found[1]}", decision)
            output, _errors = process.communicate(timeout=_PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert process.returncode == 0, output + seen
        return output + seen

    def cron(self) -> tuple[int, str]:
        """What cron does with its line: exit status, and what it would mail."""
        variables, command = self.crontab()
        assert variables == {"MAILTO": "operations@contoso.example"}
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            # cron(8) and crontab(5) of Debian, and of Fedora alike: these and no others.
            env={"HOME": str(self.home), "LOGNAME": "pim", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout

    def crontab(self) -> tuple[dict[str, str], str]:
        lines = self._here(headless.block("### The job itself", "crontab")).splitlines()
        variables = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]+=", line))
        (job,) = [line for line in lines if not re.match(r"[A-Z]+=", line)]
        minute, hour, *days, command = job.split(maxsplit=5)
        assert (int(minute), int(hour), days) == (17, 3, ["*", "*", "*"])
        # cron makes a line break of it.
        assert "%" not in command
        return variables, command


@pytest.fixture
def machine(simulator, tmp_path):
    simulator.control("POST", "reset")
    return Machine(simulator, tmp_path)


def _requests(simulator):
    return [one["action"] for one in simulator.control("GET", "requests")["requests"]]


def test_nightly_job(machine, simulator):
    """Three nights, then the sessions of the account are revoked; a new sign-in, and it goes on."""
    told = machine.sign_in()
    assert "eyJ" not in told
    for night in (1, 2, 3):
        assert machine.cron() == (0, "")
        assert _requests(simulator) == ["selfActivate", "selfDeactivate"] * night
        assert simulator.activations() == set()
        # The access token ends every time, the session does not.
        simulator.advance("PT23H")
    assert len(simulator.calls("devicecode$")) == 1

    simulator.control("POST", "tokens/revoke", {"username": "operator@contoso.example"})
    started = time.monotonic()
    status, mail = machine.cron()
    assert time.monotonic() - started < _PATIENCE / 2
    assert status == 2
    assert "session_expired" in mail
    assert "entra.pim.pim_connect" in mail
    assert "eyJ" not in mail
    assert len(mail.splitlines()) <= 20
    assert _requests(simulator) == ["selfActivate", "selfDeactivate"] * 3
    # Nobody is shown a code at night.
    assert len(simulator.calls("devicecode$")) == 1

    machine.sign_in()
    assert machine.cron() == (0, "")


def test_session_that_nobody_used(machine, simulator):
    machine.sign_in()
    simulator.advance("P91D")
    status, mail = machine.cron()
    assert status == 2
    assert "session_expired" in mail


def test_sign_in_frequency(machine, simulator):
    """Conditional access wants a person every four hours."""
    machine.sign_in()
    policy = {"name": "Every four hours", "require": "nothing", "sign_in_frequency": "PT4H"}
    simulator.control("POST", "conditional_access", policy)
    assert machine.cron() == (0, "")
    simulator.advance("PT4H")
    status, mail = machine.cron()
    assert status == 2
    assert "session_expired" in mail


def test_a_role_that_asks_for_more_than_the_sign_in_has_proved(machine, simulator):
    """The code is in the log, where nobody enters it in time."""
    machine.sign_in()
    playbook = machine.directory / "nightly.yml"
    text = playbook.read_text().replace("role: Security Reader", "role: Conditional Access Administrator")
    playbook.write_text(text.replace("duration: 30m", "duration: 30m\n        wait_timeout: 5"))
    status, mail = machine.cron()
    assert status == 2
    assert "login_timeout" in mail
    assert "authentication_contexts [c1]" in mail
    assert _CODE.search((machine.directory / "nightly.log").read_text())
    assert simulator.activations() == set()


def test_each_use_begins_the_ninety_days_anew(machine, simulator):
    machine.sign_in()
    for _turn in range(2):
        simulator.advance("P80D")
        assert machine.cron() == (0, "")


def test_renewed_while_the_job_goes_on(machine, simulator):
    """The work of the job lasts until the new sign-in is done; then it gives the role back."""
    machine.sign_in()
    renewed = machine.directory / "renewed"
    playbook = machine.directory / "nightly.yml"
    work = f"      ansible.builtin.wait_for:\n        path: {renewed}\n        timeout: 60\n"
    text, changes = re.subn(r"      ansible\.builtin\.debug:\n.*\n", work, playbook.read_text())
    assert changes == 1
    playbook.write_text(text)
    _variables, command = machine.crontab()
    job = subprocess.Popen(["/bin/sh", "-c", command], env={"HOME": str(machine.home), "PATH": "/usr/bin:/bin"})
    try:
        deadline = time.monotonic() + _PATIENCE
        while not simulator.activations():
            assert time.monotonic() < deadline
            assert job.poll() is None
            time.sleep(0.1)
        before = (machine.directory / "sessions" / "nightly.json").read_bytes()
        machine.sign_in()
        assert (machine.directory / "sessions" / "nightly.json").read_bytes() != before
        renewed.touch()
        assert job.wait(timeout=_PATIENCE) == 0
    finally:
        if job.poll() is None:
            job.kill()
            job.wait()
    assert simulator.activations() == set()


def test_a_run_that_still_works_is_not_run_twice(machine, simulator):
    with (machine.directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert machine.cron() == (1, "")
    assert not (machine.directory / "nightly.log").exists()
