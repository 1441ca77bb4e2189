# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the browser brings the outcome of a sign-in: one form, on this machine alone. Private to the collection.

msal has a listener of its own. It is not used: in a container it listens to the whole network, it opens text browsers, one connection
that says nothing blocks it (browsers open such), and it writes the code into logs.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

# What Entra sends has about 2 KB.
_LARGEST = 64 * 1024
# Seconds a connection may say nothing.
_PATIENCE = 10.0
# Connections at a time; a browser has a few.
_MOST = 32
# SHUT_RDWR of the module socket, which belongs to the transport.
_BOTH_WAYS = 2
_PAGE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>entra.pim</title><p>{}</p></html>"
_DONE = "The browser is done: Ansible goes on, and says how the sign-in ended. This window can be closed."
_NOT_THIS = "This is not the end of the sign-in that Ansible waits for."


class Listener:
    """`with Listener() as listener`: on a free port of 127.0.0.1, closed at the end, however it comes.

    Each connection has a thread of its own. Only the first form that bears `state` counts; nothing else is kept, shown or logged.
    """

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def expect(self, state: str) -> None:
        """To be called before the address is shown: until then every form is refused."""
        self._server.state = state

    @property
    def answer(self) -> dict[str, str] | None:
        """`code` and `state`, or `error` and what belongs to it; None while nothing came."""
        return self._server.answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The end of the sign-in does not wait for connections that say nothing.
    block_on_close = False
    # Of connections not taken yet: beyond it one waits for a second, and then for three.
    request_queue_size = 128
    state: str | None = None
    answer: dict[str, str] | None = None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._turn = threading.Lock()
        self._claimed = False
        # The oldest first.
        self._open: list[Any] = []

    def claim(self) -> bool:
        """Whether this answer is the first."""
        with self._turn:
            first, self._claimed = not self._claimed, True
        return first

    def process_request(self, request: Any, client_address: Any) -> None:
        """Where there are too many, the one that has been there longest makes room: a browser sends its form at once."""
        with self._turn:
            self._open.append(request)
            if len(self._open) > _MOST:
                with contextlib.suppress(OSError):
                    self._open.pop(0).shutdown(_BOTH_WAYS)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._turn:
            if request in self._open:
                self._open.remove(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks off is no matter of ours; the base class would print it."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Entra answers by a form only (`response_mode=form_post`), so that no code is in an address."""
        self._reply(404, _NOT_THIS)

    def do_POST(self) -> None:
        form = self._form()
        state = self.server.state
        mine = state is not None and hmac.compare_digest(form.get("state", "").encode(), state.encode())
        if not mine or not (form.get("code") or form.get("error")):
            self._reply(400, _NOT_THIS)
            return
        first = self.server.claim()
        try:
            self._reply(200, _DONE)
        finally:
            # After the page is sent, because the listener is closed next; also where the browser did not wait for it.
            if first:
                self.server.answer = form

    def _form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal() and len(length) < 10 and int(length) <= _LARGEST):
            return {}
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        try:
            return {name: values[0] for name, values in parse_qs(body, max_num_fields=50).items()}
        except ValueError:
            return {}

    def _reply(self, status: int, text: str) -> None:
        body = _PAGE.format(text).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name http.server gives it
        """Nothing: the base class would print it."""
