# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linters, type checker and changelog tools find nothing, over a number of files that is not zero."""

from __future__ import annotations

import os
import re

import pytest

from gates import commands
from tools import collection_tree, layout

_PRIVATE = "ansible_collections.entra.pim.plugins.module_utils._pim"


def _clean(result, counted: str | None = None) -> None:
    """Fail with the program's own words where it found something, or says that it looked at nothing (``counted``)."""
    if result.returncode != 0:
        pytest.fail(result.stdout, pytrace=False)
    if counted is not None:
        number = re.search(counted, result.stdout)
        assert number, result.stdout
        assert int(number.group(1)) > 0, result.stdout


def test_ansible_lint():
    """With the profile of content that Automation Hub certifies."""
    result = commands.run("ansible-lint", "--offline", "--profile", "production", "--nocolor")
    _clean(result, r"0 failure\(s\), 0 warning\(s\) in (\d+) files processed")


def test_ruff():
    _clean(commands.run("ruff", "check", "--no-cache", "--output-format", "concise", "."))
    assert ".py" in commands.run("ruff", "check", "--show-files", ".").stdout


def test_reuse(tmp_path):
    """Every file says under which licence it stands. Of a copy: it does not bear that files of other tests come and go meanwhile."""
    copied = collection_tree.copy(tmp_path)
    _clean(commands.run("reuse", "lint", cwd=copied), r"Files with license information: (\d+)")


def test_changelog():
    _clean(commands.run("antsibull-changelog", "lint"))


def test_plugin_documentation():
    """The documentation of modules and plugins, its markup included, can be rendered."""
    _clean(commands.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."))


def _mypy(*arguments: str) -> None:
    roots = os.pathsep.join(map(str, (layout.LINKED_COLLECTIONS, layout.SIMULATOR, layout.ROOT)))
    result = commands.run("mypy", "--cache-dir", layout.BUILD / "mypy", *arguments, MYPYPATH=roots)
    _clean(result, r"Success: no issues found in (\d+) source files?")


def test_types_of_what_is_shared():
    _mypy("--strict", "-p", _PRIVATE)


@pytest.mark.parametrize("room", ["action", "callback", "lookup", "modules", "plugin_utils"])
def test_types_of_the_edges(room):
    _mypy("-p", f"ansible_collections.entra.pim.plugins.{room}")


def test_types_of_the_simulator():
    _mypy("-p", "pim_simulator")


def test_types_of_the_tools():
    _mypy("--strict", "-p", "tools")
