# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operation gets from its edge, beside its options. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import printable
from ..times import Clock

if TYPE_CHECKING:
    from ..state.runs import Run

# Set for a task by the role `elevate`: what it activates is held by the run, until the run gives it back.
LEASE_VARIABLE = "ENTRA_PIM_LEASE"
# Of a module's result: lines for `-vv`, which the action plugin shows and takes out. A task with `async` has none behind it, and keeps them.
DETAILS = "repeats"


@dataclass
class Context:
    """`environ` is that of the process, with the task's `environment:` on top. Warnings are collected here for the edge to hand on.

    `show` puts a line on the user's screen at once; None where nobody would see it (the module edge). `terminal`: somebody sits there.
    `detail` takes a line for those who ask for more (`-vv`): what was made again, and why.
    `browse` opens an address in the user's browser, where there is one.
    `run` is the playbook run the task belongs to, None over the module edge, which knows of none; `guarded`: all it activates is held.
    """

    clock: Clock
    environ: Mapping[str, str]
    check_mode: bool = False
    diff: bool = False
    show: Callable[[str], None] | None = None
    detail: Callable[[str], None] | None = None
    browse: Callable[[str], None] | None = None
    terminal: bool = False
    run: Run | None = None
    guarded: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def leasing(self) -> bool:
        """Whether the run is to hold what this task activates."""
        return self.guarded or self.environ.get(LEASE_VARIABLE, "").lower() in ("1", "true", "yes", "on")

    def warn(self, message: str) -> None:
        plain = printable(message)
        if plain not in self.warnings:
            self.warnings.append(plain)
