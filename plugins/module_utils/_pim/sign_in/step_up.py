# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs in again for more than the session has proved: silently where that is enough, else by a person. Private to the collection.

Microsoft identity platform documentation, "claims-challenge" and "developer-guide-conditional-access-authentication-context".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..advice import step_up_advice
from ..errors import PimError
from ..state.sessions import Session
from ..times import Clock
from ..transport import Transport
from .clouds import API_NAMES, CLOUDS, URL_OPTIONS
from .credentials import ON_SCREEN
from .held_session import HeldSession
from .request import SignInRequest
from .signing_in import sign_in
from .token_claims import covers, lacks, merged, proof_of


@dataclass(frozen=True)
class Person:
    """Somebody who sees what is shown and can sign in again, in so many seconds."""

    show: Callable[[str], None]
    login_timeout: float
    browse: Callable[[str], None] | None = None


class StepUp:
    """What one task does to satisfy challenges. A person is asked once for a task; what was refused once is not tried again.

    `person`: who can be asked, or why nobody can. To be used by one thread at a time.
    """

    def __init__(self, held: HeldSession, transport: Transport, clock: Clock, person: Person | str) -> None:
        self._held = held
        self._transport = transport
        self._clock = clock
        self._person = person
        # Claims that a refresh was refused for.
        self._refused_silently: list[str] = []
        self._asked = False
        # Why the person's sign-in gave nothing.
        self._refusal: PimError | None = None
        # The claims that the tokens of this task prove, and since when (seconds since 1970).
        self._proved: str | None = None
        self._since = 0.0

    def token(
        self, api: str, refused: str | None, claims: str, why: str, of_a_person: str | None = None, *, ask: bool
    ) -> str:
        """A token for the API that proves the claims (a JSON text), another than the refused one.

        `why` ("X requires Y") goes on the screen where a person has to sign in, and begins the failure; `ask`: a person may be asked,
        and then proves the claims `of_a_person`, too. No lock of the session is held meanwhile.
        Raises `mfa_required` where nobody can satisfy it, `session_expired`, and what a sign-in raises.
        """
        found = self._silently(api, refused, claims, why)
        return self._by_person(api, claims, why, of_a_person, ask=ask) if found is None else found

    def _silently(self, api: str, refused: str | None, claims: str, why: str) -> str | None:
        """By the refresh token, or what another process has fetched meanwhile; None where it takes a person."""
        with self._held.latest():
            session = self._held.session
            held = session.tokens.get(api)
            if held is not None and held.access_token == refused and self._was_proved(held.obtained_at, claims):
                raise came_back(why, claims)
            if held is not None and held.access_token != refused and covers(session.claims, claims):
                self._note(claims, held.obtained_at)
                return held.access_token
            hopeless = any(covers(claims, one) for one in self._refused_silently)
            if hopeless or not session.can_refresh or api not in session.scopes:
                return None
            wanted = merged(session.claims, claims)
            try:
                token, told = self._held.redeem(api, session.scopes[api], wanted)
            except PimError as error:
                if error.code != "mfa_required":
                    raise
                self._refused_silently.append(claims)
                return None
            if lacks(claims, *told):
                # A service that passes over what it cannot satisfy; the new refresh token is good all the same.
                self._refused_silently.append(claims)
                self._held.keep()
                return None
            # Tokens from before prove less, unless they were asked for with the same.
            session.tokens = {**(session.tokens if covers(session.claims, claims) else {}), api: token}
            self._held.learn(wanted, told)
            self._held.keep()
            self._note(claims, token.obtained_at)
            return token.access_token

    def _by_person(self, api: str, claims: str, why: str, of_a_person: str | None, *, ask: bool) -> str:
        if self._refusal is not None:
            raise self._refusal.retold()
        session, person = self._held.session, self._person
        if not session.can_refresh and session.auth_method not in ON_SCREEN:
            raise _needs_person(why, claims, f"a session by {session.auth_method} cannot get another token")
        if session.auth_method not in ON_SCREEN:
            raise _needs_person(why, claims, f"a session by {session.auth_method} cannot satisfy it")
        if isinstance(person, str):
            raise _needs_person(why, claims, person)
        if not ask:
            raise _needs_person(why, claims, "the sign-in service wants a person for it")
        if self._asked:
            raise _needs_person(why, claims, "somebody has signed in for this task already; run it again")
        wanted, self._asked = merged(merged(session.claims, claims), of_a_person), True
        person.show(f"{why}: sign in again")
        try:
            fresh = sign_in(_request(session, api, wanted, person), self._transport, self._clock, session.name)
            if (fresh.tenant_id, fresh.object_id.lower()) != (session.tenant_id, session.object_id.lower()):
                raise PimError(
                    "login_failed",
                    f"Somebody else signed in ({fresh.username}) than the session belongs to ({session.username}); it is not used",
                    advice="Sign in with the account of the session.",
                )
        except PimError as error:
            self._refusal = _told(error, claims, why, person)
            raise self._refusal.retold() from None
        with self._held.latest():
            session = self._held.session
            session.claims, session.mfa = fresh.claims, fresh.mfa
            session.authentication_contexts = fresh.authentication_contexts
            if fresh.refresh_token:
                session.tokens, session.refresh_token, session.ended = fresh.tokens, fresh.refresh_token, False
            else:
                session.tokens = {**session.tokens, **fresh.tokens}
            self._held.keep()
        token = fresh.tokens[api]
        self._note(claims, token.obtained_at)
        return token.access_token

    def _was_proved(self, obtained_at: float, claims: str) -> bool:
        return self._proved is not None and obtained_at >= self._since and covers(self._proved, claims)

    def _note(self, claims: str, since: float) -> None:
        self._proved, self._since = merged(self._proved, claims), since


def wants(api: str, claims: str) -> str:
    """Why somebody has to sign in again, where an API itself says so."""
    return f"{API_NAMES[api]} requires {proof_of(claims).title}"


def came_back(why: str, claims: str) -> PimError:
    """The failure of a challenge that was satisfied, and is made again."""
    return _about(
        claims,
        f"{why}; the sign-in satisfied that, and the service still refuses",
        "Check what conditional access and the policy of the role ask for.",
    )


def _needs_person(why: str, claims: str, reason: str) -> PimError:
    return _about(claims, f"{why}, and {reason}", _beforehand(claims))


def _beforehand(claims: str) -> str:
    """How to satisfy the claims before the task."""
    proof = proof_of(claims)
    if proof.mfa or proof.contexts:
        return step_up_advice(proof.contexts, mfa=proof.mfa)
    return "Run entra.pim.pim_connect with force true."


def _about(claims: str, message: str, advice: str) -> PimError:
    """A challenge that is only about the age of the sign-in is no matter of factors."""
    proof = proof_of(claims)
    code = "mfa_required" if proof.mfa or proof.contexts else "session_expired"
    context = proof.contexts[0] if proof.contexts else None
    return PimError(code, message, authentication_context=context, claims=claims, advice=advice)


def _told(error: PimError, claims: str, why: str, person: Person) -> PimError:
    """The failure of a person's sign-in: for what it was, and without an option that the task does not have."""
    proof = proof_of(claims)
    message, advice = error.message, error.advice
    if error.code == "login_timeout":
        message = f"nobody signed in within {person.login_timeout:g} s"
        advice = _beforehand(claims)
    told = error.retold(f"{why}: {message}", advice=advice)
    told.authentication_context = proof.contexts[0] if proof.contexts else None
    return told


def _request(session: Session, api: str, claims: str | None, person: Person) -> SignInRequest:
    """The session's own sign-in once more: the same client, account and scopes, with these claims."""
    proof = proof_of(claims)
    return SignInRequest(
        method=session.auth_method,
        audience=api,
        resource=CLOUDS[session.cloud].resource(api),
        scopes=session.scopes[api],
        tenant=session.tenant_id,
        client_id=str(session.client_id),
        username=session.username,
        secret="",
        path=None,
        cloud_name=session.cloud,
        endpoints={option: getattr(session, option) for option in URL_OPTIONS},
        ca_path=session.ca_path,
        require_mfa=proof.mfa,
        authentication_contexts=list(proof.contexts),
        claims=claims,
        login_timeout=person.login_timeout,
        show=person.show,
        browse=person.browse,
    )
