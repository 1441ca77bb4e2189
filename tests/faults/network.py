# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a call before it reaches the service: each connection of the client passes here.

A call that is to be led astray goes to a port of this machine where nobody listens, where somebody shows another
certificate, or where somebody does not speak TLS. The client knows nothing of it, as with a wrong route or a proxy between.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import requests
import trustme

REFUSED = "refused"
OTHER_CERTIFICATE = "other certificate"
NO_TLS = "no TLS"
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Trap:
    """What is to happen to calls whose method and path match: from the one after ``skip`` others on, ``times`` of them
    (None: all). ``detour``: where they are led; ``before``: what is done before the first of them goes on as it is."""

    path: str
    method: str | None = None
    skip: int = 0
    times: int | None = 1
    detour: str | None = None
    before: Callable[[], None] | None = None
    hits: int = 0

    def springs(self, method: str, path: str) -> bool:
        if (self.method is not None and self.method != method) or not re.search(self.path, path):
            return False
        self.hits += 1
        turn = self.hits - self.skip
        return turn >= 1 and (self.times is None or turn <= self.times)


class Network:
    """Between the client and whatever it calls, while ``with network.watched()`` lasts."""

    def __init__(self) -> None:
        self.forget()
        self._lock = threading.Lock()
        self._sockets = {name: _bound() for name in (REFUSED, OTHER_CERTIFICATE, NO_TLS)}
        foreign = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(foreign)
        self._listen(OTHER_CERTIFICATE, lambda connection: foreign.wrap_socket(connection, server_side=True).close())
        self._listen(NO_TLS, self._visited)

    def forget(self) -> None:
        """As before the first call."""
        self.trap: Trap | None = None
        # Those who came where a redirect leads.
        self.visitors = 0
        # The writes of PIM that were to be sent, by path.
        self.writes: list[str] = []

    @property
    def elsewhere(self) -> str:
        """An address that no call may be led to."""
        return f"https://localhost:{self._port(NO_TLS)}/elsewhere"

    def close(self) -> None:
        for sock in self._sockets.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        send = requests.adapters.HTTPAdapter.send

        def watch(adapter: Any, request: Any, *arguments: Any, **options: Any) -> Any:
            parts = urlsplit(request.url)
            path = unquote(parts.path) + (f"?{parts.query}" if parts.query else "")
            if is_write(request.method, path, request.body):
                self.writes.append(path)
            with self._lock:
                trap = self.trap if self.trap is not None and self.trap.springs(request.method, path) else None
            if trap is not None and trap.before is not None:
                trap.before()
            if trap is not None and trap.detour is not None:
                request = request.copy()
                request.url = parts._replace(netloc=f"localhost:{self._port(trap.detour)}").geturl()
            return send(adapter, request, *arguments, **options)

        with mock.patch.object(requests.adapters.HTTPAdapter, "send", watch):
            yield

    def _port(self, name: str) -> int:
        return int(self._sockets[name].getsockname()[1])

    def _visited(self, connection: socket.socket) -> None:
        self.visitors += 1
        connection.recv(65536)
        connection.sendall(_PLAIN)

    def _listen(self, name: str, serve: Callable[[socket.socket], None]) -> None:
        sock = self._sockets[name]
        sock.listen(16)

        def accept() -> None:
            while True:
                try:
                    connection, _address = sock.accept()
                except OSError:
                    return
                # The client breaks off, which is what it is here for.
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(5)
                    serve(connection)

        threading.Thread(target=accept, daemon=True).start()


def is_sign_in(path: str) -> bool:
    """Whether a path is the sign-in service's or a platform's: Graph's and Azure's are known."""
    return not path.startswith(("/v1.0/", "/beta/", "/providers/", "/subscriptions/"))


def is_write(method: str, path: str, body: Any) -> bool:
    """Whether a call asks Graph or Azure to change something: a batch does where one of its items does."""
    if method == "GET" or is_sign_in(path):
        return False
    items = json.loads(body)["requests"] if path.endswith("/$batch") else [{"method": method}]
    return any(item["method"] != "GET" for item in items)


def _bound() -> socket.socket:
    """A port that is taken; who connects is refused as long as nobody listens."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock
