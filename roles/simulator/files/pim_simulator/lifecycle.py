# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a running simulator, and ending it. Needs the standard library only: what was started can always be ended."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from pim_simulator.errors import SimulatorError
from pim_simulator.runtime_dir import RuntimeDir

_END_SECONDS = 10.0
_STEP_SECONDS = 0.05


class StopError(SimulatorError):
    """It did not end; the text says why."""


def status(directory: RuntimeDir) -> dict[str, Any] | None:
    """The description of the simulator that runs there, None where none does."""
    return directory.description() if directory.running() else None


def stop(directory: RuntimeDir) -> bool:
    """End it and remove its keys, CA and records. Returns whether one ran. Raises StopError."""
    ran = directory.running()
    if ran:
        _end(directory)
    if directory.path.is_dir():
        directory.clean()
    return ran


def _end(directory: RuntimeDir) -> None:
    deadline = time.monotonic() + _END_SECONDS
    description = directory.description()
    while description is None and directory.running():
        if time.monotonic() > deadline:
            raise StopError(f"the simulator in {directory.path} does not say its process id")
        time.sleep(_STEP_SECONDS)
        description = directory.description()
    if description is None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        # the lock is held, so the process that wrote this id lives: the id is ours
        if not directory.running():
            return
        try:
            os.kill(int(description["pid"]), number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _END_SECONDS
        while directory.running() and time.monotonic() < deadline:
            time.sleep(_STEP_SECONDS)
    if directory.running():
        raise StopError(f"process {description['pid']} does not end")
