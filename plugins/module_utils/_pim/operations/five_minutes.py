# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first five minutes of an activation, in which Entra refuses to end it. Private to the collection."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

from ..models import SHORTEST_ACTIVATION
from ..times import format_time, spoken_duration
from .connection import Connection
from .context import Context
from .work import Work

# Seconds. A service that still refuses so long after the five minutes will not change its mind.
_GRACE = 60.0
_PAUSES = (2.0, 5.0, 10.0, 15.0, 30.0)


def seconds_too_early(connection: Connection, work: Work) -> float:
    """Until the activation is old enough to be ended, by the service's clock."""
    floor = timedelta(seconds=SHORTEST_ACTIVATION)
    since = work.row.active_since
    left = floor if since is None else min(floor, since + floor - connection.now())
    return max(0.0, left.total_seconds())


def leave_to_expire(work: Work, context: Context) -> None:
    """Says so; the role stays on until its time."""
    work.status, work.error, work.settled = "left_to_expire", None, True
    until = format_time(work.row.expires_at)
    context.warn(f"{work.name} is younger than five minutes and is left to expire at {until}.")


class Patience:
    """Waits the five minutes out, between one try and the next."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self._connection = connection
        self._context = context
        self._pauses = itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1]))
        self._end: float | None = None

    def pause(self, works: Sequence[Work]) -> bool:
        """Before these, which were refused, are tried once more; False where that is no use any more."""
        clock = self._context.clock
        if self._end is None:
            longest = max(seconds_too_early(self._connection, work) for work in works)
            self._end = clock.monotonic() + longest + _GRACE
            self._tell(works, longest)
        if clock.monotonic() >= self._end:
            return False
        clock.sleep(next(self._pauses))
        return True

    def _tell(self, works: Sequence[Work], seconds: float) -> None:
        if self._context.show is not None:
            names = ", ".join(work.name for work in works)
            self._context.show(
                f"Entra keeps an activation for five minutes: waiting up to {spoken_duration(seconds)} to end {names}"
            )
