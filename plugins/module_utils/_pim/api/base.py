# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two APIs have in common: the token, a refused token, single calls, pages. Private to the collection."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..errors import PimError
from ..transport import Reply, Transport
from .calls import Answer, Call
from .errors import challenge_of, demands_more, error_from, request_id_of

# A list of a million rows in the smallest pages seen; a server that goes on for ever is stopped here.
MOST_PAGES = 10000
# The first token of a call, a renewed one, and two that answer challenges: whoever refuses all of them is not to be satisfied.
_MOST_TOKENS = 4


class Bearer(Protocol):
    """Whoever has the token: `sign_in.access.Access`."""

    def token(self, api: str) -> str:
        """A living token for the API."""

    def renewed(self, api: str, refused: str) -> str | None:
        """Another token than the refused one, or None where there is none to be had."""

    def answered(self, api: str, refused: str, claims: str, *, ask: bool) -> str:
        """Another token, which proves what the claims of a challenge ask for; raises where there is none to be had."""

    def given_up(self, api: str, refused: str) -> None:
        """A renewed token was refused too."""


class Api(ABC):
    """`service` is how messages name the API, `next_link` where its lists tell their next page."""

    name: str
    service: str
    next_link: str

    def __init__(self, transport: Transport, url: str, bearer: Bearer) -> None:
        self._transport = transport
        self._root = url.rstrip("/")
        self._bearer = bearer

    @abstractmethod
    def run(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """The outcome of each call, in the order asked.

        What stops reads altogether (no token, no network) is raised. Whatever befalls a write is its outcome, so that it hides
        nothing of the others; one whose fate is unknown has `uncertain`.
        """

    def _single(self, call: Call, url: str) -> Answer | PimError:
        try:
            reply, _token = self._send(call.method, url, call.body, call.repeatable or None, ask=call.method == "GET")
            outcome = self._outcome(reply, call)
        except PimError as error:
            # No answer at all: of a write, the fate is its outcome.
            if call.method == "GET":
                raise
            return error
        if isinstance(outcome, PimError) and outcome.code == "session_expired" and call.method == "GET":
            raise outcome
        return outcome

    def _send(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        repeatable: bool | None = None,
        *,
        ask: bool,
    ) -> tuple[Reply, str]:
        """One HTTP call, and the token that it was answered to. A refused token is renewed once, and a challenge is answered: what a 401 refuses was not done.

        `ask`: a person may be asked for it. For a write that is done by who knows all writes of the task, so that it is done once.
        """
        with _fate(False):
            token, renewed, unsure = self._bearer.token(self.name), False, False
        tries = 0
        while True:
            tries += 1
            reply = self._transport.send(
                method, url, headers=_authorization(token), json_body=body, repeatable=repeatable
            )
            unsure = unsure or reply.unsure
            reply = replace(reply, unsure=unsure)
            claims = challenge_of(reply)
            if claims is None and (reply.status != 401 or demands_more(reply)):
                return reply, token
            if tries == _MOST_TOKENS:
                # Another token would not be used.
                if claims is None:
                    return reply, token
                from ..sign_in.step_up import came_back, wants

                raise came_back(wants(self.name, claims), claims)
            if claims is not None:
                try:
                    token = self._bearer.answered(self.name, token, claims, ask=ask)
                except PimError as error:
                    raise error.because_of(error_from(reply, self.service)) from None
            elif renewed:
                self._bearer.given_up(self.name, token)
                return reply, token
            else:
                with _fate(unsure):
                    other = self._bearer.renewed(self.name, token)
                if other is None:
                    return reply, token
                token, renewed = other, True

    def _outcome(self, reply: Reply, call: Call | None) -> Answer | PimError:
        try:
            return self._answer(reply, call)
        except PimError as error:
            return error

    def _answer(self, reply: Reply, call: Call | None) -> Answer:
        if not 200 <= reply.status < 300:
            raise error_from(reply, self.service)
        writes = call is not None and call.method != "GET"
        try:
            body = reply.json()
        except ValueError:
            raise PimError(
                "invalid_response",
                f"{self.service} answered (HTTP {reply.status}) with something that is not JSON",
                status=reply.status,
                uncertain=writes,
            ) from None
        if body is None and (reply.status == 204 or (call is not None and call.answers_nothing)):
            body = {}
        if not isinstance(body, dict):
            raise PimError(
                "invalid_response",
                f"{self.service} answered (HTTP {reply.status}) without an object",
                status=reply.status,
                uncertain=writes,
            )
        return Answer(reply.status, body, request_id_of(reply))

    def _all_pages(self, outcome: Answer | PimError) -> Answer | PimError:
        """Follows the links to the next page, on this host only: the token goes nowhere else."""
        if isinstance(outcome, PimError):
            return outcome
        rows: list[Any] = []
        seen: set[str] = set()
        page = outcome
        while True:
            value = page.body.get("value")
            if not isinstance(value, list):
                return PimError(
                    "invalid_response", f"{self.service} answered a list without its rows", request_id=page.request_id
                )
            rows.extend(value)
            link = page.body.get(self.next_link)
            if not link:
                return Answer(page.status, {"value": rows}, page.request_id)
            if self._transport.is_over():
                return PimError("network", f"{self.service} went on with a list for longer than this task may")
            if not isinstance(link, str) or link in seen or len(seen) >= MOST_PAGES:
                return PimError("invalid_response", f"{self.service} answered a list that has no end")
            if not self._is_ours(link):
                return PimError(
                    "invalid_response",
                    f"{self.service} named another host for the rest of a list; nothing was sent there",
                )
            seen.add(link)
            following = self._outcome(self._send("GET", link, ask=True)[0], None)
            if isinstance(following, PimError):
                return following
            page = following

    def _is_ours(self, link: str) -> bool:
        """Whether a link leads to the same scheme, host and port as the API itself."""
        try:
            return urlsplit(link)[:2] == urlsplit(self._root)[:2]
        except ValueError:
            return False


@contextlib.contextmanager
def _fate(unsure: bool) -> Iterator[None]:
    """A failure to get a token leaves no doubt about the call that it was for, but for what an earlier try of that may have done."""
    try:
        yield
    except PimError as error:
        error.uncertain = unsure
        raise


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
