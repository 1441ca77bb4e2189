# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many calls an API takes from whom, as token buckets (Azure Resource Manager: "How Azure Resource Manager throttles
requests"; Graph's limits are counted for each application in its tenant)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

APIS = ("graph", "arm")
KINDS = ("reads", "writes")
_MOST = 1_000_000


class ThrottleError(Exception):
    """The order cannot be carried out; the text says why."""


@dataclass(frozen=True)
class Limit:
    """``bucket`` calls at once, and ``per_second`` more."""

    bucket: int
    per_second: float


class Throttling:
    """``monotonic``: real seconds, as a client that waits spends them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._limits: dict[tuple[str, str], Limit] = {}
        # API, kind, whose: calls that are left, and when that was
        self._left: dict[tuple[str, str, str], tuple[float, float]] = {}

    def order(self, order: dict[str, Any]) -> None:
        """``api``, ``kind``, ``bucket`` (0: no limit any more) and ``per_second``. Raises ThrottleError."""
        api, kind, bucket, per_second = (order.get(name) for name in ("api", "kind", "bucket", "per_second"))
        if api not in APIS or kind not in KINDS:
            raise ThrottleError(f"api must be one of {', '.join(APIS)}, and kind one of {', '.join(KINDS)}")
        if not isinstance(bucket, int) or isinstance(bucket, bool) or not 0 <= bucket <= _MOST:
            raise ThrottleError(f"bucket must be a whole number of calls, at most {_MOST}; 0 for no limit")
        self._left = {whose: left for whose, left in self._left.items() if whose[:2] != (api, kind)}
        if bucket == 0:
            self._limits.pop((api, kind), None)
            return
        if not isinstance(per_second, (int, float)) or isinstance(per_second, bool) or not 0.001 <= per_second <= _MOST:
            raise ThrottleError(f"per_second must be a number of calls between 0.001 and {_MOST}")
        self._limits[api, kind] = Limit(bucket, per_second)

    def take(self, api: str, method: str, whose: str) -> int | None:
        """None where the call may be carried out; otherwise in how many whole seconds one may be."""
        kind = "reads" if method.upper() in ("GET", "HEAD") else "writes"
        limit = self._limits.get((api, kind))
        if limit is None:
            return None
        now = self._monotonic()
        left, since = self._left.get((api, kind, whose), (float(limit.bucket), now))
        left = min(limit.bucket, left + (now - since) * limit.per_second)
        taken = left >= 1
        self._left[api, kind, whose] = (left - 1 if taken else left, now)
        return None if taken else math.ceil((1 - left) / limit.per_second)

    def view(self) -> list[dict[str, Any]]:
        return [
            {"api": api, "kind": kind, "bucket": limit.bucket, "per_second": limit.per_second}
            for (api, kind), limit in self._limits.items()
        ]
