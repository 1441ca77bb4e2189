# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of Graph and their two envelopes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pim_simulator.pim.errors import PimRefusal

# Seen live with the wrapped envelope; everything else is plain.
_WRAPPED = {"PermissionScopeNotGranted", "MissingProvider"}
# Of Graph itself, not of PIM: never wrapped.
_NOT_OF_PIM = {
    "BadRequest",
    "Request_ResourceNotFound",
    "InvalidAuthenticationToken",
    "Authorization_RequestDenied",
    "TooManyRequests",
}


class GraphError(Exception):
    """HTTP status, code and message; ``headers`` go out with it."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def bad_request(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


def throttled(seconds: int) -> GraphError:
    return GraphError(429, "TooManyRequests", "Too many requests.", {"Retry-After": str(seconds)})


def invalid_filter(expression: str) -> GraphError:
    """PIM's own words, with the expression in the middle (two blanks where there is none)."""
    return GraphError(400, "InvalidFilter", f"The {expression} filter is invalid.")


def missing_provider() -> GraphError:
    return GraphError(400, "MissingProvider", "The provider is missing.")


def unknown_segment(segment: str) -> GraphError:
    return GraphError(404, "BadRequest", f"Resource not found for the segment '{segment}'.")


def not_found(object_id: str) -> GraphError:
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def missing_permission(permissions: tuple[str, ...]) -> GraphError:
    """PIM names every permission that would do."""
    return GraphError(
        403,
        "PermissionScopeNotGranted",
        f"Authorization failed due to missing permission scope {','.join(permissions)}.",
    )


def denied() -> GraphError:
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def from_refusal(refusal: PimRefusal) -> GraphError:
    return GraphError(refusal.status, refusal.code, refusal.message)


def error_body(
    error: GraphError, envelope: str, now: datetime, request_id: str, client_request_id: str
) -> dict[str, Any]:
    """``mixed``: each code in the envelope it was seen in; ``wrapped``: all of PIM's in the wrapped one."""
    inner = {
        # the service writes this time without a zone
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": request_id,
        "client-request-id": client_request_id,
    }
    code, message = error.code, error.message
    if code in _WRAPPED or (envelope == "wrapped" and code not in _NOT_OF_PIM):
        message = json.dumps({"errorCode": code, "message": message, "instanceAnnotations": []}, separators=(",", ":"))
        code = "UnknownError"
    return {"error": {"code": code, "message": message, "innerError": inner}}
