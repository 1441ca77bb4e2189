# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at fifty moments: session and journal stay readable, and the next run works."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from contract.home import USER, Home
from contract.one_task import Task
from contract.recording import roles_of
from simulator_process import Simulator

MOMENTS = 50
KINDS = ("sign in", "refresh", "activate", "give back")
# Several writes, several lines in the journal.
ROLES_AT_ONCE = 3
# So that what a killed task has activated can be given back at once.
CHANGES = {"minimum_active": "PT0S"}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Home]:
    with Simulator(changes=CHANGES) as simulator:
        found = Home(simulator, tmp_path_factory.mktemp("killed"))
        assert found.one(*found.connect()[:1], **found.connect()[1])["changed"]
        yield found


class Kills:
    """Begins tasks of each kind and kills them."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ready = home.task().ready()
        self._roles = roles_of(USER)

    def close(self) -> None:
        self._ready.kill()

    def _begin(self, kind: str, number: int) -> Task:
        """The next task is made ready while this one works."""
        task, self._ready = self._ready, self._home.task().ready()
        first = number * ROLES_AT_ONCE % (len(self._roles) - ROLES_AT_ONCE)
        roles = [{"role": role} for role in self._roles[first : first + ROLES_AT_ONCE]]
        if kind == "sign in":
            operation, params = self._home.connect(force=True)
        elif kind == "refresh":
            self._home.end_token()
            operation, params = "role_info", {}
        else:
            state = "active" if kind == "activate" else "inactive"
            operation, params = "activation", {"roles": roles, "state": state, "justification": "Test"}
        task.begin(operation, **params)
        return task

    def seconds(self, kind: str) -> float:
        """How long a task of this kind takes that nobody kills. The shortest of three: the machine may be busy, and what
        is killed too late is not killed."""
        found = []
        for _attempt in range(3):
            task = self._begin(kind, 0)
            start = time.monotonic()
            result = task.result()
            found.append(time.monotonic() - start)
            assert not result.get("failed"), result
        return min(found)

    def kill(self, kind: str, number: int, after: float) -> bool:
        """Whether the task was still at work."""
        task = self._begin(kind, number)
        time.sleep(after)
        return task.kill()


def _written(home: Home) -> tuple[Counter[str], Counter[str]]:
    """By role: requests that the service has, and writes that the journal has announced."""
    requests = home.simulator.control("GET", "requests")["requests"]
    announced = [line for line in home.journal() if line["event"] == "submitting"]
    return Counter(one["role"] for one in requests), Counter(line["role"] for line in announced)


def test_killed_at_any_moment(home, capsys):
    seed = random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)  # noqa: S311 - moments are no secrets
    kills = Kills(home)
    hit: Counter[str] = Counter()
    try:
        seconds = {kind: kills.seconds(kind) for kind in KINDS}
        for number in range(MOMENTS):
            kind = KINDS[number % len(KINDS)]
            after = moments.uniform(0, seconds[kind])
            hit[kind] += kills.kill(kind, number // len(KINDS), after)
            where = f"{kind} {number}, killed after {after:.4f} s, seed {seed}"
            # Readable, and of use to the next who come.
            info, rows = home.all(("session_info", {}), ("role_info", {}))
            assert info.get("failed") is None, (where, info)
            assert info["connected"], where
            assert rows.get("failed") is None, (where, rows)
            assert len(rows["roles"]) == 25, where
            requested, announced = _written(home)
            assert not requested - announced, (where, "written, but not in the journal")
    finally:
        kills.close()
    with capsys.disabled():
        print(f"\nkilled at work: {dict(hit)}")
    # The kills did hit tasks at work, of each kind.
    assert set(hit) == set(KINDS)
    assert hit.total() >= MOMENTS // 2, hit
    requested, _announced = _written(home)
    assert requested.total() > 0


def test_what_is_left_after_all_that(home):
    """The next runs write to the same files, and signing out leaves nothing of the session behind."""
    active = [{"role": row["role_id"]} for row in home.one("role_info", status="active")["roles"]]
    result = home.one("activation", roles=active, state="inactive")
    assert not result.get("failed"), result
    assert len(result["deactivated"]) == len(active)
    assert home.one("role_info", status="active")["roles"] == []
    assert home.one("connect", state="absent")["changed"]
    assert {path.name for path in home.directory.iterdir()} <= {"journal.jsonl", "journal.jsonl.lock"}
