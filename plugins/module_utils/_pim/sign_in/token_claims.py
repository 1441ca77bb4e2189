# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token says of itself, and what can be asked of the next one. Private to the collection.

Tokens are decoded to learn who signed in and how; nothing is decided on their signature: the API that gets the token verifies it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Declares that this client understands claims challenges; PIM does not honour authentication contexts of clients that do not.
CAPABILITY = "cp1"
_CAPABILITIES = "xms_cc"
_CONTEXT = re.compile(r"c[1-9][0-9]?", re.ASCII)
_MFA = frozenset({"mfa", "ngcmfa"})
# A session that was asked for one and then for another has to go on proving both.
_ADD_UP = frozenset({"acrs", "amr", "nbf"})


@dataclass(frozen=True)
class Proof:
    """What a claims request wants to be proved, in our terms."""

    mfa: bool
    contexts: tuple[str, ...]

    @property
    def title(self) -> str:
        """For messages."""
        parts = ["multi-factor authentication"] if self.mfa else []
        if self.contexts:
            parts.append(f"the authentication context{'s' * (len(self.contexts) > 1)} {', '.join(self.contexts)}")
        return " and ".join(parts) or "a newer sign-in"


def decode(token: str) -> dict[str, Any]:
    """The claims of a JWT, {} where the text is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def is_context(name: str) -> bool:
    """Whether it is an authentication context that somebody can ask for by name; Azure's own `p1` stands for multi-factor authentication."""
    return _CONTEXT.fullmatch(name) is not None


def texts(value: object) -> list[str]:
    """A claim that may be one text or a list of them."""
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def wanted_claims(require_mfa: bool, contexts: Sequence[str]) -> str | None:
    """The `claims` parameter (a JSON text) that makes the sign-in itself satisfy these, None for nothing special."""
    claims: dict[str, Any] = {}
    if require_mfa:
        claims["amr"] = {"values": ["mfa"]}
    if contexts:
        one = len(contexts) == 1
        claims["acrs"] = {"essential": True, **({"value": contexts[0]} if one else {"values": list(contexts)})}
    return json.dumps({"access_token": claims}) if claims else None


def with_capability(claims: str | None) -> str:
    """The same claims with this client's capability, for the one call of msal that does not add it by itself."""
    asked = _read(claims)
    asked.setdefault("access_token", {})[_CAPABILITIES] = {"values": [CAPABILITY]}
    return json.dumps(asked)


def merged(one: str | None, other: str | None) -> str | None:
    """One claims request for what both ask: the newest `nbf`, all the contexts and factors, and of everything else what the other says."""
    asked = _read(one)
    for place, claims in _read(other).items():
        for name, wanted in claims.items():
            held = asked.setdefault(place, {}).get(name)
            asked[place][name] = wanted if held is None else _together(name, held, wanted)
    return json.dumps(asked) if any(asked.values()) else None


def covers(held: str | None, wanted: str | None) -> bool:
    """Whether a token that was asked for with `held` proves what `wanted` asks for, too."""
    asked = _read(held)
    for place, claims in _read(wanted).items():
        for name, claim in claims.items():
            if name not in asked.get(place, {}):
                return False
            there, values = _values(asked[place][name]), _values(claim)
            if name == "nbf":
                if max(map(_number, values), default=0) > max(map(_number, there), default=0):
                    return False
            elif not set(values) <= set(there):
                return False
    return True


def proof_of(claims: str | None) -> Proof:
    """What this claims request is about. Azure's context `p1` is its name for multi-factor authentication."""
    asked = _read(claims)
    methods = {value for place in asked.values() for value in _values(place.get("amr"))}
    contexts = dict.fromkeys(value for place in asked.values() for value in _values(place.get("acrs")))
    named = tuple(context for context in contexts if is_context(context))
    return Proof(bool(methods & _MFA) or len(named) < len(contexts), named)


def contexts_in(*tokens: dict[str, Any]) -> list[str]:
    """The authentication contexts that tokens tell of."""
    told = {context for token in tokens for context in texts(token.get("acrs"))}
    return sorted(context for context in told if is_context(context))


def lacks(claims: str | None, *tokens: dict[str, Any]) -> bool:
    """Whether tokens, the access token first, tell that they do not prove the claims they were asked for with; False where they do not tell."""
    proof = proof_of(claims)
    without_factor = proof.mfa and used_mfa(*tokens) is False
    return without_factor or (bool(tokens[0]) and not set(proof.contexts) <= set(contexts_in(*tokens)))


def _read(claims: str | None) -> dict[str, dict[str, Any]]:
    """By place (`access_token`, `id_token`) the claims asked for, without the capability, which is declared at every call."""
    try:
        asked = json.loads(claims or "{}")
    except (ValueError, RecursionError):
        asked = {}
    if not isinstance(asked, dict):
        # What is no request asks for nothing: a service may write anything there.
        return {}
    return {
        place: {name: claim for name, claim in told.items() if name != _CAPABILITIES}
        for place, told in asked.items()
        if isinstance(told, dict)
    }


def _values(claim: object) -> list[str]:
    if not isinstance(claim, dict):
        return []
    values = claim.get("values")
    return [str(one) for one in ([claim["value"]] if "value" in claim else values if isinstance(values, list) else [])]


def _together(name: str, held: Any, wanted: Any) -> Any:
    if name not in _ADD_UP:
        # Such as the address a service was called from: those of yesterday prove nothing, and would add up for ever.
        return wanted
    values = list(dict.fromkeys([*_values(held), *_values(wanted)]))
    told = {key: value for one in (held, wanted) if isinstance(one, dict) for key, value in one.items()}
    if any(isinstance(one, dict) and one.get("essential") for one in (held, wanted)):
        told["essential"] = True
    if name == "nbf":
        values = sorted(values, key=_number)[-1:]
    told.pop("value", None)
    told.pop("values", None)
    if len(values) == 1 and name != "amr":
        return {**told, "value": values[0]}
    return {**told, "values": values} if values else told


def _number(value: str) -> int:
    """Of a time in seconds; 0 for what is none."""
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else 0


def used_mfa(*tokens: dict[str, Any]) -> bool | None:
    """Whether the sign-in used multi-factor authentication; None where no token tells."""
    told = [texts(claims["amr"]) for claims in tokens if "amr" in claims]
    return any(_MFA & set(one) for one in told) if told else None
