# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program made sure of, by what the simulator recorded of its calls: nothing is taken on trust."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_REQUESTS = re.compile(r"[aA]ssignmentScheduleRequests(/[^/]+)?$")
_STATE = re.compile(r"[aA]ssignmentSchedule(Instance)?s(/|$)")
_POLICY = re.compile(r"[rR]oleManagementPolic")


@dataclass(frozen=True)
class Verified:
    """``state`` and ``policy``: read before the first request was written. ``in_force``: active roles read after the last one.
    ``followed``: requests read after they were made, which tells of the request and not of the role. ``refused``: requests that
    the service refused."""

    state: bool
    policy: bool
    in_force: bool
    followed: bool
    requests: int
    refused: int

    def told(self) -> str:
        """In the words of the table."""
        found = [name for name, is_so in (("state", self.state), ("policy", self.policy)) if is_so]
        found += ["in force"] if self.in_force else ["request"] if self.followed else []
        refused = f" ({self.refused} refused)" if self.refused else ""
        return (", ".join(found) or "nothing") + refused


def verified(calls: Sequence[dict[str, Any]]) -> Verified:
    """``calls`` as the simulator's control API gives them, in their order; what is in one batch has one place in it."""
    steps = [(place, *one) for place, call in enumerate(calls) for one in _single(call)]
    writes = [(place, status) for place, method, path, status in steps if method != "GET" and _REQUESTS.search(path)]
    reads = [(place, path) for place, method, path, status in steps if method == "GET" and status == 200]
    first = min((place for place, _status in writes), default=len(calls))
    # one that was refused changes nothing, and counts only where all of them were
    done = [place for place, status in writes if status < 400] or [place for place, _status in writes]
    last = max(done, default=len(calls))
    return Verified(
        state=any(place < first and _STATE.search(path) for place, path in reads),
        policy=any(place < first and _POLICY.search(path) for place, path in reads),
        in_force=any(place > last and _STATE.search(path) for place, path in reads),
        followed=any(place > last and _REQUESTS.search(path) for place, path in reads),
        requests=len(writes),
        refused=sum(status >= 400 for _place, status in writes),
    )


def _single(call: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Method, path without its query, status: of the call, or of each item where it is a batch."""
    for one in call["batch"] or [{**call, "url": call["path"]}]:
        yield one["method"], one["url"].partition("?")[0], one["status"] or 0
