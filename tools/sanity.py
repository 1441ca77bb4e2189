# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` over a copy of the collection, in a home directory of its own, with no containers."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import environment

# ansible-test fetches this script to put pip into its virtual environments. Every Python that can make a virtual
# environment brings a pip of its own, so that where the download fails this does the same.
_GET_PIP = "import ensurepip\n\nensurepip.bootstrap(default_pip=True)\n"
_GET_PIP_PATH = re.compile(r"can be manually downloaded and saved to: (\S+get_pip_\w+\.py)")


@dataclass(frozen=True)
class Outcome:
    """What ansible-test said: its exit status, and everything it printed."""

    status: int
    output: str

    @property
    def started(self) -> set[str]:
        """The names of the sanity tests that were started. That they had something to test this does not prove."""
        return set(re.findall(r'^Running sanity test "([\w.-]+)"', self.output, re.MULTILINE))

    @property
    def failed(self) -> set[str]:
        """The names of the sanity tests that found something."""
        _before, _found, listed = self.output.partition("listed below (out of ")
        return set(re.findall(r"^[a-z][\w-]*(?= |$)", listed.partition("\n")[2], re.MULTILINE))

    @property
    def findings(self) -> str:
        """What was found, or all of the output where ansible-test did not get that far."""
        found = [line for line in self.output.splitlines() if line.startswith("ERROR: ")]
        return "\n".join(found) or self.output


def _pip_configuration(venv: Path) -> configparser.RawConfigParser:
    """What pip is configured with here, by files and by the environment, as one configuration file.

    ansible-test starts pip with another home directory and without the ``PIP_*`` variables.
    """
    command = [str(venv / "bin" / "python"), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment.for_tests(venv)).stdout
    configuration = configparser.RawConfigParser()
    # Ordered from the weakest source to the strongest, which is the environment.
    for line in listed.splitlines():
        name, _equals, value = line.partition("=")
        section, _dot, option = name.removeprefix(":env:").rpartition(".")
        section = section or "global"
        if not configuration.has_section(section):
            configuration.add_section(section)
        configuration.set(section, option, ast.literal_eval(value))
    return configuration


def _prepare_home(home: Path, venv: Path) -> None:
    """Make the home directory that ansible-test works in; what its pip is configured with may hold a password."""
    directory = home / ".config" / "pip"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "pip.conf"
    path.touch(mode=0o600)
    with path.open("w") as stream:
        _pip_configuration(venv).write(stream)


def run(collection: Path, home: Path, *arguments: str) -> Outcome:
    """Run ``ansible-test sanity ARGUMENTS`` of this Python's environment in ``collection``.

    ``collection`` is what ``collection_tree.copy`` made; ``home`` keeps ansible-test's virtual environments (100 MB).
    """
    venv = Path(sys.prefix)
    _prepare_home(home, venv)
    variables = environment.for_tests(venv)
    variables["HOME"] = str(home)
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    command = [str(venv / "bin" / "ansible-test"), "sanity", "--local", "--python", python, "--color", "no", *arguments]
    for _attempt in range(2):
        done = subprocess.run(
            command,
            cwd=collection,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        missing = _GET_PIP_PATH.search(done.stdout)
        if missing is None:
            break
        path = Path(missing.group(1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_GET_PIP)
    return Outcome(done.returncode, done.stdout)
