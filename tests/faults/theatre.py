# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two simulators for the whole layer, and each story played once without a fault: its calls make the cells."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from faults import checks, play
from faults.kinds import Fault
from faults.matrix import Cell, Matrix
from faults.network import Network
from faults.stage import Stage, Told
from faults.stories import Keys, Story, stories
from simulator_process import read_tenant

_LATE = {"activation": "PT4S", "deactivation": "PT4S", "request": "PT4S"}
_LAG = {"lag": {**_LATE, "groups": _LATE, "azure_resources": _LATE}}


class Theatre:
    """Open until ``close``. ``told``: how each story ends without a fault, by its name."""

    def __init__(self, *, every: bool = False) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="pim-faults-keys-")
        keys = Keys(Path(self._directory.name))
        tenant = {"service_principals": keys.service_principals}
        self.secrets = keys.secrets | secrets_of_tenant()
        self.network = Network()
        self._stages = [Stage(tenant, self.network).start(), Stage({**tenant, **_LAG}, self.network).start()]
        self.told: dict[str, Told] = {}
        matrix = Matrix(every=every)
        for story in stories(keys):
            matrix.add(story, self._recorded(story))
        self.cells: list[Cell] = matrix.cells

    def _recorded(self, story: Story) -> list[dict[str, Any]]:
        stage = self._stages[0]
        play.begin(stage, story)
        told = play.perform(stage, story)
        if checks.outcome(told) != story.ends:
            raise RuntimeError(f"the story {story.name!r} ends as {checks.outcome(told)}: {told.message}")
        self.told[story.name] = told
        return stage.calls()

    def stage_for(self, fault: Fault) -> Stage:
        """Whose lists lag behind, where that is the fault."""
        return self._stages[1 if fault.lags else 0]

    def play(self, cell: Cell) -> None:
        play.play(self.stage_for(cell.fault), cell, self.told[cell.story.name], self.secrets)

    def close(self) -> None:
        for stage in self._stages:
            stage.stop()
        self.network.close()
        self._directory.cleanup()


def secrets_of_tenant() -> set[str]:
    """Passwords of its users, and secrets of its applications."""
    tenant = read_tenant()
    passwords = {user["password"] for user in tenant["users"]}
    return passwords | {one["value"] for app in tenant["service_principals"] for one in app.get("secrets", [])}
