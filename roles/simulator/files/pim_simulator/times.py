# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations (ISO 8601, as ``Edm.Duration`` allows) and UTC times as Graph writes and reads them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_DURATION = re.compile(
    r"(?P<sign>-)?P(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,8})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,12})?)S)?)?"
)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?([Zz]|[+-]\d\d:\d\d)")


def parse_duration(text: str) -> timedelta:
    """``PT1H30M`` and the like. Years, months and weeks are no part of ``Edm.Duration``: ValueError, as for any nonsense."""
    match = _DURATION.fullmatch(text)
    parts = {k: v for k, v in match.groupdict().items() if v is not None and k != "sign"} if match else {}
    if not parts or text.endswith("T"):
        raise ValueError(f"{text!r} is not an ISO 8601 duration such as PT1H30M")
    value = timedelta(**{unit: float(number) for unit, number in parts.items()})
    return -value if text.startswith("-") else value


def format_duration(value: timedelta) -> str:
    """The shortest ISO 8601 form with days, hours, minutes and seconds; zero is ``PT0S``."""
    total = value.total_seconds()
    sign = "-" if total < 0 else ""
    whole, fraction = divmod(abs(total), 1)
    days, rest = divmod(int(whole), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    second_text = f"{seconds + fraction:.6f}".rstrip("0").rstrip(".")
    clock = "".join(
        part
        for part, wanted in (
            (f"{hours}H", hours),
            (f"{minutes}M", minutes),
            (f"{second_text}S", seconds or fraction),
        )
        if wanted
    )
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"


def parse_time(text: str) -> datetime:
    """A time with ``Z`` or an offset, as UTC. Without one: ValueError (the service refuses local times)."""
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a time with Z or an offset, such as 2030-01-31T08:00:00Z")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    micro = int(((fraction or "") + "000000")[:6])
    date = (int(year), int(month), int(day))
    value = datetime(*date, int(hour), int(minute), int(second or 0), micro, tzinfo=timezone.utc)
    if zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        value = value - offset if zone[0] == "+" else value + offset
    return value


def format_time(value: datetime | None, digits: int = 3) -> str | None:
    """UTC with ``Z``. ``digits`` of a fraction: the service gives 7 when it answers a POST, fewer when it is read later;
    no fraction at all for a whole second."""
    if value is None:
        return None
    text = value.strftime("%Y-%m-%dT%H:%M:%S")
    if value.microsecond:
        text += "." + f"{value.microsecond:06d}0"[:digits]
    return text + "Z"
