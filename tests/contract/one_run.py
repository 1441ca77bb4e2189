# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook run in a process of its own, as far as its tasks and its end go, without Ansible around it: it does one task after the
other, is asked to elevate and to give back, and can be killed at any moment."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import uuid
from collections.abc import Mapping
from typing import Any

from contract.one_task import carry_out

_PRIVATE = "ansible_collections.entra.pim.plugins.module_utils._pim"
_SECONDS = 120.0
_FORK = multiprocessing.get_context("fork")

_Run = importlib.import_module(f"{_PRIVATE}.state.runs").Run


class RunProcess:
    """A process that waits for its orders. ``with`` ends it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._connection, its_own = _FORK.Pipe()
        self.id = str(uuid.uuid4())
        self._process = _FORK.Process(target=_work, args=(its_own, self._connection, dict(environment), self.id))
        self._process.start()
        its_own.close()
        assert self._connection.recv() == "ready"

    def __enter__(self) -> RunProcess:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.end()

    def begin(self, operation: str, **params: Any) -> None:
        self._connection.send((operation, params))

    def wait(self) -> None:
        """Until there is a result, or none can come any more."""
        if not self._connection.poll(_SECONDS):
            raise TimeoutError(f"a task did not end within {_SECONDS} s")

    def result(self) -> dict[str, Any]:
        """EOFError where the process ended without one."""
        self.wait()
        found: dict[str, Any] = self._connection.recv()
        return found

    def do(self, operation: str, **params: Any) -> dict[str, Any]:
        self.begin(operation, **params)
        return self.result()

    def elevate(self, *roles: str, **params: Any) -> dict[str, Any]:
        return self.do("activation", roles=[{"role": role} for role in roles], justification="Test", **params)

    def give_back(self, **params: Any) -> dict[str, Any]:
        return self.do("giving_back", **params)

    def kill(self) -> bool:
        """SIGKILL; False where it had ended already, or what it was told to do had."""
        running = self._process.is_alive() and not self._connection.closed and not self._connection.poll()
        self._process.kill()
        self._process.join()
        self._connection.close()
        return running

    def end(self) -> None:
        """As a playbook ends, whatever it holds."""
        if not self._connection.closed:
            # Said, because forks of the tests that came later have this end of the pipe, too.
            self._connection.send(None)
            self._connection.close()
        self._process.join(_SECONDS)
        assert self._process.exitcode is not None, "the run did not end"


def _work(connection: Any, others: Any, environment: dict[str, str], run_id: str) -> None:
    """What the process does."""
    others.close()
    os.environ.update(environment)
    os.environ["ENTRA_PIM_LEASE"] = "true"
    ends, _held_open = os.pipe()
    connection.send("ready")
    while True:
        order = connection.recv()
        if order is None:
            return
        name, params = order
        result, warnings = carry_out(name, params, run=_Run(run_id, ends))
        connection.send({**result, "warnings": warnings})
