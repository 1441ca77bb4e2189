# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses below ``/_control/``. JSON in, JSON out; errors are ``{"error": "..."}`` with a 4xx status."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pim_simulator.control.views import (
    device_code_view,
    policy_view,
    request_view,
    requests_view,
    state_view,
    user_view,
)
from pim_simulator.faults import FaultError, read_fault
from pim_simulator.pim.approvals import decide
from pim_simulator.pim.errors import PimRefusal
from pim_simulator.sign_in.access_tokens import REVOCATION_REASONS
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.tenant.access_policies import read_policy
from pim_simulator.tenant.azure import AzureBehaviour
from pim_simulator.tenant.models import User
from pim_simulator.tenant.reading import TenantError, changed
from pim_simulator.throttling import ThrottleError
from pim_simulator.times import format_time, parse_duration, parse_time
from pim_simulator.world import World

KEY_HEADER = "x-simulator-key"
# What of a user may change while the simulator runs.
CHANGEABLE = ("enabled", "state", "mfa", "authentication_contexts", "silent_step_up", "password")
_Handler = Callable[[Request], Awaitable[Any]]


class ControlError(Exception):
    """Refused: status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def routes(world: World, key: str) -> list[Route]:
    control = _Control(world)

    def guarded(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), key.encode()):
                return JSONResponse({"error": "the header X-Simulator-Key does not carry the control key"}, 403)
            try:
                return JSONResponse(await handler(request))
            except ControlError as error:
                return JSONResponse({"error": str(error)}, error.status)
            except (FaultError, ThrottleError, TenantError, ValueError, OverflowError) as error:
                return JSONResponse({"error": str(error)}, 400)
            except PimRefusal as refusal:
                return JSONResponse({"error": f"{refusal.code}: {refusal.message}"}, refusal.status)
            except SignInError as error:
                return JSONResponse({"error": error.told}, error.status)

        return endpoint

    return [
        Route(f"/_control/{path}", guarded(handler), methods=[method])
        for method, path, handler in (
            ("GET", "time", control.time),
            ("POST", "time", control.move_time),
            ("GET", "calls", control.calls),
            ("DELETE", "calls", control.clear_calls),
            ("GET", "faults", control.faults),
            ("POST", "faults", control.add_fault),
            ("DELETE", "faults", control.clear_faults),
            ("POST", "latency", control.set_latency),
            ("GET", "throttling", control.throttling),
            ("POST", "throttling", control.throttle),
            ("GET", "requests", control.requests),
            ("POST", "requests/{request_id}/decision", control.decide_request),
            ("GET", "state", control.state),
            ("POST", "reset", control.reset),
            ("GET", "device_codes", control.device_codes),
            ("POST", "device_codes/{user_code}", control.decide_device_code),
            ("POST", "tokens/revoke", control.revoke_tokens),
            ("GET", "conditional_access", control.conditional_access),
            ("POST", "conditional_access", control.put_policy),
            ("DELETE", "conditional_access/{name}", control.remove_policy),
            ("POST", "users/{username}", control.change_user),
            ("POST", "mandatory_mfa", control.set_mandatory_mfa),
        )
    ]


class _Control:
    def __init__(self, world: World) -> None:
        self._world = world

    # time

    async def time(self, _request: Request) -> Any:
        return {"now": format_time(self._world.clock.now(), 7)}

    async def move_time(self, request: Request) -> Any:
        order = await _object(request, "advance", "set")
        if len(order) != 1:
            raise ControlError(400, "give either advance (a duration, PT5M) or set (a time, 2030-01-31T08:00:00Z)")
        if "advance" in order:
            self._world.clock.advance(parse_duration(_text(order, "advance")))
        else:
            self._world.clock.set(parse_time(_text(order, "set")))
        self._world.settle()
        return await self.time(request)

    # calls, faults

    async def calls(self, request: Request) -> Any:
        """``path``: a regular expression; ``since``: only calls with a greater sequence number."""
        pattern = request.query_params.get("path", "")
        try:
            wanted = re.compile(pattern)
        except re.error as error:
            raise ControlError(400, f"path must be a regular expression: {error}") from error
        since = int(request.query_params.get("since", "0"))
        found = [call for call in self._world.calls.calls if call.sequence > since and wanted.search(call.path)]
        return {"calls": [call.view() for call in found]}

    async def clear_calls(self, _request: Request) -> Any:
        self._world.calls.clear()
        return {}

    async def faults(self, _request: Request) -> Any:
        orders = [fault.view() for fault in self._world.faults.orders]
        latencies = [{"path": pattern.pattern, "ms": ms} for pattern, ms in self._world.faults.latencies]
        return {"faults": orders, "latencies": latencies}

    async def add_fault(self, request: Request) -> Any:
        return self._world.faults.add(read_fault(await _object(request))).view()

    async def clear_faults(self, _request: Request) -> Any:
        self._world.faults.clear()
        return {}

    async def set_latency(self, request: Request) -> Any:
        order = await _object(request, "ms", "path")
        milliseconds = order.get("ms")
        if not isinstance(milliseconds, int) or isinstance(milliseconds, bool) or milliseconds < 0:
            raise ControlError(400, "ms must be a whole number of milliseconds, zero or more")
        self._world.faults.set_latency(_text(order, "path") if "path" in order else "", milliseconds)
        return await self.faults(request)

    async def throttling(self, _request: Request) -> Any:
        return {"limits": self._world.throttling.view()}

    async def throttle(self, request: Request) -> Any:
        self._world.throttling.order(await _object(request, "api", "kind", "bucket", "per_second"))
        return await self.throttling(request)

    # PIM

    async def requests(self, _request: Request) -> Any:
        self._world.settle()
        return {"requests": requests_view(self._world)}

    async def decide_request(self, request: Request) -> Any:
        order = await _object(request, "decision", "approver", "justification")
        now = self._world.settle()
        found = self._world.find_request(request.path_params["request_id"])
        if found is None:
            raise ControlError(404, "there is no such request")
        store, asked = found
        decisions = {"approve": "Approve", "deny": "Deny"}
        if order.get("decision") not in decisions:
            raise ControlError(400, "decision must be approve or deny")
        approver = self._user(order, "approver")
        justification = order.get("justification", "decided by a test")
        result: Any = decisions[order["decision"]]
        decide(store, asked, result, approver.id or "", justification, now)
        return request_view(store, asked)

    async def state(self, _request: Request) -> Any:
        self._world.settle()
        return state_view(self._world)

    async def reset(self, _request: Request) -> Any:
        self._world.reset()
        return {}

    # sign-in

    async def device_codes(self, _request: Request) -> Any:
        now = self._world.clock.now()
        return {"device_codes": [device_code_view(code, now) for code in self._world.sign_in.device_login.codes.all()]}

    async def decide_device_code(self, request: Request) -> Any:
        order = await _object(request, "decision", "username")
        service = self._world.sign_in
        code = service.device_login.codes.by_user_code(request.path_params["user_code"])
        if code is None:
            raise ControlError(404, "there is no such code")
        decision = order.get("decision")
        if decision not in ("approve", "decline", "expire"):
            raise ControlError(400, "decision must be approve, decline or expire")
        if code.status(self._world.clock.now()) != "pending":
            raise ControlError(409, f"the code is {code.status(self._world.clock.now())}")
        if decision == "expire":
            service.device_login.codes.expire(code)
        elif decision == "decline":
            code.declined = True
        else:
            service.device_login.decide(code, self._user(order, "username"), approve=True)
        return device_code_view(code, self._world.clock.now())

    async def revoke_tokens(self, request: Request) -> Any:
        order = await _object(request, "username", "access", "refresh", "reason")
        user = self._user(order, "username")
        for name in ("access", "refresh"):
            if not isinstance(order.get(name, True), bool):
                raise ControlError(400, f"{name} must be true or false")
        reason = order.get("reason", REVOCATION_REASONS[0])
        if reason not in REVOCATION_REASONS:
            raise ControlError(400, f"reason must be one of {', '.join(REVOCATION_REASONS)}")
        access, refresh = order.get("access", True), order.get("refresh", True)
        self._world.sign_in.revoke(user, access=access, refresh=refresh, reason=reason)
        return {}

    # what sign-ins are asked for

    async def conditional_access(self, _request: Request) -> Any:
        return {"policies": [policy_view(policy) for policy in self._world.sign_in.sign_ins.policies.all()]}

    async def put_policy(self, request: Request) -> Any:
        policy = read_policy(self._world.tenant, await _object(request))
        self._world.sign_in.sign_ins.policies.put(policy)
        return policy_view(policy)

    async def remove_policy(self, request: Request) -> Any:
        if not self._world.sign_in.sign_ins.policies.remove(request.path_params["name"]):
            raise ControlError(404, "there is no conditional access policy of this name")
        return {}

    async def change_user(self, request: Request) -> Any:
        """A new password ends what was signed in with the old one."""
        order = await _object(request)
        user = changed(self._user(request.path_params, "username"), order, CHANGEABLE, "the user")
        self._world.directory.put_user(user)
        if "password" in order:
            self._world.sign_in.revoke(user, access=True, refresh=True)
        return user_view(user)

    async def set_mandatory_mfa(self, request: Request) -> Any:
        order = await _object(request, "mandatory_mfa")
        # an order without it is none
        wanted = {"mandatory_mfa": order.get("mandatory_mfa")}
        behaviour = changed(AzureBehaviour(), wanted, ("mandatory_mfa",), "the order")
        self._world.mandatory_mfa = behaviour.mandatory_mfa
        return {"mandatory_mfa": behaviour.mandatory_mfa}

    def _user(self, order: dict[str, Any], name: str) -> User:
        user = self._world.directory.find_user(_text(order, name))
        if user is None:
            raise ControlError(404, f"{name} names no user of the tenant")
        return user


async def _object(request: Request, *allowed: str) -> dict[str, Any]:
    """The JSON object of a call; with ``allowed``, no other keys. Raises ControlError."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise ControlError(400, "the body must be JSON") from error
    if not isinstance(body, dict):
        raise ControlError(400, "the body must be a JSON object")
    for name in body:
        if allowed and name not in allowed:
            raise ControlError(400, f"unknown key {name!r}; known are: {', '.join(allowed)}")
    return body


def _text(order: dict[str, Any], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not value:
        raise ControlError(400, f"{name} must be text")
    return value
