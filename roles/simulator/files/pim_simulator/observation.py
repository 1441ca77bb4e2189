# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Around every call but those of the control API: the record, the latency, the ordered fault."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pim_simulator.call_log import Call, attach
from pim_simulator.fault_answers import fault_headers, fault_response, ordered_refusal, relinked
from pim_simulator.faults import Fault
from pim_simulator.http_protocol import reset_connection
from pim_simulator.world import World, base_url_of

log = logging.getLogger("pim_simulator")

# a client that never gives up must not keep a call for ever
_LONGEST_HANG = 600.0


class Observation:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_control/"):
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        world = self._world
        call = world.calls.start(world.clock.now(), scope["method"], scope["path"], scope["query_string"])
        attach(scope, call)  # type: ignore[arg-type]  # a scope is a mutable mapping, in fact a dict

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                call.duration_ms = round((time.monotonic() - started) * 1000, 3)
            await send(message)

        address = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        wait = world.faults.latency(address)
        fault = world.faults.take(scope["method"], address)
        if fault is not None:
            wait += fault.delay_ms / 1000
        if wait:
            await asyncio.sleep(wait)
        if fault is not None and (fault.next_link is not None or fault.content_type is not None):
            call.detail = f"fault {fault.id}"
            await self._answer_otherwise(fault, address, scope, receive, observed)
        elif fault is None or (
            fault.delay_ms and not (fault.status or fault.hang or fault.reset or fault.body or fault.aadsts)
        ):
            await self._answer(scope, receive, observed)
        else:
            await self._fail(fault, call, scope, receive, observed)

    async def _fail(self, fault: Fault, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        call.detail = f"fault {fault.id}"
        if fault.processed or fault.reset == "after":
            await self._answer(scope, receive, _swallow)
        if fault.hang:
            await _wait_for_disconnect(receive)
            reset_connection(scope)
        elif fault.reset is not None:
            reset_connection(scope)
        elif fault.aadsts is not None:
            await self._refuse_sign_in(fault, call, scope, receive, send)
        else:
            await fault_response(fault, scope["path"], self._world.clock.now())(scope, receive, send)

    async def _refuse_sign_in(self, fault: Fault, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """In the sign-in service's own body."""
        request = Request(scope)
        error = ordered_refusal(fault)
        call.detail = f"fault {fault.id}: {error.code}"
        body = error.body(self._world.clock.now(), base_url_of(request), request.headers.get("client-request-id"))
        headers = fault_headers(fault, self._world.clock.now())
        await JSONResponse(body, error.status, headers)(scope, receive, send)

    async def _answer_otherwise(self, fault: Fault, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """The service's own answer, with another link to the next page or another media type."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._answer(scope, receive, keep)
        content = b"".join(message.get("body", b"") for message in kept)
        if fault.next_link is not None and kept[0]["status"] == 200 and content:
            base_url = base_url_of(Request(scope))
            content = json.dumps(relinked(json.loads(content), fault.next_link, base_url, address)).encode()
        changed = {b"content-length": str(len(content)).encode()}
        if fault.content_type is not None:
            changed[b"content-type"] = fault.content_type.encode()
        headers = [(name, value) for name, value in kept[0]["headers"] if name not in changed]
        await send({**kept[0], "headers": [*headers, *changed.items()]})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        # the outermost place: whatever fails here is ours, and the client must get an answer. The log says where, never
        # what: texts of exceptions may hold what a client sent
        except Exception as error:  # noqa: BLE001 - a fault of ours is answered and logged by its kind only
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s %s ended with %s\n%s", scope["method"], scope["path"], type(error).__name__, where)
            body = {"error": {"code": "InternalServerError", "message": "The simulator failed; see its log."}}
            await JSONResponse(body, status_code=500)(scope, receive, send)


async def _swallow(message: Message) -> None:
    """An answer that never leaves."""


async def _wait_for_disconnect(receive: Receive) -> None:
    async def gone() -> None:
        message: Any = {}
        while message.get("type") != "http.disconnect":
            message = await receive()

    try:
        await asyncio.wait_for(gone(), _LONGEST_HANG)
    except asyncio.TimeoutError:
        log.warning("a hanging call was not given up by its client within %d seconds", _LONGEST_HANG)
