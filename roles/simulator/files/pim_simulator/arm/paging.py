# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list. A page looks at no more records than it needs, and the next one goes on where it ended."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pim_simulator.arm.errors import ArmError
from pim_simulator.arm.messages import ArmAnswer, ArmCall

Item = TypeVar("Item")
# (source, items) in the order of the list; sources only grow at their ends
Sources = Sequence[tuple[Any, Sequence[Item]]]


def page(
    call: ArmCall,
    sources: Sources[Item],
    wanted: Callable[[Any, Item], bool],
    row: Callable[[Any, Item], Any],
    size: int,
) -> ArmAnswer:
    """The rows of one page, and a nextLink where more may follow. Raises ArmError for a token that is none of this list."""
    start_source, start = _position(call)
    rows: list[Any] = []
    for number in range(start_source, len(sources)):
        source, items = sources[number]
        for index in range(start if number == start_source else 0, len(items)):
            if not wanted(source, items[index]):
                continue
            if len(rows) == size:
                return ArmAnswer(body={"value": rows, "nextLink": _link(call, number, index)})
            rows.append(row(source, items[index]))
    return ArmAnswer(body={"value": rows})


def _link(call: ArmCall, source: int, index: int) -> str:
    token = base64.urlsafe_b64encode(json.dumps([source, index, call.url]).encode()).rstrip(b"=").decode()
    query = {**call.query, "$skiptoken": token}
    text = "&".join(f"{quote(name, safe='$')}={quote(value, safe='$(),=')}" for name, value in query.items())
    return f"{call.base_url}{call.url}?{text}"


def _position(call: ArmCall) -> tuple[int, int]:
    token = call.query.get("$skiptoken")
    if token is None:
        return 0, 0
    try:
        source, index, url = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if url != call.url or not (isinstance(source, int) and isinstance(index, int)) or min(source, index) < 0:
            raise ValueError("another list")
    except (ValueError, TypeError, binascii.Error) as error:
        raise ArmError(400, "InvalidSkipToken", "The skip token is invalid.") from error
    return source, index
