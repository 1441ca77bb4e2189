# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session a task works with: its newest content, its refresh token, and whose it is. Private to the collection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..errors import PimError
from ..state.sessions import Session, Sessions, Token
from ..times import Clock, format_time, from_timestamp
from ..transport import Transport
from .clouds import API_NAMES
from .token_claims import contexts_in, decode, proof_of, used_mfa


class HeldSession:
    """`sessions` is None for credentials that serve one task alone: nothing is written then."""

    def __init__(self, session: Session, transport: Transport, clock: Clock, sessions: Sessions | None) -> None:
        self.session = session
        self._transport = transport
        self._clock = clock
        self._sessions = sessions

    @contextlib.contextmanager
    def latest(self) -> Iterator[None]:
        """Holds the session's lock, with its newest content: two tasks must not redeem one refresh token."""
        if self._sessions is None:
            yield
            return
        with self._sessions.locked(self.session.name):
            on_disk = self._sessions.load(self.session.name)
            if on_disk is None:
                raise PimError("not_connected", f"The session {self.session.name} was removed meanwhile")
            other = on_disk.differs_from(self.session)
            if other is not None:
                raise PimError(
                    "not_connected",
                    f"The session {self.session.name} was replaced meanwhile: it now belongs to {other}={getattr(on_disk, other)}",
                )
            self.session = on_disk
            yield

    def keep(self) -> None:
        if self._sessions is not None:
            self._sessions.save(self.session)

    def redeem(self, key: str, scopes: list[str], claims: str | None) -> tuple[Token, list[dict[str, Any]]]:
        """A token without a person, and what the answer tells of the sign-in. To be called inside `latest`, and kept by who calls.

        `mfa_required` where only a person could satisfy the claims.
        """
        from .client import SignInClient
        from .known_clients import refuse_known_client
        from .signing_in import name_permissions, sign_in_again, token_of

        session = self.session
        if session.renews_with is not None:
            result = sign_in_again(session, key, scopes, claims, self._transport, self._clock)
            return token_of(result, self._clock), [decode(str(result["access_token"]))]
        if session.refresh_token is None or session.client_id is None:
            held = session.tokens.get(key)
            ended = f" ended at {format_time(from_timestamp(held.expires_at))}" if held else " is missing"
            raise PimError(
                "session_expired",
                f"The token for {API_NAMES.get(key, key)}{ended}, and {session.auth_method} sessions cannot refresh",
            )
        refuse_known_client(session.client_id, key)
        client = SignInClient(self._transport, session.authority_url, session.tenant_id, session.client_id)
        try:
            result = client.refresh(session.refresh_token, scopes, claims)
        except PimError as error:
            name_permissions(error, session.client_id, scopes)
            if error.code == "session_expired":
                # It will not be accepted again: from now on somebody has to sign in, and `pim_connect` knows it.
                session.end()
                self.keep()
            raise
        told = [decode(str(result["access_token"])), result.get("id_token_claims") or {}]
        self._check_account(told)
        session.refresh_token = str(result.get("refresh_token") or session.refresh_token)
        return token_of(result, self._clock), told

    def learn(self, claims: str | None, told: list[dict[str, Any]]) -> None:
        """Notes how the account signed in, as a token tells that was asked for with these claims.

        `told` begins with the access token's own claims. One that nobody can read is taken at the word of the sign-in service, which
        granted what was asked. Whether a second factor was used is then not known.
        """
        session, proof, mfa = self.session, proof_of(claims), used_mfa(*told)
        session.claims = claims
        if mfa is not None or proof.mfa:
            session.mfa = mfa
        if told[0]:
            session.authentication_contexts = contexts_in(*told)
        else:
            session.authentication_contexts = sorted({*session.authentication_contexts, *proof.contexts})

    def _check_account(self, told: list[dict[str, Any]]) -> None:
        """A session is never used for another account than its own, whatever the sign-in service gives."""
        session = self.session
        for claims in told:
            for name, own in (("tid", session.tenant_id), ("oid", session.object_id)):
                if name in claims and str(claims[name]).lower() != own.lower():
                    raise PimError(
                        "not_connected",
                        f"The sign-in service gave a token of another {'tenant' if name == 'tid' else 'account'} than the session's; "
                        "it is not used",
                        advice="Run entra.pim.pim_connect with force true.",
                    )
