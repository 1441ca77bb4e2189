# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of ordered faults."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from pim_simulator.arm.addresses import is_arm
from pim_simulator.faults import Fault
from pim_simulator.sign_in.errors import SignInError

_CODES = {
    400: "BadRequest",
    401: "InvalidAuthenticationToken",
    403: "Authorization_RequestDenied",
    404: "ResourceNotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
# Where ARM has another code than Graph.
_ARM_CODES = {401: "AuthenticationFailed", 403: "AuthorizationFailed"}
_HTML = (
    "<!DOCTYPE html><html><head><title>Service unavailable</title></head>"
    "<body><h1>The service is unavailable.</h1></body></html>"
)


_ELSEWHERE = "https://elsewhere.example"


def error_code(status: int) -> str:
    return _CODES.get(status, "UnknownError")


def fault_headers(fault: Fault, now: datetime) -> dict[str, str]:
    """Beside those of the body. ``now``, the tenant's time, is told where another time is measured against it."""
    headers = {"Location": fault.location} if fault.location is not None else {}
    if fault.retry_after is None:
        return headers
    if fault.retry_after_form == "seconds":
        return {**headers, "Retry-After": str(fault.retry_after)}
    until = now + timedelta(seconds=fault.retry_after)
    return {**headers, "Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(until, usegmt=True)}


def fault_response(fault: Fault, path: str, now: datetime) -> Response:
    """What the client gets instead of the service's answer."""
    status = fault.status or 200
    headers = fault_headers(fault, now)
    if fault.body == "html":
        return Response(_HTML, status, headers, media_type="text/html")
    if fault.body == "empty":
        return Response(b"", status, headers, media_type="application/json")
    if fault.body == "broken_json":
        return Response(b'{"value": [{"id": "broken', status, headers, media_type="application/json")
    if path.startswith(("/v1.0/", "/beta/")):
        error = {"code": error_code(status), "message": "This answer was ordered by a test."}
        return JSONResponse({"error": error}, status, headers)
    if is_arm(path):
        error = {"code": _ARM_CODES.get(status, error_code(status)), "message": "This answer was ordered by a test."}
        return JSONResponse({"error": error}, status, headers)
    error_text = "temporarily_unavailable" if status >= 500 or status == 429 else "invalid_request"
    return JSONResponse(
        {"error": error_text, "error_description": "This answer was ordered by a test."}, status, headers
    )


def ordered_refusal(fault: Fault) -> SignInError:
    """A refusal of the sign-in service that is brought about by nothing but the order."""
    return SignInError(
        fault.aadsts, fault.oauth_error, "This answer was ordered by a test.", status=fault.status or 400
    )


def relinked(body: Any, kind: str, base_url: str, address: str) -> Any:
    """A list with a link to a next page that its client must not follow, or not for ever; anything else as it is.
    ``address`` is path and query of the call."""
    if not isinstance(body, dict) or not isinstance(body.get("value"), list):
        return body
    origins = {
        "other_host": _ELSEWHERE,
        "other_scheme": base_url.replace("https://", "http://", 1),
        "same_page": base_url,
    }
    name = "nextLink" if is_arm(address) else "@odata.nextLink"
    return {**body, name: f"{origins[kind]}{address}"}
