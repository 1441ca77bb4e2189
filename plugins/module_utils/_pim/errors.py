# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one failure of this collection: what happened, in the terms of the contract. Private to the collection."""

from __future__ import annotations

import re
from typing import Any

from .advice import ADVICE

# A failure shows at most this much of a text the service wrote.
MESSAGE_LIMIT = 500

# Control characters, marks that turn the direction of a line, and halves of characters, which cannot be printed at all.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}")
_HTML = re.compile(r"<\s*(?:!doctype|html|head|body|title)\b", re.IGNORECASE)


def printable(text: str) -> str:
    """The text without control characters, which a terminal would obey; names of roles and scopes are anybody's words."""
    return _CONTROL.sub(" ", text)


def readable(text: object, limit: int = MESSAGE_LIMIT) -> str:
    """A foreign text made fit for a terminal: no control characters, no HTML, nothing that looks like a token, cut to `limit`."""
    try:
        plain = printable("" if text is None else str(text)).strip()
    except ValueError:
        # Python writes no number of more than 4,300 digits.
        plain = "a number of thousands of digits"
    if _HTML.search(plain[:2000]):
        return "an HTML page instead of an answer"
    plain = _TOKEN.sub("(token)", plain)
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"


class PimError(Exception):
    """A failure with a code of the contract (interface, section 4).

    `message` is one sentence of ours and becomes `msg`, with the advice behind it. `service_message` is what the service said.
    `uncertain` means: a write was sent and its fate is unknown, so look before repeating it.
    `retry_after` is in seconds, where the service named one. `repeated`: an earlier try of this call may have been carried out.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        service_code: str | None = None,
        service_message: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        provider: str | None = None,
        role: str | None = None,
        scope: str | None = None,
        authentication_context: str | None = None,
        advice: str | None = None,
        uncertain: bool = False,
        retry_after: float | None = None,
        claims: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.service_code = service_code
        self.service_message = readable(service_message) if service_message else None
        self.status = status
        self.request_id = request_id
        self.provider = provider
        self.role = role
        self.scope = scope
        self.authentication_context = authentication_context
        self.advice = ADVICE.get(code) if advice is None else advice
        self.uncertain = uncertain
        self.retry_after = retry_after
        self.claims = claims
        self.repeated = False

    def about(self, *, provider: str, role: str, scope: str | None) -> PimError:
        """The same failure, told of one role."""
        self.provider, self.role, self.scope = provider, role, scope
        return self

    def retold(self, message: str | None = None, advice: str | None = None) -> PimError:
        """The same failure once more, to be told of another role or in other words."""
        other = PimError(self.code, self.message)
        other.__dict__.update(self.__dict__)
        other.message = message or self.message
        other.advice = self.advice if advice is None else advice
        return other

    def because_of(self, refusal: PimError) -> PimError:
        """The same failure, once more, with what the service said that led to it; what it has of its own stays."""
        told = self.retold()
        for name in ("service_code", "service_message", "status", "request_id", "authentication_context"):
            setattr(told, name, getattr(self, name) or getattr(refusal, name))
        told.repeated = self.repeated or refusal.repeated
        # What was refused is not in doubt, whatever became of the call that was to answer the refusal.
        told.uncertain = refusal.uncertain
        return told

    @property
    def sentence(self) -> str:
        """What is shown to the user: what happened, what the service said, what to do."""
        parts = [self.message.rstrip()]
        if self.service_message and self.service_message not in self.message:
            parts.append(f"The service said: {self.service_message}")
        if self.advice:
            parts.append(self.advice)
        return printable(" ".join(part if part.endswith((".", "!", "?", "…")) else part + "." for part in parts))

    def as_failure(self) -> dict[str, Any]:
        """The `failure` of a result; what does not apply is None."""
        return {
            "code": self.code,
            "service_code": self.service_code,
            "status": self.status,
            "message": self.service_message or printable(self.message),
            "request_id": self.request_id,
            "provider": self.provider,
            "role": self.role,
            "scope": self.scope,
            "authentication_context": self.authentication_context,
            "advice": self.advice,
        }


def invalid_option(option: str, value: object, allowed: str) -> PimError:
    """A refused option value, before any call; never to be used with a secret's value."""
    return PimError("invalid_option", f"{option}={readable(value, 120)!r} cannot be used: {allowed}", advice="")


def fault(who: str, error: Exception) -> PimError:
    """A fault of this collection: told by kind and place only, because its text may hold anything."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_name}, line {place.tb_lineno}" if place is not None else "an unknown place"
    return PimError(
        "unexpected",
        f"{who} met a fault of its own ({type(error).__name__} in {where})",
        advice="Please report this with what the task was asked to do.",
    )
