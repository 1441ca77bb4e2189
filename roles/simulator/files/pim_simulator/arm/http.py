# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM over HTTP: bearer token, body, headers."""

from __future__ import annotations

import itertools
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from pim_simulator.arm.addresses import Address, is_arm, read_address
from pim_simulator.arm.bodies import unreadable
from pim_simulator.arm.errors import ArmError, mfa_demand
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.service import ArmService
from pim_simulator.call_log import note_caller, note_request_id
from pim_simulator.callers import Caller
from pim_simulator.challenges import claims_challenge
from pim_simulator.sign_in.access_tokens import TokenRefused
from pim_simulator.sign_in.demands import AZURE_MFA
from pim_simulator.sign_in.resources import arm_audiences
from pim_simulator.world import World, base_url_of

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_WITH_BODY = ("POST", "PATCH", "PUT")
_LARGEST_BODY = 4 * 1024 * 1024
_DEMAND = f'{{"access_token":{{"acrs":{{"essential":true,"values":["{AZURE_MFA}"]}}}}}}'
# what is left at the start; it only shows that calls are counted, a test orders throttling as a fault
_BUDGETS = {"reads": 11999, "writes": 1199}


class _ArmRoute(Route):
    """Any path below /subscriptions or /providers, in any case and with doubled slashes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or not is_arm(scope["path"]):
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": {}}


def routes(world: World) -> list[BaseRoute]:
    """One for all addresses."""
    return [_ArmRoute("/{path:path}", _Endpoint(world).handle, methods=_METHODS)]


class _Endpoint:
    def __init__(self, world: World) -> None:
        self._world = world
        self._service = ArmService(world)
        self._left: dict[str, Iterator[int]] = defaultdict(itertools.count)

    async def handle(self, request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode("ascii").split("?")[0]
        address = read_address(raw_path)
        try:
            caller = self._caller(request)
            note_caller(request, caller.username, caller.app_id)
            self._check_mandatory_mfa(request, caller, address)
            body = await self._body(request)
            pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
            answer = self._service.answer(
                ArmCall(
                    method=request.method,
                    address=address,
                    query={name.lower(): value for name, value in pairs},
                    caller=caller,
                    base_url=base_url_of(request),
                    url=raw_path,
                    body=body,
                )
            )
        except ArmError as error:
            answer = ArmAnswer(error.status, error.body(), dict(error.headers))
        return self._respond(request, address.scope, answer)

    def _respond(self, request: Request, scope: str, answer: ArmAnswer) -> Response:
        request_id = str(uuid.uuid4())
        note_request_id(request, request_id)
        now = self._world.clock.now()
        headers = {
            **answer.headers,
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "Expires": "-1",
            "mspimslice": "SIMULATOR",
            "x-ms-client-request-id": request.headers.get("x-ms-client-request-id", str(uuid.uuid4())),
            "x-ms-request-id": request_id,
            "x-ms-correlation-request-id": request_id,
            "x-ms-routing-request-id": f"SIMULATOR:{now.strftime('%Y%m%dT%H%M%SZ')}:{request_id}",
            **self._remaining(request.method, scope),
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
            "Date": format_datetime(now, usegmt=True),
        }
        if answer.body is None:
            return Response(status_code=answer.status, headers=headers)
        return JSONResponse(answer.body, answer.status, {**headers, "Content-Type": "application/json; charset=utf-8"})

    def _remaining(self, method: str, scope: str) -> dict[str, str]:
        """Recorded: calls at the tenant and at management groups are counted apart from those within subscriptions."""
        kind = "reads" if method in ("GET", "HEAD") else "writes"
        name = f"{'subscription' if scope.lower().startswith('/subscriptions/') else 'tenant'}-{kind}"
        left = _BUDGETS[kind] - next(self._left[name]) % (_BUDGETS[kind] + 1)
        return {f"x-ms-ratelimit-remaining-{name}": str(left)}

    # the call

    def _caller(self, request: Request) -> Caller:
        """Raises ArmError 401."""
        scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise self._unauthorized(
                "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
        try:
            return self._world.sign_in.tokens.open_arm(token.strip())
        except TokenRefused as refusal:
            raise self._refused(refusal) from refusal

    def _refused(self, refusal: TokenRefused) -> ArmError:
        if refusal.reason == "audience":
            allowed = ",".join(f"'{name}'" for name in arm_audiences(self._world.tenant.cloud))
            return self._unauthorized(
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource. It should exactly match with one of "
                f"the allowed audiences {allowed}.",
            )
        if refusal.reason == "expired":
            return self._unauthorized("ExpiredAuthenticationToken", "The access token has expired or is not yet valid.")
        if refusal.reason == "revoked":
            return self._unauthorized("AuthenticationFailed", refusal.message, refusal.challenge)
        return self._unauthorized("InvalidAuthenticationToken", "The access token is invalid.")

    def _unauthorized(self, code: str, message: str, challenge: str | None = None) -> ArmError:
        where = {"authorization_uri": f"https://login.windows.net/{self._world.tenant.tenant_id}"}
        if challenge is None:
            header = (
                f'Bearer authorization_uri="{where["authorization_uri"]}", error="invalid_token", '
                f'error_description="{message}"'
            )
        else:
            header = claims_challenge(self._world.tenant.behaviour.challenge_header, where, message, challenge)
        return ArmError(401, code, message, {"WWW-Authenticate": header})

    def _check_mandatory_mfa(self, request: Request, caller: Caller, address: Address) -> None:
        """Azure's own demand of people who change resources, whatever the tenant's policies ask. Raises ArmError."""
        order = self._world.mandatory_mfa
        if order == "none" or request.method not in ("PUT", "PATCH", "DELETE") or caller.app_only:
            return
        # p1 is in tokens that were asked to prove the second factor for Azure
        if "mfa" in caller.amr or AZURE_MFA in caller.acrs:
            return
        message = mfa_demand(address.scope or "/")
        if order == "disallowed":
            raise ArmError(403, "RequestDisallowedByAzure", message)
        raise self._unauthorized("RequestDisallowedByAzure", message, _DEMAND)

    async def _body(self, request: Request) -> Any:
        """The JSON object of a write, None where there is none. Raises ArmError."""
        data = await request.body()
        if not data or request.method not in _WITH_BODY:
            return None
        if len(data) > _LARGEST_BODY:
            raise ArmError(413, "RequestEntityTooLarge", "The request body is too large.")
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type != "application/json":
            raise ArmError(
                415, "UnsupportedMediaType", f"The content media type '{content_type[:60]}' is not supported."
            )
        try:
            body = json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise unreadable() from error
        if not isinstance(body, dict):
            raise unreadable()
        return body


def _no_constant(name: str) -> Any:
    """NaN and Infinity are no JSON, whatever Python's parser says."""
    raise ValueError(name)
