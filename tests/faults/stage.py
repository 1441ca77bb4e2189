# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cells are played: one simulator, started once and set back for each cell, and the operations in this process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import connect
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import LEASE_VARIABLE, Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.state import runs
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import Journal
from ansible_collections.entra.pim.plugins.module_utils._pim.state.runs import Run

from faults.moved_clock import MovedClock
from faults.network import Network
from simulator_process import Simulator

# For the process that holds a run's lock to end, on a busy machine.
_SECONDS = 30.0
OWN_CLIENT = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"
OPERATOR = "operator@contoso.example"


@dataclass
class Told:
    """What a task told: its result, its warnings, what it put on the screen, and how many seconds passed for it."""

    result: dict[str, Any]
    warnings: list[str]
    shown: list[str]
    seconds: float

    @property
    def code(self) -> str | None:
        """Of its failure."""
        failure: dict[str, Any] = self.result.get("failure") or {}
        return failure.get("code")

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))


class Stage:
    """``changes``: keys of the simulator's tenant to set otherwise."""

    def __init__(self, changes: Mapping[str, Any], network: Network) -> None:
        self.simulator = Simulator(changes=changes)
        self.network = network
        self.directory = Path()
        self.time = MovedClock(self._advance)
        # Several threads of a task may wait at once, and a person acts meanwhile.
        self._turn = threading.RLock()
        self._control: http.client.HTTPSConnection | None = None
        self._run: Run | None = None
        self._ends: int | None = None
        self.runs_lease = False

    def start(self) -> Stage:
        self.simulator.start()
        context = ssl.create_default_context(cafile=self.simulator.ca_path)
        port = urlsplit(self.simulator.url).port
        self._control = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
        self._key = self.simulator.control_key
        return self

    def stop(self) -> None:
        self._clear()
        if self._control is not None:
            self._control.close()
        self.simulator.stop()

    def begin(self, skew: float = 0.0) -> None:
        """As at the start, for a client whose clock is so many seconds ahead."""
        self._clear()
        self.directory = Path(tempfile.mkdtemp(prefix="pim-faults-"))
        self.network.forget()
        self.time = MovedClock(self._advance, skew)
        self.control("POST", "reset")

    def _clear(self) -> None:
        self.end_run()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def _advance(self, seconds: float) -> None:
        self.control("POST", "time", {"advance": f"PT{seconds:.6f}S"})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API, over a connection that is kept: the JSON of its answer."""
        assert self._control is not None
        headers = {"X-Simulator-Key": self._key}
        with self._turn:
            self._control.request(method, f"/_control/{path}", None if body is None else json.dumps(body), headers)
            answer = self._control.getresponse()
            content = json.loads(answer.read())
        assert answer.status == 200, f"{method} {path}: {answer.status} {content}"
        return content

    def pass_time(self, seconds: float) -> None:
        """For both sides."""
        self.time.sleep(seconds)

    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "calls")["calls"]
        return found

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("GET", "state")
        return found

    def requests_of(self, username: str) -> list[dict[str, Any]]:
        """Requests for the account's own roles, in the simulator's words but in lower case."""
        return [one for one in self.state()["requests"] if one["principal"] == username]

    def journal(self) -> list[dict[str, Any]]:
        return Journal(str(self.directory), self.time.clock).lines()

    @property
    def environ(self) -> dict[str, str]:
        own = {"HOME": str(self.directory), "PATH": os.environ["PATH"], **self.simulator.environment}
        return {**own, **({LEASE_VARIABLE: "true"} if self.runs_lease else {})}

    def begin_run(self) -> None:
        """From now on tasks belong to one run of a playbook, which holds a lease on what they take."""
        reading, writing = os.pipe()
        self._run, self._ends, self.runs_lease = Run(str(uuid.uuid4()), reading), writing, True

    def end_run(self) -> None:
        """As a kill ends it. Returns when everybody sees that it is gone."""
        run, self._run = self._run, None
        self.runs_lease = False
        if run is None or self._ends is None:
            return
        os.close(run.ends)
        os.close(self._ends)
        deadline = time.monotonic() + _SECONDS
        while runs.alive(str(self.directory), run.id):
            assert time.monotonic() < deadline, "the run did not end"
            time.sleep(0.005)

    def perform(
        self, operation: Operation, given: Mapping[str, Any], environ: Mapping[str, str] | None = None, **edge: Any
    ) -> Told:
        """One task, with its other options left at their defaults."""
        spec = operation.spec()["argument_spec"]
        params = {name: option.get("default") for name, option in spec.items()}
        params.update({"session_dir": str(self.directory), **given})
        shown: list[str] = []
        show: Callable[[str], None] = edge.pop("show", shown.append)
        context = Context(
            clock=self.time.clock, environ={**self.environ, **(environ or {})}, show=show, run=self._run, **edge
        )
        started = self.time.monotonic()
        # msal looks for the platform of a managed identity in the process's own environment.
        with self.network.watched(), mock.patch.dict(os.environ, environ or {}):
            result = perform(operation, _completed(spec, params), context)
        return Told(result, context.warnings, shown, self.time.monotonic() - started)

    def sign_in(self, username: str, providers: tuple[str, ...], **given: Any) -> None:
        options = {**by_password(username), "providers": list(providers), **given}
        told = self.perform(connect.OPERATION, options)
        assert not told.result.get("failed"), told.message


def by_password(username: str) -> dict[str, Any]:
    """Options of ``pim_connect`` for an account of the tenant."""
    password = f"Sim-{username.partition('@')[0]}-password-1"
    return {"auth_method": "password", "username": username, "password": password, "client_id": OWN_CLIENT}


def _completed(spec: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults of the keys of listed roles, as an edge would have set them."""
    completed = dict(params)
    inner = (spec.get("roles") or {}).get("options")
    if inner and params.get("roles") is not None:
        defaults = {name: option.get("default") for name, option in inner.items()}
        completed["roles"] = [{**defaults, **one} for one in params["roles"]]
    return completed


@contextlib.contextmanager
def staged(changes: Mapping[str, Any], network: Network) -> Iterator[Stage]:
    stage = Stage(changes, network).start()
    try:
        yield stage
    finally:
        stage.stop()
