# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives back what a run holds. A program of its own, started by `safety_net.py` when the run ends. Private to the collection.

A controller that is about to end can start no thread any more, and may be interrupted at any moment; this process can, and is not.
Its standard input is one JSON object, the order that `safety_net.py` writes. Its standard output is the result, as the module would give
it. As a watcher it writes a dot, when it is at its post, and goes on by itself.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import types
from typing import Any

_PRIVATE = "ansible_collections.entra.pim.plugins.module_utils._pim"


def main() -> None:
    _pass_over_signals()
    order = json.load(sys.stdin)
    sys.path[:] = order["path"]
    # As Ansible's own loader, which is not needed for more, finds the collection.
    collections = types.ModuleType("ansible_collections")
    collections.__path__ = [order["collections"]]
    sys.modules["ansible_collections"] = collections
    if order["watch"]:
        _watch(order)
    else:
        json.dump(give_back(order), sys.stdout)


def _pass_over_signals() -> None:
    """Those that were blocked at its start and came then were meant for the controller; those that come from now on are for this process."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in blocked}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _watch(order: dict[str, Any]) -> None:
    runs = importlib.import_module(f"{_PRIVATE}.state.runs")
    # The run is not gone as long as this is at work: its roles are no leftovers.
    with runs.at_work(order["options"]["session_dir"], order["run"], _clock()):
        print(".", end="", flush=True)
        give_back(order)


def give_back(order: dict[str, Any]) -> dict[str, Any]:
    """The result of `pim_give_back` for what one run holds with one session."""
    result = _perform(order["run"], order["options"])
    if _found_none(result):
        # No such session, or one of another account: the tasks had credentials of the environment, and so has this process.
        others = _perform(order["run"], {**order["options"], "session": None})
        result = result if _found_none(others) else others
    return result


def _found_none(result: dict[str, Any]) -> bool:
    not_there = result["failure"]["code"] == "not_connected" if result.get("failed") else not result["held_by_others"]
    return not_there and not result.get("roles")


def _clock() -> Any:
    return importlib.import_module(f"{_PRIVATE}.times").Clock(time.time, time.monotonic, time.sleep)


def _perform(run_id: str, options: dict[str, Any]) -> dict[str, Any]:
    giving_back, context, performing, runs = (
        importlib.import_module(f"{_PRIVATE}.{name}")
        for name in ("operations.giving_back", "operations.context", "operations.performing", "state.runs")
    )
    spec = giving_back.OPERATION.spec()["argument_spec"]
    params = {**{name: option.get("default") for name, option in spec.items()}, **options}
    # It starts no keeper, which would need the pipe: the run has one.
    run = runs.Run(run_id, -1)
    told = context.Context(clock=_clock(), environ=os.environ, run=run)
    result: dict[str, Any] = performing.perform(giving_back.OPERATION, params, told)
    return result


if __name__ == "__main__":
    main()
