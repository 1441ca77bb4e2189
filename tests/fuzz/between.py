# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server between the client and the simulator: it hands each call on, and alters what is answered to one of them."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import trustme

from faults.network import Network
from fuzz import nasty
from unit.https_server import Behaviour, Request, Server

ALTERED = "altered"
# For what a platform offers by plain HTTP.
ALTERED_PLAIN = "altered plain"
# What a header may hold, and whatever else comes to somebody's mind.
_HEADERS = ("Retry-After", "Date", "WWW-Authenticate", "Content-Type", "request-id", "Location")
_HEADER_VALUES = (
    "", " ", "-1", "0", "1e9", "NaN", "9" * 400, "tomorrow", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Wed, 30 Feb 2026 25:61:61 GMT", "Thu, 01 Jan 1970 00:00:00 +9999", 'Bearer error="insufficient_claims", claims="!!!"',
    'Bearer claims="e30="', "Bearer " + "x" * 5_000, "Bearer \x01\x7f", 'Bearer error="invalid_token", claims="', "\xff\xfe", ",,,=\"", "text/\xe9",
)  # fmt: skip
_STATUSES = (200, 201, 204, 400, 401, 403, 404, 409, 418, 429, 500, 503, 599)
_CONNECTION_ONLY = frozenset({"transfer-encoding", "connection", "content-length", "content-encoding"})


class _PlainServer(Server):
    """The same without TLS."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(authority)
        self._context = self  # type: ignore[assignment]  # all that is asked of it is to wrap a socket

    @staticmethod
    def wrap_socket(plain: socket.socket, **_options: Any) -> socket.socket:
        return plain


class Between(Network):
    """`trap` with the detour ALTERED leads a call here. `begin` says by which draw the answer is altered; `told` says what was done.

    `ca_path`: a file with the authorities of both the simulator and this server.
    """

    def __init__(self, authority: trustme.CA, directory: Path) -> None:
        super().__init__()
        self.ca_path = str(directory / "both.pem")
        self._authority = authority
        self._server, self._plain_server = Server(authority), _PlainServer(authority)
        self._server.respond = lambda request: self._respond(request, self._behind)
        self._plain_server.respond = lambda request: self._respond(request, self._platform)
        for server in (self._server, self._plain_server):
            server.__enter__()
        self.told = ""

    def close(self) -> None:
        for server in (self._server, self._plain_server):
            server.__exit__()
        super().close()

    def stand_before(self, url: str, platform_url: str, ca_path: str) -> None:
        """The simulator's two addresses, and what it is known by."""
        trusted = ssl.create_default_context(cafile=ca_path)
        port, platform_port = urlsplit(url).port, urlsplit(platform_url).port
        self._behind = partial(http.client.HTTPSConnection, "localhost", port, timeout=30, context=trusted)
        self._platform = partial(http.client.HTTPConnection, "127.0.0.1", platform_port, timeout=30)
        both = Path(ca_path).read_bytes() + self._authority.cert_pem.bytes()
        Path(self.ca_path).write_bytes(both)

    def begin(self, seed: str) -> None:
        self._draw = nasty.draws(seed)
        self.told = ""

    def _port(self, name: str) -> int:
        own = {ALTERED: self._server, ALTERED_PLAIN: self._plain_server}.get(name)
        return super()._port(name) if own is None else own.port

    def _respond(self, request: Request, connect: Callable[[], http.client.HTTPConnection]) -> Behaviour:
        connection = connect()
        try:
            dropped = ("host", "content-length", "connection", "accept-encoding")
            headers = {name: value for name, value in request.headers.items() if name not in dropped}
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _CONNECTION_ONLY]
        finally:
            connection.close()
        return self._altered(request, answer.status, kept, body)

    def _altered(self, request: Request, status: int, headers: list[tuple[str, str]], body: bytes) -> Behaviour:
        draw = self._draw
        deed = draw.choice(("json", "json", "json", "json", "json", "json", "bytes", "header", "status"))
        content = nasty.read(body)
        if deed == "json" and content is not None:
            self.told, body = nasty.altered(content, draw, _sent(request))
        elif deed == "header":
            name, value = draw.choice(_HEADERS), draw.choice(_HEADER_VALUES)
            headers = [*(one for one in headers if one[0].lower() != name.lower()), (name, value)]
            status = draw.choice((status, 401, 429, 503))
            self.told = f"{status} with {name}: {value!r:.60}"
        elif deed == "status":
            status = draw.choice(_STATUSES)
            body = draw.choice(
                (body, b"", b"[]", b'{"error": "x"}', b'{"error": {"code": 5, "message": []}}', *_echoes(request))
            )
            self.told = f"{status} with {body[:60]!r}"
        else:
            self.told, body = nasty.altered_bytes(body, draw)
        return _answer(status, headers, body)


def _sent(request: Request) -> tuple[str, ...]:
    """What the client sent, as a gateway in between would repeat it."""
    secrets = (request.headers.get("authorization", ""), request.body.decode("utf-8", "replace"))
    fields = tuple(value for _name, value in parse_qsl(request.body.decode("latin-1")) if len(value) > 20)
    return tuple(one for one in (*secrets, *fields) if one)


def _echoes(request: Request) -> tuple[bytes, ...]:
    return tuple(nasty.error_body(one) for one in _sent(request))


def _answer(status: int, headers: list[tuple[str, str]], body: bytes) -> Behaviour:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]

    def behave(connection: socket.socket, _stopping: threading.Event) -> bool:
        connection.settimeout(10)
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if status == 204 else body))
        return False

    return behave
