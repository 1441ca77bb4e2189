# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``claims`` parameter: what a client asks the sign-in to prove, and what it says about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pim_simulator.sign_in.errors import malformed

# What Azure asks for in the place of a context where it wants multi-factor authentication of who changes resources.
AZURE_MFA = "p1"


@dataclass(frozen=True)
class Demands:
    """``contexts`` are authentication context ids (c1 .. c99, and AZURE_MFA); ``not_before`` is what a token must be newer
    than, in seconds since 1970."""

    mfa: bool = False
    contexts: frozenset[str] = frozenset()
    handles_challenges: bool = False
    not_before: int = 0
    raw: str | None = None


def read_demands(text: str | None) -> Demands:
    """Raises SignInError where it is not the JSON of an OpenID Connect claims request."""
    if not text:
        return Demands()
    try:
        request = json.loads(text)
    except ValueError as error:
        raise malformed("claims") from error
    if not isinstance(request, dict):
        raise malformed("claims")
    mfa = False
    contexts: set[str] = set()
    handles_challenges = False
    not_before = 0
    for place in ("access_token", "id_token"):
        member = request.get(place) or {}
        if not isinstance(member, dict):
            raise malformed("claims")
        mfa = mfa or bool({"mfa", "ngcmfa"} & set(_values(member.get("amr"))))
        contexts |= set(_values(member.get("acrs")))
        mfa = mfa or AZURE_MFA in contexts
        if place == "access_token":
            handles_challenges = "cp1" in {value.lower() for value in _values(member.get("xms_cc"))}
            not_before = max((_seconds(value) for value in _values(member.get("nbf"))), default=0)
    return Demands(mfa, frozenset(contexts), handles_challenges, not_before, text)


def _seconds(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise malformed("claims")
    return int(value)


def _values(entry: object) -> list[str]:
    """``value`` or ``values`` of one requested claim."""
    if entry is None:
        return []
    if not isinstance(entry, dict):
        raise malformed("claims")
    values = entry.get("values", []) if "value" not in entry else [entry["value"]]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise malformed("claims")
    return values
