# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios of ``extensions/molecule/``: in the collection as it is installed, and copied into a project of others."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import build

_ENDING = ["cleanup", "destroy"]
_STEPS = {
    "default": [*_ENDING, "syntax", "prepare", "converge", "idempotence", "side_effect", "verify", *_ENDING],
    "one_play": [*_ENDING, "syntax", "prepare", "converge", "verify", *_ENDING],
}

# What a developer may have set for other work. The scenarios must use none of it.
_DEVELOPER = {
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000000",
    "AZURE_CLIENT_SECRET": "Dev-client-secret-1",
    "AZURE_TENANT_ID": "fabrikam.example",
    "AZURE_USERNAME": "developer@fabrikam.example",
    "ENTRA_PIM_ACCESS_TOKEN": "Dev-access-token-1",
    "ENTRA_PIM_SESSION": "development",
    "ENTRA_PIM_TENANT": "fabrikam.example",
}


def _run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this virtual environment; both streams, without colours, are in ``stdout``."""
    environment = {**os.environ, **variables}
    # Molecule writes a configuration for each scenario; that of these tests would not be read by it.
    environment.pop("ANSIBLE_CONFIG")
    done = subprocess.run(
        [str(Path(sys.prefix) / "bin" / command[0]), *map(str, command[1:])],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    done.stdout = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    return done


@dataclass(frozen=True)
class Project:
    """A directory in which Molecule finds scenarios, and the collections that are installed for it."""

    directory: Path
    collections: Path
    home: Path

    def molecule(self, *arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run ``molecule ARGUMENTS``. The exit status alone tells how it ended: after an idempotence that failed, the
        output calls that step successful."""
        variables = {"ANSIBLE_COLLECTIONS_PATH": str(self.collections), "ANSIBLE_HOME": str(self.home)}
        return _run("molecule", *arguments, cwd=self.directory, **variables, **environment)

    def left(self) -> list[str]:
        """What a run has left: files in the directories that Molecule keeps for scenarios, and processes."""
        own = {"ansible.cfg", "inventory", "state.yml"}
        files = [path for path in self.home.glob("tmp/molecule.*/*") if path.name not in own]
        return [*map(str, files), *(line for line in _processes() if str(self.home) in line)]

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text that is in a file of the scenarios."""
        path = self.directory / "molecule" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def _processes() -> list[str]:
    """The command lines of this machine's processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        # It may have ended meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.append(path.read_text(errors="replace").replace("\0", " "))
    return found


def _steps(output: str) -> dict[str, list[str]]:
    """What was executed: {scenario: its steps in order}."""
    steps: dict[str, list[str]] = {}
    for scenario, step in re.findall(r"(\w+) ➜ (\w+): Executing$", output, re.MULTILINE):
        steps.setdefault(scenario, []).append(step)
    return steps


@pytest.fixture(scope="module")
def collections(tmp_path_factory):
    """A directory with the built artefact installed by ansible-galaxy."""
    artefact = build.build(tmp_path_factory.mktemp("build"))
    directory = tmp_path_factory.mktemp("collections")
    install = ["ansible-galaxy", "collection", "install", "--offline", "-p", directory, artefact]
    done = _run(*install, cwd=directory, ANSIBLE_COLLECTIONS_PATH=str(directory))
    assert done.returncode == 0, done.stdout
    return directory


@pytest.fixture
def project(collections, tmp_path):
    """Somebody's own project, with a copy of the scenarios at the place where Molecule looks for them."""
    directory = tmp_path / "project"
    installed = collections / "ansible_collections" / "entra" / "pim"
    shutil.copytree(installed / "extensions" / "molecule", directory / "molecule")
    return Project(directory, collections, tmp_path / "home")


def test_in_the_collection(collections, tmp_path):
    place = collections / "ansible_collections" / "entra" / "pim" / "extensions"
    extensions = Project(place, collections, tmp_path)
    done = extensions.molecule("test", "--all", environment={})
    assert done.returncode == 0, done.stdout
    assert _steps(done.stdout) == _STEPS
    assert extensions.left() == []


def test_in_a_project_of_others(project):
    """With an environment that is meant for another tenant."""
    done = project.molecule("test", "--all", environment=_DEVELOPER)
    assert done.returncode == 0, done.stdout
    assert _steps(done.stdout) == _STEPS
    assert project.left() == []
    # The role came from what was installed, not from a checkout.
    role = f"{project.collections}/ansible_collections/entra/pim/roles/simulator"
    assert role in re.sub(r"\s*│\s*", "", done.stdout)
    for secret in ("eyJ", "Dev-", "fabrikam"):
        assert secret not in done.stdout


@pytest.mark.parametrize(
    ("scenario", "name", "old", "new", "last", "said"),
    [
        pytest.param(
            "default", "converge.yml", "when: policy.json.allowInvitesFrom != invitations", "when: true",
            "idempotence", "Idempotence test failed", id="work that is done twice",
        ),
        pytest.param(
            "default", "side_effect.yml", "advance: PT6M", "advance: PT1M",
            "side_effect", "too_early", id="giving back too early",
        ),
        pytest.param(
            "default", "verify.yml", "['selfActivate', 'selfDeactivate']", "['selfActivate']",
            "verify", "Assertion failed", id="not what was asked for",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_found(project, scenario, name, old, new, last, said):
    """The canaries: the scenario ends at the step that has to see it, and cleans up."""
    project.change(f"{scenario}/{name}", old, new)
    done = project.molecule("test", "--scenario-name", scenario, environment={})
    assert done.returncode != 0, done.stdout
    assert said in done.stdout
    steps = _STEPS[scenario]
    assert _steps(done.stdout) == {scenario: [*steps[: steps.index(last) + 1], *_ENDING]}
    assert project.left() == []


def test_the_handler_gives_back_also_where_the_work_fails(project):
    # What the simulator refuses for this resource.
    project.change("one_play/converge.yml", "method: PATCH", "method: DELETE")
    done = project.molecule("test", "--scenario-name", "one_play", environment={})
    assert done.returncode != 0, done.stdout
    handlers = done.stdout.partition("RUNNING HANDLER [Give back what this play took]")[2]
    assert "changed: [localhost]" in handlers.partition("PLAY RECAP")[0]
    assert project.left() == []
