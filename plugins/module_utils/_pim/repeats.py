# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a call is made again, and when no more. Private to the collection."""

from __future__ import annotations

import random

from .times import Clock

# All repeats of one call end within this many seconds beyond its own time-out (interface, section 4).
REPEAT_BUDGET = 60.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 15.0


class Repeats:
    """Of one call, which begins now. `until`: the moment of the monotonic clock that bounds its task; a second is left to each call."""

    def __init__(self, clock: Clock, until: float) -> None:
        now = clock.monotonic()
        self._clock = clock
        self._end = min(now + REPEAT_BUDGET, max(until, now + 1.0))
        self._made = 0
        self._unasked = 0

    def wait(self, tries: int, asked: float | None) -> float | None:
        """Seconds until the next try, None where there is none.

        `asked`: what the service asks to wait. Who is told so is told that it will be served, and goes on until the time is over; the
        others are tried `tries` times. Waits grow and differ by chance, so that the tasks of many hosts do not come back at one moment.
        """
        self._unasked += asked is None
        if self._unasked >= tries:
            return None
        half = min(LONGEST_DELAY, FIRST_DELAY * 2**self._made) / 2
        self._made += 1
        left = self._end - self._clock.monotonic()
        wait = max(asked or 0.0, half) + random.uniform(0.0, half)  # noqa: S311  # no secret
        if wait >= left and asked:
            wait = asked
        return wait if wait < left else None
