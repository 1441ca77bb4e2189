# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refresh tokens: opaque, rotating. Only their hashes are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.sign_ins import SignIn
from pim_simulator.tenant.models import Tokens, User


@dataclass
class _Record:
    sign_in: SignIn
    issued: datetime
    used: datetime | None = None


class RefreshTokens:
    """Refresh tokens of one tenant."""

    def __init__(self, settings: Tokens, expired: Literal["AADSTS700082", "AADSTS70008"]) -> None:
        self._settings = settings
        self._expired = expired
        self._records: dict[str, _Record] = {}
        self._revoked: dict[str, datetime] = {}

    def issue(self, sign_in: SignIn, now: datetime) -> str:
        token = "1." + secrets.token_urlsafe(96)
        self._records[_hash(token)] = _Record(sign_in, now)
        return token

    def look_up(self, token: str, client_id: str, now: datetime) -> SignIn:
        """The sign-in it stands for; where the request is granted it has to be spent. Raises SignInError: unknown, another
        client's, revoked, expired, or used before (and longer ago than the grace time)."""
        record = self._records.get(_hash(token))
        if record is None:
            raise SignInError(9002313, "invalid_grant", "Invalid request. Request is malformed or invalid.")
        if record.sign_in.client_id != client_id:
            raise SignInError(
                70000,
                "invalid_grant",
                "The provided grant was issued to a different client id.",
                suberror="client_mismatch",
            )
        revoked = self._revoked.get(record.sign_in.user.id or "")
        if revoked is not None and record.issued <= revoked:
            raise SignInError(
                50173,
                "invalid_grant",
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
                suberror="bad_token",
            )
        if now - record.issued >= self._settings.refresh_lifetime:
            raise self._too_old(record.issued)
        if record.used is not None and now - record.used > self._settings.refresh_grace:
            raise SignInError(
                70000, "invalid_grant", "The provided refresh token was redeemed already.", suberror="bad_token"
            )
        return record.sign_in

    def spend(self, token: str, now: datetime) -> None:
        """It was exchanged for a new one."""
        record = self._records[_hash(token)]
        record.used = record.used or now

    def _too_old(self, issued: datetime) -> SignInError:
        """Both numbers were seen for a refresh token that nobody used for too long."""
        if self._expired == "AADSTS70008":
            text = "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
            return SignInError(70008, "invalid_grant", f"{text}authorization request for this user and resource.")
        lifetime = int(self._settings.refresh_lifetime.total_seconds())
        return SignInError(
            700082,
            "invalid_grant",
            f"The refresh token has expired due to inactivity. The token was issued on "
            f"{issued.strftime('%Y-%m-%dT%H:%M:%S')}.0000000Z and was inactive for {lifetime // 86400}.00:00:00.",
            suberror="bad_token",
        )

    def revoke(self, user: User, now: datetime) -> None:
        """All of the user's, issued until now."""
        self._revoked[user.id or ""] = now


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
