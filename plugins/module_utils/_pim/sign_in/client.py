# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""msal over our own transport: no host but the authority's and those it names, our CA, our retries below msal's throttle. Private to the collection.

msal is imported here, in functions, because only a task that has to fetch a token pays for it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..advice import ADVICE, SIGN_IN, SUBERRORS
from ..errors import PimError, readable
from ..transport import Reply, Transport
from .echoes import without_secrets
from .federation import Federation
from .token_answers import taken
from .token_claims import CAPABILITY, merged, with_capability

# Below that level it writes codes and what redeems them.
logging.getLogger("msal").setLevel(logging.WARNING)

# What msal reads of the discovery document.
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "issuer")
_NUMBER = re.compile(r"AADSTS([0-9]{1,10})(?![0-9])")
_LARGEST_NUMBER = 10**10
# A refresh sends no password: the one somebody signed in with is no longer right.
_WRONG_PASSWORD = ("AADSTS50064", "AADSTS50126")
# Longer than one call to the platform with all its repeats.
_MACHINE_SECONDS = 75.0
_ONLY_ON_AZURE = (
    "Only machines and services of Azure, and machines that Azure Arc has, can sign in as a managed identity."
)
# OAuth error -> our code, where no AADSTS number says more (RFC 8628, section 3.5).
_OAUTH = {
    "authorization_declined": "login_declined",
    "access_denied": "login_declined",
    "expired_token": "login_expired",
    "code_expired": "login_expired",
    "interaction_required": "mfa_required",
    "consent_required": "consent_required",
    "temporarily_unavailable": "service_unavailable",
    "server_error": "service_unavailable",
}


def require_msal(oldest: tuple[int, int], what: str) -> None:
    """`missing_dependency` where msal is older than what needs it; other collections may hold it back."""
    import msal

    there = tuple(int(number) for number in re.findall(r"\d+", msal.__version__)[:2])
    if there < oldest:
        raise PimError(
            "missing_dependency",
            f"{sys.executable} has msal {msal.__version__}, and {what} needs {'.'.join(map(str, oldest))} or newer",
            advice="Upgrade it for the named interpreter, or name another auth_method.",
        )


class SignInClient:
    """The sign-in service of one tenant, seen by one client. `tenant` is a GUID, a domain, or `organizations`."""

    def __init__(self, transport: Transport, authority_url: str, tenant: str, client_id: str) -> None:
        self.tenant = tenant
        self.client_id = client_id
        self._http = _MsalHttp(transport, authority_url)
        self._authority = f"{authority_url}/{tenant}"

    def until(self, moment: float) -> AbstractContextManager[None]:
        """Bounds all calls inside by a moment of the monotonic clock, however often they are repeated."""
        return self._http.transport.until(moment)

    def on_authority(self, url: str) -> str:
        """An address the sign-in service named, on the authority's own host; `login_failed` for any other."""
        return self._http.on_authority(url)

    def public(self) -> Any:
        import msal

        return self._made(msal.PublicClientApplication)

    def token_of_application(
        self, credential: str | dict[str, Any], scopes: list[str], claims: str | None
    ) -> dict[str, Any]:
        """A token for the application itself. `credential` is its secret, or what msal takes for a certificate or an assertion."""
        import msal

        application = self._made(msal.ConfidentialClientApplication, client_credential=credential)
        result = application.acquire_token_for_client(scopes, claims_challenge=claims)
        if "access_token" not in result:
            raise sign_in_failure(result)
        return dict(result)

    def token_of_machine(self, resource: str, client_id: str | None) -> dict[str, Any]:
        """A token for the managed identity of this machine; `client_id` names a user-assigned one."""
        import msal

        require_msal((1, 33), "a managed identity")
        # In the form in which a configuration file would hold it (documentation of msal.ManagedIdentity).
        identity = {"ManagedIdentityIdType": "ClientId" if client_id else "SystemAssigned", "Id": client_id}
        # msal reads the platform's variables itself, from the environment that the edge has made the task's.
        client = msal.ManagedIdentityClient(
            identity, http_client=self._http.session_of_machine(), client_capabilities=[CAPABILITY]
        )
        try:
            result = _within(_MACHINE_SECONDS, lambda: client.acquire_token_for_client(resource=resource))
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            # Its own refusals (Service Fabric, Arc) are ValueErrors with a sentence; the rest are answers it was not made for.
            raise _no_identity(readable(error, 300), client_id) from None
        if "access_token" not in result:
            raise _no_identity(readable(result.get("error_description") or result.get("error"), 300), client_id)
        return dict(result)

    def refresh(self, refresh_token: str, scopes: list[str], claims: str | None) -> dict[str, Any]:
        """Redeems the refresh token; the same failures as a sign-in, `session_expired` where it is no longer accepted."""
        result = self.public().acquire_token_by_refresh_token(
            refresh_token, scopes, data={"claims": with_capability(claims)}
        )
        if "access_token" not in result:
            error = sign_in_failure(result)
            # A refusal with a reason of its own (a blocked place, a disabled account) does not end the session: the reason may pass.
            ended = not error.advice or error.service_code in _WRONG_PASSWORD
            if error.code == "login_failed" and result.get("error") == "invalid_grant" and ended:
                error.code, error.message = "session_expired", "The sign-in service no longer accepts this session"
                error.advice = ADVICE[error.code]
            if error.code == "login_failed" and result.get("error") == "interaction_required":
                # Whatever stands in the way here, a person may get past it.
                error.code = "mfa_required"
            raise error
        return dict(result)

    def _made(self, kind: Any, **options: Any) -> Any:
        try:
            # msal warns about its own deprecations; the documentation of pim_connect tells users what matters of that.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return kind(
                    self.client_id,
                    authority=self._authority,
                    instance_discovery=False,
                    http_client=self._http,
                    client_capabilities=[CAPABILITY],
                    **options,
                )
        except ValueError as error:
            raise PimError(
                "login_failed",
                f"The sign-in service has no such tenant: {readable(error, 200)}",
                advice=SIGN_IN[90002][1],
            ) from None


def tenant_id_of(transport: Transport, authority_url: str, domain: str) -> str | None:
    """The GUID of the tenant that owns a domain, by the public discovery document; None where nobody owns it."""
    reply = transport.send("GET", f"{authority_url}/{domain}/v2.0/.well-known/openid-configuration")
    try:
        issuer = str((reply.json() or {}).get("issuer")) if reply.status == 200 else ""
    except (ValueError, AttributeError):
        issuer = ""
    found = re.search(r"/([0-9a-fA-F-]{36})/", issuer + "/")
    return found.group(1).lower() if found else None


def sign_in_failure(result: Mapping[str, Any]) -> PimError:
    """The failure in an error answer of the sign-in service; only named fields are used, none that could hold a secret."""
    error, description = readable(result.get("error"), 80), str(result.get("error_description") or "")
    numbers = [int(number) for number in _NUMBER.findall(description)]
    listed = result.get("error_codes")
    if isinstance(listed, list):
        numbers = [one for one in listed if _is_number(one)] + numbers
    number = next((one for one in numbers if one in SIGN_IN), numbers[0] if numbers else None)
    known = SIGN_IN.get(number or 0) or SUBERRORS.get(str(result.get("suberror")))
    code, advice = known or (_OAUTH.get(error, "login_failed"), None)
    if error in ("authorization_declined", "expired_token") and code != _OAUTH[error]:
        # The service has used one number for both.
        code, advice = _OAUTH[error], None
    message = re.split(r"Trace ID:|\r|\n", description, maxsplit=1)[0].rstrip()
    service_code = f"AADSTS{number}" if number else error or None
    # What the next sign-in has to satisfy, where the service says so.
    claims = result.get("claims")
    return PimError(
        code,
        f"The sign-in service refused ({service_code or 'no reason given'})",
        service_code=service_code,
        service_message=message or error or None,
        request_id=readable(result.get("correlation_id"), 80) or None,
        advice=advice,
        claims=merged(claims, None) if isinstance(claims, str) else None,
    )


def _is_number(value: object) -> bool:
    """Whether it can be an AADSTS number."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_NUMBER


class _MsalHttp:
    """The `http_client` msal asks for: `get` and `post` with an answer of `status_code`, `headers`, `text`."""

    def __init__(self, transport: Transport, authority_url: str) -> None:
        self.transport = transport
        self._authority = urlsplit(authority_url)
        self._federation = Federation()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> _MsalAnswer:
        if self._federation.describes_itself_at(url):
            self._federation.check_address(url)
            reply = self.transport.send("GET", url, headers=headers)
            self._federation.check_metadata(url, reply)
            return _MsalAnswer(reply)
        query = urlencode({key: value for key, value in (params or {}).items() if value is not None})
        address = self.on_authority(url)
        reply = self.transport.send("GET", f"{address}?{query}" if query else address, headers=headers)
        answer, body = self._answer(reply, may_be_missing=True), _body(reply)
        # msal goes on where the user realm is missing; any other refusal it would raise in a form of its own.
        if reply.status >= 400 and not (reply.status == 404 and "/userrealm/" in url):
            raise sign_in_failure(body)
        # msal has a fault of its own for any other success.
        if "/.well-known/" in url and not (
            reply.status == 200 and all(isinstance(body.get(key), str) for key in _ENDPOINTS)
        ):
            raise _nonsense(reply)
        if "/userrealm/" in url:
            self._federation.learn(body)
        return answer

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> _MsalAnswer:
        if not isinstance(data, Mapping):
            return self._post_to_federation(url, str(data).encode(), headers)
        form = {key: value for key, value in data.items() if value is not None}
        if "claims_challenge" in options:
            # msal before 1.34 knows no claims for device codes, and hands them on to here.
            form["claims"] = with_capability(options["claims_challenge"])
        # A token request may be repeated: Microsoft accepts a code or a rotated refresh token again for a short time.
        reply = self.transport.send("POST", self.on_authority(url), headers=headers, form=form, repeatable=True)
        body = _body(reply)
        if "access_token" not in body:
            return self._answer(without_secrets(reply, form))
        tokens = taken(body)
        if tokens is None:
            raise _nonsense(reply)
        return self._answer(replace(reply, body=json.dumps(tokens).encode()))

    def _post_to_federation(self, url: str, content: bytes, headers: Mapping[str, str] | None) -> _MsalAnswer:
        """The one body of msal's that is no form: a WS-Trust request. Not repeated: each wrong password counts towards a lock-out."""
        self._federation.check_address(url)
        reply = self.transport.send("POST", url, headers=headers, content=content)
        self._federation.check_token(url, reply)
        return _MsalAnswer(reply)

    def close(self) -> None:
        """The transport is closed by who made it."""

    def session_of_machine(self) -> Any:
        """What msal takes to ask the platform for a managed identity."""
        return self.transport.library_session(self.get_of_machine)

    def get_of_machine(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> _MsalAnswer:
        """The same for the endpoint of a managed identity, which the platform names to this machine and msal chooses."""
        address = f"{url}?{urlencode(params)}" if params else url
        try:
            reply = self.transport.send("GET", address, headers=headers, local=True)
        except PimError as error:
            if error.code == "network":
                error.message, error.advice = f"The managed identity endpoint: {error.message}", _ONLY_ON_AZURE
            raise
        if reply.status == 429 or reply.status >= 500:
            raise _unavailable(reply, "The managed identity endpoint")
        if "access_token" not in _body(reply):
            reply = without_secrets(reply, headers or {})
        # 401 is the first half of the conversation with Arc.
        if reply.status != 401 and not _body(reply):
            raise _no_identity(f"HTTP {reply.status} without an answer of such an endpoint", None)
        return _MsalAnswer(reply)

    def on_authority(self, url: str) -> str:
        """The same address on the authority's host; msal loses the port in one call of the password flow."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            # No address at all.
            host, port, parts = url, None, urlsplit("")
        elsewhere = host != self._authority.hostname or port not in (None, self._authority.port)
        if elsewhere or parts.scheme != "https":
            raise PimError(
                "login_failed",
                f"The sign-in would go to another host ({readable(host, 80)}); nothing was sent there",
                advice="Check authority_url and cloud.",
            )
        return parts._replace(netloc=self._authority.netloc).geturl()

    @staticmethod
    def _answer(reply: Reply, *, may_be_missing: bool = False) -> _MsalAnswer:
        # What is left after our repeats must not reach msal: it would replay the answer for a minute.
        if reply.status == 429 or reply.status >= 500:
            raise _unavailable(reply)
        # msal takes it for granted that the service speaks JSON; only the user realm may be missing.
        if not (may_be_missing and reply.status == 404) and not _body(reply):
            raise _nonsense(reply)
        return _MsalAnswer(reply)


def _within(seconds: float, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The outcome of work that may hang: for Service Fabric msal calls out by itself, and knows no time-out."""
    outcomes: list[dict[str, Any] | Exception] = []

    def run() -> None:
        try:
            outcomes.append(work())
        except Exception as error:  # noqa: BLE001  # raised again below, in the thread that waits
            outcomes.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcomes:
        raise PimError(
            "network", f"The managed identity endpoint did not answer within {seconds:g} s", advice=_ONLY_ON_AZURE
        )
    if isinstance(outcomes[0], Exception):
        raise outcomes[0]
    return outcomes[0]


def _no_identity(told: str, client_id: str | None) -> PimError:
    which = f"the identity {client_id}" if client_id else "an identity of its own"
    return PimError(
        "login_failed",
        f"The platform gave no token for a managed identity: this machine may lack {which}",
        service_message=told,
        advice="Assign the identity to the machine; client_id names a user-assigned one, none the system-assigned one.",
    )


class _MsalAnswer:
    def __init__(self, reply: Reply) -> None:
        self.status_code = reply.status
        # Waiting is ours, below msal: where it sees this header it replays the answer for that time.
        self.headers = {name: value for name, value in reply.headers.items() if name != "retry-after"}
        self.text = reply.text

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise PimError(
                "invalid_response",
                f"The sign-in service answered with HTTP {self.status_code}",
                status=self.status_code,
            )


def _body(reply: Reply) -> dict[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _nonsense(reply: Reply) -> PimError:
    return PimError(
        "invalid_response",
        f"The sign-in service answered (HTTP {reply.status}) with something that is none of its answers",
        status=reply.status,
    )


def _unavailable(reply: Reply, who: str = "The sign-in service") -> PimError:
    if reply.status == 429:
        return PimError("throttled", f"{who} is throttling", status=429, retry_after=reply.retry_after)
    return PimError("service_unavailable", f"{who} failed (HTTP {reply.status})", status=reply.status)
