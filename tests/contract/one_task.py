# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task in a process of its own, as an edge runs it but without Ansible's start around it.

As a program it loads everything, writes a line, waits for its order on stdin, and writes its result: so that many of them
can begin at one moment, and one can be killed at any moment of its work.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

_PRIVATE = "ansible_collections.entra.pim.plugins.module_utils._pim"
_SECONDS = 120.0


class Task:
    """A process that has loaded everything and waits."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def ready(self) -> Task:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("a task did not start")
        return self

    def begin(self, operation: str, **params: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"operation": operation, "params": params}) + "\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        output, _errors = self._process.communicate(timeout=_SECONDS)
        found: dict[str, Any] = json.loads(output)
        return found

    def kill(self) -> bool:
        """SIGKILL; False where it had ended already."""
        running = self._process.poll() is None
        self._process.kill()
        self._process.communicate()
        return running


def run_all(environment: Mapping[str, str], orders: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each order in a process of its own, all at once; the results in their order."""
    tasks = [Task(environment) for _order in orders]
    try:
        for task in tasks:
            task.ready()
        for task, (operation, params) in zip(tasks, orders, strict=True):
            task.begin(operation, **params)
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.kill()


def run_one(environment: Mapping[str, str], operation: str, **params: Any) -> dict[str, Any]:
    return run_all(environment, [(operation, params)])[0]


def main() -> None:
    names = ("connect", "role_info", "session_info", "activation")
    operations = {name: importlib.import_module(f"{_PRIVATE}.operations.{name}").OPERATION for name in names}
    perform = importlib.import_module(f"{_PRIVATE}.operations.performing").perform
    context_class = importlib.import_module(f"{_PRIVATE}.operations.context").Context
    clock_class = importlib.import_module(f"{_PRIVATE}.times").Clock
    validator = importlib.import_module("ansible.module_utils.common.arg_spec").ArgumentSpecValidator
    # What a task with a dead token loads first.
    importlib.import_module("msal")
    print("ready", flush=True)
    order = json.loads(sys.stdin.readline())
    operation = operations[order["operation"]]
    spec = operation.spec()
    spec.pop("supports_check_mode", None)
    validation = validator(**spec).validate(order["params"])
    if validation.error_messages:
        raise SystemExit(str(validation.error_messages))
    context = context_class(clock=clock_class(time.time, time.monotonic, time.sleep), environ=os.environ)
    print(json.dumps(perform(operation, validation.validated_parameters, context)))


if __name__ == "__main__":
    main()
