# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two names mean the same tenant or account. Private to the collection."""

from __future__ import annotations

import re

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DOMAIN = re.compile(
    r"(?=.{3,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE | re.ASCII
)
_GUEST = "#ext#"


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


def is_domain(text: str) -> bool:
    return _DOMAIN.fullmatch(text) is not None


def same_account(one: str, other: str | None) -> bool:
    """User principal names in any case; a guest's home name and its name in the other tenant are the same."""
    return other is not None and home_name(one).casefold() == home_name(other).casefold()


def home_name(name: str) -> str:
    """The name an account has in its own tenant.

    `user_home.example#EXT#@tenant.example` -> `user@home.example`: a domain holds no underscore, so the last one is the @.
    """
    mark = name.lower().find(_GUEST)
    if mark < 0:
        return name
    user, underscore, domain = name[:mark].rpartition("_")
    return f"{user}@{domain}" if underscore else domain
