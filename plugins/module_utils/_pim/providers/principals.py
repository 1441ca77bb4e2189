# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The object id behind a user principal name, which all three services know a person by: Microsoft Graph. Private to the collection."""

from __future__ import annotations

from urllib.parse import quote

from ..api.calls import Answer, Call
from .base import text


def call(name: str) -> Call:
    return Call("graph", "GET", f"/users/{quote(name, safe='')}?$select=id")


def read(answer: Answer) -> str:
    return text(answer.body, "id")
