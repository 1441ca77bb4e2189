# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run lives as long as its controller, or a task of it that outlives that, and everybody sees it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.state import runs

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ENTRA_PIM_PASSWORD": "not-for-the-keeper"}
CONTROLLER = """
import os, sys, time
from ansible_collections.entra.pim.plugins.module_utils._pim.state import runs
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
from ansible_collections.entra.pim.plugins.plugin_utils._controller.this_run import RUN
clock = Clock(time.time, time.monotonic, time.sleep)
"""
SECONDS = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def controller(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CONTROLLER + textwrap.dedent(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# Several forks at once ask for it, as tasks on several hosts do.
FORKS = """
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        runs.keep_alive(sys.argv[1], RUN, os.environ, clock)
        os._exit(0)
    children.append(child)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
print(RUN.id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def directory(tmp_path) -> str:
    return str(tmp_path / "state")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_it_lives_as_long_as_its_controller(directory, end):
    with controller(FORKS, directory) as process:
        run_id = said(process)
        assert runs.alive(directory, run_id)
        if end is None:
            process.stdin.close()
        else:
            process.send_signal(end)
        process.wait(SECONDS)
        wait_for(lambda: not runs.alive(directory, run_id))
    wait_for(lambda: f"{run_id}.lock" not in os.listdir(os.path.join(directory, "runs")))


def test_one_keeper_that_holds_nothing_of_the_controller(directory):
    with controller(FORKS, directory) as process:
        run_id = said(process)
        path = os.path.join(directory, "runs", f"{run_id}.lock")
        keepers = [number for number in os.listdir("/proc") if number.isdigit() and path in _read(number, "cmdline")]
        assert len(keepers) == 1
        (keeper,) = keepers
        assert "not-for-the-keeper" not in _read(keeper, "environ")
        assert os.readlink(f"/proc/{keeper}/cwd") == "/"
        held = {os.readlink(f"/proc/{keeper}/fd/{number}") for number in os.listdir(f"/proc/{keeper}/fd")}
        assert {name for name in held if not name.startswith("pipe:")} == {os.devnull, path}
        # Its input, and nothing else of a pipe: what reads the output of the playbook comes to its end.
        assert len([name for name in held if name.startswith("pipe:")]) == 1
        assert os.getsid(int(keeper)) == int(keeper)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700
        process.kill()


def _read(number: str, name: str) -> str:
    try:
        with open(f"/proc/{number}/{name}", "rb") as stream:
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def test_a_fork_that_does_something_else_does_not_keep_it_alive(directory):
    program = """
    child = os.fork()
    if child == 0:
        os.close(1)
        time.sleep(600)
    runs.keep_alive(sys.argv[1], RUN, os.environ, clock)
    print(RUN.id, child, flush=True)
    sys.stdin.read()
    """
    with controller(program, directory) as process:
        run_id, child = said(process).split()
        process.kill()
        process.wait()
        try:
            wait_for(lambda: not runs.alive(directory, run_id))
        finally:
            os.kill(int(child), signal.SIGKILL)


def test_a_task_that_outlives_its_controller_keeps_it_alive(directory, tmp_path):
    go = tmp_path / "go"
    program = """
    if os.fork() == 0:
        with runs.at_work(sys.argv[1], RUN.id, clock):
            runs.keep_alive(sys.argv[1], RUN, os.environ, clock)
            print(RUN.id, flush=True)
            os.close(1)
            while not os.path.exists(sys.argv[2]):
                time.sleep(0.02)
        os._exit(0)
    sys.stdin.read()
    """
    with controller(program, directory, str(go)) as process:
        run_id = said(process)
        process.kill()
        process.wait()
        # The keeper has seen it.
        wait_for(lambda: f"{run_id}.lock" not in os.listdir(os.path.join(directory, "runs")))
        assert runs.alive(directory, run_id)
        go.touch()
        wait_for(lambda: not runs.alive(directory, run_id))


def test_a_keeper_that_was_killed_is_replaced(directory):
    program = """
    while True:
        runs.keep_alive(sys.argv[1], RUN, os.environ, clock)
        print(RUN.id, flush=True)
        sys.stdin.readline()
    """
    with controller(program, directory) as process:
        run_id = said(process)
        path = os.path.join(directory, "runs", f"{run_id}.lock")
        (keeper,) = [number for number in os.listdir("/proc") if number.isdigit() and path in _read(number, "cmdline")]
        os.kill(int(keeper), signal.SIGKILL)
        wait_for(lambda: not runs.alive(directory, run_id))
        process.stdin.write("\n")
        process.stdin.flush()
        assert said(process) == run_id
        assert runs.alive(directory, run_id)
        process.kill()


def test_askers_do_not_disturb_each_other(directory, real_clock):
    run_id = str(uuid.uuid4())
    with runs.at_work(directory, run_id, real_clock):
        assert all(runs.alive(directory, run_id) for _time in range(5))
    assert not runs.alive(directory, run_id)
    assert os.listdir(os.path.join(directory, "runs")) == [".lock"]


@pytest.mark.parametrize("run_id", ["", "../../etc/passwd", "x" * 36, str(uuid.uuid4())])
def test_a_run_that_is_none_does_not_live(directory, run_id):
    assert not runs.alive(directory, run_id)


def test_a_link_is_refused(directory, tmp_path, real_clock):
    run_id = str(uuid.uuid4())
    with runs.at_work(directory, str(uuid.uuid4()), real_clock):
        os.symlink(tmp_path / "target", os.path.join(directory, "runs", f"{run_id}.lock"))
        with pytest.raises(PimError) as caught:
            runs.alive(directory, run_id)
    assert caught.value.code == "session_unusable"
