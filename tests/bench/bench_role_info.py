# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our tasks cost: a warm ``pim_role_info`` beside empty tasks, and activations of one and of twenty roles.

``measure`` gives the figures, ``table`` shows them. The own cost of ``pim_role_info`` is its time less that of an empty
action plugin task and less the time the simulator took to answer; the target is a tenth of an empty module's task.
All kinds take turns in one run, so that a busy moment of the machine meets them alike; times are medians.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.playbooks import run, sign_in
from simulator_process import Simulator, read_tenant

TARGET = 0.10
ROUNDS = 20
# The first rounds load plugins into the controller.
WARM_UP = 3
OPERATOR = "operator@contoso.example"
MANY = "manyroles@contoso.example"

KINDS: dict[str, dict[str, Any]] = {
    "debug": {"ansible.builtin.debug": {"msg": "nothing"}},
    "empty action": {"empty_action": {}},
    "empty module": {"empty_module": {}},
    "pim_role_info": {"entra.pim.pim_role_info": {}},
}


@dataclass(frozen=True)
class Call:
    """One HTTP call the simulator recorded; ``items`` of a ``$batch``."""

    path: str
    milliseconds: float
    items: int


@dataclass(frozen=True)
class Activation:
    """``roles`` activated in one task: its time, and each call."""

    roles: int
    latency: int
    milliseconds: float
    calls: list[Call]


@dataclass(frozen=True)
class Figures:
    """Milliseconds by kind of task; the calls of one ``pim_role_info``, and how many one task makes."""

    tasks: dict[str, float]
    server: float
    calls: list[Call]
    calls_each: float
    activations: list[Activation]

    @property
    def own(self) -> float:
        return self.tasks["pim_role_info"] - self.tasks["empty action"] - self.server

    @property
    def ratio(self) -> float:
        return self.own / self.tasks["empty module"]


def measure(directory: Path) -> Figures:
    """About half a minute. ``directory``: an empty one, for sessions and playbooks."""
    tenant = read_tenant()
    passwords = {user["username"]: user["password"] for user in tenant["users"]}
    roles = [one["role"] for one in tenant["eligibilities"] if one["principal"] == MANY][:20]
    with Simulator() as simulator:
        one, many = _directory(directory, "one"), _directory(directory, "many")
        sign_in(simulator, one, OPERATOR, passwords[OPERATOR])
        sign_in(simulator, many, MANY, passwords[MANY])
        simulator.control("DELETE", "calls")
        tasks = [{"name": kind, **task} for _round in range(ROUNDS) for kind, task in KINDS.items()]
        timed = run(simulator, one, tasks, {})
        calls = _calls(simulator)
        times = {kind: [task["seconds"] * 1000 for task in timed if task["name"] == kind][WARM_UP:] for kind in KINDS}
        activations = [
            _activated(simulator, where, names, latency)
            for where, names in ((one, ["Groups Administrator"]), (many, roles))
            for latency in (0, 100)
        ]
    return Figures(
        tasks={kind: median(found) for kind, found in times.items()},
        server=median(call.milliseconds for call in calls),
        calls=calls[-1:],
        calls_each=len(calls) / ROUNDS,
        activations=activations,
    )


def _directory(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def _calls(simulator: Simulator) -> list[Call]:
    return [Call(call["path"], call["duration_ms"] or 0.0, len(call["batch"])) for call in simulator.calls()]


def _activated(simulator: Simulator, directory: Path, roles: list[str], latency: int) -> Activation:
    simulator.control("POST", "reset")
    simulator.control("POST", "latency", {"ms": latency, "path": "/v1.0/"})
    options = {"roles": [{"role": role} for role in roles], "justification": "a measurement"}
    task = {"name": "activate", "entra.pim.pim_role_activation": options}
    # What loads the collection's code is not what is measured.
    (_loaded, timed) = run(simulator, directory, [{"name": "load", "entra.pim.pim_session_info": {}}, task], {})
    if len(timed["result"]["activated"]) != len(roles):
        raise RuntimeError(f"not all roles were activated: {timed['result']}")
    return Activation(len(roles), latency, timed["seconds"] * 1000, _calls(simulator))


def table(figures: Figures) -> str:
    """The figures as text, the ratio last."""
    lines = [f"One task, warm, in the controller (median of {ROUNDS - WARM_UP}, kinds taking turns in one run)"]
    lines += [f"  {kind:<34}{milliseconds:8.1f} ms" for kind, milliseconds in figures.tasks.items()]
    lines += [
        f"  {'of pim_role_info, the server':<34}{figures.server:8.1f} ms  ({figures.calls_each:g} call of {figures.calls[0].items} items)",
        f"  {'of pim_role_info, its own':<34}{figures.own:8.1f} ms",
        "Activations, until in force",
    ]
    for done in figures.activations:
        named = f"{done.roles} role{'s' if done.roles > 1 else ''}, {done.latency} ms for each call"
        lines.append(f"  {named:<34}{done.milliseconds:8.1f} ms  ({len(done.calls)} calls)")
    verdict = "reached" if figures.ratio <= TARGET else "MISSED"
    lines.append(f"Own cost of pim_role_info / empty module: {figures.ratio:.3f} (target {TARGET:.2f}: {verdict})")
    return "\n".join(lines)
