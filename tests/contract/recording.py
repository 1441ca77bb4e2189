# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of record.yml over one edge, through the recording proxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml

from contract.exchanges import Exchange
from contract.recording_proxy import RecordingProxy
from simulator_process import DEFAULT_TENANT, Simulator

HERE = Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration"
LIMIT_SECONDS = 240.0
# So that lists have several pages; two refusals of one kind come in two forms.
CHANGES = {"page_size": 5}


def passwords() -> dict[str, str]:
    """{user name: password} of the tenant."""
    tenant = yaml.safe_load(DEFAULT_TENANT.read_text(encoding="utf-8"))
    return {user["username"]: user["password"] for user in tenant["users"]}


def roles_of(username: str) -> list[str]:
    """The names of the roles a user is eligible for at the tenant."""
    tenant = yaml.safe_load(DEFAULT_TENANT.read_text(encoding="utf-8"))
    return [one["role"] for one in tenant["eligibilities"] if one["principal"] == username and "scope" not in one]


def record(edge: str, directory: Path, envelope: str) -> tuple[Sequence[Exchange], str]:
    """What was sent and answered, and the output of ansible-playbook. RuntimeError where a task did not get where it should.

    ``envelope`` is the form of refusals, as the tenant file's ``behaviour`` has it.
    """
    now = datetime.now(timezone.utc)
    variables = {
        "run_dir": str(directory),
        "tomorrow": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "day_after": (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "twenty_roles": [{"role": role, "duration": "1h"} for role in roles_of("manyroles@contoso.example")[:20]],
    }
    changes = {**CHANGES, "behaviour": {"error_envelope": envelope}}
    with Simulator(changes=changes) as simulator, RecordingProxy(simulator.url, simulator.ca_path, directory) as proxy:
        done = subprocess.run(
            [
                str(Path(sys.prefix) / "bin" / "ansible-playbook"),
                str(HERE / "record.yml"),
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
    return tuple(proxy.exchanges), done.stdout


def _environment(simulator: Simulator, proxy: RecordingProxy, directory: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_CONNECTION_PLUGINS": str(INTEGRATION / "plugins" / "connection"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_REMOTE_TMP": str(directory / "ansible" / "remote_tmp"),
        "CONTROL_CA": simulator.ca_path,
        "CONTROL_KEY": simulator.control_key,
        "CONTROL_URL": str(simulator.description["control_url"]),
        "ENTRA_PIM_AUTHORITY_URL": proxy.url,
        "ENTRA_PIM_GRAPH_URL": proxy.url,
        "ENTRA_PIM_CA_PATH": str(proxy.ca_path),
        "ENTRA_PIM_TENANT": simulator.tenant_id,
        "PASSWORDS": json.dumps(passwords()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
