# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and times: every form of the contract, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim import times
from hypothesis import given
from hypothesis import strategies as st

_UTC = timezone.utc


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1H30M", 5400),
        ("pt1h30m", 5400),
        ("PT90M", 5400),
        ("PT0S", 0),
        ("PT45S", 45),
        ("P1D", 86400),
        ("P365D", 365 * 86400),
        ("P1DT2H", 93600),
        ("PT0.5H", 1800),
        ("1h30m", 5400),
        ("1H30M", 5400),
        ("90m", 5400),
        ("1d", 86400),
        ("300s", 300),
        # a number is hours, as the old cmdlet took it
        ("1", 3600),
        ("8", 28800),
        ("0.5", 1800),
        ("1.25", 4500),
        ("0", 0),
        (" PT1H ", 3600),
    ],
)
def test_a_duration(text, seconds):
    assert times.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            " ",
            "P",
            "PT",
            "P1DT",
            "T1H",
            "1H30",
            "h",
            "max",
            "-1",
            "-PT1H",
            "+1",
            "1,5",
            "1e3",
            "0x10",
            "nan",
            "inf",
        ],
        *["P1W", "P1M", "P1Y", "1 h", "1h 30m", "30m1h", "PT1H1H", "one hour", "None", "True", "1h\n2m", "PT.5H", "5."],
        "367d",
        "9" * 400,
        # digits of other scripts
        "\u0663",
        "\uff11",
    ],
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"duration|longer than a year"):
        times.parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "PT0S"), (300, "PT5M"), (5400, "PT1H30M"), (28800, "PT8H"), (365 * 86400, "P365D"), (90000, "PT25H")],
)
def test_a_duration_is_written_as_microsoft_writes_it(seconds, text):
    assert times.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (20.9, "20 s"), (300, "5 min"), (5400, "1 h 30 min"), (90001, "25 h 1 s")]
)
def test_a_duration_is_shown_as_people_write_it(seconds, text):
    assert times.spoken_duration(seconds) == text


@given(st.integers(0, times.LONGEST))
def test_durations_survive_being_written(seconds):
    assert times.parse_duration(times.format_duration(seconds)) == seconds


@given(st.integers(0, 365), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_both_spellings_of_a_duration_are_one(days, hours, minutes, seconds):
    iso, short = f"P{days}DT{hours}H{minutes}M{seconds}S", f"{days}d{hours}h{minutes}m{seconds}s"
    assert times.parse_duration(iso) == times.parse_duration(short)


@given(st.text())
def test_any_text_is_a_duration_or_refused(text):
    try:
        seconds = times.parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds <= times.LONGEST


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-31T08:00:00Z", datetime(2030, 1, 31, 8, tzinfo=_UTC)),
        ("2030-01-31t08:00:00z", datetime(2030, 1, 31, 8, tzinfo=_UTC)),
        # without an offset it is UTC
        ("2030-01-31T08:00:00", datetime(2030, 1, 31, 8, tzinfo=_UTC)),
        ("2030-01-31 08:00", datetime(2030, 1, 31, 8, tzinfo=_UTC)),
        ("2030-01-31", datetime(2030, 1, 31, tzinfo=_UTC)),
        ("2030-01-31T08:00:00+02:00", datetime(2030, 1, 31, 6, tzinfo=_UTC)),
        ("2030-01-31T08:00:00-0530", datetime(2030, 1, 31, 13, 30, tzinfo=_UTC)),
        # Graph's seven digits
        ("2022-04-13T08:52:32.6485851Z", datetime(2022, 4, 13, 8, 52, 32, 648585, tzinfo=_UTC)),
        ("2022-04-13T08:52:32.64Z", datetime(2022, 4, 13, 8, 52, 32, 640000, tzinfo=_UTC)),
    ],
)
def test_a_time(text, moment):
    assert times.parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *["", "now", "tomorrow", "1900000000", "2030-13-01", "2030-02-30", "2030-01-31T25:00:00Z", "2030-01-31T08:61Z"],
        *["31.01.2030", "2030/01/31", "2030-1-1", "2030-01-31T08:00:00 CET", "2030-01-31T08:00:00+1", "0000-01-01"],
        "2030-01-31T08:00:00+99:99",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_what_is_no_time(text):
    with pytest.raises(ValueError, match=r"."):
        times.parse_time(text)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001  # hypothesis wants naive bounds
def test_times_survive_being_written(moment):
    moment = moment.replace(microsecond=0, tzinfo=_UTC)
    assert times.parse_time(times.format_time(moment)) == moment


@given(st.integers(-14 * 60, 14 * 60))
def test_an_offset_is_taken_away(minutes):
    moment = datetime(2030, 6, 1, 12, tzinfo=timezone(timedelta(minutes=minutes)))
    assert times.format_time(times.parse_time(moment.isoformat())) == times.format_time(moment)
    assert times.format_time(moment).endswith("Z")


@given(st.text())
def test_any_text_is_a_time_or_refused(text):
    try:
        moment = times.parse_time(text)
    except ValueError:
        return
    assert moment.utcoffset() == timedelta(0)


def test_no_time_stays_none():
    assert times.format_time(None) is None


def test_the_clock_is_told_in_utc(fake):
    assert fake.clock.now() == datetime.fromtimestamp(fake.now, _UTC)
