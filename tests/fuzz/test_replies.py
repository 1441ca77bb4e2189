# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of the services, altered: each call of each story of the fault matrix, with what a service should never answer.

Each story is played against the simulator through a server that alters the answer to one call, over HTTPS. How: drawn from a seed that is the
name of the case, so that a case is the same in each run. `--fuzz-rounds=50 --fuzz-seed=x` makes more of them.
"""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import pytest
import trustme

from faults import checks, play
from faults.kinds import ONCE, PLATFORM
from faults.matrix import Point, points
from faults.network import Trap
from faults.stage import Stage
from faults.stories import Keys, Story, stories
from faults.theatre import secrets_of_tenant
from faults.truth import Truth
from fuzz.between import ALTERED, ALTERED_PLAIN, Between

# Of real time, for a task that waits for nothing: its waits move the clock and cost none.
_SECONDS = 20.0
# Of what a message says: what services say is cut, and what of it is told is told once.
_LONGEST = 2_500
# What a terminal obeys. A device code is shown in several lines.
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Theatre:
    """One simulator behind a server that alters what it answers."""

    def __init__(self, directory: Path) -> None:
        self.keys = Keys(directory)
        self.network = Between(trustme.CA(), directory)
        self.stage = Stage({"service_principals": self.keys.service_principals}, self.network).start()
        simulator = self.stage.simulator
        platform = simulator.managed_identity_environment["IDENTITY_ENDPOINT"]
        self.network.stand_before(simulator.url, platform, simulator.ca_path)
        # The client trusts both.
        simulator.description["environment"] = {**simulator.environment, "ENTRA_PIM_CA_PATH": self.network.ca_path}
        self.secrets = self.keys.secrets | secrets_of_tenant()
        self._points: dict[str, list[Point]] = {}

    def close(self) -> None:
        self.stage.stop()
        self.network.close()

    def points(self, story: Story) -> list[Point]:
        """Its calls; items of a batch are altered with the batch that they come in."""
        if story.name not in self._points:
            play.begin(self.stage, story)
            told = play.perform(self.stage, story)
            assert checks.outcome(told) == story.ends, told.message
            self._points[story.name] = [one for one in points(self.stage.calls()) if not one.item]
        return self._points[story.name]

    def play(self, story: Story, point: Point, seed: str) -> None:
        stage, network = self.stage, self.network
        play.begin(stage, story)
        before = Truth.of(stage.state(), story.user)
        network.begin(seed)
        detour = ALTERED_PLAIN if point.kind == PLATFORM else ALTERED
        network.trap = Trap(detour=detour, **play.where(ONCE, point))
        started = time.monotonic()
        told = play.perform(stage, story)
        taken = time.monotonic() - started
        done = network.told
        network.forget()
        after = Truth.of(stage.state(), story.user)
        where = f"{point.method} {point.path}: {done}: {told.code} {told.message[:1500]}"
        assert done, "the call was not made"
        assert told.code != "unexpected", where
        assert taken < _SECONDS, f"{taken:.0f} s: {where}"
        for text in (told.message, *told.warnings, *told.shown):
            assert len(text) < _LONGEST, f"{len(text)} characters: {where}"
            assert not _CONTROL.search(text), f"{text!r:.400}: {where}"
        try:
            checks.check_secrets(stage, told, self.secrets, door=story.operation.name == "access_token")
            checks.check_activations(story.keys, before, after)
        except AssertionError as error:
            raise AssertionError(f"{error}: {where}") from None


@pytest.fixture(scope="module")
def theatre(tmp_path_factory):
    opened = Theatre(tmp_path_factory.mktemp("keys"))
    yield opened
    opened.close()


def _names() -> list[str]:
    with tempfile.TemporaryDirectory() as directory:
        return [one.name for one in stories(Keys(Path(directory)))]


@pytest.mark.parametrize("name", _names())
def test_altered_replies(theatre, name, pytestconfig):
    rounds, seed = pytestconfig.getoption("fuzz_rounds"), pytestconfig.getoption("fuzz_seed")
    story = next(one for one in stories(theatre.keys) if one.name == name)
    found = []
    for point in theatre.points(story):
        for number in range(rounds):
            try:
                theatre.play(story, point, f"{name} {point.method} {point.path} {point.earlier} {number} {seed}")
            except AssertionError as error:
                found.append(f"[{number}] {error}")
    assert not found, "\n".join([f"{len(found)} found:", *found[:40]])
