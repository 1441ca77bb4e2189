# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every file of the repository, whatever is in it."""

from __future__ import annotations

import re

import pytest

from tools import collection_tree, layout

_COPYRIGHT = "# Copyright: entra.pim contributors"
_GPL = (
    "# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)"
)
# In two parts, because reuse reads this line as well.
_SPDX = "# SPDX-License" + "-Identifier: GPL-3.0-or-later"
_SCRIPTS = {".yml", ".yaml", ".toml", ".sh", ".cfg", ".ini"}

# Traces of the machine that something was made on, work left undone, and merges left unfinished. Put together from
# parts, so that this file does not hold what it looks for.
_UNWANTED = {
    "a path of one machine": "/(?:" + "|".join(("ro" + "ot", "wo" + "rk", "t" + "mp", "ho" + r"me/\w+")) + r")(?:/|\b)",
    "a package index": r"/opt/" + r"pypi|pypi\.org/" + "simple",
    "work left undone": r"\b(?:" + "TO" + "DO|FIX" + r"ME)\b",
    "an unfinished merge": "(?m)^(?:" + "<" * 7 + "|" + ">" * 7 + ")",
}

_FILES = [
    name
    for name in collection_tree.files()
    if name.parts[0] != "LICENSES" and (layout.ROOT / name).is_file() and (layout.ROOT / name).stat().st_size
]


def _header_fault(name: str, text: str) -> str | None:
    """What is wrong with the first lines of a file; None where nothing is, or where no header is asked for."""
    lines = text.splitlines()
    if lines[0].startswith("#!"):
        lines = lines[1:]
    suffix = "." + name.rpartition(".")[2]
    if suffix == ".py" and lines[:3] != [_COPYRIGHT, _GPL, _SPDX]:
        return f"{name}: the first lines are not copyright, GPL and SPDX"
    # changelog.yaml is written by antsibull-changelog.
    if (suffix in _SCRIPTS or name == "Makefile") and name != "changelogs/changelog.yaml":
        head = [line for line in lines[:3] if line != "---"]
        if head[:2] != [_COPYRIGHT, _SPDX]:
            return f"{name}: the first lines are not copyright and SPDX"
    return None


def _unwanted(name: str, text: str) -> list[str]:
    """What is in a text that does not belong into the repository."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group()}"
        for what, pattern in _UNWANTED.items()
        for match in re.finditer(pattern, text)
    ]


def test_there_are_files():
    assert len(_FILES) > 50


@pytest.mark.parametrize("name", _FILES, ids=str)
def test_file(name):
    text = (layout.ROOT / name).read_text(encoding="utf-8")
    assert _header_fault(str(name), text) is None
    assert _unwanted(str(name), text) == []
    assert text.endswith("\n")
    assert not re.search(r"[ \t]+$", text, re.MULTILINE), "white space at the end of a line"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plugins/modules/x.py", f"#!/usr/bin/python\n{_COPYRIGHT}\n{_SPDX}\n"),
        ("tools/x.py", "import os\n"),
        ("meta/x.yml", "---\nkey: value\n"),
        ("Makefile", "all:\n"),
    ],
)
def test_a_missing_header_is_found(name, text):
    assert _header_fault(name, text)


@pytest.mark.parametrize(
    "text", ["see /ro" + "ot/x", "in /t" + "mp/x", "/opt/" + "pypi", "# TO" + "DO: x", "<" * 7 + " HEAD"]
)
def test_what_is_unwanted_is_found(text):
    assert len(_unwanted("x", f"first\n{text}\n")) == 1
