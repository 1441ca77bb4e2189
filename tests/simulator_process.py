# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator in a process of its own, for any layer of tests."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

PACKAGE_ROOT = Path(__file__).resolve().parents[1] / "roles" / "simulator" / "files"
DEFAULT_TENANT = PACKAGE_ROOT / "tenants" / "contoso.yml"

_START_SECONDS = 60.0


class _Parent:
    """Of all simulators of this process; runs from the first one on."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def fork(self, arguments: list[str], output: Path) -> int:
        """The process id of a new simulator, which writes to ``output``."""
        with self._lock:
            process = self._process or self._start()
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps({"arguments": arguments, "output": str(output)}) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("simulator_parent.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        )
        atexit.register(self._process.communicate)
        return self._process


_PARENT = _Parent()


class Simulator:
    """``with Simulator() as simulator: ...``: on a free port, in a directory of its own, gone at the end.

    ``tenant`` is a tenant file (default: the one that comes along). ``changes`` are keys of the tenant file to set
    otherwise: mappings are merged, everything else is replaced. ``names`` are further ones in its certificate.
    """

    def __init__(
        self, tenant: Path | None = None, changes: Mapping[str, Any] | None = None, names: Sequence[str] = ()
    ) -> None:
        self._tenant = Path(tenant) if tenant else DEFAULT_TENANT
        self._changes = changes
        self._names = names
        self._process_id: int | None = None
        self.directory = Path()
        self.description: dict[str, Any] = {}

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> Simulator:
        """Returns when it listens. RuntimeError with its log where it does not."""
        self.directory = Path(tempfile.mkdtemp(prefix="pim-simulator-"))
        tenant = self._tenant
        if self._changes:
            tenant = self.directory / "tenant.yml"
            content = _merged(read_tenant(self._tenant), self._changes)
            tenant.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        arguments = ["serve", "--dir", str(self.run_dir), "--tenant", str(tenant)]
        arguments += [argument for name in self._names for argument in ("--name", name)]
        self._process_id = _PARENT.fork(arguments, self.directory / "output")
        deadline = time.monotonic() + _START_SECONDS
        while not self._listening():
            if not _runs(self._process_id) or time.monotonic() > deadline:
                log = self.log
                self.stop()
                raise RuntimeError(f"the simulator did not start:\n{log}")
            time.sleep(0.01)
        return self

    def _listening(self) -> bool:
        try:
            self.description = json.loads((self.run_dir / "simulator.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        return True

    def stop(self) -> None:
        """At once: that it ends in order is for other tests. Twice is no error."""
        if self._process_id is not None and _runs(self._process_id):
            os.kill(self._process_id, signal.SIGKILL)
            while _runs(self._process_id):
                time.sleep(0.001)
        self._process_id = None
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def run_dir(self) -> Path:
        return self.directory / "run"

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.directory / "output").read_text(encoding="utf-8", errors="replace")

    @property
    def url(self) -> str:
        return str(self.description["url"])

    @property
    def ca_path(self) -> str:
        return str(self.description["ca_path"])

    @property
    def tenant_id(self) -> str:
        return str(self.description["tenant_id"])

    @property
    def environment(self) -> dict[str, str]:
        """The ``ENTRA_PIM_*`` variables that lead a client to it."""
        return dict(self.description["environment"])

    @property
    def managed_identity_environment(self) -> dict[str, str]:
        """What a process on a machine with managed identities has (as App Service gives it); empty where the tenant has
        none."""
        told = self.description["managed_identity"]
        if told is None:
            return {}
        header = Path(told["identity_header_file"]).read_text(encoding="utf-8")
        return {"IDENTITY_ENDPOINT": told["identity_endpoint"], "IDENTITY_HEADER": header}

    @property
    def metadata_url(self) -> str:
        """The Instance Metadata Service, without its path: for ``AZURE_POD_IDENTITY_AUTHORITY_HOST``."""
        return str(self.description["managed_identity"]["metadata_url"])

    @property
    def control_key(self) -> str:
        return Path(self.description["control_key_file"]).read_text(encoding="utf-8")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API, such as ``control("POST", "time", {"advance": "PT5M"})``: the JSON of its answer.
        RuntimeError where it is refused."""
        status, content = self.control_raw(method, path, body)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {content}")
        return content

    def control_raw(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """The same with status and content, whatever they are; ``key`` instead of the right one."""
        context = ssl.create_default_context(cafile=self.ca_path)
        connection = http.client.HTTPSConnection("localhost", urlsplit(self.url).port, timeout=30, context=context)
        try:
            headers = {"X-Simulator-Key": self.control_key if key is None else key}
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/_control/{path}", data, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def advance(self, duration: str) -> None:
        """Move its time, by ``PT6M`` and the like."""
        self.control("POST", "time", {"advance": duration})

    def activated(self) -> set[str]:
        """The roles of all activations in force, of whatever scope."""
        return {role for role, _scope in self.activations()}

    def activations(self) -> set[tuple[str, str]]:
        """(role, scope) of every activation in force."""
        rows = self.control("GET", "state")["active"]
        return {(row["role"], row["scope"]) for row in rows if row["type"] == "Activated" and row["in_force"]}

    def calls(self, path: str = "") -> list[dict[str, Any]]:
        """Calls recorded whose path has a match of the regular expression."""
        found: list[dict[str, Any]] = self.control("GET", f"calls?path={quote(path, safe='')}")["calls"]
        return found


def _runs(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def read_tenant(path: Path = DEFAULT_TENANT) -> dict[str, Any]:
    """A tenant file's content. libyaml reads it ten times faster than Python, and some tests need it hundreds of times."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def _merged(base: Any, changes: Any) -> Any:
    if isinstance(base, dict) and isinstance(changes, Mapping):
        return {**base, **{name: _merged(base.get(name), value) for name, value in changes.items()}}
    return changes
