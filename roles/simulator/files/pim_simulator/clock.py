# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's clock: the machine's, moved by an offset that the control API sets."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone


class Clock:
    """All the tenant's times come from here. It runs on like any clock after it was moved."""

    def __init__(self) -> None:
        self._offset = timedelta()

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(timezone.utc) + self._offset

    def advance(self, step: timedelta) -> None:
        """Move forward (back with a negative step)."""
        # to a time that no date can express: OverflowError, and the clock stays as it was
        self.set(self.now() + step)

    def set(self, moment: datetime) -> None:
        self._offset = moment - datetime.now(timezone.utc)

    @staticmethod
    def monotonic() -> float:
        """Real seconds, for how fast somebody polls: simulated time does not move between two polls."""
        return time.monotonic()
