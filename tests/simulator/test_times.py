# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and times as Graph writes them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pim_simulator.times import format_duration, format_time, parse_duration, parse_time

SECONDS = st.integers(min_value=-(10**9), max_value=10**9)


@given(SECONDS)
def test_a_duration_reads_back(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H30M", 5400), ("PT0S", 0), ("P1D", 86400), ("PT90M", 5400), ("PT1.5S", 1.5), ("-PT1M", -60)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "1h", "PT1", "P1Y", "P1M", "P1W", "PT1H ", "pt1h", "P1DT"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_duration(text)


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001 - made aware below
def test_a_time_reads_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=timezone.utc)
    written = format_time(aware, 7)
    assert written is not None
    assert parse_time(written) == aware


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-01-31T08:00:00Z", "2030-01-31T08:00:00Z"),
        ("2030-01-31T08:00:00.1234567Z", "2030-01-31T08:00:00.123Z"),
        ("2030-01-31T08:00:00+02:00", "2030-01-31T06:00:00Z"),
        ("2030-01-31T08:00:00-05:30", "2030-01-31T13:30:00Z"),
        ("2030-01-31T08:00Z", "2030-01-31T08:00:00Z"),
    ],
)
def test_times(text: str, expected: str) -> None:
    assert format_time(parse_time(text)) == expected


@pytest.mark.parametrize("text", ["2030-01-31T08:00:00", "2030-01-31", "tomorrow", "2030-13-01T00:00:00Z", ""])
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the standard library, too, where a month is 13
        parse_time(text)
