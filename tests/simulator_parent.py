# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process whose forks are the tests' simulators: to import what they need takes longer than all else at their start.

One order in a line of stdin, ``{"arguments": [...], "output": <path>}``, one answer in a line of stdout: the process id.
Ends with its stdin. The simulator that users start is looked at in tests/simulator/test_process.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pim_simulator.server  # noqa: F401 - what a simulator needs, read once
from pim_simulator import cli


def main() -> int:
    # nobody waits for the simulators: with this they leave no zombies
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        process_id = os.fork()
        if process_id == 0:
            return _simulator(order["arguments"], Path(order["output"]))
        print(process_id, flush=True)
    return 0


def _simulator(arguments: list[str], output: Path) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.devnull, "rb") as nothing, output.open("wb") as log:
        os.dup2(nothing.fileno(), 0)
        for number in (1, 2):
            os.dup2(log.fileno(), number)
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
