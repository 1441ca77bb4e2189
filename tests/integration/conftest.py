# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the runs two at a time, only those that the tests asked for need, each once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from integration import runs

AT_ONCE = 2
# Nothing in it differs between versions of ansible-core.
collect_ignore = ["test_sign_in_matrix.py"] if runs.only_some() else []


@pytest.fixture(scope="session")
def outcomes(request, tmp_path_factory):
    """A function from (target, edge) to the outcome of that run; all runs are under way when the first is asked for."""
    wanted = []
    for item in request.session.items:
        parameters = getattr(item, "callspec", None) and item.callspec.params
        if parameters and "target" in parameters:
            edges = [parameters["edge"]] if "edge" in parameters else runs.EDGES
            wanted += [(parameters["target"], edge) for edge in edges]
    # What takes long first: the targets with most tasks, as modules.
    wanted.sort(key=lambda run: (run[1] != "module", -len(runs.modules_of(run[0]))))
    base = tmp_path_factory.mktemp("runs")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started: dict[tuple[str, str], Future] = {
            run: pool.submit(runs.run, *run, base / "-".join(run)) for run in dict.fromkeys(wanted)
        }
        yield lambda target, edge: started[target, edge].result()
        for future in started.values():
            future.cancel()
