# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with a browser, as it is used: one that opens by itself, one on another machine, none at all."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

import headless_browser
from integration import runs
from integration.screen import Screen
from simulator_process import Simulator
from tools import layout

ADDRESS = re.compile(r"open (https://\S+/authorize\?\S+) in a browser.* port (\d+) ")
SECONDS = 60.0
OPERATOR = "operator@contoso.example"
BROWSER = f"{sys.executable} {Path(headless_browser.__file__).resolve()} %s"


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as started:
        yield started


class SignIn(Screen):
    """A playbook that signs in with a browser."""

    def __init__(self, simulator, directory, edge="controller", quiet=False, seconds=SECONDS, **environment):
        self.password = runs.passwords()["PASSWORD_OF_OPERATOR"]
        self.browser = {"HEADLESS_BROWSER_CA": simulator.ca_path, "HEADLESS_BROWSER_PASSWORD": self.password}
        variables = f"run_dir={directory} method=interactive quiet={quiet} seconds={seconds:.0f}"
        none = dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
        variables_of_process = {**none, **self.browser, "TERM": "xterm", **environment}
        arguments = ["-vvv", "--limit", edge, "-e", variables]
        super().__init__(simulator, directory, "person.yml", *arguments, **variables_of_process)

    def address(self):
        """Waits for the line with the address."""
        found = self.wait_for(ADDRESS)
        assert port_of(found.group(1)) == int(found.group(2))
        return found.group(1)


def port_of(address):
    return urlsplit(parse_qs(urlsplit(address).query)["redirect_uri"][0]).port


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def program(directory, name, text):
    """A program of that name in a directory for PATH."""
    place = directory / "programs"
    place.mkdir(exist_ok=True)
    file = place / name
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def guide_task(name):
    """A task of the guide on sign-in, as it stands."""
    blocks = re.findall(r"```yaml\n(.*?)```", (layout.ROOT / "docs/sign_in.md").read_text(encoding="utf-8"), re.DOTALL)
    return next(block for block in blocks if f"- name: {name}\n" in block)


def test_the_task_of_the_guide(simulator, tmp_path):
    playbook = tmp_path / "playbook.yml"
    task = guide_task("Sign in with the browser of this machine")
    play = {"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(task)}
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    browser = {
        "HEADLESS_BROWSER_CA": simulator.ca_path,
        "HEADLESS_BROWSER_PASSWORD": runs.passwords()["PASSWORD_OF_OPERATOR"],
    }
    environment = {**os.environ, **simulator.environment, **browser, "BROWSER": BROWSER}
    done = subprocess.run(
        [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(playbook)],
        env={**environment, "ENTRA_PIM_SESSION_DIR": str(tmp_path / "sessions")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "sessions" / "default.json").is_file()


@pytest.mark.parametrize("quiet", [False, True], ids=["shown", "no_log"])
def test_the_browser_opens_and_signs_in(simulator, tmp_path, quiet):
    sign_in = SignIn(simulator, tmp_path, quiet=quiet, BROWSER=BROWSER)
    address = sign_in.address()
    assert OPERATOR in sign_in.seen
    assert "ended: signed in, changed: True" in sign_in.end()
    assert not listens(port_of(address))
    assert (tmp_path / "sessions" / "default.json").stat().st_mode & 0o777 == 0o600


def test_a_browser_on_another_machine(simulator, tmp_path):
    """None opens here, and text browsers are left alone: the person opens the address elsewhere, over the forwarded port."""
    touched = tmp_path / "touched"
    for name in ("lynx", "w3m", "links", "elinks", "www-browser"):
        program(tmp_path, name, f"touch {touched}; sleep 60")
    path = f"{tmp_path / 'programs'}:{os.environ['PATH']}"
    sign_in = SignIn(simulator, tmp_path, PATH=path, BROWSER="lynx %s:w3m")
    address = sign_in.address()
    # The task has not ended: nobody has opened the address yet.
    assert sign_in.process.poll() is None
    headless_browser.browse(address, sign_in.browser)
    assert "ended: signed in, changed: True" in sign_in.end()
    assert not touched.exists()
    shutil.rmtree(tmp_path / "programs")


def test_a_browser_that_prints_and_stays(simulator, tmp_path):
    noisy = program(tmp_path, "noisy", "echo noise; echo noise >&2; read line; sleep 5")
    started = time.monotonic()
    sign_in = SignIn(simulator, tmp_path, BROWSER=f"{noisy} %s")
    headless_browser.browse(sign_in.address(), sign_in.browser)
    output = sign_in.end()
    assert "ended: signed in" in output
    assert "noise" not in output.replace(str(noisy), "")
    assert time.monotonic() - started < SECONDS / 2


def test_declined(simulator, tmp_path):
    sign_in = SignIn(simulator, tmp_path, BROWSER=BROWSER, HEADLESS_BROWSER_DECISION="decline")
    sign_in.address()
    assert "ended: login_declined, changed: False" in sign_in.end()
    assert not (tmp_path / "sessions" / "default.json").exists()


def test_somebody_else_signs_in(simulator, tmp_path):
    password = runs.passwords()["PASSWORD_OF_ADMINISTRATOR"]
    person = {"HEADLESS_BROWSER_USERNAME": "administrator@contoso.example", "HEADLESS_BROWSER_PASSWORD": password}
    sign_in = SignIn(simulator, tmp_path, BROWSER=BROWSER, **person)
    sign_in.address()
    assert "ended: login_failed, changed: False" in sign_in.end()
    assert not (tmp_path / "sessions" / "default.json").exists()


def test_nobody_signs_in(simulator, tmp_path):
    sign_in = SignIn(simulator, tmp_path, seconds=2, BROWSER=BROWSER, HEADLESS_BROWSER_DECISION="close")
    address = sign_in.address()
    started = time.monotonic()
    assert "ended: login_timeout, changed: False" in sign_in.end()
    assert time.monotonic() - started < SECONDS / 2
    assert not listens(port_of(address))


def test_interrupted(simulator, tmp_path):
    """Ctrl-C ends the play, and nothing listens any more."""
    sign_in = SignIn(simulator, tmp_path)
    address = sign_in.address()
    assert listens(port_of(address))
    # A person needs a second, too. At once, it may hit the worker of ansible-core while it hands the line on, and hang its parent.
    time.sleep(1)
    os.killpg(sign_in.process.pid, signal.SIGINT)
    sign_in.end(status=99)
    end = time.monotonic() + 10
    while listens(port_of(address)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not listens(port_of(address))
    assert not (tmp_path / "sessions" / "default.json").exists()


def test_refused_over_the_module_edge(simulator, tmp_path):
    """Nobody would see the address before the module has ended."""
    before = len(simulator.calls())
    output = SignIn(simulator, tmp_path, edge="module", BROWSER=BROWSER).end()
    assert "ended: invalid_option, changed: False" in output
    assert "in a browser" not in output
    assert len(simulator.calls()) == before
