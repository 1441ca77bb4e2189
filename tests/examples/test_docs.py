# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guides say of codes, variables, modules and files is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.entra.pim.plugins.module_utils._pim import advice
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_spec
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.registry import PROVIDERS
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.clouds import CLOUDS
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.credentials import METHODS

from tools import layout

# The codes that playbooks may rely on, besides those that have a sentence of advice for all cases.
_WITHOUT_ADVICE = {"invalid_option", "unknown_request", "already_decided"}

_GUIDES = sorted((layout.ROOT / "docs").glob("*.md"))
_TEXTS = [layout.ROOT / "README.md", *_GUIDES]
_REPOSITORY = "https://github.com/entra-pim/entra.pim/blob/main/"


def _text(name: str) -> str:
    return (layout.ROOT / name).read_text(encoding="utf-8")


def _first_cells(text: str) -> list[str]:
    """What stands in the first column of every table, without the heads."""
    rows = re.findall(r"^\| (?!-)(.*?) \|(?!.*\n\| -)", text, re.MULTILINE)
    return [str(cell) for cell in rows]


def _section(text: str, heading: str) -> str:
    """From a heading to the next one of its level."""
    level = heading.split()[0]
    start = text.index(f"\n{heading}\n")
    end = text.find(f"\n{level} ", start + 1)
    return text[start : end if end != -1 else None]


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_error_code_has_its_row_and_no_other():
    cells = _first_cells(_section(_text("docs/troubleshooting.md"), "## Codes"))
    rows = [cell.strip("`") for cell in cells if cell.startswith("`")]
    assert len(rows) == len(set(rows)), "a code has two rows"
    assert set(rows) == set(advice.ADVICE) | _WITHOUT_ADVICE
    service = {
        *advice.SERVICE_CODES.values(),
        *advice.STATUSES.values(),
        *(code for code, _advice in advice.SIGN_IN.values()),
    }
    assert service <= set(rows)


def test_codes_of_the_service_with_advice_have_their_row():
    """Those that are told as the service has them; the others have a code of the collection."""
    cells = _first_cells(_section(_text("docs/troubleshooting.md"), "## Codes of the service"))
    rows = {cell.strip("`") for cell in cells if cell.startswith("`")}
    assert rows == set(advice.SERVICE_ADVICE) - set(advice.SERVICE_CODES)


def test_refusals_of_the_sign_in_service_have_their_row_with_their_code():
    section = _section(_text("docs/troubleshooting.md"), "## Refusals of the sign-in service")
    found = re.findall(r"^\| `AADSTS(\d+)` \| [^|]+ \| `(\w+)` \| [^|]+ \|$", section, re.MULTILINE)
    rows = {int(number): code for number, code in found}
    assert len(rows) == len(found), "a number has two rows"
    assert rows == {number: code for number, (code, _advice) in advice.SIGN_IN.items()}


def test_every_key_of_a_failure_is_explained():
    text = _text("docs/troubleshooting.md")
    cells = _first_cells(text[: text.index("## Codes")])
    explained = {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}
    assert explained == set(PimError("network", "x").as_failure())


def test_every_variable_is_documented():
    fragment = _text("plugins/doc_fragments/connection.py")
    table = _section(_text("docs/sign_in.md"), "## Environment variables")
    rows = {cells[0].strip("| `"): cells[1] for line in table.splitlines() if len(cells := line.split(" | ")) == 2}
    assert set(connection_spec()) == set(rows) - {"option", "---"}
    for option, cell in rows.items():
        for variable in re.findall(r"`(\w+)`", cell):
            assert f"E({variable})" in fragment, f"{option}: {variable}"
    documented = set(re.findall(r"E\((\w+)\)", fragment))
    assert documented == set(re.findall(r"`([A-Z][A-Z_]+)`", table))


def test_methods_clouds_and_permissions():
    text = _text("docs/sign_in.md")
    methods = {cell.strip("`") for cell in _first_cells(_section(text, "## Methods")) if cell.startswith("`")}
    assert methods == set(METHODS) - {"auto"}
    for cloud in CLOUDS:
        assert f"`{cloud}`" in text
    consent = _section(text, "## Consent in a real tenant")
    permissions = {cell.strip("`") for cell in _first_cells(consent) if cell.startswith("`")}
    assert permissions == set(PROVIDERS["entra_roles"].permissions)


def test_readme_lists_what_there_is():
    cells = _first_cells(_section(_text("README.md"), "## What is in it"))
    listed = {tuple(cell.replace("`", "").split()) for cell in cells if "entra.pim" in cell}
    there = {("module", f"entra.pim.{path.stem}") for path in (layout.ROOT / "plugins/modules").glob("*.py")}
    there |= {("lookup", f"entra.pim.{path.stem}") for path in (layout.ROOT / "plugins/lookup").glob("*.py")}
    there |= {("callback", f"entra.pim.{path.stem}") for path in (layout.ROOT / "plugins/callback").glob("*.py")}
    there |= {("role", f"entra.pim.{path.name}") for path in (layout.ROOT / "roles").iterdir() if path.is_dir()}
    assert listed == there


def test_readme_lists_every_example():
    listed = set(re.findall(r"examples/(\w+\.yml)", _section(_text("README.md"), "## Use cases")))
    playbooks = {path.name for path in (layout.ROOT / "examples").glob("*.yml") if _is_playbook(path)}
    assert listed == playbooks


def _is_playbook(path: Path) -> bool:
    return isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), list)


def test_readme_has_the_sections_that_galaxy_and_automation_hub_ask_for():
    text = _text("README.md")
    for section in ("Requirements", "Installation", "Use cases", "Testing", "Support", "Release notes", "License"):
        assert f"\n## {section}\n" in text
    assert "pip install ansible" not in text
    relative = [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("https://")]
    assert relative == []


@pytest.mark.parametrize("path", _TEXTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    """Links within the repository: the file is there, and the heading in it."""
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://") and not target.startswith(_REPOSITORY):
            continue
        name, _sign, anchor = target.removeprefix(_REPOSITORY).partition("#")
        base = layout.ROOT if target.startswith(_REPOSITORY) else path.parent
        file = (base / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(_anchor, headings), f"{path.name}: {target}"
