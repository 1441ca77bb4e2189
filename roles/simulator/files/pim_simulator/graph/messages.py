# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call of Graph and its answer, free of HTTP: a batch makes them, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pim_simulator.callers import Caller


@dataclass(frozen=True)
class GraphCall:
    """``segments`` are the decoded parts of the path after the version; ``query`` the options in the order given;
    ``body`` the JSON object of a write, None otherwise; ``url`` the address as called, without its query."""

    method: str
    version: str
    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    caller: Caller
    base_url: str
    url: str
    body: Any = None

    @property
    def context_root(self) -> str:
        return f"{self.base_url}/{self.version}/$metadata#"


@dataclass
class GraphAnswer:
    """``body`` None: no content."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
