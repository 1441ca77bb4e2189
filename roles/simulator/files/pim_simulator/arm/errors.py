# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of ARM: one envelope for all of them."""

from __future__ import annotations

from typing import Any

from pim_simulator.callers import Caller
from pim_simulator.pim.errors import PimRefusal


class ArmError(Exception):
    """HTTP status, code and message; ``headers`` go out with it."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message}}


def bad_request(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


def throttled(seconds: int) -> ArmError:
    message = f"The request is being throttled. Please retry after {seconds} seconds."
    return ArmError(429, "TooManyRequests", message, {"Retry-After": str(seconds)})


def invalid_filter(expression: str) -> ArmError:
    return ArmError(400, "InvalidFilter", f"The {expression} filter is invalid.")


def insufficient_permissions(caller: Caller) -> ArmError:
    """Recorded: a 400, and the text names the way out."""
    return ArmError(
        400,
        "InsufficientPermissions",
        f"The requestor {caller.object_id} does not have permissions for this request. Please use $filter=asTarget() to "
        "filter on the requestor's assignments.",
    )


def authorization_failed(caller: Caller, action: str, scope: str) -> ArmError:
    client = caller.username or caller.app_id
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{caller.object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def not_found(what: str, name: str) -> ArmError:
    """Of a schedule, a request, a policy and the like; how the service words these is not recorded."""
    return ArmError(404, f"{what}NotFound", f"The {what} '{name}' could not be found.")


def mfa_demand(scope: str) -> str:
    """Recorded: what Azure says to who changes a resource without a second factor."""
    return (
        f"Resource '{scope.rsplit('/', 1)[-1] or scope}' was disallowed by Azure: You are receiving this error because you "
        "tried to create, update or delete Azure resources without authenticating through MFA. User accounts must be "
        "authenticated through MFA to manage your resources. To resolve this error, go to https://aka.ms/MFAforAzure."
    )


# Refusals of PIM that ARM tells with another status or code than Graph.
_CODES = {
    "Authorization_RequestDenied": (403, "AuthorizationFailed"),
    "SubjectNotFound": (400, "SubjectNotFound"),
    "RequestCannotBeCancelled": (400, "RoleAssignmentRequestCannotBeCanceled"),
}


def from_refusal(refusal: PimRefusal, caller: Caller, action: str, scope: str) -> ArmError:
    """``action`` and ``scope`` are what was tried, for the text of a missing right."""
    if refusal.code == "Authorization_RequestDenied":
        return authorization_failed(caller, action, scope)
    status, code = _CODES.get(refusal.code, (refusal.status, refusal.code))
    return ArmError(status, code, refusal.message)
