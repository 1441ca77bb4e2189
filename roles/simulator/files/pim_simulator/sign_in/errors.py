# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of the sign-in service, in its standard body."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any


class SignInError(Exception):
    """``number`` is the AADSTS code, ``error`` the OAuth one. Neither this exception's text nor its body holds a secret."""

    def __init__(
        self,
        number: int | None,
        error: str,
        text: str,
        *,
        status: int = 400,
        suberror: str | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(f"{error} {number}")
        self.number = number
        self.error = error
        self.text = text
        self.status = status
        self.suberror = suberror
        self.claims = claims

    @property
    def code(self) -> str:
        """``AADSTS`` and the number; the OAuth error where it has none."""
        return f"AADSTS{self.number}" if self.number else self.error

    @property
    def told(self) -> str:
        """The text, as people and clients are told it."""
        return f"{self.code}: {self.text}" if self.number else self.text

    def body(self, now: datetime, base_url: str, correlation_id: str | None) -> dict[str, Any]:
        trace_id = str(uuid.uuid4())
        correlation_id = correlation_id or str(uuid.uuid4())
        timestamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
        body: dict[str, Any] = {
            "error": self.error,
            "error_description": f"{self.told} Trace ID: {trace_id} Correlation ID: {correlation_id} "
            f"Timestamp: {timestamp}",
            "error_codes": [self.number] if self.number else [],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self.number:
            body["error_uri"] = f"{base_url}/error?code={self.number}"
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = self.claims
        return body


def missing_parameter(name: str) -> SignInError:
    return SignInError(900144, "invalid_request", f"The request body must contain the following parameter: '{name}'.")


def malformed(what: str) -> SignInError:
    return SignInError(9002313, "invalid_request", f"Invalid request. Request is malformed or invalid. ({what})")


_CHANGED = "Due to a configuration change made by your administrator, or because you moved to a new location, you must "
_STEP_UPS = {
    50072: _CHANGED + "enroll in multi-factor authentication to access the resource.",
    50076: _CHANGED + "use multi-factor authentication to access the resource.",
    50078: "Presented multi-factor authentication has expired due to policies configured by your administrator, you must "
    "refresh your multi-factor authentication to access the resource.",
    50079: _CHANGED + "enroll in multi-factor authentication to access the resource.",
}


def step_up_needed(number: int, *, claims: str | None, silent: bool) -> SignInError:
    """More is asked than a sign-in without a person can give. 50076: use a second factor; 50078: use it again; 50072 and
    50079: enrol for one first. The password grant was seen to answer ``invalid_grant``, a refresh
    ``interaction_required``."""
    return SignInError(
        number,
        "interaction_required" if silent else "invalid_grant",
        _STEP_UPS[number],
        suberror="basic_action",
        claims=claims,
    )


def blocked(claims: str | None = None) -> SignInError:
    """Nothing that a person could do about it."""
    return SignInError(
        53003,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        suberror="message_only",
        claims=claims,
    )


def sign_in_too_old(at: datetime, longest: timedelta) -> SignInError:
    """A policy lets no sign-in live so long."""
    return SignInError(
        70043,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was "
        f"issued on {at.strftime('%Y-%m-%dT%H:%M:%S')}.0000000Z and the maximum allowed lifetime for this request is "
        f"{int(longest.total_seconds())}.",
        suberror="token_expired",
    )
