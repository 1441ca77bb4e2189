# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``auth_method: azure_cli`` with the real Azure CLI, signed in at the simulator as at a cloud of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.one_task import run_one
from integration.runs import passwords
from simulator_process import Simulator
from tools.clients import AZURE_CLI

APPLICATION = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
LIMIT_SECONDS = 120
CLOUD = """[sim]
endpoint_active_directory = {url}
endpoint_active_directory_resource_id = https://management.azure.com
endpoint_active_directory_graph_resource_id = https://graph.microsoft.com/
endpoint_management = {url}
endpoint_resource_manager = {url}
endpoint_microsoft_graph_resource_id = https://graph.microsoft.com
"""


class Cli:
    """Azure CLI with everything it keeps below ``directory``; ``environment`` is that of a task beside it."""

    def __init__(self, directory: Path, simulator: Simulator) -> None:
        self._az = AZURE_CLI.venv / "bin" / "az"
        azure = directory / "azure"
        azure.mkdir()
        (azure / "clouds.config").write_text(CLOUD.format(url=simulator.url), encoding="utf-8")
        settings = "[cloud]\nname = sim\n[core]\ninstance_discovery = false\ncollect_telemetry = no\n"
        (azure / "config").write_text(settings, encoding="utf-8")
        self._simulator = simulator
        self.environment = {
            **simulator.environment,
            "AZURE_CONFIG_DIR": str(azure),
            "ENTRA_PIM_SESSION_DIR": str(directory / "sessions"),
            "PATH": f"{self._az.parent}{os.pathsep}{os.environ['PATH']}",
            "REQUESTS_CA_BUNDLE": simulator.ca_path,
            # Whatever it would ask beyond the simulator ends at a proxy that is not there.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "localhost",
        }

    def login(self) -> None:
        command = [str(self._az), "login", "--service-principal", "--username", APPLICATION, "--allow-no-subscriptions"]
        command += ["--password", passwords()["SECRET_OF_REPORTING"], "--tenant", self._simulator.tenant_id]
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def connect(self, **params: object) -> dict:
        return run_one(self.environment, "connect", auth_method="azure_cli", providers=["azure_resources"], **params)


@pytest.fixture
def cli(tmp_path) -> Iterator[Cli]:
    if not (AZURE_CLI.venv / "bin" / "az").exists():
        pytest.skip("azure-cli is not installed: make lanes")
    with Simulator() as simulator:
        yield Cli(tmp_path, simulator)


def test_the_account_of_azure_cli(cli):
    refused = cli.connect()
    assert refused["failure"]["code"] == "login_failed", refused["msg"]
    assert "az login" in refused["msg"]

    cli.login()
    connected = cli.connect()
    assert connected["changed"], connected.get("msg")
    session = connected["session"]
    assert (session["auth_method"], session["client_id"]) == ("azure_cli", APPLICATION)
    assert list(session["providers"]) == ["azure_resources"]

    again = cli.connect(tenant=session["tenant_id"])
    assert not again["changed"], again.get("msg")

    other = cli.connect(session="other", tenant="00000000-0000-4000-8000-000000000000")
    assert other["failure"]["code"] == "login_failed", other["msg"]
