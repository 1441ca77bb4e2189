# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one of the stories in ``clients/``: Microsoft's own clients at work against the simulator, in their own environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.recording_proxy import RecordingProxy
from simulator_process import Simulator
from tools.clients import Client

STORIES = Path(__file__).resolve().parent / "clients"
PEOPLE = ("operator@contoso.example", "approver@contoso.example")
CHANGES = {"minimum_active": "PT1S", "page_size": 5, "device_login": {"interval": "PT1S"}}
LIMIT_SECONDS = 120


def told_by(client: Client, story: str, client_id: str, directory: Path, *kept: tuple[str, ...]) -> dict[str, Any]:
    """{what: what the story told of it}, and the calls behind it as ``exchanges``; ``kept`` as the proxy takes it."""
    python = client.venv / "bin" / "python"
    if not python.exists():
        pytest.skip(f"the client {client.name} is not installed: make lanes")
    with (
        Simulator(changes=CHANGES) as simulator,
        RecordingProxy(simulator.url, simulator.ca_path, directory, *kept) as proxy,
    ):
        process = subprocess.Popen(
            [str(python), str(STORIES / story), proxy.url, str(proxy.ca_path), simulator.tenant_id, client_id],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(directory / "errors").open("w"),
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        try:
            # Each code is approved by its person, as on the page that the code is entered at.
            for person in PEOPLE:
                line = process.stdout.readline()
                assert line, (directory / "errors").read_text()
                code = json.loads(line)["user_code"]
                simulator.control("POST", f"device_codes/{code}", {"decision": "approve", "username": person})
            output, _errors = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 0, (directory / "errors").read_text()[-6000:]
        lines = [json.loads(line) for line in output.splitlines()]
        return {**{line.pop("what"): line for line in lines}, "exchanges": tuple(proxy.exchanges)}
