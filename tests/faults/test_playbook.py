# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the cells through ansible-playbook, over both edges: the same ends, and no secret in all that -vvv shows.

Time is real here, so the sample is of faults that are over soon.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from faults.ends import allowed
from faults.kinds import FROM_HERE, OK
from faults.matrix import Cell
from faults.play import where
from faults.stage import by_password
from faults.theatre import Theatre, secrets_of_tenant
from integration import runs
from integration.leaks import leaks
from simulator_process import Simulator

_SIZE = 15
_LIMIT_SECONDS = 300.0
# By name: they need no waiting but the client's own short pauses.
_SOON = (
    "reset before", "reset after", "429 for an hour", "500", "500, carried out", "502 page", "truncated", "empty", "a page",
    "media type", "token expired", "item 403", "item truncated",
)  # fmt: skip
# Nobody has to do anything meanwhile, and five minutes do not have to pass before.
_STORIES = (
    "roles of all providers", "activate an Entra role", "activate a group", "activate an Azure role",
    "activate three Entra roles", "activate of all providers",
)  # fmt: skip


def sample(cells: list[Cell]) -> list[Cell]:
    """Spread over stories, kinds of calls and faults, the same in each run."""
    fitting = [
        cell
        for cell in cells
        if cell.point is not None
        and cell.fault.name in _SOON
        and cell.fault.span != FROM_HERE
        and cell.story.name in _STORIES
        and "wait_timeout" not in cell.fault.ends_at(cell.point.kind)
    ]
    return fitting[:: len(fitting) // _SIZE][:_SIZE]


def _tasks(number: int, cell: Cell) -> list[dict[str, Any]]:
    assert cell.point is not None
    session = f"cell{number}"
    order = {**cell.fault.order, **where(cell.fault.span, cell.point)}
    order.update({"batch_item": True} if cell.fault.item else {})
    sign_in = {
        "session": session,
        **by_password(cell.story.user),
        "providers": list(cell.story.session or ()),
    }
    options = {"session": session, **cell.story.options(None)}  # type: ignore[arg-type]  # those of the sample need no stage
    return [
        {"name": "Begin", "simulator": {"method": "POST", "path": "reset"}},
        {"name": "Sign in", "entra.pim.pim_connect": sign_in},
        {"name": "Order", "simulator": {"method": "POST", "path": "faults", "body": order}},
        {"name": str(cell), f"entra.pim.{cell.story.operation.name}": options, "ignore_errors": True},
    ]


@pytest.mark.parametrize("edge", runs.EDGES)
def test_sample(theatre: Theatre, tmp_path: Path, edge: str) -> None:
    cells = sample(theatre.cells)
    assert len({cell.fault.name for cell in cells}) >= _SIZE // 2, "the sample is of few faults"
    assert len({cell.story.name for cell in cells}) >= len(_STORIES) - 1
    directory = tmp_path / "run"
    (directory / "tmp").mkdir(parents=True)
    play = {
        "name": "A sample of the matrix",
        "hosts": edge,
        "gather_facts": False,
        "module_defaults": {"group/entra.pim.pim": {"session_dir": str(directory / "sessions")}},
        "tasks": [task for number, cell in enumerate(cells) for task in _tasks(number, cell)],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    command = [str(Path(sys.prefix) / "bin" / "ansible-playbook"), "-vvv", "-i", str(runs.HERE / "inventory.yml")]
    with Simulator() as simulator:
        done = subprocess.run(
            [*command, str(playbook)],
            cwd=directory,
            env=runs.environment(simulator, directory, {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_LIMIT_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:]
    results = {one["name"]: one["result"] for one in runs.records(directory)}
    for cell in cells:
        result = results[str(cell)]
        told = (result.get("failure") or {}).get("code", OK)
        assert told in allowed(cell, result.get("warnings", [])), f"{cell}: {told} {result.get('msg')}"
    secrets = secrets_of_tenant() | set(runs.recorded_tokens(directory))
    assert not leaks(done.stdout.encode(), secrets)
