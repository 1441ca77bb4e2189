# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a token says of itself, and what can be asked of the next one. Private to the collection.

Tokens are decoded to learn who signed in and how; nothing is decided on their signature: the API that gets the token verifies it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

# Declares that this client understands claims challenges; PIM does not honour authentication contexts of clients that do not.
CAPABILITY = "cp1"


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
    merged: dict[str, Any] = json.loads(claims) if claims else {}
    merged.setdefault("access_token", {})["xms_cc"] = {"values": [CAPABILITY]}
    return json.dumps(merged)


def used_mfa(*tokens: dict[str, Any]) -> bool | None:
    """Whether the sign-in used multi-factor authentication; None where no token tells."""
    told = [texts(claims["amr"]) for claims in tokens if "amr" in claims]
    return any("mfa" in one or "ngcmfa" in one for one in told) if told else None
