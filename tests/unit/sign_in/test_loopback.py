# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener alone: which answer counts, and what other programs of the machine can do to it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in import loopback
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.loopback import Listener

from unit.sign_in.person import call

STATE = "the-state-of-this-sign-in"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as one:
        one.expect(STATE)
        yield one


def form(code: str) -> str:
    return urlencode({"code": code, "state": STATE})


def answer_of(listener: Listener) -> dict[str, str] | None:
    end = time.monotonic() + 5
    while listener.answer is None and time.monotonic() < end:
        time.sleep(0.01)
    return listener.answer


def test_the_first_answer_counts(listener, monkeypatch):
    """Also where its thread is held up between the page it gave and what it keeps."""
    reply, first, second_is_done = loopback._Handler._reply, threading.Event(), threading.Event()

    def held_up(handler, status: int, text: str) -> None:
        reply(handler, status, text)
        if not first.is_set():
            first.set()
            second_is_done.wait(5)

    monkeypatch.setattr(loopback._Handler, "_reply", held_up)
    for number in range(2):
        assert call(listener.port, "POST", body=form(f"code-{number}")) == 200
    # The second has its page: what it keeps, if it does, follows at once.
    time.sleep(0.2)
    second_is_done.set()
    assert answer_of(listener) == {"code": "code-0", "state": STATE}


def test_a_browser_that_leaves_before_it_is_answered_has_brought_the_code(listener):
    body = form("code-0").encode()
    with socket.create_connection(("127.0.0.1", listener.port)) as browser:
        # Closed at once and for good: what the listener writes then fails.
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert answer_of(listener) == {"code": "code-0", "state": STATE}


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nX: ", b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\ncode="]
)
def test_a_flood_of_connections_that_go_on_for_ever(listener, sent):
    """They take no thread each for as long as they like, and nobody's place."""
    before = threading.active_count()
    with contextlib.ExitStack() as silent:
        for _number in range(150):
            one = silent.enter_context(socket.create_connection(("127.0.0.1", listener.port)))
            with contextlib.suppress(OSError):
                one.sendall(sent)
        end = time.monotonic() + 5
        while threading.active_count() - before > 40 and time.monotonic() < end:
            time.sleep(0.01)
        assert threading.active_count() - before <= 40
        assert call(listener.port, "POST", body=form("code-0")) == 200
    assert answer_of(listener) == {"code": "code-0", "state": STATE}
