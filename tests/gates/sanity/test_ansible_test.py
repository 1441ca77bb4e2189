# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``ansible-test sanity`` of this lane's ansible-core, with no ignore file, and proof that it tested something."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tools import collection_tree, layout, sanity

# A module that says one thing and does another, an action plugin without a module, YAML that is none.
_BROKEN = {
    "plugins/modules/pim_canary.py": "#!/usr/bin/python\nDOCUMENTATION = '''\nmodule: other\n'''\nimport  msal\n",
    "plugins/action/pim_orphan.py": "class ActionModule:\n    pass\n",
    "meta/canary.yml": "key: [unclosed\n",
}
_BROKEN_IN = {"action-plugin-docs", "import", "pep8", "validate-modules", "yamllint"}


@pytest.fixture(scope="module")
def place() -> Path:
    """Where this lane's copy of the collection and its virtual environments are; short, and kept between runs."""
    return layout.BUILD / "sanity" / Path(sys.prefix).name


def _copy(place: Path) -> Path:
    """What users get, and the settings of ansible-test: what `galaxy.yml` keeps out of the artefact is ruff's and mypy's to check."""
    tree = collection_tree.copy(place)
    settings = (tree / "tests" / "config.yml").read_text(encoding="utf-8")
    shutil.rmtree(tree / "tools")
    shutil.rmtree(tree / "tests")
    (tree / "tests").mkdir()
    (tree / "tests" / "config.yml").write_text(settings, encoding="utf-8")
    return tree


def test_there_is_no_ignore_file():
    assert not [name for name in collection_tree.files() if name.match("tests/sanity/ignore-*")]


def test_sanity(place):
    outcome = sanity.run(_copy(place), place / "home")
    if outcome.status != 0:
        pytest.fail(outcome.findings, pytrace=False)
    assert "All targets skipped" not in outcome.output
    assert outcome.started >= _BROKEN_IN | {"ansible-doc", "compile", "pylint", "runtime-metadata", "symlinks"}


def test_sanity_sees_what_is_broken(place):
    """The canary: the same copy at the same place, with faults planted: a run that looks at nothing finds none."""
    tree = _copy(place)
    for name, text in _BROKEN.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    selected = [argument for name in sorted(_BROKEN_IN) for argument in ("--test", name)]
    outcome = sanity.run(tree, place / "home", *selected)
    assert outcome.status != 0
    assert outcome.failed == _BROKEN_IN, outcome.findings
    for name in _BROKEN:
        assert name in outcome.output
