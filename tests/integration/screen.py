# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook and what a person sees of it while it runs: its standard error is a pipe, read line by line as it comes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration import leaks, runs
from simulator_process import Simulator


class Screen:
    """Starts a playbook with the inventory of the edges. Of ``environment``, what is None is not set."""

    SECONDS = 120.0

    def __init__(
        self, simulator: Simulator, directory: Path, playbook: str, *arguments: str, **environment: str | None
    ) -> None:
        (directory / "tmp").mkdir()
        self._directory = directory
        # A file: a pipe that nobody reads would hold the playbook up.
        self._output = directory / "output"
        self._variables = {
            name: value
            for name, value in {**runs.environment(simulator, directory, {}), **environment}.items()
            if value is not None
        }
        assert "PYTHONUNBUFFERED" not in self._variables
        self.seen = ""
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [
                    str(Path(sys.prefix) / "bin" / "ansible-playbook"),
                    *[str(runs.HERE / playbook), "-i", str(runs.HERE / "inventory.yml"), *arguments],
                ],
                env=self._variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    def lines(self) -> Iterator[str]:
        """As they come, to the end."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen += line
            yield line

    def wait_for(self, wanted: re.Pattern[str]) -> re.Match[str]:
        """Returns as soon as a line has it."""
        for line in self.lines():
            found = wanted.search(line)
            if found:
                return found
        raise AssertionError(f"{wanted.pattern} was not shown:\n{self.seen}")

    def end(self, status: int = 0) -> str:
        """Everything that was shown, after the end: no secret is in it, nor in any file of the run."""
        _output, errors = self.process.communicate(timeout=self.SECONDS)
        self.seen += errors
        whole = self._output.read_text(encoding="utf-8") + self.seen
        if self.process.returncode != status:
            pytest.fail(whole[-6000:], pytrace=False)
        known = {*runs.passwords_in(self._variables), *runs.recorded_tokens(self._directory)}
        assert len(known) > 10
        assert not leaks.leaks(whole.encode(), known)
        assert not leaks.leaks_below(self._directory, known)
        return whole
