# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of tests, and the jobs they make: a layer is run in the main virtual environment, or in every lane."""

from __future__ import annotations

from dataclasses import dataclass

from tools.lanes import LANES, OUTER_LANES, PYTHON_LANES, Lane


@dataclass(frozen=True)
class Layer:
    """One kind of tests: where they are, and in which lanes they are run.

    ``every_lane`` means the oldest ansible-core and the newest. ``every_python`` adds the Pythons that no ansible-core is
    run with, for tests that need none. ``alone`` keeps the machine free of other jobs meanwhile (times are measured).
    ``limit`` is in seconds, for one job. ``fewer`` are arguments for pytest in each lane but the oldest, which has searched
    already.
    """

    name: str
    path: str
    ignore: tuple[str, ...] = ()
    every_lane: bool = False
    every_python: bool = False
    alone: bool = False
    limit: int = 900
    fewer: tuple[str, ...] = ()


# In the order of their length, longest first: two at a time are run.
LAYERS = (
    Layer("integration", "tests/integration", every_lane=True, limit=2700),
    Layer("sanity", "tests/gates/sanity", every_lane=True),
    Layer("gates", "tests/gates", ignore=("tests/gates/sanity",)),
    Layer("contract", "tests/contract"),
    Layer("faults", "tests/faults"),
    Layer("load", "tests/load"),
    Layer("molecule", "tests/molecule"),
    Layer("simulator", "tests/simulator"),
    Layer("examples", "tests/examples"),
    Layer("fuzz", "tests/fuzz"),
    Layer("unit", "tests/unit", every_lane=True, every_python=True, fewer=("--hypothesis-profile=few",)),
    Layer("bench", "tests/bench", alone=True),
)


@dataclass(frozen=True)
class Job:
    """One layer in one lane; in the main virtual environment where ``lane`` is None."""

    layer: Layer
    lane: Lane | None

    @property
    def name(self) -> str:
        """As it is printed, and as its files are called."""
        return f"{self.layer.name}-{self.lane.name}" if self.lane else self.layer.name

    @property
    def arguments(self) -> list[str]:
        """What pytest is called with."""
        fewer = self.layer.fewer if self.lane not in (None, LANES[0]) else ()
        return [self.layer.path, *(f"--ignore={path}" for path in self.layer.ignore), *fewer]


def jobs(layers: tuple[Layer, ...]) -> list[Job]:
    """Every job of ``layers``, in order."""
    return [Job(layer, lane) for layer in layers for lane in _lanes(layer)]


def _lanes(layer: Layer) -> tuple[Lane | None, ...]:
    if not layer.every_lane:
        return (None,)
    return (*OUTER_LANES, *PYTHON_LANES) if layer.every_python else OUTER_LANES
