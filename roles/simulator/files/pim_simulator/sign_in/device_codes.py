# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device codes: made for a client, decided by a person (page, control API) or by the tenant's unattended approval."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pim_simulator.clock import Clock
from pim_simulator.sign_in.demands import Demands
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.resources import Asked
from pim_simulator.sign_in.sign_ins import SignIn
from pim_simulator.tenant.models import DeviceLogin

# no letters or digits that are mistaken for each other
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# clients count their interval from another moment than we do
_POLL_TOLERANCE = 0.5


@dataclass
class DeviceCode:
    """One running device sign-in."""

    device_code: str = field(repr=False)
    user_code: str
    client_id: str
    asked: Asked
    demands: Demands
    created: datetime
    expires: datetime
    interval: int
    polls: int = 0
    last_poll: float | None = None
    sign_in: SignIn | None = None
    declined: bool = False
    redeemed: bool = False

    def status(self, now: datetime) -> str:
        if self.redeemed:
            return "redeemed"
        if self.declined:
            return "declined"
        if self.sign_in is not None:
            return "approved"
        return "expired" if now >= self.expires else "pending"


class DeviceCodes:
    """Running device sign-ins of one tenant."""

    def __init__(self, settings: DeviceLogin, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._codes: dict[str, DeviceCode] = {}

    def start(self, client_id: str, asked: Asked, demands: Demands) -> DeviceCode:
        now = self._clock.now()
        code = DeviceCode(
            device_code=secrets.token_urlsafe(64),
            user_code="".join(secrets.choice(_ALPHABET) for _unused in range(9)),
            client_id=client_id,
            asked=asked,
            demands=demands,
            created=now,
            expires=now + self._settings.expires_in,
            interval=max(1, round(self._settings.interval.total_seconds())),
        )
        self._codes[code.device_code] = code
        return code

    def all(self) -> list[DeviceCode]:
        return list(self._codes.values())

    def by_user_code(self, user_code: str) -> DeviceCode | None:
        wanted = user_code.strip().upper()
        return next((code for code in self._codes.values() if code.user_code == wanted), None)

    def expire(self, code: DeviceCode) -> None:
        code.expires = self._clock.now() - timedelta(seconds=1)

    def poll(self, device_code: str, client_id: str) -> DeviceCode:
        """The code, approved. Raises SignInError while it is not (pending, too fast, declined, expired)."""
        code = self._codes.get(device_code)
        if code is None or code.client_id != client_id:
            raise SignInError(
                70000, "invalid_grant", "The provided value for the 'device_code' parameter is not valid."
            )
        now = self._clock.now()
        tick = self._clock.monotonic()
        too_fast = code.last_poll is not None and tick - code.last_poll < code.interval - _POLL_TOLERANCE
        code.last_poll = tick
        code.polls += 1
        status = code.status(now)
        if status == "declined":
            raise SignInError(None, "authorization_declined", "The end user denied the authorization request.")
        if status == "redeemed":
            raise SignInError(
                54005,
                "invalid_grant",
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
            )
        if status == "expired":
            raise SignInError(70020, "expired_token", "The provided device code has expired.")
        if status == "pending":
            if too_fast:
                # RFC 8628, 3.5: the client adds five seconds
                code.interval += 5
                raise SignInError(None, "slow_down", "The device code is polled faster than its interval allows.")
            raise SignInError(
                70016,
                "authorization_pending",
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            )
        code.redeemed = True
        return code
