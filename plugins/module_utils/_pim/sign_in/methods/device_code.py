# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by a code that a person enters in a browser, on any machine. Private to the collection."""

from __future__ import annotations

from typing import Any

from ...errors import PimError, readable
from ...times import Clock, format_duration
from ..client import SignInClient, sign_in_failure
from ..request import SignInRequest


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    """Shows address and code, then asks until the person is done; `login_declined`, `login_expired`, `login_timeout` otherwise."""
    if request.show is None:
        raise PimError(
            "invalid_option", "auth_method='device_code' cannot be used here: nobody would see the code", advice=""
        )
    application = client.public()
    flow = application.initiate_device_flow(request.scopes, claims_challenge=request.claims)
    if "user_code" not in flow:
        raise sign_in_failure(flow)
    started = clock.monotonic()
    lifetime = float(flow.get("expires_in") or 900)
    request.show(
        f"To sign in, open {readable(flow.get('verification_uri'))} in a browser and enter the code {readable(flow['user_code'])}"
        + (f" as {request.username}" if request.username else "")
        + f" (waiting up to {format_duration(min(lifetime, request.login_timeout))})"
    )
    while True:
        # One question at a time: the waiting is ours, so that both time limits hold.
        result = application.acquire_token_by_device_flow(
            flow, claims_challenge=request.claims, exit_condition=lambda _flow: True
        )
        if "access_token" in result:
            return dict(result)
        if result.get("error") not in ("authorization_pending", "slow_down"):
            raise sign_in_failure(result)
        left = min(lifetime, request.login_timeout) - (clock.monotonic() - started)
        if left > 0:
            clock.sleep(min(float(flow.get("interval") or 5), left))
        elif lifetime <= request.login_timeout:
            raise PimError("login_expired", "The code was not entered before it expired")
        else:
            raise PimError("login_timeout", f"Nobody signed in within login_timeout={request.login_timeout:g} s")
