# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artefact that users install: what is in it, and that it works with only the folders that hold content."""

from __future__ import annotations

import json
import shutil
import tarfile

import pytest
import yaml

from gates import commands, documentation
from tools import build, layout

_CONTENT = {"meta", "plugins", "roles", "playbooks"}

# `async` keeps a task from being run in the controller: the second task goes through the module.
_PLAYBOOK = """
- name: Ask for sessions
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/entra.pim.pim:
      session_dir: "{{ place }}/sessions"
  tasks:
    - name: In the controller
      entra.pim.pim_session_info:
      register: controller
    - name: Through the module
      entra.pim.pim_session_info:
      async: 60
      poll: 1
      register: module
    - name: Keep both
      ansible.builtin.copy:
        content: "{{ [controller, module] | to_json }}"
        dest: "{{ place }}/results.json"
        mode: "0600"
"""


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    return build.build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def installed(artefact, tmp_path_factory):
    """A collections path with the artefact in it, with every folder deleted that does not hold content."""
    collections = tmp_path_factory.mktemp("installed")
    # The path leads to no other copy: the one that is linked there already would count as installed.
    done = commands.run(
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "-p",
        collections,
        artefact,
        ANSIBLE_COLLECTIONS_PATH=str(collections),
    )
    assert done.returncode == 0, done.stdout
    for path in (collections / "ansible_collections" / "entra" / "pim").iterdir():
        if path.is_dir() and path.name not in _CONTENT:
            shutil.rmtree(path)
    return collections


def test_name_and_version(artefact):
    galaxy = yaml.safe_load((layout.ROOT / "galaxy.yml").read_text())
    assert artefact.name == f"{galaxy['namespace']}-{galaxy['name']}-{galaxy['version']}.tar.gz"


def test_what_is_in_it(artefact):
    with tarfile.open(artefact) as archive:
        top = {name.split("/")[0] for name in archive.getnames()}
    assert top == {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "FILES.json",
        "LICENSES",
        "MANIFEST.json",
        "README.md",
        "changelogs",
        "docs",
        "examples",
        "extensions",
        "meta",
        "plugins",
        "roles",
    }


@pytest.mark.parametrize("kind", ["callback", "lookup", "modules"])
def test_documentation_of_what_is_installed(installed, kind):
    answers = documentation.documented(kind, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert answers
    for answer in answers.values():
        assert answer["doc"]["filename"].startswith(str(installed))


def test_roles_of_what_is_installed(installed):
    listed = commands.answer("ansible-doc", "-t", "role", "--list", "--json", ANSIBLE_COLLECTIONS_PATH=str(installed))
    specifications = (layout.ROOT / "roles").glob("*/meta/argument_specs.yml")
    roles = {f"entra.pim.{path.parent.parent.name}" for path in specifications}
    assert {name for name in listed if name.startswith("entra.pim.")} == roles


def test_both_edges_of_what_is_installed(installed, tmp_path):
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(_PLAYBOOK)
    place = json.dumps({"place": str(tmp_path)})
    done = commands.run("ansible-playbook", "-e", place, playbook, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert done.returncode == 0, done.stdout
    controller, module = json.loads((tmp_path / "results.json").read_text())
    assert "ansible_job_id" not in controller
    assert "ansible_job_id" in module
    for result in (controller, module):
        assert result["connected"] is False
        assert result["sessions"] == []
        assert result["changed"] is False
