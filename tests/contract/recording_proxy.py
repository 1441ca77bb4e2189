# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of the simulator that keeps what passes: a third party, so that neither side tells its own story.

It stands in the address of the simulator (a reverse proxy with a certificate of its own), and hands on the Host header, so
that links and tokens name it. Only calls of the APIs are kept (Graph's, unless told otherwise), without their headers; tokens
and passwords are in none of them.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme

from contract.exchanges import Exchange

_SECONDS = 60.0
# Of one connection, or of a length that is told anew.
_NOT_HANDED_ON = frozenset({"connection", "keep-alive", "content-length", "transfer-encoding", "te", "upgrade"})


class RecordingProxy:
    """``with RecordingProxy(simulator.url, simulator.ca_path, directory) as proxy: ...``"""

    def __init__(self, url: str, ca_path: str, directory: Path, kept: tuple[str, ...] = ("/v1.0/", "/beta/")) -> None:
        self.exchanges: list[Exchange] = []
        self.ca_path = directory / "proxy-ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_path))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self._server = _Server(url, ssl.create_default_context(cafile=ca_path), self.exchanges, kept)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> RecordingProxy:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, url: str, context: ssl.SSLContext, exchanges: list[Exchange], kept: tuple[str, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        address = urlsplit(url)
        self.behind = (str(address.hostname), int(address.port or 443))
        self.context = context
        self.exchanges = exchanges
        self.kept = kept


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Head and body of an answer in one segment.
    wbufsize = 1 << 16
    timeout = _SECONDS

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_HANDED_ON}
        connection = http.client.HTTPSConnection(*self.server.behind, timeout=_SECONDS, context=self.server.context)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if self.path.startswith(self.server.kept):
            self.server.exchanges.append(
                Exchange(
                    self.command,
                    self.path,
                    _decoded(body),
                    answer.status,
                    _decoded(content),
                    self.headers.get("Content-Type", ""),
                    answer.headers.get("Content-Type", ""),
                )
            )
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _NOT_HANDED_ON:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _pass  # noqa: N815 - the names that http.server calls

    def log_message(self, *_arguments: object) -> None:
        """Nothing: the recording is the log."""


def _decoded(content: bytes) -> Any:
    """JSON; what is none stays text, and fails the check of its type."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
