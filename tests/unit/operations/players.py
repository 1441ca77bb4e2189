# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of ansible-playbook that elevate and give back before one directory, and can be gone at any moment."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import activation, giving_back
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import LEASE_VARIABLE
from ansible_collections.entra.pim.plugins.module_utils._pim.state import runs

from unit.operations.world import World

_SECONDS = 30.0


@dataclass
class Player:
    """One run. Its lock is held by the same small process that a real one has."""

    world: World
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self._ends, self._other_end = os.pipe()
        self.edge: dict[str, Any] = {
            "run": runs.Run(self.id, self._ends),
            "environ": {"HOME": self.world.path, LEASE_VARIABLE: "true"},
        }

    def elevate(self, *roles: str, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        wanted = [{"role": role, "provider": self.world.provider} for role in roles]
        params = {"provider": self.world.provider, "roles": wanted, **given}
        return self.world.do(activation.OPERATION, params, {**self.edge, "check_mode": check_mode})

    def give_back(self, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        return self.world.do(giving_back.OPERATION, given, {**self.edge, "check_mode": check_mode})

    def end(self) -> None:
        """As a kill ends it: nothing is given back. Returns when everybody sees that it is gone."""
        if self._other_end is None:
            return
        os.close(self._other_end)
        os.close(self._ends)
        self._other_end = None
        deadline = time.monotonic() + _SECONDS
        while runs.alive(self.world.path, self.id):
            assert time.monotonic() < deadline, "the run did not end"
            time.sleep(0.005)
