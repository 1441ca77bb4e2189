# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HTTPS server on loopback that answers, or misbehaves, as a test tells it to; and a proxy before it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import trustme


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes


# What to do with one request: True where the connection stays open.
Behaviour = Callable[[socket.socket, threading.Event], bool]


def reply(status: int, body: bytes = b"{}", **headers: str) -> Behaviour:
    """An ordinary answer; ``_`` in a header's name stands for ``-``."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]

    def behave(connection: socket.socket, _stopping: threading.Event) -> bool:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return True

    return behave


def reset() -> Behaviour:
    """The request was read, and the connection is torn down without an answer."""

    def behave(connection: socket.socket, _stopping: threading.Event) -> bool:
        _tear_down(connection)
        return False

    return behave


def cut_short() -> Behaviour:
    """An answer that ends before its body does."""

    def behave(connection: socket.socket, _stopping: threading.Event) -> bool:
        connection.sendall(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{")
        return False

    return behave


def garbled() -> Behaviour:
    """The request was read, and what comes back is no TLS record anybody can decrypt."""

    def behave(connection: socket.socket, _stopping: threading.Event) -> bool:
        descriptor = os.dup(connection.fileno())
        os.write(descriptor, b"\x17\x03\x03\x00\x20" + bytes(32))
        os.close(descriptor)
        return False

    return behave


def hang(seconds: float = 30.0) -> Behaviour:
    """No answer for so long."""

    def behave(_connection: socket.socket, stopping: threading.Event) -> bool:
        stopping.wait(seconds)
        return False

    return behave


def drip(before: bytes, dripped: bytes, pause: float = 0.2) -> Behaviour:
    """``before`` at once, then one byte of ``dripped`` after another."""

    def behave(connection: socket.socket, stopping: threading.Event) -> bool:
        connection.sendall(before)
        for number in range(len(dripped)):
            if stopping.wait(pause):
                break
            connection.sendall(dripped[number : number + 1])
        return False

    return behave


class Server:
    """``with Server(authority) as server``: ``script`` says what comes next, its last entry again and again."""

    def __init__(self, authority: trustme.CA, name: str = "localhost") -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, "127.0.0.1").configure_cert(self._context)
        self.script: list[Behaviour] = [reply(200)]
        # In place of the script: an answer for each request.
        self.respond: Callable[[Request], Behaviour] | None = None
        self.requests: list[Request] = []
        # So many connections are torn down after the handshake, before anything is read.
        self.resets = 0
        self.connections = 0
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Server:
        self._start(self._accept)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                plain, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(0.1)
        # A client that goes away, or refuses the certificate, is part of many tests.
        with contextlib.suppress(OSError), plain:
            plain.settimeout(5)
            with self._context.wrap_socket(plain, server_side=True) as connection:
                if self._take_reset():
                    _tear_down(connection)
                    return
                self._converse(connection)

    def _take_reset(self) -> bool:
        with self._lock:
            self.resets -= 1
            return self.resets >= 0

    def _converse(self, connection: ssl.SSLSocket) -> None:
        connection.settimeout(0.1)
        buffered = b""
        while True:
            request, buffered = self._read(connection, buffered)
            if request is None:
                return
            with self._lock:
                self.requests.append(request)
                behaviour = self._next() if self.respond is None else self.respond(request)
            if not behaviour(connection, self._stopping):
                return

    def _next(self) -> Behaviour:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _read(self, connection: ssl.SSLSocket, data: bytes) -> tuple[Request | None, bytes]:
        while b"\r\n\r\n" not in data:
            more = self._receive(connection)
            if not more:
                return None, b""
            data += more
        head, _blank, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(rest) < length:
            rest += self._receive(connection)
        method, target, _version = first.split(" ")
        return Request(method, target, headers, rest[:length]), rest[length:]

    def _receive(self, connection: ssl.SSLSocket) -> bytes:
        while not self._stopping.is_set():
            try:
                return connection.recv(65536)
            except TimeoutError:
                continue
        return b""


class Proxy:
    """An HTTP proxy that tunnels every ``CONNECT`` to loopback, to ``port`` or else the one asked for, or refuses with ``status``.

    With an ``authority`` it speaks TLS itself.
    """

    def __init__(self, port: int | None = None, status: int = 200, authority: trustme.CA | None = None) -> None:
        self._upstream = port
        self._status = status
        self._context = None
        if authority is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self.connects: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if authority is None else "https"
        self.address = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            if self._context is not None:
                with self._context.wrap_socket(client, server_side=True) as secured:
                    self._connect(secured)
            else:
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            place = head.split(b" ")[1].decode()
            self.connects.append(place)
            client.sendall(f"HTTP/1.1 {self._status} X\r\n\r\n".encode())
            if self._status != 200:
                return
            asked = int(place.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", self._upstream or asked)) as upstream:
                threading.Thread(target=_pump, args=(upstream, client), daemon=True).start()
                _pump(client, upstream)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _tear_down(connection: socket.socket) -> None:
    """Close with a reset in place of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
