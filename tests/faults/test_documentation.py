# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/troubleshooting.md says of faults is what the matrix asks of each cell."""

from __future__ import annotations

import re

from faults.kinds import FAULTS, LOOK, OK, READ, SIGN_IN, WRITE, Fault
from tools import layout

_GUIDE = layout.ROOT / "docs" / "troubleshooting.md"
# What a server of the organisation's own, or a platform, makes of them is told above the table.
_COLUMNS = (SIGN_IN, READ, WRITE, LOOK)


def _ends(fault: Fault, kind: str) -> str:
    if not fault.ends:
        return "goes on"
    codes = sorted(fault.ends_at(kind) - {OK})
    told = ["goes on"] if OK in fault.ends_at(kind) else []
    return " or ".join([*told, *(f"`{code}`" for code in codes)]) or "not met"


def table() -> list[str]:
    """The rows, without the head."""
    return [f"| {' | '.join([fault.words, *(_ends(fault, kind) for kind in _COLUMNS)])} |" for fault in FAULTS]


def test_the_table_is_that_of_the_matrix() -> None:
    section = _GUIDE.read_text(encoding="utf-8").partition("## Faults on the way\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| (?!what happens|---)", line)]
    assert rows == table()
