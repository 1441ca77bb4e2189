# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of ARM: a scope, a provider's type below it, a name, an action. Any case, doubled slashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from pim_simulator.tenant.azure_scopes import plain_path

_ARM = re.compile(r"/*(subscriptions|providers)(/|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Address:
    """``scope`` in its plain spelling, empty for the tenant. ``rest`` are the segments after Microsoft.Authorization, None
    where the address is no such one: then ``scope`` is the whole of it."""

    scope: str
    rest: tuple[str, ...] | None

    @property
    def subscription(self) -> str:
        """Its id in lower case; empty at the tenant and at management groups."""
        first, _slash, rest = self.scope.lower().lstrip("/").partition("/")
        return rest.partition("/")[0] if first == "subscriptions" else ""

    @property
    def type(self) -> str:
        """In lower case, as types are compared."""
        return self.rest[0].lower() if self.rest else ""


def is_arm(path: str) -> bool:
    """Whether a path belongs to ARM. No tenant of the sign-in service and no version of Graph has such a name."""
    return _ARM.match(path) is not None


def read_address(raw_path: str) -> Address:
    """Of a path as it was sent. The last Microsoft.Authorization in it counts: a scope may lie below another of its own."""
    path = plain_path(unquote(raw_path))
    found = None
    for match in re.finditer(r"/providers/microsoft\.authorization(?=/|$)", path, re.IGNORECASE):
        found = match
    if found is None:
        return Address(path, None)
    rest = path[found.end() :].strip("/")
    return Address(path[: found.start()], tuple(rest.split("/")) if rest else ())
