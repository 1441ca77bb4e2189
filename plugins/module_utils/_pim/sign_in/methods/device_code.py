# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in by a code that a person enters in a browser, on any machine. Private to the collection."""

from __future__ import annotations

import warnings
from typing import Any

from ...errors import PimError, readable
from ...times import Clock, spoken_duration
from ..client import SignInClient, sign_in_failure
from ..credentials import not_on_screen
from ..request import SignInRequest

# Failures of one question that say nothing of the next.
_PASSING = ("network", "service_unavailable", "throttled")
# Seconds between two questions, whatever the service says: longer than any code lives.
_LONGEST_INTERVAL = 3600


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    """Shows address and code, then asks until the person is done; `login_declined`, `login_expired`, `login_timeout` otherwise."""
    if request.show is None:
        raise not_on_screen(request.method)
    application = client.public()
    try:
        flow = application.initiate_device_flow(request.scopes, claims_challenge=request.claims)
        if not (flow.get("user_code") and flow.get("device_code")):
            raise sign_in_failure(flow)
        # At an interval of 0 msal would ask without a pause, and for ever.
        lifetime, flow["interval"] = float(flow["expires_in"]), min(max(1, flow["interval"]), _LONGEST_INTERVAL)
    except (TypeError, ValueError, OverflowError):
        raise PimError("invalid_response", "The sign-in service gave no device code that can be used") from None
    limit = min(lifetime, request.login_timeout)
    end = clock.monotonic() + limit
    request.show(
        f"To sign in, open {readable(flow.get('verification_uri'))} in a browser and enter the code {readable(flow['user_code'])}"
        + (f" as {request.username}" if request.username else "")
        + f" (waiting up to {spoken_duration(limit)})"
    )
    with client.until(end):
        return _ask_until(end, application, flow, request, clock)


def _ask_until(
    end: float, application: Any, flow: dict[str, Any], request: SignInRequest, clock: Clock
) -> dict[str, Any]:
    """One question at a time: the waiting is ours, so that the time limit holds and a break of the network is outlived."""
    while True:
        pause: float = 0.0
        trouble: PimError | None = None
        try:
            result = _ask(application, flow, request)
            if result is not None:
                return result
        except PimError as error:
            # Somebody may just be typing the code.
            if error.code not in _PASSING:
                raise
            pause, trouble = error.retry_after or 0.0, error
        left = end - clock.monotonic()
        if left > 0:
            clock.sleep(min(max(pause, flow["interval"]), left))
        elif trouble is not None:
            raise trouble
        elif float(flow["expires_in"]) <= request.login_timeout:
            raise PimError("login_expired", "The code was not entered before it expired")
        else:
            raise PimError("login_timeout", f"Nobody signed in within login_timeout={request.login_timeout:g} s")


def _ask(application: Any, flow: dict[str, Any], request: SignInRequest) -> dict[str, Any] | None:
    """The tokens, None while the person is not done."""
    with warnings.catch_warnings():
        # msal warns where its own clock saw less time pass than the interval, as before the last question.
        warnings.simplefilter("ignore", UserWarning)
        # msal adds 5 s to the interval for each `slow_down` (RFC 8628, section 3.5).
        result = application.acquire_token_by_device_flow(
            flow, claims_challenge=request.claims, exit_condition=lambda _flow: True
        )
    if "access_token" in result:
        return dict(result)
    if result.get("error") in ("authorization_pending", "slow_down"):
        return None
    raise sign_in_failure(result)
