# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Graph over HTTP: bearer token, body, headers."""

from __future__ import annotations

import json
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pim_simulator.call_log import note_caller, note_item, note_request_id
from pim_simulator.callers import Caller
from pim_simulator.challenges import claims_challenge
from pim_simulator.graph.batch import refused_batch, run_batch
from pim_simulator.graph.errors import GraphError, bad_request
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.router import split_path
from pim_simulator.graph.service import GraphService, add_ids
from pim_simulator.sign_in.access_tokens import TokenRefused
from pim_simulator.sign_in.resources import GRAPH_APP_ID
from pim_simulator.world import World, base_url_of

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_WITH_BODY = ("POST", "PATCH", "PUT")
_CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
_LARGEST_BODY = 4 * 1024 * 1024


def routes(world: World) -> list[Route]:
    """Both versions."""
    endpoint = _Endpoint(world)
    return [Route(f"/{version}/{{path:path}}", endpoint.handle, methods=_METHODS) for version in ("v1.0", "beta")]


class _Endpoint:
    def __init__(self, world: World) -> None:
        self._world = world
        self._service = GraphService(world)

    async def handle(self, request: Request) -> Response:
        client_request_id = request.headers.get("client-request-id")
        raw_path = request.scope["raw_path"].decode("ascii").split("?")[0]
        version, _slash, path = raw_path.lstrip("/").partition("/")
        batch = path.strip("/") == "$batch"
        try:
            caller = self._caller(request)
            note_caller(request, caller.username, caller.app_id)
            body = await self._body(request)
            query = tuple(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
            if batch:
                answer = await self._batch(request, version, caller, body, query)
            else:
                call = GraphCall(
                    method=request.method,
                    version=version,
                    segments=split_path(path),
                    query=query,
                    caller=caller,
                    base_url=base_url_of(request),
                    url=raw_path,
                    body=body,
                )
                answer = self._service.answer(call, client_request_id)
        except GraphError as error:
            if batch and self._told_within(error):
                answer = await self._refused_batch(request, error)
            else:
                answer = self._service.refused(error, client_request_id)
        return self._respond(request, answer)

    async def _batch(
        self, request: Request, version: str, caller: Caller, body: Any, query: tuple[tuple[str, str], ...]
    ) -> GraphAnswer:
        if request.method != "POST":
            raise GraphError(405, "BadRequest", "Specified HTTP method is not allowed for the request target.")
        if query:
            raise bad_request(f"The query parameter '{query[0][0]}' is not supported.")

        def note(method: str, url: str, status: int) -> None:
            note_item(request, method, url, status)

        answer = await run_batch(self._world, self._service, body, version, caller, base_url_of(request), note)
        add_ids(answer, request.headers.get("client-request-id"))
        return answer

    def _told_within(self, refusal: GraphError) -> bool:
        """Whether a claims challenge comes with each item; nothing sure is known of the service, so the tenant chooses."""
        challenged = "claims=" in refusal.headers.get("WWW-Authenticate", "")
        return challenged and self._world.tenant.behaviour.batch_challenge == "inner"

    async def _refused_batch(self, request: Request, refusal: GraphError) -> GraphAnswer:
        client_request_id = request.headers.get("client-request-id")
        try:
            answer = refused_batch(self._service, await self._body(request), refusal)
        except GraphError as malformed:
            return self._service.refused(malformed, client_request_id)
        add_ids(answer, client_request_id)
        return answer

    def _respond(self, request: Request, answer: GraphAnswer) -> Response:
        note_request_id(request, answer.headers["request-id"])
        headers = {
            **answer.headers,
            "Date": format_datetime(self._world.clock.now(), usegmt=True),
            "Strict-Transport-Security": "max-age=31536000",
            "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Simulator","Slice":"E","Ring":"1","ScaleUnit":"000"}}',
            "Cache-Control": "no-cache",
        }
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, {**headers, "Content-Type": _CONTENT_TYPE})

    # the call

    def _caller(self, request: Request) -> Caller:
        """Raises GraphError 401."""
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise self._unauthorized(request, "Access token is empty.", None)
        try:
            return self._world.sign_in.tokens.open_graph(token.strip())
        except TokenRefused as refusal:
            raise self._unauthorized(request, refusal.message, refusal.challenge) from refusal

    def _unauthorized(self, request: Request, message: str, challenge: str | None) -> GraphError:
        where = {
            "realm": "",
            "authorization_uri": f"{base_url_of(request)}/common/oauth2/authorize",
            "client_id": GRAPH_APP_ID,
        }
        if challenge is None:
            header = "Bearer " + ", ".join(f'{name}="{value}"' for name, value in where.items())
        else:
            header = claims_challenge(self._world.tenant.behaviour.challenge_header, where, message, challenge)
        return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": header})

    async def _body(self, request: Request) -> Any:
        """The JSON of a write, None where there is none. Raises GraphError."""
        data = await request.body()
        if not data:
            return None
        if request.method not in _WITH_BODY:
            raise bad_request(f"A {request.method} request must not have a body.")
        if len(data) > _LARGEST_BODY:
            raise GraphError(413, "RequestEntityTooLarge", "The request body is too large.")
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if not content_type:
            raise bad_request("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
        if content_type != "application/json":
            raise GraphError(415, "BadRequest", f"The content type '{content_type[:60]}' is not supported.")
        try:
            body = json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise bad_request(_UNREADABLE) from error
        if not isinstance(body, dict):
            raise bad_request(_UNREADABLE)
        return body


def _no_constant(name: str) -> Any:
    """NaN and Infinity are no JSON, whatever Python's parser says."""
    raise ValueError(name)


_UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
)
