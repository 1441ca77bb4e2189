# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations in seconds and times in UTC, as users write them and as services spell them. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

FORMS = "ISO 8601 such as PT1H30M, or 1h30m, or 90m, or a number of hours"

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_NUMBER = r"(\d+(?:\.\d+)?)"
_ISO = re.compile(
    rf"P(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.IGNORECASE | re.ASCII,
)
_SHORT = re.compile(rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?", re.IGNORECASE | re.ASCII)
_HOURS = re.compile(_NUMBER, re.ASCII)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
# Longer than any policy allows (a year); keeps a slip of the finger from overflowing a date.
LONGEST = 366 * 86400
# The last second of the calendar (9999-12-31T23:59:59Z), in seconds since 1970.
LAST_TIMESTAMP = 253402300799


@dataclass(frozen=True)
class Clock:
    """The time and the waiting, given from above: `time` in seconds since 1970, `monotonic` and `sleep` in seconds."""

    time: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]

    def now(self) -> datetime:
        return from_timestamp(self.time())


def parse_duration(text: str) -> int:
    """Seconds. ISO 8601 without years, months and weeks, `1h30m`, or a bare number of hours as the old cmdlet took it; ValueError otherwise."""
    given = str(text).strip()
    hours = _HOURS.fullmatch(given)
    if hours:
        seconds = float(hours.group(1)) * 3600
    else:
        match = _ISO.fullmatch(given) or _SHORT.fullmatch(given)
        if not match or not any(match.groups()) or given[-1:] in "Tt":
            raise ValueError(f"{given!r} is not a duration: {FORMS}")
        seconds = sum(float(part or 0) * unit for part, unit in zip(match.groups(), _UNITS.values()))
    if seconds > LONGEST:
        raise ValueError(f"{given!r} is longer than a year")
    return round(seconds)


def format_duration(seconds: float) -> str:
    """ISO 8601, the way Microsoft writes it: PT8H, PT1H30M, P365D."""
    whole = int(seconds)
    days, rest = divmod(whole, 86400)
    if days and not rest:
        return f"P{days}D"
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if value]
    return "PT" + ("".join(parts) or "0S")


def spoken_duration(seconds: float) -> str:
    """For a person at the screen: 15 min, 1 h 30 min, 20 s."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value} {unit}" for value, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if value]
    return " ".join(parts) or "0 s"


def parse_time(text: str) -> datetime:
    """An aware UTC datetime; a text without an offset is UTC (Graph writes up to 7 fraction digits). ValueError otherwise."""
    match = _TIME.fullmatch(str(text).strip())
    if not match:
        raise ValueError(f"{text!r} is not an ISO 8601 time such as 2030-01-31T08:00:00Z")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    moment = datetime(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0").ljust(6, "0")[:6]),
        timezone.utc,
    )
    if offset and offset not in "Zz":
        sign, hours, minutes = (-1 if offset[0] == "-" else 1), int(offset[1:3]), int(offset[-2:])
        if hours > 14 or minutes > 59:
            raise ValueError(f"{text!r} has an offset that no clock has")
        try:
            moment -= sign * timedelta(hours=hours, minutes=minutes)
        except OverflowError as error:
            raise ValueError(f"{text!r} is outside the calendar") from error
    return moment


def format_time(moment: datetime | None) -> str | None:
    """`YYYY-MM-DDTHH:MM:SSZ`, or None for None."""
    # isoformat pads the year, which strftime does not: Microsoft Graph writes the year 1 for "never".
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z" if moment else None


def later(moment: datetime, seconds: float) -> datetime:
    """The moment so many seconds after, at most the last of the calendar."""
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return from_timestamp(LAST_TIMESTAMP)


def is_timestamp(value: object) -> bool:
    """Whether it is a number of seconds since 1970 that a calendar can show."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= LAST_TIMESTAMP


def from_timestamp(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
