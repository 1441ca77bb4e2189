# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first playbook of the README, as a new user has it: the built artefact, a folder of its own, and the environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples import playbooks
from simulator_process import Simulator
from tools import build, layout


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """An empty directory with the artefact installed by ansible-galaxy."""
    artefact = build.build(tmp_path_factory.mktemp("build"))
    directory = tmp_path_factory.mktemp("collections")
    command = [str(Path(sys.prefix) / "bin" / "ansible-galaxy"), "collection", "install", "--offline", "-p"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(directory)}
    subprocess.run([*command, str(directory), str(artefact)], check=True, capture_output=True, env=environment)
    return directory


@pytest.fixture(scope="module")
def first():
    """The text of the playbook: the YAML below the heading."""
    readme = (layout.ROOT / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("\n## First playbook\n") :]
    return re.search(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]


def test_first_playbook(collections, first, tmp_path):
    playbook = tmp_path / "first.yml"
    playbook.write_text(first)
    with Simulator(changes=playbooks.UNATTENDED) as simulator:
        environment = playbooks.variables(simulator, tmp_path / "sessions")
        # The last one is for ansible.builtin.uri, which knows nothing of this collection's variables.
        environment |= {"ANSIBLE_COLLECTIONS_PATH": str(collections), "SSL_CERT_FILE": simulator.ca_path}
        for changes in (3, 2):
            output = playbooks.run(playbook, environment, cwd=tmp_path)
            assert "Headquarters" in output
            assert f"changed={changes}" in re.sub(" +", " ", output)
            assert simulator.activations() == set()
    assert "eyJ" not in output


def test_the_example_in_the_artefact_is_the_one_of_the_readme(collections):
    installed = collections / "ansible_collections" / "entra" / "pim" / "examples" / "elevate.yml"
    assert installed.read_text() == (layout.ROOT / "examples" / "elevate.yml").read_text()
