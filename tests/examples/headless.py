# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the guide on headless use, as its tests take them out: they run what a reader would copy."""

from __future__ import annotations

import re
import shutil

import pytest

from tools import layout

GUIDE = (layout.ROOT / "docs" / "headless.md").read_text(encoding="utf-8")


def needs(*programs: str) -> None:
    """Skips where a program that the guide uses is not on this machine; the machines that the guide is about have them all."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}")


def section(heading: str) -> str:
    """From a heading, given with its signs, to the next of its level or above."""
    level = len(heading.split()[0])
    start = GUIDE.index(f"\n{heading}\n")
    # A comment within a block of shell is no heading: those have their signs at the start of a line, and a capital.
    end = re.compile(rf"^#{{1,{level}}} [A-Z]", re.MULTILINE).search(GUIDE, start + len(heading) + 2)
    return GUIDE[start : end.start() if end else None]


def block(heading: str, language: str) -> str:
    """The one block of that language in a section."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", section(heading), re.MULTILINE | re.DOTALL)
    return str(text)


def rows(heading: str) -> dict[str, str]:
    """The tables of a section with two columns whose first holds code: {first cell: second cell}."""
    return dict(re.findall(r"^\| `([^`|]+)` \| ([^|]+) \|$", section(heading), re.MULTILINE))


def last_cells(heading: str, head: str) -> dict[str, str]:
    """The table of a section whose first column is called so, its last cells without their code signs."""
    text = section(heading)
    (table,) = re.findall(rf"^\| {re.escape(head)} \|.*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return {
        first: last.strip("`") for first, last in re.findall(r"^\| ([^|]+) \|.*? ?([^|]+) \|$", table, re.MULTILINE)
    }
