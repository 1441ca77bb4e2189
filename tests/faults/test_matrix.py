# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: each call of each story, met by each fault."""

from __future__ import annotations

from collections import Counter

from faults.kinds import FAULTS, KINDS
from faults.matrix import Cell
from faults.theatre import Theatre

# Fewer would mean that the stories make fewer calls, or that faults meet less of them, than they did.
_AT_LEAST = 1000


def test_cell(theatre: Theatre, cell: Cell) -> None:
    theatre.play(cell)


def test_the_matrix_is_whole(theatre: Theatre) -> None:
    """Each story has cells, each fault meets something, and each kind of call that it can meet."""
    cells = theatre.cells
    assert len(cells) >= _AT_LEAST
    assert len({str(cell) for cell in cells}) == len(cells), "two cells have one name"
    met = Counter((cell.fault.name, cell.point.kind if cell.point else None) for cell in cells)
    for fault in FAULTS:
        for kind in fault.ends or [None]:
            assert met[fault.name, kind], f"{fault.name} meets no {kind}"
    assert {kind for _fault, kind in met} == {*KINDS, None}
    assert {cell.story.name for cell in cells} == set(theatre.told)
