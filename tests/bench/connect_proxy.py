# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for programs that know Microsoft's addresses only: it leads their connections to the simulator.

It takes CONNECT and passes bytes, no more: TLS is between program and simulator, which shows a certificate for these names.
Any other name is refused, so that nothing of a benchmark leaves the machine.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from socketserver import StreamRequestHandler, ThreadingTCPServer

NAMES = ("login.microsoftonline.com", "graph.microsoft.com", "management.azure.com")

_SECONDS = 120.0
_CHUNK = 1 << 16


class ConnectProxy:
    """``with ConnectProxy(port) as proxy: ...``: ``port`` is the simulator's."""

    def __init__(self, port: int) -> None:
        self._server = _Server(port)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def refused(self) -> set[str]:
        """Names that were asked for and are none of ours."""
        return self._server.refused

    def __enter__(self) -> ConnectProxy:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, behind: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.refused: set[str] = set()


class _Handler(StreamRequestHandler):
    server: _Server
    timeout = _SECONDS
    disable_nagle_algorithm = True

    def handle(self) -> None:
        method, _blank, rest = self.rfile.readline(_CHUNK).decode("latin-1").partition(" ")
        while self.rfile.readline(_CHUNK).strip():
            pass
        name, _colon, _port = rest.split(" ")[0].rpartition(":")
        if method != "CONNECT" or name not in NAMES:
            self.server.refused.add(name)
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.behind), _SECONDS) as behind:
            behind.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            # a program may end in the middle of a connection: it ends here, too
            with contextlib.suppress(ConnectionError):
                self._pass(behind)

    def _pass(self, behind: socket.socket) -> None:
        other = {self.connection: behind, behind: self.connection}
        while True:
            readable, _writable, _broken = select.select(list(other), [], [], _SECONDS)
            if not readable:
                return
            for one in readable:
                data = one.recv(_CHUNK)
                if not data:
                    return
                other[one].sendall(data)
