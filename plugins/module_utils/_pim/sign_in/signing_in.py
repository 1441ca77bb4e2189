# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a sign-in request to a session: the method fetches the token, then it is checked to be the one asked for. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ..advice import ADVICE
from ..errors import PimError
from ..state.sessions import Session, Token
from ..times import LAST_TIMESTAMP, Clock
from ..transport import Transport
from .client import SignInClient, tenant_id_of
from .clouds import CLOUDS, URL_OPTIONS
from .credentials import APPLICATIONS, OF_THE_MACHINE, Credential
from .methods import (
    access_token,
    azure_cli,
    certificate,
    client_secret,
    device_code,
    interactive,
    managed_identity,
    password,
    workload_identity,
)
from .names import is_guid, same_account
from .request import SignInRequest
from .token_answers import seconds
from .token_claims import contexts_in, decode, proof_of, used_mfa

# One file each; `credentials.METHODS` lists the same names.
METHODS: dict[str, Callable[[SignInClient, SignInRequest, Clock], dict[str, Any]]] = {
    "access_token": access_token.acquire,
    "azure_cli": azure_cli.acquire,
    "certificate": certificate.acquire,
    "client_secret": client_secret.acquire,
    "device_code": device_code.acquire,
    "interactive": interactive.acquire,
    "managed_identity": managed_identity.acquire,
    "password": password.acquire,
    "workload_identity": workload_identity.acquire,
}


def sign_in(request: SignInRequest, transport: Transport, clock: Clock, name: str) -> Session:
    """A session of this name, not yet saved. Failures: the sign-in codes of the contract, and `mfa_required`."""
    client = SignInClient(
        transport, request.endpoints["authority_url"], request.tenant or "organizations", request.client_id
    )
    try:
        result = METHODS[request.method](client, request, clock)
    except PimError as error:
        if request.client_is_ours:
            name_permissions(error, request.client_id, request.scopes)
        if error.code == "mfa_required" and request.authentication_contexts:
            error.authentication_context = request.authentication_contexts[0]
            error.message += f": it cannot satisfy the authentication context {error.authentication_context} this way"
        raise
    session = _session(request, result, clock, name)
    _check_tenant(request, session.tenant_id, transport)
    return session


def token_of(result: dict[str, Any], clock: Clock) -> Token:
    """The access token of an answer; its end is counted from now, whatever the two clocks say."""
    now = clock.time()
    ends = min(now + seconds(result.get("expires_in")), LAST_TIMESTAMP)
    # A token somebody hands in may be older than this moment: it carries the roles of the time it was issued.
    issued = result.get("issued_at")
    since = min(now, float(issued)) if isinstance(issued, (int, float)) else now
    return Token(str(result["access_token"]), since, ends, _permissions(str(result.get("scope") or "")))


def _permissions(scope: str) -> list[str]:
    """The names of the permissions in a `scope` text, without their resource and without those of OpenID itself."""
    names = (one.rpartition("/")[2] for one in scope.split())
    return sorted({name for name in names if name not in ("openid", "profile", "email", "offline_access")})


def name_permissions(error: PimError, client_id: str, scopes: Sequence[str]) -> None:
    """Says of missing consent whose it is and for what: what the service names, which mostly it does not, else all that was asked for."""
    if error.code == "consent_required":
        asked = _permissions(" ".join(scopes))
        words = re.findall(r"[\w.]*\w", error.service_message or "")
        named = [permission for permission in asked if permission in words]
        error.message += f": client {client_id} lacks consent for {', '.join(named or asked)}"


def _session(request: SignInRequest, result: dict[str, Any], clock: Clock, name: str) -> Session:
    claims = decode(str(result["access_token"]))
    identity = result.get("id_token_claims") or {}
    tenant_id, object_id = (_first_text(name, identity, claims) or "" for name in ("tid", "oid"))
    application = (
        request.method in APPLICATIONS or claims.get("idtyp") == "app" or ("roles" in claims and "scp" not in claims)
    )
    username = None if application else _first_text("preferred_username", identity) or _username(claims)
    if not tenant_id or not object_id:
        raise PimError("login_failed", "The sign-in service gave a token that names no tenant or no account")
    if any(str(claims.get(name, own)).lower() != own.lower() for name, own in (("tid", tenant_id), ("oid", object_id))):
        raise PimError("login_failed", "The sign-in service gave two tokens of two accounts; none is used")
    if request.username and not application and not same_account(request.username, username):
        raise PimError(
            "login_failed",
            f"Signed in as {username}, but username={request.username} was asked for",
            advice="Sign in with that account.",
        )
    client_id = _client_id(request, claims)
    if request.method == "access_token" and request.client_id and request.client_id.lower() != str(client_id).lower():
        raise PimError(
            "login_failed",
            f"The access token was issued to client {client_id}, but client_id={request.client_id} was asked for",
            advice="Give a token of that client, or leave client_id out.",
        )
    mfa = None if application else used_mfa(claims, identity)
    # A token that nobody can read is taken at the word of the sign-in service, which granted what was asked.
    contexts = contexts_in(claims, identity) if claims else sorted(proof_of(request.claims).contexts)
    _check_requirements(request, mfa, contexts, bool(claims))
    return Session(
        name=name,
        tenant_id=tenant_id.lower(),
        tenant_names=[request.tenant.lower()] if request.tenant and not is_guid(request.tenant) else [],
        object_id=object_id,
        username=username,
        principal_type="service_principal" if application else "user",
        auth_method=request.method,
        client_id=client_id,
        cloud=request.cloud_name,
        authority_url=request.endpoints["authority_url"],
        graph_url=request.endpoints["graph_url"],
        arm_url=request.endpoints["arm_url"],
        ca_path=request.ca_path,
        mfa=mfa,
        authentication_contexts=contexts,
        claims=request.claims,
        tokens={request.audience: token_of(result, clock)},
        scopes={request.audience: request.scopes},
        refresh_token=None if application else result.get("refresh_token"),
        renews_with=_renews_with(request),
    )


def _renews_with(request: SignInRequest) -> dict[str, str] | None:
    """What the session keeps of the request, to ask for a token again by itself: no secret. None where that takes one."""
    if request.method == "workload_identity":
        return {"client_id": request.client_id, "federated_token_file": str(request.path)}
    if request.method == "managed_identity":
        return {"client_id": request.client_id} if request.client_id else {}
    if request.method == "azure_cli":
        # As it was asked for, if it was: some accounts of Azure CLI refuse to be asked for a tenant.
        return {"tenant": request.tenant} if request.tenant else {}
    return None


def sign_in_again(
    session: Session, key: str, scopes: list[str], claims: str | None, transport: Transport, clock: Clock
) -> dict[str, Any]:
    """A token for an API or a resource's URL by the session's own method, for the account the session has, with these claims.

    `session_expired` where what the session needs for it is gone.
    """
    cloud, renews_with = CLOUDS[session.cloud], session.renews_with or {}
    request = SignInRequest(
        method=session.auth_method,
        audience=key,
        resource=key if key.startswith(("https://", "api://")) else cloud.resource(key),
        scopes=scopes,
        tenant=renews_with.get("tenant"),
        client_id=renews_with.get("client_id", ""),
        username=session.username,
        secret="",
        path=renews_with.get("federated_token_file"),
        cloud_name=session.cloud,
        endpoints={option: getattr(session, option) for option in URL_OPTIONS},
        ca_path=session.ca_path,
        require_mfa=False,
        authentication_contexts=[],
        claims=claims,
        login_timeout=0.0,
        show=None,
    )
    client = SignInClient(transport, session.authority_url, session.tenant_id, request.client_id)
    try:
        result = METHODS[request.method](client, request, clock)
    except PimError as error:
        if error.code in ("invalid_option", "login_failed"):
            # Nothing of this task is wrong: what the session was made with has changed.
            error.code = "session_expired"
            error.advice = error.advice or ADVICE["session_expired"]
        raise
    told = decode(str(result["access_token"]))
    if (str(told.get("tid")).lower(), str(told.get("oid")).lower()) != (session.tenant_id, session.object_id.lower()):
        raise PimError(
            "not_connected", f"{session.auth_method} now signs in another account than the session {session.name} has"
        )
    return result


def made_with(session: Session, credential: Credential | None) -> bool:
    """Whether signing in with these credentials would give the account the session has."""
    if credential is None:
        return True
    if credential.method == "access_token":
        # Another token of the same account is news, and is kept; the same one is not.
        claims = decode(credential.secret)
        return (
            str(claims.get("oid")).lower() == session.object_id.lower()
            and str(claims.get("tid")).lower() == session.tenant_id
            and any(token.access_token == credential.secret for token in session.tokens.values())
        )
    if credential.method in OF_THE_MACHINE and session.auth_method != credential.method:
        return False
    if credential.method == "managed_identity":
        asked = (session.renews_with or {}).get("client_id", "")
        return asked.lower() == (credential.client_id or "").lower()
    if credential.method == "azure_cli":
        # Who that is, only Azure CLI can tell: it is asked before the session is called fit.
        return True
    if (
        credential.method == "workload_identity"
        and (session.renews_with or {}).get("federated_token_file") != credential.path
    ):
        # The session reads that file for each token: another place is news, and so is that it gets tokens by itself.
        return False
    if credential.method in APPLICATIONS:
        return (
            session.principal_type == "service_principal"
            and str(credential.client_id).lower() == str(session.client_id).lower()
        )
    return session.principal_type == "user" and same_account(str(credential.username), session.username)


def _check_tenant(request: SignInRequest, tenant_id: str, transport: Transport) -> None:
    """A token that somebody else obtained is of the tenant that was asked for; the sign-in service itself keeps to the one it is asked for."""
    asked = request.tenant
    if asked is None or (not is_guid(asked) and request.client_is_ours):
        return
    url = request.endpoints["authority_url"]
    if tenant_id != (asked.lower() if is_guid(asked) else tenant_id_of(transport, url, asked)):
        raise PimError(
            "login_failed",
            f"Signed in to tenant {tenant_id}, but tenant={asked} was asked for",
            advice="Check tenant and account.",
        )


def _check_requirements(request: SignInRequest, mfa: bool | None, contexts: list[str], told: bool) -> None:
    """What was required must be in the token, as far as the token tells."""
    if request.require_mfa and mfa is False:
        raise PimError(
            "mfa_required",
            "Signed in, but without the multi-factor authentication that was required",
            advice="Sign in with auth_method device_code; the account must have a second factor.",
        )
    missing = [context for context in request.authentication_contexts if context not in contexts]
    if missing and told:
        raise PimError(
            "mfa_required",
            f"Signed in, but without the authentication context {missing[0]}",
            authentication_context=missing[0],
            advice="Sign in with auth_method device_code, and check that conditional access defines this context.",
        )


def _first_text(name: str, *tokens: dict[str, Any]) -> str | None:
    """The claim in the first of these that has it as a text."""
    return next((claims[name] for claims in tokens if isinstance(claims.get(name), str) and claims[name]), None)


def _username(claims: dict[str, Any]) -> str | None:
    return next(
        (claims[key] for key in ("upn", "preferred_username", "unique_name") if isinstance(claims.get(key), str)), None
    )


def _client_id(request: SignInRequest, claims: dict[str, Any]) -> str | None:
    if request.client_is_ours:
        return request.client_id
    client = claims.get("appid") or claims.get("azp")
    return client if isinstance(client, str) else None
