# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark: its counts hold, its times are printed."""

from __future__ import annotations

import pytest

from bench.bench_role_info import Figures, measure, table
from tools import layout


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> Figures:
    return measure(tmp_path_factory.mktemp("bench"))


def test_the_figures_are_printed(figures, capsys):
    """Times are not asserted: they are the machine's, too."""
    shown = table(figures)
    layout.LOGS.mkdir(parents=True, exist_ok=True)
    (layout.LOGS / "bench.txt").write_text(shown + "\n", encoding="utf-8")
    with capsys.disabled():
        print(f"\n{shown}")
    assert figures.tasks.keys() == {"debug", "empty action", "empty module", "pim_role_info"}


def test_the_roles_are_read_in_one_call(figures):
    (call,) = figures.calls
    assert (call.path, call.items) == ("/v1.0/$batch", 3)
    assert figures.calls_each == 1


@pytest.mark.parametrize(("roles", "most"), [(1, 3), (20, 4)])
def test_activations_keep_to_their_calls(figures, roles, most):
    """And none of them goes to the sign-in service."""
    found = [done for done in figures.activations if done.roles == roles]
    assert [done.latency for done in found] == [0, 100]
    for done in found:
        assert len(done.calls) <= most, [call.path for call in done.calls]
        assert all(call.path.startswith("/v1.0/") for call in done.calls)
