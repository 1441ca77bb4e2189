# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization requests: what ``/authorize`` is asked, and the codes that stand for the answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.demands import Demands, read_demands
from pim_simulator.sign_in.errors import SignInError, malformed
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.redirects import check_redirect
from pim_simulator.sign_in.resources import Asked
from pim_simulator.sign_in.sign_ins import SignIn
from pim_simulator.tenant.models import Client

# "Authorization codes are short-lived, typically expiring after about 10 minutes" (Microsoft, authorization code flow).
_LIFETIME = timedelta(minutes=10)
_RESPONSE_MODES = ("query", "fragment", "form_post")
_PROMPTS = ("login", "select_account", "consent", "create", "none")


class NotForThePerson(Exception):
    """A refusal that is told at the redirect URI. ``error`` is the OAuth one that goes there."""

    def __init__(self, error: str, refusal: SignInError) -> None:
        super().__init__(error)
        self.error = error
        self.refusal = refusal


@dataclass(frozen=True)
class ReturnAddress:
    """Where an authorization request is answered, and how."""

    redirect_uri: str
    mode: str
    state: str | None


@dataclass(frozen=True)
class AuthorizationRequest:
    """``challenge`` is (method, value) of PKCE."""

    client: Client
    back: ReturnAddress
    asked: Asked
    demands: Demands
    nonce: str | None
    challenge: tuple[str, str] | None


def return_address(form: Form, client: Client) -> ReturnAddress:
    """Raises SignInError, which may be shown to the person only: nothing is sent to an address that is not the
    client's."""
    uri = required(form, "redirect_uri")
    check_redirect(uri, client)
    mode = form.get("response_mode") or "query"
    if mode not in _RESPONSE_MODES:
        raise SignInError(70007, "invalid_request", f"'{mode[:80]}' is not a supported value for 'response_mode'.")
    return ReturnAddress(uri, mode, form.get("state"))


def read_request(form: Form, client: Client, back: ReturnAddress, answers: Answers) -> AuthorizationRequest:
    """Raises NotForThePerson: what is wrong is told the client."""
    try:
        if required(form, "response_type") != "code":
            raise SignInError(
                70005,
                "unsupported_response_type",
                "The app asked for a response type that this simulator does not have.",
            )
        prompt = form.get("prompt") or "login"
        if prompt not in _PROMPTS:
            raise SignInError(90023, "invalid_request", "Unsupported 'prompt' value.")
        if prompt == "none":
            # nobody is ever signed in at the browser: each sign-in here is a new one
            raise SignInError(50058, "login_required", "A silent sign-in request was sent but no user is signed in.")
        return AuthorizationRequest(
            client=client,
            back=back,
            asked=answers.asked(required(form, "scope")),
            demands=read_demands(form.get("claims")),
            nonce=form.get("nonce"),
            challenge=_challenge(form),
        )
    except SignInError as refusal:
        raise NotForThePerson(refusal.error, refusal) from refusal


def _challenge(form: Form) -> tuple[str, str] | None:
    """Without a method it is ``plain`` (RFC 7636, 4.3)."""
    value = form.get("code_challenge")
    method = form.get("code_challenge_method") or "plain"
    if value is None:
        return None
    if method not in ("S256", "plain") or not 43 <= len(value) <= 128:
        raise malformed("code_challenge")
    return method, value


@dataclass
class _Issued:
    request: AuthorizationRequest
    sign_in: SignIn
    expires: datetime
    redeemed: bool = False


class AuthorizationCodes:
    """Of one tenant. Only their hashes are kept."""

    def __init__(self) -> None:
        self._issued: dict[str, _Issued] = {}

    def issue(self, request: AuthorizationRequest, sign_in: SignIn, now: datetime) -> str:
        code = "1." + secrets.token_urlsafe(96)
        self._issued[_hash(code)] = _Issued(request, sign_in, now + _LIFETIME)
        return code

    def redeem(self, form: Form, client: Client, now: datetime) -> tuple[AuthorizationRequest, SignIn]:
        """What a code stands for, once. Raises SignInError: unknown, another client's, another address's, expired, redeemed
        before, without the verifier of its challenge."""
        issued = self._issued.get(_hash(required(form, "code")))
        if issued is None:
            raise SignInError(70000, "invalid_grant", "The provided value for the 'code' parameter is not valid.")
        if issued.request.client.client_id != client.client_id:
            raise SignInError(
                70000,
                "invalid_grant",
                "The provided authorization code was issued to a different client id.",
                suberror="client_mismatch",
            )
        if issued.request.back.redirect_uri != form.get("redirect_uri"):
            raise SignInError(
                70000,
                "invalid_grant",
                "The provided value for the 'redirect_uri' is not valid. The value must exactly match the redirect URI used "
                "to obtain the authorization code.",
            )
        if issued.redeemed:
            raise SignInError(
                54005,
                "invalid_grant",
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
                "refresh token.",
            )
        if now >= issued.expires:
            raise SignInError(
                70008,
                "invalid_grant",
                "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive "
                "authorization request for this user and resource.",
            )
        _check_verifier(issued.request.challenge, form.get("code_verifier"))
        issued.redeemed = True
        return issued.request, issued.sign_in


def _check_verifier(challenge: tuple[str, str] | None, verifier: str | None) -> None:
    if challenge is None and verifier is None:
        return
    if challenge is None or verifier is None:
        raise SignInError(
            50148,
            "invalid_grant",
            "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
        )
    method, wanted = challenge
    given = verifier
    if method == "S256":
        given = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise SignInError(
            501481,
            "invalid_grant",
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        )


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
