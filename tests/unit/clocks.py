# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that tests move: sleeping costs nothing and is written down."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock

# 2030-03-17T17:46:40Z, in seconds since 1970.
START = 1_900_000_000.0
NOW = datetime.fromtimestamp(START, timezone.utc)


class FakeClock:
    """``clock`` is handed to the code under test; ``slept`` holds every wait in seconds."""

    def __init__(self, start: float = START) -> None:
        self.now = start
        self.slept: list[float] = []
        self.clock = Clock(time=lambda: self.now, monotonic=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def advance(self, seconds: float) -> None:
        self.now += seconds
