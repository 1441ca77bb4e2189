# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-in service small enough to see through: discovery, user realm, and tokens without a signature."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unit.clocks import START
from unit.https_server import Behaviour, Request, Server, reply
from unit.state.saved import OID, TENANT

APP = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
GRAPH = "https://graph.microsoft.com"
DEVICE_CODE = "device-code-that-is-a-secret"


def jwt(**claims: Any) -> str:
    """An unsigned token of the operator for Microsoft Graph; a claim of None is left out."""
    told = {
        "aud": GRAPH,
        "tid": TENANT,
        "oid": OID,
        "upn": "operator@contoso.example",
        "exp": START + 3600,
        "iat": START - 60,
        "scp": "RoleAssignmentSchedule.ReadWrite.Directory",
        **claims,
    }
    parts = [{"alg": "none"}, {key: value for key, value in told.items() if value is not None}]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "s"]
    )


class SignInService:
    """Answers on a server. ``tokens`` are claims by grant, ``failures`` error bodies by grant; ``asked`` the token requests."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        # What the documents of the service name as its own address.
        self.told_url = server.url
        self.tokens: dict[str, dict[str, Any]] = {
            "client_credentials": {"idtyp": "app", "upn": None, "scp": None, "roles": ["R"], "appid": APP},
        }
        self.failures: dict[str, dict[str, Any]] = {}
        # Answers to the polls of a device code, one after the other; the last is the token.
        self.polls: list[Behaviour] = []
        self.device: dict[str, Any] = {"interval": 5, "expires_in": 900}
        # What a browser was sent to, by the code it got.
        self.authorized: dict[str, dict[str, str]] = {}
        self.realm: dict[str, Any] = {"account_type": "Managed", "domain_name": "contoso.example"}
        # An error body for what the service does not grant, by the token request.
        self.refuses: Callable[[dict[str, str]], dict[str, Any] | None] = lambda _form: None
        # The last word on the answer with the tokens.
        self.alters: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body
        # Whether tokens prove what was asked for in claims.
        self.proves = False
        self.asked: list[dict[str, str]] = []
        server.respond = self._respond

    @property
    def paths(self) -> list[str]:
        return [urlsplit(request.target).path for request in self._server.requests]

    def _respond(self, request: Request) -> Behaviour:
        path = urlsplit(request.target).path
        if path.endswith("/openid-configuration"):
            return _json(200, self._discovery(path.split("/")[1]))
        if "/userrealm/" in path:
            return _json(200, self.realm)
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        if path.endswith("/devicecode"):
            self.asked.append(form)
            address = f"{self.url}/device"
            return _json(
                200, {"user_code": "ABCDEFGHJ", "device_code": DEVICE_CODE, "verification_uri": address, **self.device}
            )
        if path.endswith("/token"):
            return self._token(form)
        return _json(404, {"error": "not_found"})

    def _discovery(self, tenant: str) -> dict[str, str]:
        known = tenant in (TENANT, "contoso.example", "organizations")
        base = f"{self.told_url}/{TENANT}" if known else f"{self.told_url}/00000000-0000-4000-8000-000000000000"
        return {
            "issuer": f"{base}/v2.0",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        }

    def _token(self, form: dict[str, str]) -> Behaviour:
        self.asked.append(form)
        grant = form["grant_type"]
        if grant in self.failures:
            return _json(400, self.failures[grant])
        if grant.endswith(":device_code") and self.polls:
            return self.polls.pop(0)
        if grant == "authorization_code" and not self._redeems(form):
            return _json(
                400, {"error": "invalid_grant", "error_description": "AADSTS501481: The Code_Verifier does not match"}
            )
        refusal = self.refuses(form)
        if refusal is not None:
            return _json(400, refusal)
        proved = _proof_of(form) if self.proves else {}
        token = jwt(jti=str(len(self.asked)), **{**proved, **self.tokens.get(grant, {})})
        body = {"token_type": "Bearer", "expires_in": 3600, "access_token": token, "scope": form.get("scope", "")}
        if grant != "client_credentials":
            body["refresh_token"] = f"refresh-{len(self.asked)}"
        if grant == "authorization_code":
            nonce = self.authorized[form["code"]]["nonce"]
            body["id_token"] = jwt(
                sub="s", aud=form["client_id"], preferred_username="operator@contoso.example", nonce=nonce
            )
        return _json(200, self.alters(body))

    def authorize(self, address: str) -> dict[str, str]:
        """What the page at this address would send to the client: a code, and the state."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.authorized)}"
        self.authorized[code] = asked
        return {"code": code, "state": asked["state"], "client_info": "e30", "session_state": "x"}

    def _redeems(self, form: dict[str, str]) -> bool:
        asked = self.authorized[form["code"]]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (challenge, form["redirect_uri"]) == (asked["code_challenge"], asked["redirect_uri"])


def claims_of(form: dict[str, str]) -> dict[str, Any]:
    """What a token request asks the access token to prove."""
    return json.loads(form.get("claims") or "{}").get("access_token", {})


def _proof_of(form: dict[str, str]) -> dict[str, Any]:
    asked = claims_of(form)
    contexts = asked.get("acrs", {})
    told = {"acrs": contexts.get("values") or [contexts["value"]]} if contexts else {}
    return {**told, "amr": ["pwd", "mfa"] if "amr" in asked else ["pwd"]}


def _json(status: int, body: dict[str, Any]) -> Behaviour:
    return reply(status, json.dumps(body).encode(), Content_Type="application/json")
