# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session at work: hands out its tokens, refreshes them when they end, and keeps what changed. Private to the collection."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import PimError
from ..state.sessions import Session, Sessions, Token
from ..times import Clock
from ..transport import Transport
from .clouds import API_NAMES, CLOUDS
from .held_session import HeldSession

if TYPE_CHECKING:
    from .step_up import Person, StepUp

# A token is used no longer than this many seconds before its end, so that it does not end on the way.
_MARGIN = 60.0


class Access:
    """`sessions` is None for credentials that serve one task alone: nothing is written then.

    `needed`: by API, the scopes the task needs. A session that was made for less is asked for more, where it can refresh.
    `person`: who can be asked to sign in again, or why nobody can.
    """

    def __init__(
        self,
        session: Session,
        transport: Transport,
        clock: Clock,
        sessions: Sessions | None,
        needed: Mapping[str, list[str]] | None = None,
        person: Person | str = "nobody can be asked here",
    ) -> None:
        self._held = HeldSession(session, transport, clock, sessions)
        self._transport = transport
        self._person = person
        self._clock = clock
        self._needed = dict(needed or {})
        # By API: why the task gets no token for it. Asked once, and told to each call.
        self._refusals: dict[str, PimError] = {}
        # Several calls of one task may find their token refused at once.
        self._turn = threading.RLock()

    @cached_property
    def _step_up(self) -> StepUp:
        """To be used with the turn held: one for the whole task."""
        from .step_up import StepUp

        return StepUp(self._held, self._transport, self._clock, self._person)

    @property
    def session(self) -> Session:
        return self._held.session

    def token(self, api: str) -> str:
        """A living token for `graph` or `arm`; `session_expired` or `consent_required` where there is none to be had."""
        with self._turn:
            if api in self._refusals:
                raise self._refusals[api].retold()
            if self.session.can_refresh and not set(self._needed.get(api, [])) <= set(self.session.scopes.get(api, [])):
                self._widen(api)
        return self._living(api, self.session.scopes.get(api), 0.0).access_token

    def _widen(self, api: str) -> None:
        """Asks for the scopes the task needs beside those the session has; without consent the session keeps what it has."""
        with self._latest():
            asked = self.session.scopes.get(api, [])
            wanted = [*asked, *(scope for scope in self._needed.pop(api) if scope not in asked)]
            if wanted == asked:
                return
            try:
                self._refresh(api, wanted)
            except PimError as error:
                if asked and error.code == "consent_required":
                    return
                self._refusals[api] = error
                raise
            self.session.scopes[api] = wanted
            self._keep()

    def renewed(self, api: str, refused: str) -> str | None:
        """Another token than the one the API refused, None where the session cannot refresh."""
        with self._turn, self._latest():
            held = self.session.tokens.get(api)
            if held and held.access_token != refused and self._lives(held, 0.0):
                return held.access_token
            self._drop(api, refused)
            if not self.session.can_refresh:
                return None
            return self._refresh(api, self.session.scopes[api]).access_token

    def answered(self, api: str, refused: str, claims: str, *, ask: bool) -> str:
        """Another token than the one the API refused, which proves the claims of its challenge; see `StepUp.token`."""
        from .step_up import wants

        with self._turn:
            try:
                return self._step_up.token(api, refused, claims, wants(api, claims), ask=ask)
            except PimError:
                if self.session.ended:
                    with self._latest():
                        self._drop(api, refused)
                raise

    def step_up(self, api: str, claims: str, why: str, of_a_person: str | None = None) -> None:
        """Makes the session prove the claims: from now on its tokens do, for either API; see `StepUp.token`."""
        with self._turn:
            held = self.session.tokens.get(api)
            self._step_up.token(api, held.access_token if held else None, claims, why, of_a_person, ask=True)

    def given_up(self, api: str, refused: str) -> None:
        """To be called where a renewed token is refused too: the session no longer counts as alive."""
        with self._turn, self._latest():
            self.session.end()
            self._drop(api, refused)

    def resource_token(self, resource: str) -> Token:
        """A token for any resource, never older than the last activation of the session, so that the role is in it.

        The session's own permissions for that resource come with it (`.default`).
        """
        api = CLOUDS[self.session.cloud].api_of_audience(resource)
        # One in the future, by the service's whole seconds or a clock that was set back, would be later than any token.
        since = min(self.session.activated_at, self._clock.time())
        if self.session.can_refresh:
            return self._living(resource.rstrip("/"), [f"{resource.rstrip('/')}/.default"], since)
        held = self.session.tokens.get(resource.rstrip("/")) or self.session.tokens.get(api or resource)
        if held is None:
            raise PimError(
                "session_expired",
                f"The session has no token for {resource} and cannot get one",
                advice="Sign in with a method that can refresh, such as device_code or password, or give an access_token for it.",
            )
        if not self._lives(held, since):
            raise PimError(
                "session_expired",
                f"The token for {resource} is from before the last activation, or has ended, and the session cannot refresh",
                advice="Sign in with a method that can refresh, such as device_code or password.",
            )
        return held

    def switched_on(self, at: float) -> None:
        """To be called after an activation that came into force `at` (seconds since 1970): tokens from before do not carry the role."""
        with self._latest():
            self.session.activated_at = max(self.session.activated_at, at)
            self._drop_resource_tokens()
            self._keep()

    def switched_off(self) -> None:
        """To be called after a deactivation: tokens for work still carry the role, and are not handed out again."""
        with self._latest():
            self._drop_resource_tokens()
            self._keep()

    def remember_tenant(self, domain: str) -> None:
        with self._latest():
            self.session.tenant_names = sorted({*self.session.tenant_names, domain.lower()})
            self._keep()

    def _living(self, key: str, scopes: list[str] | None, since: float) -> Token:
        held = self.session.tokens.get(key)
        if held and self._lives(held, since):
            return held
        with self._turn, self._latest():
            # Another process may have refreshed it while this one waited for the lock.
            held = self.session.tokens.get(key)
            if held and self._lives(held, since):
                return held
            if scopes is None:
                raise PimError(
                    "not_connected",
                    f"The session has no token for {API_NAMES.get(key, key)}: "
                    + (
                        "it was not made for it"
                        if self.session.can_refresh
                        else f"{self.session.auth_method} sessions cannot get one"
                    ),
                    advice="Run entra.pim.pim_connect with the providers you need.",
                )
            fresh = self._refresh(key, scopes)
            if fresh.obtained_at < since:
                # Azure CLI keeps its tokens, and cannot be told to fetch another one.
                raise PimError(
                    "session_expired",
                    f"The token that {self.session.auth_method} gives for {API_NAMES.get(key, key)} is from before the last activation",
                    advice="Run again when it has ended, within the hour, or sign in by another method.",
                )
            return fresh

    def _lives(self, token: Token, since: float) -> bool:
        return token.expires_at - _MARGIN > self._clock.time() and token.obtained_at >= since

    def _refresh(self, key: str, scopes: list[str]) -> Token:
        """A fresh token. Where the claims of the session would need a person, it is one without them: a task that only reads must not.

        The session then forgets what the claims had gained, so that a write, or `pim_connect`, asks for it again.
        """
        claims = self.session.claims
        try:
            token, told = self._held.redeem(key, scopes, claims)
        except PimError as error:
            if claims is None or error.code != "mfa_required":
                raise
            claims = None
            token, told = self._held.redeem(key, scopes, claims)
        if claims is None and self.session.claims is not None:
            self.session.authentication_contexts, self.session.mfa = [], None
            self._held.learn(claims, told)
        elif key in API_NAMES:
            self._held.learn(claims, told)
        self.session.tokens[key] = token
        self._keep()
        return token

    def _drop(self, key: str, refused: str) -> None:
        """Forgets a token that its API no longer accepts."""
        held = self.session.tokens.get(key)
        if held is not None and held.access_token == refused:
            del self.session.tokens[key]
            self._keep()

    def _drop_resource_tokens(self) -> None:
        self.session.tokens = {key: token for key, token in self.session.tokens.items() if key in self.session.scopes}

    def _latest(self) -> contextlib.AbstractContextManager[None]:
        return self._held.latest()

    def _keep(self) -> None:
        self._held.keep()
