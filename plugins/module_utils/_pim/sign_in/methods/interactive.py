# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in of a person in a browser that can reach this machine. Private to the collection.

The authorization code flow with PKCE (RFC 8252): the code comes to a listener on loopback and is worth nothing to anybody else,
because what redeems it never leaves this process. The address on the screen holds `state`, a hash of the nonce and the challenge: no
secrets. Who reads it while the task waits could sign the task in as themselves, as with a device code; naming `username` rules that out.
"""

from __future__ import annotations

from typing import Any

from ...errors import PimError, readable
from ...times import Clock, spoken_duration
from ..client import SignInClient, sign_in_failure
from ..credentials import not_on_screen
from ..loopback import Listener
from ..request import SignInRequest

# Seconds between two looks at the listener.
_PAUSE = 0.1


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    """Shows the address and opens the browser on it, then waits; `login_declined`, `login_timeout` otherwise."""
    if request.show is None:
        raise not_on_screen(request.method)
    started = clock.monotonic()
    application = client.public()
    with Listener() as listener:
        flow = application.initiate_auth_code_flow(
            request.scopes,
            # Entra compares all of it but the port, and has `localhost` registered for Microsoft's own clients.
            redirect_uri=f"http://localhost:{listener.port}",
            login_hint=request.username,
            claims_challenge=request.claims,
            response_mode="form_post",
        )
        # A password is to be typed there: no other place than the one the options name.
        address = client.on_authority(flow["auth_uri"])
        listener.expect(flow["state"])
        request.show(_instructions(address, listener.port, request))
        if request.browse is not None:
            request.browse(address)
        answer = _wait(listener, request.login_timeout - (clock.monotonic() - started), request, clock)
    if "code" not in answer:
        raise sign_in_failure(answer)
    return _redeem(application, flow, answer)


def _instructions(address: str, port: int, request: SignInRequest) -> str:
    as_whom = f" as {request.username}" if request.username else ""
    return (
        f"To sign in{as_whom}, open {readable(address, len(address))} in a browser"
        f" (waiting up to {spoken_duration(request.login_timeout)})."
        f" A browser on another machine needs port {port} of this one: ssh -L {port}:localhost:{port}"
    )


def _wait(listener: Listener, seconds: float, request: SignInRequest, clock: Clock) -> dict[str, str]:
    end = clock.monotonic() + seconds
    while listener.answer is None:
        left = end - clock.monotonic()
        if left <= 0:
            raise PimError("login_timeout", f"Nobody signed in within login_timeout={request.login_timeout:g} s")
        clock.sleep(min(_PAUSE, left))
    return listener.answer


def _redeem(application: Any, flow: dict[str, Any], answer: dict[str, str]) -> dict[str, Any]:
    try:
        # Only what is needed: msal would decode more of what a browser brings.
        result = application.acquire_token_by_auth_code_flow(flow, {key: answer[key] for key in ("code", "state")})
    except (ValueError, RuntimeError):
        # msal's words hold the nonces.
        raise PimError(
            "invalid_response", "The sign-in service answered with a token that is not of this sign-in"
        ) from None
    if "access_token" not in result:
        raise sign_in_failure(result)
    return dict(result)
