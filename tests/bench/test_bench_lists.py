# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long lists: every row is there, and memory grows as the list does. Times are printed and not asserted."""

from __future__ import annotations

import pytest

from bench.bench_lists import PAGE, SIZES, Reading, measure, table
from tools import layout


@pytest.fixture(scope="module")
def readings(tmp_path_factory) -> list[Reading]:
    found = measure(tmp_path_factory.mktemp("lists"))
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    (layout.LOGS / "bench_lists.txt").write_text(table(found) + "\n", encoding="utf-8")
    return found


def test_the_figures_are_printed(readings, capsys):
    with capsys.disabled():
        print(f"\n{table(readings)}")
    assert sorted({one.asked for one in readings}) == list(SIZES)


def test_every_row_is_there(readings):
    assert [one.rows for one in readings] == [one.asked for one in readings]


def test_each_page_is_asked_for_once(readings):
    """Beside the other lists: on Graph they come in one batch with the first page."""
    for one in readings:
        pages = -(-one.asked // PAGE)
        assert one.calls == pages + (2 if one.provider == "azure_resources" else 0), one


def test_memory_grows_as_the_list_does(readings):
    """Ten times the rows take ten times the memory, and the smallest list tells nothing: it fits into what is there."""
    for provider in {one.provider for one in readings}:
        middle, long = sorted((one for one in readings if one.provider == provider), key=lambda one: one.asked)[1:]
        assert long.grown <= 15 * max(middle.grown, 1 << 20), (middle, long)
        assert long.grown < 10 * long.json, long
