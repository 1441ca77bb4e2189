# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of calls: who called what and what was answered. Nothing secret goes in, so nothing secret can come out:
no headers, no bodies, no query values but those of OData and ``api-version``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from pim_simulator.times import format_time

_STATE = "pim_simulator.call"
# more than any test makes; a simulator left running for weeks must not eat the memory
_KEPT = 20000


@dataclass
class Call:
    """One HTTP call. ``time`` is the tenant's, ``duration_ms`` real milliseconds, status None: no answer was sent."""

    sequence: int
    time: datetime
    method: str
    path: str
    query: str
    status: int | None = None
    duration_ms: float | None = None
    request_id: str | None = None
    caller: str | None = None
    app_id: str | None = None
    detail: str | None = None
    items: list[dict[str, Any]] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "time": format_time(self.time),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "duration_ms": self.duration_ms,
            "request_id": self.request_id,
            "caller": self.caller,
            "app_id": self.app_id,
            "detail": self.detail,
            "batch": self.items,
        }


class CallLog:
    """The last calls, oldest first."""

    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=_KEPT)
        self._sequence = 0

    def start(self, time: datetime, method: str, path: str, query: bytes) -> Call:
        self._sequence += 1
        call = Call(self._sequence, time, method, path, safe_query(query.decode("latin-1")))
        self.calls.append(call)
        return call

    def clear(self) -> None:
        self.calls.clear()


def safe_query(query: str) -> str:
    """The query with the values of all but OData's own parameters left out (a sign-in page carries codes in its query)."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(
        f"{name}={value if name.startswith('$') or name == 'api-version' else '***'}" for name, value in pairs
    )


def attach(scope: dict[str, Any], call: Call) -> None:
    """Let the handlers of this call add what they learn."""
    scope[_STATE] = call


def note_caller(request: Request, username: str | None, app_id: str | None) -> None:
    call: Call = request.scope[_STATE]
    call.caller = username
    call.app_id = app_id


def note_detail(request: Request, text: str) -> None:
    call: Call = request.scope[_STATE]
    call.detail = f"{call.detail} {text}" if call.detail else text


def note_item(request: Request, method: str, url: str, status: int) -> None:
    """One item of a batch."""
    call: Call = request.scope[_STATE]
    path, question, query = url.partition("?")
    call.items.append({"method": method, "url": path + question + safe_query(query), "status": status})


def note_request_id(request: Request, request_id: str) -> None:
    request.scope[_STATE].request_id = request_id
