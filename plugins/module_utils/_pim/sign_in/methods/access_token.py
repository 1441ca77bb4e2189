# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with a token that somebody else obtained. Private to the collection. No call is made."""

from __future__ import annotations

from typing import Any

from ...errors import PimError
from ...times import LAST_TIMESTAMP, Clock, format_time, from_timestamp, is_timestamp
from ..client import SignInClient
from ..request import SignInRequest
from ..token_claims import decode, texts


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    claims = decode(request.secret)
    if not claims.get("oid") or not claims.get("tid"):
        raise PimError(
            "invalid_option",
            "access_token cannot be used: it is not a JWT of Microsoft Entra that names tenant and account",
            advice="",
        )
    expires = _clamped(claims.get("exp"))
    if expires is None:
        raise PimError("invalid_option", "access_token cannot be used: it does not say when it expires", advice="")
    if expires <= clock.time():
        raise PimError(
            "session_expired",
            f"The access token expired at {format_time(from_timestamp(expires))}",
            advice="Give a fresh access_token.",
        )
    audience = (texts(claims.get("aud")) or [""])[0]
    if not request.cloud.same_audience(audience, request.resource):
        raise PimError(
            "invalid_option",
            f"access_token cannot be used: its audience is not {request.resource}",
            advice=f"Give a token for {request.resource}.",
        )
    return {
        "access_token": request.secret,
        "issued_at": claims.get("iat"),
        "expires_in": expires - clock.time(),
        "scope": claims.get("scp") or " ".join(texts(claims.get("roles"))),
    }


def _clamped(value: object) -> float | None:
    """A number of seconds since 1970, moved into the calendar; None for what is no number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    inside = min(max(value, 0), LAST_TIMESTAMP)
    return float(inside) if is_timestamp(inside) else None
