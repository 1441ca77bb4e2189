# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken of an answer with tokens (RFC 6749, section 5.1, and OpenID Connect Core, section 3.1.3.3). Private to the collection.

msal takes such an answer apart without looking: whatever is not of its kind would end in a fault of the program.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from .token_claims import decode

# What can stand in a header and in a form.
_SECRET = re.compile(r"[\x21-\x7e]+")
_TEXTS = ("token_type", "scope", "id_token")
# Whose sign-in it was.
_IDENTITY = ("sub", "tid", "oid", "preferred_username")
# What a token lives by default.
_HOUR = 3600.0


def taken(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields that are read of it, and no other; None where one of them is not what it has to be.

    What is null or empty is not there. What tells no lifetime lives for the hour that tokens have by default.
    """
    told = {name: body[name] for name in ("access_token", "refresh_token", *_TEXTS) if body.get(name) not in (None, "")}
    secrets = [told.get("access_token"), told.get("refresh_token", "absent")]
    if not all(isinstance(one, str) and _SECRET.fullmatch(one) for one in secrets):
        return None
    if not all(isinstance(told.get(name, ""), str) for name in _TEXTS):
        return None
    if "id_token" in told:
        identity = decode(told["id_token"])
        # Without the rest of OpenID Connect msal goes by `sub`.
        if not isinstance(identity.get("sub"), str) or not all(
            isinstance(identity.get(one, ""), str) for one in _IDENTITY
        ):
            return None
    return {**told, "expires_in": int(seconds(body.get("expires_in")))}


def seconds(told: object) -> float:
    """A lifetime; what is over already is 0, and what is no number the hour that tokens have by default."""
    try:
        number = float(told) if isinstance(told, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    return max(0.0, number) if math.isfinite(number) else _HOUR
