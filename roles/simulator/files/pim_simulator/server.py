# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server process: TLS on loopback, the files that tell others about it, orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from pim_simulator.app import make_app, make_platform_app
from pim_simulator.certificates import make_server_context
from pim_simulator.errors import SimulatorError
from pim_simulator.http_protocol import ResettableProtocol
from pim_simulator.runtime_dir import CA, CONTROL_KEY, DESCRIPTION, IDENTITY_HEADER, RuntimeDir
from pim_simulator.sign_in.platform_http import APP_SERVICE_PATH
from pim_simulator.tenant.loader import load_tenant, tenant_digest
from pim_simulator.tenant.models import TenantFile
from pim_simulator.world import World

log = logging.getLogger("pim_simulator")

_BACKLOG = 256
_PORT_ATTEMPTS = 20


class ServerError(SimulatorError):
    """It cannot listen; the text says why."""


class _Server(uvicorn.Server):
    """Tells the world about itself only when it listens."""

    def __init__(self, config: uvicorn.Config, announce: dict[str, object], directory: RuntimeDir) -> None:
        super().__init__(config)
        self._announce = announce
        self._directory = directory

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._directory.write(DESCRIPTION, json.dumps(self._announce, indent=2).encode())
            log.info("listening on %s", self._announce["url"])


class _Companion(uvicorn.Server):
    """A second listener of the process. Signals are for the first one, which ends this one, too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(directory: RuntimeDir, tenant_path: Path, port: int, names: Sequence[str] = ()) -> None:
    """Run until SIGTERM or SIGINT. Raises TenantError, RuntimeDirError or ServerError before it listens.

    ``names``: further ones in its certificate.
    """
    # what is read now stays: to look through it for garbage takes a third of the start of a large tenant
    gc.disable()
    tenant = load_tenant(tenant_path)
    directory.prepare()
    directory.take_lock()
    directory.file(DESCRIPTION).unlink(missing_ok=True)
    context, ca_certificate = make_server_context(names)
    control_key = secrets.token_urlsafe(32)
    directory.write(CA, ca_certificate, 0o644)
    directory.write(CONTROL_KEY, control_key.encode())
    sockets = _listen(port)
    description = _description(directory, tenant, tenant_path, sockets[0].getsockname()[1])
    world = World(tenant)
    gc.freeze()
    gc.enable()
    config = _config(make_app(world, control_key))
    config.load()
    # uvicorn itself takes certificates from files only; this one's key is nowhere on the disk
    config.ssl = context
    # uvicorn ends in order at a signal, and then raises it again: without this the process would die before the end below
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    server = _Server(config, description, directory)
    try:
        if tenant.managed_identities:
            identity_header = secrets.token_urlsafe(32)
            directory.write(IDENTITY_HEADER, identity_header.encode())
            platform_socket = _socket(socket.AF_INET, "127.0.0.1", 0)
            platform_url = f"http://127.0.0.1:{platform_socket.getsockname()[1]}"
            description["managed_identity"] = {
                "identity_endpoint": f"{platform_url}{APP_SERVICE_PATH}",
                "identity_header_file": str(directory.file(IDENTITY_HEADER)),
                "metadata_url": platform_url,
            }
            platform = _Companion(_config(make_platform_app(world, identity_header)))
            asyncio.run(_serve_both(server, sockets, platform, [platform_socket]))
        else:
            asyncio.run(server.serve(sockets))
    except KeyboardInterrupt:
        log.info("interrupted")
    finally:
        directory.file(DESCRIPTION).unlink(missing_ok=True)
        log.info("ended")


async def _serve_both(
    server: uvicorn.Server, sockets: list[socket.socket], companion: _Companion, its_sockets: list[socket.socket]
) -> None:
    running = asyncio.create_task(companion.serve(its_sockets))
    try:
        await server.serve(sockets)
    finally:
        companion.should_exit = True
        await running


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ResettableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        # Date is the tenant's time
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )


def _description(directory: RuntimeDir, tenant: TenantFile, tenant_path: Path, port: int) -> dict[str, object]:
    url = f"https://localhost:{port}"
    ca_path = str(directory.file(CA))
    return {
        "url": url,
        "control_url": f"{url}/_control",
        "ca_path": ca_path,
        "control_key_file": str(directory.file(CONTROL_KEY)),
        "pid": os.getpid(),
        "managed_identity": None,
        "tenant_id": tenant.tenant_id,
        "tenant_file": str(tenant_path.resolve()),
        "tenant_sha256": tenant_digest(tenant_path),
        "environment": {
            "ENTRA_PIM_AUTHORITY_URL": url,
            "ENTRA_PIM_GRAPH_URL": url,
            "ENTRA_PIM_ARM_URL": url,
            "ENTRA_PIM_CA_PATH": ca_path,
            "ENTRA_PIM_TENANT": tenant.tenant_id,
        },
    }


def _listen(port: int) -> list[socket.socket]:
    """Sockets on 127.0.0.1 and, where the machine has it, ::1, with one port: "localhost" may mean either."""
    for _attempt in range(_PORT_ATTEMPTS):
        first = _socket(socket.AF_INET, "127.0.0.1", port)
        chosen = first.getsockname()[1]
        try:
            return [first, _socket(socket.AF_INET6, "::1", chosen)]
        except OSError:
            if not _has_ipv6():
                return [first]
            first.close()
            if port:
                break
    raise ServerError(f"port {port} is not free on ::1" if port else "no port was free on both 127.0.0.1 and ::1")


def _socket(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only where the socket says that it is TCP: 40 ms for each answer otherwise
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if family == socket.AF_INET:
            raise ServerError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
        raise
    return sock


def _has_ipv6() -> bool:
    try:
        _socket(socket.AF_INET6, "::1", 0).close()
    except OSError:
        return False
    return True
