# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at any moment: session and journal stay readable, and the next run works."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from contract.home import USER, Home
from contract.one_task import Task
from contract.recording import addresses_of, roles_of
from simulator_process import Simulator

MOMENTS = 50
KINDS = ("sign in", "refresh", "activate", "give back")
AZURE_MOMENTS = 6
ANNOUNCED_SECONDS = 20.0
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


def test_killed_while_azure_roles_are_written(tmp_path, capsys):
    """Each role is a call of its own, eight at a time: whatever got through, the journal has announced it."""
    seed = random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)  # noqa: S311 - moments are no secrets
    roles = addresses_of(USER, "azure_resources")
    got_through = []
    with Simulator(changes=CHANGES) as simulator:
        home = Home(simulator, tmp_path)
        operation, params = home.connect_azure()
        assert home.one(operation, **params)["changed"]
        # So that the writes take their time, and the kill is among them.
        simulator.control("POST", "latency", {"ms": 40, "path": "roleAssignmentScheduleRequests/"})
        for number in range(AZURE_MOMENTS):
            requested, announced = _written(home)
            state = "inactive" if home.simulator.activated() else "active"
            task = home.task().ready()
            task.begin("activation", roles=roles, state=state, justification="Test")
            # Every other one only once the service has something.
            index, before = (0, requested) if number % 2 else (1, announced)
            _wait_for(lambda: _written(home)[index] > before)  # noqa: B023 - called at once
            after = moments.uniform(0, 0.15)
            time.sleep(after)
            task.kill()
            # A call that was under way is carried out all the same.
            time.sleep(0.2)
            where = f"{state} {number}, killed after {after:.4f} s, seed {seed}"
            now_requested, now_announced = _written(home)
            got_through.append((now_requested - requested).total())
            assert not now_requested - now_announced, (where, "written, but not in the journal")
            activated = {line["role"] for line in home.journal() if line.get("action") == "activate"}
            assert home.simulator.activated() <= activated, (where, "active, but not in the journal")
        # Readable, and of use to the next who comes.
        assert home.one("session_info")["connected"]
        result = home.one("activation", roles=roles, state="inactive")
        assert not result.get("failed"), result
        assert home.simulator.activated() == set()
    with capsys.disabled():
        print(f"\nwritten before the kill: {got_through} of {len(roles)} each, seed {seed}")
    assert sum(got_through) > 0


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ANNOUNCED_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.005)
