# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lanes: which versions of ansible-core the collection is tested with, and with which Python each.

The versions themselves are pinned in ``tests/requirements/core-*.txt``. The Pythons that no ansible-core here is run with
have a lane without one: what needs no Ansible is tested on them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools import layout


@dataclass(frozen=True)
class Lane:
    """One ansible-core (``2.19``, None for none) and the Pythons it is run with, best first, as (major, minor)."""

    core: str | None
    pythons: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """``2.19``, or ``python-3.9`` without ansible-core."""
        return self.core or "python-" + ".".join(map(str, self.pythons[0]))

    @property
    def requirements(self) -> list[Path]:
        """The files that pin what is installed in this lane: its ansible-core, and what the tests need."""
        names = [f"core-{self.core}.txt", "run.txt"] if self.core else ["unit.txt"]
        return [layout.REQUIREMENTS / name for name in names]


# Oldest first: the oldest is what Automation Platform ships, the newest is what a new user installs.
LANES = (
    Lane("2.16", ((3, 11),)),
    Lane("2.19", ((3, 11),)),
    Lane("2.21", ((3, 13), (3, 12))),
)

# What is run in more than one lane is run in these: the one in between tells least, and the main virtual environment has it
# where its Python is 3.11.
OUTER_LANES = (LANES[0], LANES[-1])

# The oldest that a target may have; those between it and the newest tell nothing that these two do not.
PYTHON_LANES = (Lane(None, ((3, 9),)),)


def main_lane(python: tuple[int, int]) -> Lane:
    """The lane of the main virtual environment: the newest ansible-core that runs on ``python``.

    Raises ``LookupError`` where there is none.
    """
    core = "2.19" if python == (3, 11) else "2.21"
    if python < (3, 11):
        raise LookupError(f"Python {python[0]}.{python[1]} is too old: 3.11 or newer is needed")
    return next(lane for lane in LANES if lane.core == core)
