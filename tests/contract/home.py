# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session directory and those who use it."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from contract.one_task import Task, run_all, run_one
from contract.recording import passwords
from simulator_process import Simulator

USER = "manyroles@contoso.example"
# The organisation's own client, which may get tokens for Azure.
OWN_CLIENT = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"


class Home:
    """A session directory and those who use it."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.directory = directory / "sessions"
        self.environment = {
            **simulator.environment,
            "ENTRA_PIM_SESSION_DIR": str(self.directory),
            "ENTRA_PIM_SESSION": "default",
        }
        self._connect = {"username": USER, "password": passwords()[USER]}

    def all(self, *orders: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        return run_all(self.environment, list(orders))

    def one(self, operation: str, **params: Any) -> dict[str, Any]:
        return run_one(self.environment, operation, **params)

    def task(self) -> Task:
        """A process that waits for its order."""
        return Task(self.environment)

    def connect(self, **params: Any) -> tuple[str, dict[str, Any]]:
        return "connect", {**self._connect, **params}

    def connect_azure(self, **params: Any) -> tuple[str, dict[str, Any]]:
        return self.connect(client_id=OWN_CLIENT, providers=["azure_resources"], **params)

    def session(self, name: str = "default") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / f"{name}.json").read_text(encoding="utf-8"))
        return found

    def journal(self) -> list[dict[str, Any]]:
        """Its lines, without one that a killed writer left unfinished."""
        path = self.directory / "journal.jsonl"
        found = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def end_token(self) -> None:
        """The session's token for Graph ends, as far as this machine knows."""
        session = self.session()
        session["tokens"]["graph"]["expires_at"] = time.time() - 1
        (self.directory / "default.json").write_text(json.dumps(session), encoding="utf-8")

    def redemptions(self, since: int) -> int:
        calls = self.simulator.control("GET", f"calls?since={since}&path=/token$")["calls"]
        return sum(call["detail"] == "grant_type=refresh_token" for call in calls)

    def last_call(self) -> int:
        return int(max((call["sequence"] for call in self.simulator.calls()), default=0))

    def check_files(self, *sessions: str) -> None:
        """Each file is whole and private, and there is none beside those expected."""
        names = {path.name for path in self.directory.iterdir() if not path.name.endswith(".lock")}
        assert names - {"journal.jsonl"} == {f"{name}.json" for name in sessions}
        for path in self.directory.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
        for name in sessions:
            assert self.session(name)["refresh_token"]
