# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider asks for and what comes back: plain data between `providers` and `api`. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call to one API, relative to its root: `path` starts with `/` and carries its query, percent-encoded.

    `pages`: the answer is a collection whose `nextLink` is followed to the end. `repeatable`: it may be sent again although it may
    have been carried out. `answers_nothing`: its success may have no body. `beta`: only the beta of Microsoft Graph has it.
    """

    api: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    pages: bool = False
    repeatable: bool = False
    answers_nothing: bool = False
    beta: bool = False


@dataclass(frozen=True)
class Answer:
    """A 2xx answer. `body` is the JSON object; for a collection, `{"value": [every row of every page]}`."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None
