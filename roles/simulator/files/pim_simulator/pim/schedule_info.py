# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``scheduleInfo`` of a request: from when, until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pim_simulator.pim.errors import PimRefusal, invalid_request
from pim_simulator.pim.records import Expiration
from pim_simulator.times import parse_duration, parse_time

_TYPES = ("notSpecified", "noExpiration", "afterDateTime", "afterDuration")
_INVALID = "The role assignment request is invalid."


@dataclass(frozen=True)
class Window:
    """UTC. ``end`` and ``length`` are None for permanent."""

    start: datetime
    end: datetime | None
    expiration: Expiration

    @property
    def length(self) -> timedelta | None:
        return None if self.end is None else self.end - self.start


def read_window(info: Any, now: datetime) -> Window:
    """The window that a request's scheduleInfo asks for; a start in the past or none at all is now. Raises PimRefusal."""
    if not isinstance(info, dict) or info.get("recurrence") is not None:
        raise invalid_request(_INVALID)
    start = now
    if info.get("startDateTime") is not None:
        start = max(now, _time(info["startDateTime"]))
    given = info.get("expiration") or {}
    kind = given.get("type") or "notSpecified"
    name = next((known for known in _TYPES if isinstance(kind, str) and known.casefold() == kind.casefold()), None)
    if name == "afterDuration":
        try:
            length = parse_duration(given["duration"])
            end = start + length
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise invalid_request(_INVALID) from error
        if length <= timedelta():
            raise invalid_request(_INVALID)
        return Window(start, end, Expiration("afterDuration", duration=given["duration"]))
    if name == "afterDateTime":
        end = _time(given.get("endDateTime"))
        if end <= start:
            raise PimRefusal(400, "InvalidRoleAssignmentRequestSchedule", "The schedule of the request is invalid.")
        return Window(start, end, Expiration("afterDateTime", end=end))
    if name is None:
        raise invalid_request(_INVALID)
    return Window(start, None, Expiration("noExpiration" if name == "noExpiration" else "notSpecified"))


def _time(text: Any) -> datetime:
    """Refused without an offset, as the service was seen to do."""
    if not isinstance(text, str):
        raise invalid_request(_INVALID)
    try:
        return parse_time(text)
    except ValueError as error:
        raise invalid_request(_INVALID) from error
