# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work done by this collection and by what people use today: time, CPU, memory, HTTP calls, and what was verified.

Each program is started anew for each work and measured as a whole, from its start to its end, against the simulator. All of them
take turns within a round, so that a busy moment of the machine meets them alike. A cell that has taken long enough is not measured
again: ``Cell.rounds`` says how often it was.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.peers.base import Failed, Peer, Work, last_line
from bench.peers.microsoft import AzRest, AzureMgmt, MsGraph
from bench.peers.playbooks import Collection, Uri
from bench.peers.through_proxy import CliMicrosoft365, McpServer
from bench.stage import Stage, Tenant, of_lists, of_roles, served
from bench.verified import Verified, verified

_MEASURED = Path(__file__).resolve().parent / "measured.py"
_LIMIT_SECONDS = 300

PEERS: tuple[Peer, ...] = (
    Collection("controller"),
    Collection("module"),
    Uri(),
    MsGraph(),
    AzRest(),
    CliMicrosoft365(),
    McpServer(),
    Collection("controller", azure=True),
    Collection("module", azure=True),
    AzureMgmt(),
)
# "again" is the work before it once more, with its roles active.
ONE, FIVE, AGAIN, TWENTY, LIST = (
    Work("1 role", 1),
    Work("5 roles", 5),
    Work("again", 5, again=True),
    Work("20 roles", 20),
    Work("list"),
)
WORKS = (ONE, FIVE, AGAIN, TWENTY, LIST)
LATENCIES = (0, 50, 200)
ROUNDS = 3
# What a peer's failure can be: it ends that peer, or that cell, and not the run.
_FAILURES = (Failed, OSError, subprocess.SubprocessError, LookupError, ValueError)
# A cell that has taken so many seconds is not measured again.
ENOUGH = 5.0


@dataclass(frozen=True)
class Run:
    """One measured run: seconds of wall clock and of CPU, bytes of the largest process, calls, and rows it told of (a list)."""

    seconds: float
    cpu: float
    memory: int
    calls: int
    verified: Verified
    rows: int | None


@dataclass
class Cell:
    """One peer, one work, one latency. ``failed`` is why it could not be done, where it could not."""

    peer: Peer
    work: Work
    latency: int
    runs: list[Run] = field(default_factory=list)
    failed: str | None = None

    @property
    def rounds(self) -> int:
        return len(self.runs)

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    @property
    def cpu(self) -> float:
        return median(run.cpu for run in self.runs)

    @property
    def memory(self) -> float:
        return median(run.memory for run in self.runs)

    @property
    def calls(self) -> int:
        return self.runs[-1].calls

    @property
    def cannot(self) -> str | None:
        """Why this peer never does this work."""
        return self.peer.why_not.get(self.work.name)

    def to_be_measured(self, rounds: int) -> bool:
        spent = sum(run.seconds for run in self.runs)
        return not (self.failed or self.cannot) and self.rounds < rounds and spent < ENOUGH


@dataclass
class Comparison:
    """All cells, what each peer is (name and versions, or why it cannot be used), and names that were asked for in vain."""

    peers: Sequence[Peer]
    cells: list[Cell]
    versions: dict[Peer, str]
    unusable: dict[Peer, str]
    refused: set[str]

    @property
    def latencies(self) -> list[int]:
        """Those that were measured, smallest first."""
        return sorted({one.latency for one in self.cells})

    def cell(self, peer: Peer, work: Work, latency: int) -> Cell | None:
        found = [one for one in self.cells if (one.peer, one.work, one.latency) == (peer, work, latency)]
        return found[0] if found else None

    @property
    def failures(self) -> list[str]:
        whole = [f"{peer.name}: {reason}" for peer, reason in self.unusable.items()]
        return whole + [
            f"{one.peer.name}, {one.work.name}, {one.latency} ms: {one.failed}"
            for one in self.cells
            if one.failed and one.peer not in self.unusable
        ]


def compare(
    directory: Path,
    peers: Sequence[Peer] = PEERS,
    works: Sequence[Work] = WORKS,
    latencies: Sequence[int] = LATENCIES,
    rounds: int = ROUNDS,
    lists: Callable[[], Tenant] = of_lists,
    say: Callable[[str], None] = lambda _line: None,
) -> Comparison:
    """Every cell, each peer's failure apart from the others. ``directory``: an empty one; ``lists`` makes the tenant of the list;
    ``say`` is told how it goes on."""
    cells = [Cell(peer, work, latency) for latency in latencies for work in works for peer in peers]
    found = Comparison(peers, cells, {}, {}, set())
    tenants: dict[bool, Tenant] = {False: of_roles()}
    if any(work.listing for work in works):
        tenants[True] = lists()
    with ExitStack() as stack:
        stages = {
            listing: stack.enter_context(served(tenant, directory / ("lists" if listing else "roles")))
            for listing, tenant in tenants.items()
        }
        homes = {}
        for number, peer in enumerate(peers):
            homes[peer] = {listing: directory / f"home-{number}-{listing:d}" for listing in stages}
            _prepare(found, peer, stages, homes[peer])
            say(f"{peer.name}: {found.versions.get(peer) or found.unusable[peer]}")
        for round_ in range(rounds):
            for cell in cells:
                if cell.peer not in found.unusable and cell.to_be_measured(rounds):
                    stage = stages[cell.work.listing]
                    _measure(cell, stage, homes[cell.peer][cell.work.listing])
                    say(f"round {round_ + 1}, {cell.latency} ms, {cell.work.name}, {cell.peer.name}: {_told(cell)}")
        found.refused = {name for stage in stages.values() for name in stage.proxy.refused}
    for cell in cells:
        cell.failed = cell.failed or found.unusable.get(cell.peer)
    return found


def _told(cell: Cell) -> str:
    return cell.failed or f"{cell.runs[-1].seconds:.2f} s, {cell.calls} calls"


def _prepare(found: Comparison, peer: Peer, stages: dict[bool, Stage], homes: dict[bool, Path]) -> None:
    try:
        versions = peer.versions()
        for listing, stage in stages.items():
            if listing and LIST.name in peer.why_not:
                continue
            homes[listing].mkdir()
            stage.order(0)
            peer.sign_in(stage, homes[listing])
        found.versions[peer] = versions
    except _FAILURES as error:
        found.unusable[peer] = last_line(str(error))


def _measure(cell: Cell, stage: Stage, home: Path) -> None:
    roles = cell.peer.names(stage)[: cell.work.roles]
    stage.order(cell.latency)
    try:
        command = cell.peer.command(stage, home, cell.work, roles)
        if cell.work.again:
            _run(cell, stage, home, command)
            stage.simulator.control("DELETE", "calls")
        run = _run(cell, stage, home, command)
        missing = set(roles) - stage.simulator.activated()
        if missing:
            raise Failed(f"not in force at its end: {', '.join(sorted(missing))}")
        cell.runs.append(run)
    except _FAILURES as error:
        cell.failed = last_line(str(error))


def _run(cell: Cell, stage: Stage, home: Path, command: Sequence[str]) -> Run:
    """Raises Failed."""
    result = home / "measured.json"
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        wrapped = [sys.executable, "-I", "-S", str(_MEASURED), str(result), str(_LIMIT_SECONDS), *command]
        environment = cell.peer.environment(stage, home)
        ended = subprocess.run(wrapped, env=environment, cwd=home, stdout=output, stderr=output, check=False)
        output.seek(0)
        said = output.read()
    if ended.returncode != 0:
        raise Failed(last_line(said))
    told: dict[str, Any] = json.loads(result.read_text(encoding="ascii"))
    if told["status"] is None:
        raise Failed(f"it had not ended after {_LIMIT_SECONDS} s")
    if told["status"] != 0:
        raise Failed(f"exit status {told['status']}: {last_line(said)}")
    calls = stage.simulator.calls()
    rows = re.findall(r"rows=(\d+)", said)
    return Run(
        seconds=told["seconds"],
        cpu=told["cpu"],
        memory=told["memory"],
        calls=len(calls),
        verified=verified(calls),
        rows=int(rows[-1]) if rows and cell.work.listing else None,
    )


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty directory for a comparison."""
    with tempfile.TemporaryDirectory(prefix="entra-pim-bench-") as directory:
        yield Path(directory)
