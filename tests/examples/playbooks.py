# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook as a user would whose environment leads to the simulator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator_process import Simulator

# Nothing has to be waited for, and each code is entered by the simulator itself.
UNATTENDED: Mapping[str, Any] = {
    "minimum_active": "PT0S",
    "device_login": {"approve_as": "operator@contoso.example", "interval": "PT1S"},
}

# The app registration that the tenants of demo and simulator have: Microsoft's own clients do not serve all three providers.
OWN_CLIENT: Mapping[str, str] = {"ENTRA_PIM_CLIENT_ID": "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"}


def variables(simulator: Simulator, sessions: Path) -> dict[str, str]:
    """The environment of a playbook: the simulator's own variables, a code for the sign-in, a place for sessions."""
    return {
        **os.environ,
        **simulator.environment,
        "ENTRA_PIM_AUTH_METHOD": "device_code",
        "ENTRA_PIM_SESSION_DIR": str(sessions),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    }


def command(playbook: Path, *arguments: str) -> list[str]:
    return [str(Path(sys.prefix) / "bin" / "ansible-playbook"), str(playbook), *arguments]


def run(playbook: Path, environment: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> str:
    """What it printed, both streams. AssertionError with that where it fails."""
    done = subprocess.run(
        command(playbook, *arguments),
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
