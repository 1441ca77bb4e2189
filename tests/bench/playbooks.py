# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook whose tasks are timed, against one simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator_process import Simulator

_PLUGINS = Path(__file__).resolve().parent / "plugins"
_CONNECTIONS = Path(__file__).resolve().parents[1] / "integration" / "plugins" / "connection"
_LIMIT_SECONDS = 300


def run(
    simulator: Simulator,
    directory: Path,
    tasks: Sequence[dict[str, Any]],
    environment: Mapping[str, str],
    connection: str = "local",
) -> list[dict[str, Any]]:
    """One play on the controller with these tasks: a list of ``name``, ``seconds`` and ``result``. RuntimeError where one fails.

    Over the ``connection`` "loop" all of them are modules.
    """
    times = directory / "times.json"
    times.unlink(missing_ok=True)
    play = {"hosts": "localhost", "connection": connection, "gather_facts": False, "tasks": list(tasks)}
    # JSON is YAML, too.
    (directory / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    surroundings = {
        **os.environ,
        **simulator.environment,
        "ENTRA_PIM_SESSION_DIR": str(directory / "sessions"),
        "ANSIBLE_ACTION_PLUGINS": str(_PLUGINS / "action"),
        "ANSIBLE_LIBRARY": str(_PLUGINS / "modules"),
        "ANSIBLE_CALLBACK_PLUGINS": str(_PLUGINS / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "ANSIBLE_CONNECTION_PLUGINS": str(_CONNECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "BENCH_TIMES": str(times),
        **environment,
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    command = [str(program), "-i", "localhost,", str(directory / "play.yml")]
    ended = subprocess.run(
        command,
        cwd=directory,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(ended.stdout + ended.stderr)
    found: list[dict[str, Any]] = json.loads(times.read_text(encoding="utf-8"))
    return found


def sign_in(
    simulator: Simulator, directory: Path, username: str, password: str, options: Mapping[str, Any] | None = None
) -> None:
    """Makes the default session, for the runs that follow in this directory; ``options`` of pim_connect."""
    environment = {"ENTRA_PIM_USERNAME": username, "ENTRA_PIM_PASSWORD": password}
    run(simulator, directory, [{"name": "connect", "entra.pim.pim_connect": dict(options or {})}], environment)
