# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs by itself: its counts hold, its times are printed."""

from __future__ import annotations

import pytest

from bench.bench_floor import BEGIN, DOCUMENT, END, FEW, NAMES, Figures, measure, table
from tools import layout


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> Figures:
    return measure(tmp_path_factory.mktemp("floor"), FEW)


def test_the_figures_are_printed(figures, capsys):
    """Times are not asserted: they are the machine's, too, and of few rounds. ``bench_floor.py`` puts those of more into the guide."""
    shown = table(figures)
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    (layout.LOGS / "bench_floor.txt").write_text(shown + "\n", encoding="utf-8")
    with capsys.disabled():
        print(f"\n{shown}")
    assert {kind for kinds in figures.rounds.values() for kind in kinds} == NAMES.keys()


@pytest.mark.parametrize("edge", ["local", "loop"])
def test_both_edges_make_the_same_calls(figures, edge):
    calls = figures.calls[edge]
    assert (calls.get("session", 0), calls["roles"], calls["activation"]) == (0, 1, 3)


def test_the_guide_has_the_table_where_it_is_made():
    guide = DOCUMENT.read_text(encoding="utf-8")
    assert guide.count(BEGIN) == guide.count(END) == 1
    made = guide.partition(BEGIN)[2].partition(END)[0]
    assert all(name in made for name in NAMES.values())
