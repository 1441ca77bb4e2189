# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way to do the work: which program does it, how it is signed in, and what it cannot do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stage import CLIENT_ID, USERNAME, Stage

PROGRAMS = Path(__file__).resolve().parent / "programs"
_SIGN_IN_SECONDS = 180


@dataclass(frozen=True)
class Work:
    """``roles`` to activate, which ``again`` says are active already; none: list what one is eligible for."""

    name: str
    roles: int = 0
    again: bool = False

    @property
    def listing(self) -> bool:
        return self.roles == 0


class Failed(Exception):
    """A program did not do its work, or a peer cannot be used here; the text says why, in a line."""


class Peer(ABC):
    """``name`` as the table has it; ``azure``: it works on Azure roles, else on Entra roles.

    ``why_not`` has the reason for each work (by name) that it cannot do at all. ``notes`` is one sentence on how it is used.
    """

    name: str
    azure = False
    why_not: dict[str, str] = {}  # noqa: RUF012 - read only
    notes = ""

    @abstractmethod
    def versions(self) -> str:
        """Of what is installed. Failed where it is not."""

    @abstractmethod
    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]: ...

    def sign_in(self, stage: Stage, home: Path) -> None:  # noqa: B027 - some have no place to keep a sign-in
        """Once for each stage, unmeasured: what it keeps of a sign-in is in ``home`` then."""

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        """Of its programs. A proxy that the machine has is none of the benchmark's."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        return {**kept, "HOME": str(home)}

    def names(self, stage: Stage) -> tuple[str, ...]:
        """What the person is eligible for."""
        return stage.tenant.azure_roles if self.azure else stage.tenant.roles

    def run(self, stage: Stage, home: Path, command: Sequence[str], **variables: str) -> str:
        """A program for the set-up; returns its stdout. Failed with what it said."""
        ended = subprocess.run(
            command,
            env={**self.environment(stage, home), **variables},
            cwd=home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SIGN_IN_SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            raise Failed(last_line(ended.stderr or ended.stdout))
        return ended.stdout


def last_line(text: str) -> str:
    """What a program said last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def write_work(stage: Stage, home: Path, roles: Sequence[Any], **more: Any) -> Path:
    """What a program is told, in a file: on a command line everybody could read the password."""
    file = home / "work.json"
    file.touch(mode=0o600)
    told = {
        "url": stage.simulator.url,
        # by the proxy: msal loses the port of another address when it signs in by password
        "authority": f"https://login.microsoftonline.com/{stage.simulator.tenant_id}",
        "ca_path": stage.simulator.ca_path,
        "tenant": stage.simulator.tenant_id,
        "client_id": CLIENT_ID,
        "username": USERNAME,
        "password": stage.tenant.password,
        "cache": str(home / "cache.json"),
        "roles": list(roles),
        **more,
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def installed(python: Path, *packages: str) -> str:
    """Names and versions of ``packages`` in the environment of ``python``. Failed where one is missing."""
    if not python.exists():
        raise Failed("not installed")
    code = "import sys, importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    ended = subprocess.run([str(python), "-c", code, *packages], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Failed(f"not installed: {last_line(ended.stderr)}")
    return ended.stdout.strip()


MAIN_PYTHON = Path(sys.executable)
