# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The theatre is opened when the cells are collected, because its stories make them, and closed at the end."""

from __future__ import annotations

import pytest

from faults.theatre import Theatre

_OPEN = pytest.StashKey[Theatre]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-cell", action="store_true", help="leave out no cell of the fault matrix")


def theatre_of(config: pytest.Config) -> Theatre:
    if _OPEN not in config.stash:
        config.stash[_OPEN] = Theatre(every=config.getoption("every_cell"))
    return config.stash[_OPEN]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "cell" in metafunc.fixturenames:
        cells = theatre_of(metafunc.config).cells
        metafunc.parametrize("cell", cells, ids=[str(cell) for cell in cells])


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OPEN in config.stash:
        config.stash[_OPEN].close()


@pytest.fixture(scope="session")
def theatre(pytestconfig: pytest.Config) -> Theatre:
    return theatre_of(pytestconfig)
