# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``claims`` parameter: what a client asks the sign-in to prove, and what it says about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pim_simulator.sign_in.errors import malformed


@dataclass(frozen=True)
class Demands:
    """``contexts`` are authentication context ids (c1 .. c99)."""

    mfa: bool = False
    contexts: frozenset[str] = frozenset()
    handles_challenges: bool = False
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
    for place in ("access_token", "id_token"):
        member = request.get(place) or {}
        if not isinstance(member, dict):
            raise malformed("claims")
        mfa = mfa or bool({"mfa", "ngcmfa"} & set(_values(member.get("amr"))))
        contexts |= set(_values(member.get("acrs")))
        if place == "access_token":
            handles_challenges = "cp1" in {value.lower() for value in _values(member.get("xms_cc"))}
    return Demands(mfa, frozenset(contexts), handles_challenges, text)


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
