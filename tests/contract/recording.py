# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a recording playbook over one edge, through the recording proxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from contract.exchanges import Exchange
from contract.recording_proxy import RecordingProxy
from simulator_process import Simulator, read_tenant
from tools import layout

HERE = Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration"
LIMIT_SECONDS = 240.0
# So that lists have several pages.
CHANGES = {"page_size": 5}
KEPT = ("/v1.0/", "/beta/", "/subscriptions", "/providers", "//")


def passwords() -> dict[str, str]:
    """{user name: password} of the tenant."""
    tenant = read_tenant()
    return {user["username"]: user["password"] for user in tenant["users"]}


def roles_of(username: str) -> list[str]:
    """The names of the roles a user is eligible for at the tenant."""
    return [one["role"] for one in _eligibilities(username) if "scope" not in one]


def addresses_of(username: str, provider: str) -> list[dict[str, str]]:
    """The addresses of a user's groups, or Azure roles, as far as their names tell them apart; as ``roles`` takes them."""
    found = [one for one in _eligibilities(username) if one.get("provider") == provider]
    keys = ("provider", "role", "scope") if provider == "groups" else ("provider", "role")
    return [{key: one[key] for key in keys} for one in found]


def _eligibilities(username: str) -> list[dict[str, Any]]:
    tenant = read_tenant()
    return [one for one in tenant["eligibilities"] if one["principal"] == username]


def record(
    edge: str,
    directory: Path,
    changes: Mapping[str, Any],
    playbook: str = "record.yml",
    variables: Mapping[str, Any] | None = None,
) -> Sequence[Exchange]:
    """What was sent and answered. RuntimeError where a task did not get where it should.

    ``changes`` are keys of the tenant file to set otherwise.
    """
    now = datetime.now(timezone.utc)
    variables = {
        "run_dir": str(directory),
        "tomorrow": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "day_after": (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **(variables or {}),
    }
    with (
        Simulator(changes={**CHANGES, **changes}) as simulator,
        RecordingProxy(simulator.url, simulator.ca_path, directory, KEPT) as proxy,
    ):
        done = subprocess.run(
            [
                str(Path(sys.prefix) / "bin" / "ansible-playbook"),
                str(HERE / playbook),
                *("-i", str(INTEGRATION / "inventory.yml"), "--limit", edge),
                *("-e", json.dumps(variables)),
            ],
            cwd=directory,
            env=_environment(simulator, proxy, directory),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"{done.stdout[-6000:]}{done.stderr[-2000:]}")
    return tuple(proxy.exchanges)


def record_both(
    directory: Path,
    changes: Mapping[str, Mapping[str, Any]],
    playbook: str = "record.yml",
    variables: Mapping[str, Any] | None = None,
) -> dict[str, Sequence[Exchange]]:
    """The same by edge, at one time. ``changes`` are by edge, too."""

    def one(edge: str) -> Sequence[Exchange]:
        (directory / edge).mkdir()
        return record(edge, directory / edge, changes[edge], playbook, variables)

    with ThreadPoolExecutor(len(changes)) as pool:
        return dict(zip(changes, pool.map(one, changes), strict=True))


def _environment(simulator: Simulator, proxy: RecordingProxy, directory: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(layout.KEPT_CODE),
        "ANSIBLE_ACTION_PLUGINS": str(INTEGRATION / "plugins" / "action"),
        "ANSIBLE_CONNECTION_PLUGINS": str(INTEGRATION / "plugins" / "connection"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(directory / "ansible" / "remote_tmp"),
        "ENTRA_PIM_AUTHORITY_URL": proxy.url,
        "ENTRA_PIM_GRAPH_URL": proxy.url,
        "ENTRA_PIM_ARM_URL": proxy.url,
        "ENTRA_PIM_CA_PATH": str(proxy.ca_path),
        "ENTRA_PIM_TENANT": simulator.tenant_id,
        "PASSWORDS": json.dumps(passwords()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SIMULATOR_JSON": str(simulator.run_dir / "simulator.json"),
    }
