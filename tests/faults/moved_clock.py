# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock whose waits cost nothing: the client's time moves by them, and the simulator's with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock

# Polls of a lock are waited for in fact: another process has to end meanwhile.
_A_POLL = 0.05


class MovedClock:
    """``clock`` is handed to the code under test. ``advance`` moves the simulator by so many seconds; ``skew`` is by how many
    seconds this machine's clock is ahead of the service's. ``slept`` hears of each wait, after it."""

    def __init__(self, advance: Callable[[float], None], skew: float = 0.0) -> None:
        self._advance = advance
        self._moved = 0.0
        self._lock = threading.RLock()
        self.skew = skew
        self.slept: Callable[[], None] = lambda: None
        self.clock = Clock(time=self.time, monotonic=self.monotonic, sleep=self.sleep)

    def time(self) -> float:
        return time.time() + self._moved + self.skew

    def monotonic(self) -> float:
        return time.monotonic() + self._moved

    def sleep(self, seconds: float) -> None:
        if seconds <= _A_POLL:
            time.sleep(max(0.0, seconds))
            return
        with self._lock:
            self._moved += seconds
            self._advance(seconds)
            self.slept()
