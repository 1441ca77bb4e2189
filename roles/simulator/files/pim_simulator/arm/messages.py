# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call of ARM and its answer, free of HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pim_simulator.arm.addresses import Address
from pim_simulator.callers import Caller


@dataclass(frozen=True)
class ArmCall:
    """``query`` has names in lower case, as ARM reads them; ``url`` is the path as called; ``body`` the JSON object of a
    write, None otherwise."""

    method: str
    address: Address
    query: dict[str, str]
    caller: Caller
    base_url: str
    url: str
    body: Any = None

    @property
    def filter_text(self) -> str | None:
        return self.query.get("$filter")

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")


@dataclass
class ArmAnswer:
    """``body`` None: no content, of zero length."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
