# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task in a process of its own, as an edge runs it but without Ansible's start around it.

Everything is loaded once, here; each task is a fork that waits for its order. So many of them can begin at one moment, one
can be killed at any moment of its work, and none costs the second that loading takes.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

_PRIVATE = "ansible_collections.entra.pim.plugins.module_utils._pim"
_SECONDS = 120.0
_FORK = multiprocessing.get_context("fork")

_OPERATIONS = {
    name: importlib.import_module(f"{_PRIVATE}.operations.{name}").OPERATION
    for name in ("connect", "role_info", "session_info", "activation", "giving_back")
}
_perform = importlib.import_module(f"{_PRIVATE}.operations.performing").perform
_Context = importlib.import_module(f"{_PRIVATE}.operations.context").Context
_Clock = importlib.import_module(f"{_PRIVATE}.times").Clock
_Validator = importlib.import_module("ansible.module_utils.common.arg_spec").ArgumentSpecValidator
# What a task with a dead token loads first.
importlib.import_module("msal")


class Task:
    """A process that waits for its order."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._connection, its_own = _FORK.Pipe()
        self._process = _FORK.Process(target=_work, args=(its_own, dict(environment)), daemon=True)
        self._process.start()
        # So that the end of the process is the end of what it says.
        its_own.close()

    def ready(self) -> Task:
        """Returns when it waits. EOFError where it did not get that far."""
        assert self._connection.recv() == "ready"
        return self

    def begin(self, operation: str, **params: Any) -> None:
        self._connection.send((operation, params))

    def result(self) -> dict[str, Any]:
        """EOFError where the process ended without one."""
        if not self._connection.poll(_SECONDS):
            raise TimeoutError(f"a task did not end within {_SECONDS} s")
        found: dict[str, Any] = self._connection.recv()
        self._process.join()
        return found

    def kill(self) -> bool:
        """SIGKILL; False where it had ended already, or has its result."""
        running = self._process.is_alive() and not self._connection.closed and not self._connection.poll()
        self._process.kill()
        self._process.join()
        self._connection.close()
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


def _work(connection: Connection, environment: dict[str, str]) -> None:
    """What the process does."""
    os.environ.update(environment)
    connection.send("ready")
    name, params = connection.recv()
    result, _warnings = carry_out(name, params)
    connection.send(result)


def carry_out(name: str, params: Mapping[str, Any], **context: Any) -> tuple[dict[str, Any], list[str]]:
    """Result and warnings of one operation, in this process and with its environment."""
    operation = _OPERATIONS[name]
    spec = operation.spec()
    spec.pop("supports_check_mode", None)
    validation = _Validator(**spec).validate(params)
    if validation.error_messages:
        raise SystemExit(str(validation.error_messages))
    around = _Context(clock=_Clock(time.time, time.monotonic, time.sleep), environ=os.environ, **context)
    return _perform(operation, validation.validated_parameters, around), around.warnings
