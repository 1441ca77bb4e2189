# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``examples/three_providers.yml`` against the simulator: ``python -m tools.demo [ARGUMENT OF ansible-playbook ...]``.

The collection's own role starts the simulator and stops it, however the playbook ended. Nothing but this machine is
talked to, and nothing is kept.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from os import environ
from pathlib import Path
from typing import NoReturn

from tools import environment, layout

_DIRECTORY = layout.BUILD / "demo"
_SIMULATOR = _DIRECTORY / "simulator"
_PLAYBOOK = "examples/three_providers.yml"
_TENANT = layout.ROOT / "examples" / "demo_tenant.yml"
# The tenant's own app registration: Microsoft's own clients cannot serve all three providers.
_CLIENT_ID = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_INTRODUCTION = f"""\
{_PLAYBOOK} against a simulated tenant on this machine. Three things are not as in a real one:
  - an activation may be given back after one second; Entra keeps it for five minutes
  - lists and services know at once what was activated; a group takes tens of seconds, Azure some minutes
  - nobody has to enter the code of the sign-in; the simulator does it by itself
"""


class DemoError(Exception):
    """The simulator could not be started or stopped; the text is what Ansible said."""


def main(arguments: list[str]) -> int:
    """Returns the exit status of ansible-playbook; 1 where the simulator failed, 130 after Ctrl-C."""
    # A closed terminal or `kill` must not leave the simulator running either.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        if _DIRECTORY.exists():
            # An earlier demo was killed before it could clean up.
            _clean_up()
        try:
            return _demonstrate(arguments)
        finally:
            _clean_up()
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def _demonstrate(arguments: list[str]) -> int:
    venv = Path(sys.prefix)
    variables = environment.for_tests(venv)
    if sys.stdout.isatty() and "NO_COLOR" not in environ:
        del variables["ANSIBLE_NOCOLOR"]
    _DIRECTORY.mkdir(parents=True)
    _simulator("started")
    description = json.loads((_SIMULATOR / "simulator.json").read_text(encoding="utf-8"))
    print(_INTRODUCTION, flush=True)
    variables.update(
        description["environment"],
        ENTRA_PIM_AUTH_METHOD="device_code",
        ENTRA_PIM_CLIENT_ID=_CLIENT_ID,
        ENTRA_PIM_SESSION_DIR=str(_DIRECTORY / "sessions"),
        ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
        ANSIBLE_DISPLAY_SKIPPED_HOSTS="false",
        ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        ANSIBLE_LOCALHOST_WARNING="false",
    )
    started = time.monotonic()
    status = _run([str(venv / "bin" / "ansible-playbook"), _PLAYBOOK, *arguments], variables)
    print(f"\nThe playbook took {time.monotonic() - started:.0f} s and ended with status {status}.")
    return status


def _run(command: list[str], variables: Mapping[str, str]) -> int:
    """Its exit status. Ctrl-C reaches it as well: it is waited for, and stopped if need be."""
    process = subprocess.Popen(command, cwd=layout.ROOT, env=dict(variables))
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _simulator(state: str) -> None:
    """Start or stop it by the collection's role. DemoError where that fails."""
    options = {"simulator_state": state, "simulator_dir": str(_SIMULATOR), "simulator_tenant": str(_TENANT)}
    ansible = str(Path(sys.prefix) / "bin" / "ansible")
    role = ["-m", "ansible.builtin.include_role", "-a", "name=entra.pim.simulator"]
    done = subprocess.run(
        [ansible, "localhost", *role, "-e", json.dumps(options)],
        cwd=layout.ROOT,
        env=environment.for_tests(Path(sys.prefix)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        # Ctrl-C ends what is being started, but not the clean-up: Ansible answers to it even where it was told to ignore it.
        start_new_session=state == "stopped",
    )
    if done.returncode:
        raise DemoError(f"The simulator could not be {state}:\n{done.stdout}")


def _clean_up() -> None:
    """Stop the simulator and remove the sessions; not to be stopped half way by another Ctrl-C."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING}
    try:
        _simulator("stopped")
        shutil.rmtree(_DIRECTORY)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
