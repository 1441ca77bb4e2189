# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``az rest`` of Azure CLI, with a token handed to it, lists and activates."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from contract.exchanges import Checker, Exchange
from contract.recording import passwords
from contract.recording_proxy import RecordingProxy
from simulator_process import Simulator
from tools.clients import AZURE_CLI

CLIENT_ID = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
OPERATOR = "operator@contoso.example"
DIRECTORY = "v1.0/roleManagement/directory"
REQUESTS = f"{DIRECTORY}/roleAssignmentScheduleRequests"
EXPANDED = f"filterByCurrentUser(on='principal')?$expand={quote('roleDefinition($select=id,displayName)')}"
LIMIT_SECONDS = 60


class AzRest:
    """``az rest`` with everything it writes below ``directory``, the token too: a command line is no place for it."""

    def __init__(self, directory: Path, proxy: RecordingProxy, token: str) -> None:
        self._directory = directory
        self._url = proxy.url
        self._headers = directory / "headers.json"
        self._headers.touch(mode=0o600)
        self._headers.write_text(json.dumps({"Authorization": f"Bearer {token}"}), encoding="utf-8")
        self._environment = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(directory / "azure"),
            # It reports to nobody.
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            # At its first start it looks for a newer version all the same: that ends at a proxy that is not there.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "localhost",
            "REQUESTS_CA_BUNDLE": str(proxy.ca_path),
        }

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Exit status, and the JSON of the answer, or the message where it was refused."""
        command = [str(AZURE_CLI.venv / "bin" / "az"), "rest", "--method", method, "--url", f"{self._url}/{path}"]
        command += ["--skip-authorization-header", "--headers", f"@{self._headers}", "--only-show-errors"]
        if body is not None:
            file = self._directory / "body.json"
            file.write_text(json.dumps(body), encoding="utf-8")
            command += ["--body", f"@{file}"]
        done = subprocess.run(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        return done.returncode, json.loads(done.stdout or "null") if done.returncode == 0 else done.stderr


def _token(proxy: RecordingProxy, tenant: str) -> str:
    context = ssl.create_default_context(cafile=str(proxy.ca_path))
    connection = http.client.HTTPSConnection("localhost", int(proxy.url.rpartition(":")[2]), context=context)
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "scope": "https://graph.microsoft.com/.default",
        "username": OPERATOR,
        "password": passwords()[OPERATOR],
    }
    connection.request(
        "POST", f"/{tenant}/oauth2/v2.0/token", urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"}
    )
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return str(answer["access_token"])


@pytest.fixture(scope="module")
def az(tmp_path_factory) -> Iterator[tuple[AzRest, Sequence[Exchange]]]:
    if not (AZURE_CLI.venv / "bin" / "az").exists():
        pytest.skip("azure-cli is not installed: make lanes")
    directory = tmp_path_factory.mktemp("az")
    with Simulator() as simulator, RecordingProxy(simulator.url, simulator.ca_path, directory) as proxy:
        yield AzRest(directory, proxy, _token(proxy, simulator.tenant_id)), proxy.exchanges


def _roles(answer: Any) -> dict[str, dict[str, Any]]:
    return {row["roleDefinition"]["displayName"]: row for row in answer["value"]}


def test_list_and_activate(az):
    rest, _exchanges = az
    status, eligible = rest("get", f"{DIRECTORY}/roleEligibilityScheduleInstances/{EXPANDED}")
    assert status == 0, eligible
    row = _roles(eligible)["Security Reader"]

    order = {
        "action": "selfActivate",
        "principalId": row["principalId"],
        "roleDefinitionId": row["roleDefinitionId"],
        "directoryScopeId": row["directoryScopeId"],
        "justification": "Contract test",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
    }
    status, made = rest("post", REQUESTS, order)
    assert status == 0, made
    assert made["status"] == "Provisioned"

    status, active = rest("get", f"{DIRECTORY}/roleAssignmentScheduleInstances/{EXPANDED}")
    assert status == 0, active
    assert _roles(active)["Security Reader"]["assignmentType"] == "Activated"

    status, refused = rest("post", REQUESTS, order)
    assert status == 1
    assert "RoleAssignmentExists" in refused


def test_calls_and_answers_are_as_published(az, graph):
    rest, exchanges = az
    if not exchanges:
        rest("get", f"{DIRECTORY}/roleEligibilityScheduleInstances/{EXPANDED}")
    findings = Checker(graph).check(exchanges)
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert findings.requests.total() == len(exchanges) > 0
