# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each method in each situation, over both edges: signed in or the documented code, in bounded time, and no secret told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from integration import leaks, matrix, runs
from tools import layout

CELLS = [(method, column) for method, columns in matrix.EXPECTED.items() for column in columns]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The runs over the two edges go on at the same time: most of it is waiting."""
    base = tmp_path_factory.mktemp("matrix")
    with ThreadPoolExecutor(len(runs.EDGES)) as pool:
        yield {edge: pool.submit(matrix.run, edge, base / edge) for edge in runs.EDGES}


@pytest.fixture(params=runs.EDGES)
def outcome(request, both):
    return both[request.param].result()


def test_every_method_has_a_row_and_every_row_all_columns(tmp_path):
    assert set(matrix.rows(matrix.Applications(tmp_path / "applications"), "https://localhost:1")) == set(
        matrix.EXPECTED
    )
    assert all(tuple(columns) == matrix.COLUMNS for columns in matrix.EXPECTED.values())


@pytest.mark.parametrize(("method", "column"), CELLS, ids=["-".join(cell) for cell in CELLS])
def test_cell(outcome, method, column):
    assert outcome.cells, outcome.output[-4000:]
    cell = outcome.cells[method, column]
    refused = outcome.edge == "module" and method in matrix.SCREEN
    expected = "invalid_option" if refused else matrix.EXPECTED[method][column]
    assert cell["ended"] == expected, cell["told"]
    if expected == "ok":
        assert cell["signed_in_by"] == ("password" if method in ("auto", "password_federated") else method)
    if column == "throttled":
        # Throttled once; with a ready token, or one that Azure CLI gets, no call is made.
        alone = refused or method in ("access_token", "azure_cli")
        assert cell["statuses"].count(429) == (0 if alone else 1)
        assert bool(cell["statuses"]) is not alone


def test_no_secret_is_told(outcome):
    assert outcome.status == 0, outcome.output[-4000:]
    assert len(outcome.secrets) > 10
    assert not leaks.leaks(outcome.output.encode(), outcome.secrets)
    assert (outcome.directory / "log").stat().st_size > 1000
    assert not leaks.leaks_below(outcome.directory, outcome.secrets)


def test_the_guide_shows_the_same():
    """docs/sign_in.md, "What a sign-in ends in": what is not in its table is in the sentence above it."""
    guide = (layout.ROOT / "docs" / "sign_in.md").read_text(encoding="utf-8")
    section = guide[guide.index("\n## What a sign-in ends in\n") + 1 :].split("\n## ")[0]
    told = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            name, *cells = line.strip("| ").split(" | ")
            method = name.replace("`", "").replace(", federated account", "_federated")
            told[method] = ["ok" if cell == "signs in" else cell.strip("`") for cell in cells]
    in_table = [column for column in matrix.COLUMNS if column not in ("ok", "slow", "throttled")]
    assert told == {method: [cells[column] for column in in_table] for method, cells in matrix.EXPECTED.items()}
    assert all(cells[column] == "ok" for cells in matrix.EXPECTED.values() for column in ("ok", "slow", "throttled"))
