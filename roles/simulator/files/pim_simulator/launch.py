# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a detached simulator that outlives its caller."""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pim_simulator.errors import SimulatorError
from pim_simulator.runtime_dir import LOG, RuntimeDir
from pim_simulator.tenant.loader import load_tenant, tenant_digest

# a machine under load needs its time; a simulator normally answers within a second
_START_SECONDS = 60.0
_STEP_SECONDS = 0.05


class StartError(SimulatorError):
    """It did not start; the text says why."""


def start(directory: RuntimeDir, tenant_path: Path, port: int) -> dict[str, Any]:
    """Start it, or find it running with the same tenant file and port. Returns its description and ``started``, whether
    this call started it. Raises SimulatorError."""
    load_tenant(tenant_path)
    directory.prepare()
    if directory.running():
        return {**_check_same(directory, tenant_path, port), "started": False}
    process = _spawn(directory, tenant_path, port)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        if process.poll() is not None:
            raise StartError(f"the simulator ended at once:\n{_end_of_log(directory)}")
        description = directory.description()
        if description is not None and description["pid"] == process.pid and _answers(description):
            # the process is to outlive this one: it is not waited for
            process.returncode = 0
            return {**description, "started": True}
        if time.monotonic() > deadline:
            process.kill()
            raise StartError(f"the simulator did not answer within {_START_SECONDS:.0f} seconds")
        time.sleep(_STEP_SECONDS)


def _spawn(directory: RuntimeDir, tenant_path: Path, port: int) -> subprocess.Popen[bytes]:
    arguments = ["serve", "--dir", str(directory.path), "--tenant", str(tenant_path.resolve()), "--port", str(port)]
    package_root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(part for part in (package_root, os.environ.get("PYTHONPATH", "")) if part)
    log = os.open(directory.file(LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "pim_simulator", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
    finally:
        os.close(log)


def _check_same(directory: RuntimeDir, tenant_path: Path, port: int) -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    description = directory.description()
    while description is None and directory.running() and time.monotonic() < deadline:
        time.sleep(_STEP_SECONDS)
        description = directory.description()
    if description is None:
        raise StartError(f"another simulator is starting or ending in {directory.path}: try again")
    if description["tenant_sha256"] != tenant_digest(tenant_path):
        raise StartError(f"a simulator runs in {directory.path} with another tenant file: stop it first")
    if port not in (0, urlsplit(description["url"]).port):
        raise StartError(f"a simulator runs in {directory.path} on another port: stop it first")
    return description


def _answers(description: dict[str, Any]) -> bool:
    """Over TLS, with its CA, without any proxy of the environment."""
    address = urlsplit(description["url"])
    context = ssl.create_default_context(cafile=description["ca_path"])
    connection = http.client.HTTPSConnection("localhost", address.port, timeout=5, context=context)
    try:
        connection.request("GET", f"/{description['tenant_id']}/v2.0/.well-known/openid-configuration")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _end_of_log(directory: RuntimeDir) -> str:
    try:
        return directory.file(LOG).read_text(encoding="utf-8", errors="replace")[-2000:].strip()
    except OSError as error:
        return f"(its log cannot be read: {error})"
