# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a task's own time goes, and what its floor is, over both edges.

The own time of a task is its time less that of an empty one and less the time the simulator took to answer. ``python -m
bench.bench_floor``, with ``tests`` in PYTHONPATH, prints it and puts it into ``docs/performance.md``. All kinds take turns in one
run, and each task is compared with the empty one of its round, so that a busy moment of the machine meets them alike.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.playbooks import run, sign_in
from simulator_process import Simulator, read_tenant
from tools import collection_tree, environment, layout

# What one activation may cost beside an empty action plugin task and the server's time, and a module beside an empty one and its calls.
CONTROLLER_TARGET = 40.0
MODULE_TARGET = 1.3
ROUNDS = {"local": 20, "loop": 14}
# Enough to count calls.
FEW = {"local": 6, "loop": 4}
# The first rounds load plugins into the controller, or pack modules.
WARM_UP = 2
READER = "operator@contoso.example"
# Is eligible for so many roles that each round activates another.
ACTIVATOR = "manyroles@contoso.example"
DOCUMENT = layout.ROOT / "docs" / "performance.md"
BEGIN = "<!-- made by tests/bench/bench_floor.py -->"
END = "<!-- end of what bench_floor.py made -->"

EMPTY = {"local": "empty action", "loop": "empty module"}
NAMES = {
    "empty action": "an empty action plugin",
    "empty module": "an empty module",
    "one call": "a module that makes one call with requests",
    "session": "`pim_session_info`",
    "roles": "`pim_role_info`",
    "activation": "`pim_role_activation`, one role",
}


@dataclass(frozen=True)
class Figures:
    """By edge (``local`` the controller, ``loop`` a module) and kind of task: milliseconds of it in each round, and of its server
    and how many calls in the mean.
    """

    rounds: dict[str, dict[str, list[float]]]
    server: dict[str, dict[str, float]]
    calls: dict[str, dict[str, float]]

    def whole(self, edge: str, kind: str) -> float:
        return median(self.rounds[edge][kind])

    def own(self, edge: str, kind: str) -> float:
        return median(with_it - empty for with_it, empty in self._beside_empty(edge, kind))

    def ratio(self, kind: str) -> float:
        """Of a module's task without its server, to an empty one's."""
        return median(with_it / empty for with_it, empty in self._beside_empty("loop", kind))

    def _beside_empty(self, edge: str, kind: str) -> list[tuple[float, float]]:
        """By round: the task without its server, and the empty one."""
        server = self.server[edge].get(kind, 0.0)
        return [
            (found - server, empty) for found, empty in zip(*(self.rounds[edge][one] for one in (kind, EMPTY[edge])))
        ]


def measure(directory: Path, number_of_rounds: Mapping[str, int]) -> Figures:
    """About a minute for ``ROUNDS``. ``directory``: an empty one, for sessions and playbooks."""
    tenant = read_tenant()
    users = {user["username"]: user for user in tenant["users"]}
    roles = [one["role"] for one in tenant["eligibilities"] if one["principal"] == ACTIVATOR]
    all_rounds: dict[str, dict[str, list[float]]] = {}
    server: dict[str, dict[str, float]] = {}
    calls: dict[str, dict[str, float]] = {}
    with Simulator() as simulator:
        for username in (READER, ACTIVATOR):
            (directory / username).mkdir()
            sign_in(simulator, directory / username, username, users[username]["password"])
        for edge, rounds in number_of_rounds.items():
            simulator.control("POST", "reset")
            simulator.control("DELETE", "calls")
            sessions = {name: {"session_dir": str(directory / name / "sessions")} for name in (READER, ACTIVATOR)}
            kinds: dict[str, dict[str, Any]] = {EMPTY[edge]: {EMPTY[edge].replace(" ", "_"): {}}}
            if edge == "loop":
                url = f"{simulator.url}/{simulator.tenant_id}/v2.0/.well-known/openid-configuration"
                kinds["one call"] = {"one_call": {"url": url, "ca_path": simulator.ca_path}}
            kinds["session"] = {"entra.pim.pim_session_info": sessions[READER]}
            kinds["roles"] = {"entra.pim.pim_role_info": sessions[READER]}
            plays = []
            for role in roles[:rounds]:
                wanted = {"role": role, "justification": "a measurement", **sessions[ACTIVATOR]}
                plays += [
                    {"name": kind, **task}
                    for kind, task in {**kinds, "activation": {"entra.pim.pim_role_activation": wanted}}.items()
                ]
            times: dict[str, list[float]] = {}
            for task in run(simulator, directory, plays, {}, edge):
                times.setdefault(task["name"], []).append(task["seconds"] * 1000)
                if task["name"] == "activation" and len(task["result"]["activated"]) != 1:
                    raise RuntimeError(f"nothing was activated: {task['result']}")
            all_rounds[edge] = {kind: found[WARM_UP:] for kind, found in times.items()}
            made = _calls(simulator)
            number = len(times["activation"])
            calls[edge] = {kind: count / number for kind, (count, _time) in made.items()}
            server[edge] = {kind: time / number for kind, (_count, time) in made.items()}
    return Figures(all_rounds, server, calls)


def _calls(simulator: Simulator) -> dict[str, tuple[int, float]]:
    """By kind of task: how many calls its tasks have made, and their milliseconds in the simulator."""
    kinds = {READER: "roles", ACTIVATOR: "activation", None: "one call"}
    count: Counter[str] = Counter()
    time: Counter[str] = Counter()
    for call in simulator.calls():
        kind = kinds[call["caller"]]
        count[kind] += 1
        time[kind] += call["duration_ms"] or 0.0
    return {kind: (count[kind], time[kind]) for kind in count}


def table(figures: Figures) -> str:
    """The figures as Markdown, with what is reached of the targets."""
    lines = [
        "| one task, warm | whole time | of that, the server | its own, beside an empty task |",
        "| --- | --- | --- | --- |",
    ]
    for edge, place in (("local", "in the controller"), ("loop", "as a module")):
        for kind in figures.rounds[edge]:
            count, server = figures.calls[edge].get(kind, 0), figures.server[edge].get(kind, 0.0)
            called = f"{server:.0f} ms ({count:g} call{'s' if count != 1 else ''})" if count else "none"
            own = "" if kind == EMPTY[edge] else f"{figures.own(edge, kind):.0f} ms"
            lines.append(f"| {place}: {NAMES[kind]} | {figures.whole(edge, kind):.0f} ms | {called} | {own} |")
    own = figures.own("local", "activation")
    lines += [
        "",
        f"In the controller, an activation costs {own:.0f} ms of its own (aim: at most {CONTROLLER_TARGET:.0f} ms, "
        f"{'reached' if own <= CONTROLLER_TARGET else 'not reached'}). As a module, without the server's time, it takes "
        f"{figures.ratio('activation'):.2f} times as long as an empty one (aim: {MODULE_TARGET}, "
        f"{'reached' if figures.ratio('activation') <= MODULE_TARGET else 'not reached'}); the floor, an empty module that "
        f"makes one call with requests, takes {figures.ratio('one call'):.2f} times as long.",
    ]
    return "\n".join(lines)


def write(shown: str) -> None:
    """Puts the table into the guide, between its two marks."""
    before, _begin, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    _old, _end, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{shown}\n\n{END}{after}", encoding="utf-8")


def main() -> None:
    collection_tree.link()
    os.environ.update(environment.for_tests(Path(sys.prefix)))
    with tempfile.TemporaryDirectory() as directory:
        shown = table(measure(Path(directory), ROUNDS))
    print(shown)
    write(shown)


if __name__ == "__main__":
    main()
