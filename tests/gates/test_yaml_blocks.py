# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML that users copy can be copied: it parses, passes Ansible's syntax check, and its options exist."""

from __future__ import annotations

import pytest
import yaml
from pim_simulator.tenant.loader import TenantError, parse_tenant

from gates import commands, documentation, yaml_blocks
from tools import layout

_BLOCKS = yaml_blocks.everywhere()
_PLAYBOOKS = [block for block in _BLOCKS if not block.is_tenant and block.playbook()]


def test_there_is_yaml_in_every_place():
    origins = [block.origin for block in _BLOCKS]
    for place in ("README.md", "docs/", "examples/", "EXAMPLES of pim_role_activation"):
        assert [origin for origin in origins if origin.startswith(place)], f"no YAML in {place}"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every playbook as a file: {origin: path}. Those of ``examples/`` are checked where they are."""
    directory = tmp_path_factory.mktemp("blocks")
    paths = {}
    for number, block in enumerate(_PLAYBOOKS):
        paths[block.origin] = directory / f"{number}.yml"
        if block.playbook() != block.content():
            tasks = "\n".join(f"    {line}" for line in block.text.removeprefix("---\n").splitlines())
            head = f"- name: {block.origin}\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
            paths[block.origin].write_text(f"{head}{tasks}\n")
        elif block.origin.startswith("examples/"):
            paths[block.origin] = layout.ROOT / block.origin
        else:
            paths[block.origin].write_text(block.text)
    return paths


def _syntax_check(*playbooks):
    return commands.run("ansible-playbook", "--syntax-check", *playbooks)


@pytest.fixture(scope="module")
def all_pass(written):
    """Whether all pass in one go, which takes a second; if not, each is asked by itself."""
    return _syntax_check(*written.values()).returncode == 0


@pytest.mark.parametrize("block", _PLAYBOOKS, ids=lambda block: block.origin)
def test_syntax(block, written, all_pass):
    if not all_pass:
        done = _syntax_check(written[block.origin])
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("block", _BLOCKS, ids=lambda block: block.origin)
def test_options_exist(block):
    """Of modules of the collection and of its action group: ansible-core checks these at run time only."""
    documented = documentation.documented("modules")
    options = {name: set(documentation.option_names(answer["doc"]["options"])) for name, answer in documented.items()}
    options["pim"] = set().union(*options.values())
    for name, arguments in yaml_blocks.module_arguments(block.content()):
        if name in options:
            assert set(arguments) <= options[name], f"{block.origin}: {name}"


def test_tenant_files():
    tenants = [block for block in _BLOCKS if block.is_tenant]
    assert tenants, "no example of a tenant file for the simulator"
    for block in tenants:
        try:
            parse_tenant(block.text)
        except TenantError as error:
            pytest.fail(f"{block.origin}: {error}", pytrace=False)


def test_a_broken_block_is_found(tmp_path):
    text = "Text.\n\n```yaml\n- name: Show\n  entra.pim.pim_no_such_module:\n```\n"
    (block,) = yaml_blocks.in_markdown("docs/example.md", text)
    assert block.origin == "docs/example.md:3"
    assert block.playbook()[0]["tasks"] == [{"name": "Show", "entra.pim.pim_no_such_module": None}]
    path = tmp_path / "broken.yml"
    path.write_text(yaml.safe_dump(block.playbook()))
    done = _syntax_check(path)
    assert done.returncode != 0
    assert "pim_no_such_module" in done.stdout


def test_arguments_are_found_at_any_depth():
    content = [
        {"block": [{"entra.pim.pim_connect": {"tenant": "x"}}], "module_defaults": {"group/entra.pim.pim": {"a": 1}}}
    ]
    assert yaml_blocks.module_arguments(content) == [("pim_connect", {"tenant": "x"}), ("pim", {"a": 1})]
