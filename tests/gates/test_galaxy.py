# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Galaxy and Automation Hub check when a version is uploaded, and what is made of it afterwards: its pages, the
documentation site, execution environments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from examples import headless
from gates import commands, documentation
from tools import build, collection_tree, layout

_REPOSITORY = "https://github.com/entra-pim/entra.pim"
_READMES = ["README.md", *(str(name) for name in collection_tree.files() if name.match("roles/*/README.md"))]
# What Automation Hub asks a README for.
_SECTIONS = ["Requirements", "Installation", "Use cases", "Testing", "Support", "Release notes", "License"]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    return build.build(tmp_path_factory.mktemp("build"))


def _galaxy(program, *arguments, cwd, **variables):
    """Run a program of the virtual environment that Galaxy's tools have, as ``commands.run`` runs those of this one."""
    if not layout.GALAXY.is_dir():
        pytest.fail("no tools of Galaxy: `python -m tools.venvs galaxy`, or `make gates`", pytrace=False)
    programs = layout.GALAXY / "bin"
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return commands.run(str(programs / program), *arguments, cwd=cwd, PATH=path, **variables)


def _import(artefact, directory, **settings):
    """What galaxy-importer says about an artefact, as Automation Hub sets it: (complaints, its result, all it printed)."""
    variables = {f"GALAXY_IMPORTER_{name}": value for name, value in settings.items()}
    done = _galaxy(
        "python",
        "-m",
        "galaxy_importer.main",
        artefact,
        cwd=directory,
        # Another configuration of the machine is not read.
        GALAXY_IMPORTER_CONFIG=str(directory / "galaxy-importer.cfg"),
        GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP=str(directory / "ansible"),
        GALAXY_IMPORTER_CHECK_REQUIRED_TAGS="true",
        **variables,
    )
    assert "Importer processing completed successfully" in done.stdout, done.stdout
    # In its output everything but progress has the name of a level in front.
    complaints = re.findall(r"^(?:DEBUG|WARNING|ERROR|CRITICAL): .*", done.stdout, re.MULTILINE)
    return complaints, json.loads((directory / "importer_result.json").read_text()), done.stdout


@pytest.fixture
def place(tmp_path):
    (tmp_path / "galaxy-importer.cfg").write_text("[galaxy-importer]\n")
    return tmp_path


def test_importer_has_no_complaint(artefact, place):
    complaints, result, output = _import(artefact, place)
    assert complaints == []
    assert "...ansible-lint run complete" in output
    contents = result["docs_blob"]["contents"]
    for kind, folder in (("module", "modules"), ("lookup", "lookup"), ("callback", "callback")):
        described = {one["content_name"] for one in contents if one["content_type"] == kind and one["doc_strings"]}
        assert described == set(documentation.plugin_names(folder))
    shown = {one["name"] for one in result["docs_blob"]["documentation_files"]}
    assert shown == {path.name for path in (layout.ROOT / "docs").glob("*.md")}


def test_complaints_of_the_importer_are_seen(tmp_path, place):
    """The canary: no changelog, a file of dependencies that is not there, a module without documentation."""
    tree = collection_tree.copy(tmp_path / "tree")
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        (tree / name).unlink(missing_ok=True)
    (tree / "meta" / "ee-requirements.txt").unlink()
    (tree / "plugins" / "modules" / "pim_canary.py").write_text("DOCUMENTATION = 'module: [unclosed'\n")
    done = commands.run("ansible-galaxy", "collection", "build", "--output-path", tmp_path, tree)
    assert done.returncode == 0, done.stdout
    (broken,) = tmp_path.glob("entra-pim-*.tar.gz")
    complaints, _name, _result = _import(broken, place, RUN_ANSIBLE_LINT="false")
    text = "\n".join(complaints)
    for part in ("No changelog found", "ee-requirements.txt", "pim_canary"):
        assert part in text


def test_dependencies_reach_an_execution_environment(artefact, tmp_path):
    """ansible-builder takes a definition with the collection, and finds in the collection what Python it needs."""
    definition = {
        "version": 3,
        "dependencies": {"galaxy": {"collections": [{"name": artefact.name, "type": "file"}]}},
    }
    (tmp_path / "execution-environment.yml").write_text(yaml.safe_dump(definition))
    done = _galaxy("ansible-builder", "create", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert artefact.name in (tmp_path / "context" / "_build" / "requirements.yml").read_text()

    # What the build does then, within the image, with the script that `create` has put there.
    collections = tmp_path / "collections"
    done = commands.run(
        "ansible-galaxy", "collection", "install", "--offline", "-p", collections, artefact,
        ANSIBLE_COLLECTIONS_PATH=str(collections),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    found = tmp_path / "found.txt"
    script = tmp_path / "context" / "_build" / "scripts" / "introspect.py"
    done = _galaxy("python", script, "introspect", collections, "--write-pip", found, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    listed = (layout.ROOT / "meta" / "ee-requirements.txt").read_text().splitlines()
    wanted = [line for line in listed if line and not line.startswith("#")]
    assert [line.split("#")[0].strip() for line in found.read_text().splitlines() if line] == wanted


def test_execution_environment_of_the_guide(tmp_path):
    """The file for users is taken by ansible-builder, by the command of the guide up to the making of the image itself."""
    shutil.copy(layout.ROOT / "extensions" / "automation_platform" / "execution-environment.yml", tmp_path)
    program, verb, *arguments = headless.block("### The execution environment", "sh").split()
    assert (program, verb) == ("ansible-builder", "build")
    tag = arguments.index("--tag")
    done = _galaxy(program, "create", *arguments[:tag], *arguments[tag + 2 :], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    built = tmp_path / "context" / "_build"
    assert yaml.safe_load((built / "requirements.yml").read_text()) == {"collections": [{"name": "entra.pim"}]}
    # Containerfile for Podman, Dockerfile for Docker: whichever is there.
    (recipe_file,) = (tmp_path / "context").glob("*file")
    recipe = recipe_file.read_text()
    assert 'ARG EE_BASE_IMAGE="quay.io/fedora/fedora:latest"' in recipe
    # What the collection itself asks for is found while the image is made: see the test above.
    assert "introspect.py introspect" in recipe


def test_changelog_was_generated(tmp_path):
    """CHANGELOG.md is what antsibull-changelog makes of changelogs/changelog.yaml, which knows this version."""
    version = yaml.safe_load((layout.ROOT / "galaxy.yml").read_text())["version"]
    releases = layout.ROOT / "changelogs" / "changelog.yaml"
    assert releases.is_file(), "no release yet: `make changelog`"
    assert version in yaml.safe_load(releases.read_text())["releases"]
    done = commands.run("antsibull-changelog", "lint-changelog-yaml", "--strict", releases)
    assert done.returncode == 0, done.stdout
    tree = collection_tree.copy(tmp_path)
    text = (tree / "CHANGELOG.md").read_text()
    (tree / "CHANGELOG.md").unlink()
    done = commands.run("antsibull-changelog", "generate", cwd=tree)
    assert done.returncode == 0, done.stdout
    assert (tree / "CHANGELOG.md").read_text() == text


def test_documentation_is_rendered(tmp_path):
    """The pages of the documentation site, one for each plugin and role, without a warning."""
    done = subprocess.run(
        [
            shutil.which("antsibull-docs"), "collection", "--use-current", "--fail-on-error", "--dest-dir", tmp_path,
            documentation.COLLECTION,
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    pages = {path.stem for path in (tmp_path / "collections" / "entra" / "pim").iterdir()}
    plugins = {f"{name}_module" for name in documentation.plugin_names("modules")}
    plugins |= {f"{name}_lookup" for name in documentation.plugin_names("lookup")}
    plugins |= {f"{name}_callback" for name in documentation.plugin_names("callback")}
    roles = {f"{path.parent.parent.name}_role" for path in (layout.ROOT / "roles").glob("*/meta/argument_specs.yml")}
    assert pages == {"index"} | plugins | roles


def _links(text):
    """The targets of the links and images of a Markdown text; code is left out."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    inline = re.findall(r"\]\(\s*<?([^)\s>]+)", text)
    references = re.findall(r"^\s*\[[^]]+\]:\s*<?([^\s>]+)", text, re.MULTILINE)
    plain = re.findall(r"<(https?://[^>\s]+)>", text)
    html = re.findall(r"(?:href|src)=[\"']([^\"']+)", text)
    return inline + references + plain + html


@pytest.mark.parametrize("name", _READMES)
def test_links_of_what_galaxy_shows_are_absolute(name):
    """Galaxy and Automation Hub show a README at an address where a relative link leads nowhere."""
    links = _links((layout.ROOT / name).read_text())
    assert [link for link in links if not link.startswith("https://")] == []
    # Those into the project lead to what is there.
    files = [link.removeprefix(f"{_REPOSITORY}/").partition("#")[0] for link in links if link.startswith(_REPOSITORY)]
    inside = [re.sub(r"^(?:blob|tree)/main/", "", path) for path in files if re.match(r"(?:blob|tree)/main/", path)]
    assert [path for path in inside if not (layout.ROOT / path).exists()] == []


def test_readme_has_links():
    """Else the test above would say nothing."""
    assert [link for link in _links((layout.ROOT / "README.md").read_text()) if link.startswith(_REPOSITORY)]


@pytest.mark.parametrize(
    "text",
    ["[a](docs/a.md)", "![a](a.png)", "[a]: docs/a.md", '<a href="docs/a.md">', "[a](#part)", "[a](<docs/a.md>)"],
)
def test_a_relative_link_is_found(text):
    (link,) = _links(f"Text `[code](x)`.\n\n{text}\n\n```yaml\n[a](b)\n```\n")
    assert not link.startswith("https://")


@pytest.mark.parametrize("section", _SECTIONS)
def test_readme_has_every_section(section):
    text = (layout.ROOT / "README.md").read_text()
    assert re.search(rf"^## {section}$", text, re.MULTILINE | re.IGNORECASE)


def test_readme_does_not_install_ansible():
    """Automation Hub refuses a README that tells to install ansible or ansible-core by pip."""
    assert not re.search(r"pip3? install[^\n`]*\bansible", (layout.ROOT / "README.md").read_text())
