# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's own clients: two Python libraries, and Azure CLI."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from bench.peers.base import PROGRAMS, Peer, Work, installed, write_work
from bench.stage import CLIENT_ID, USERNAME, Stage
from tools.clients import AZURE_CLI, AZURE_MGMT, MSGRAPH, Client


class _Script(Peer):
    """A Python script in the environment of its client."""

    client: Client
    script: str
    packages: tuple[str, ...]

    def versions(self) -> str:
        return installed(self.client.venv / "bin" / "python", *self.packages)

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        return {**super().environment(stage, home), "HTTPS_PROXY": stage.proxy.url, "NO_PROXY": "localhost"}

    def sign_in(self, stage: Stage, home: Path) -> None:
        """By its first run: the cache of tokens is in its home then, and all that it imports is compiled."""
        self.run(stage, home, self.command(stage, home, Work("sign in"), ()))

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        python = self.client.venv / "bin" / "python"
        return [str(python), str(PROGRAMS / self.script), str(write_work(stage, home, roles))]


class MsGraph(_Script):
    name = "msgraph-sdk script"
    client = MSGRAPH
    script = "msgraph_script.py"
    packages = ("msgraph-sdk", "msal")
    notes = "Asynchronous: all requests at once. A look at the active roles at the end. Tokens are in msal's cache."


class AzureMgmt(_Script):
    name = "azure-mgmt-authorization script"
    azure = True
    client = AZURE_MGMT
    script = "azure_mgmt_script.py"
    packages = ("azure-mgmt-authorization", "msal")
    notes = (
        "It knows Azure roles only. Eight requests at a time, in threads. A look at the active roles at the end. "
        "Tokens are in msal's cache."
    )


class AzRest(Peer):
    name = "az rest"
    notes = (
        "A shell script: a start of `az` for each call, a loop over the roles, a look at the active roles at the end. "
        "The client of Azure CLI is not granted PIM's permissions on Graph, so a token made elsewhere is handed to it."
    )

    def versions(self) -> str:
        return installed(AZURE_CLI.venv / "bin" / "python", "azure-cli")

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        return {
            **super().environment(stage, home),
            "PATH": f"{AZURE_CLI.venv / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AZURE_CONFIG_DIR": str(home / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            "REQUESTS_CA_BUNDLE": stage.simulator.ca_path,
            # At its first start it looks for a newer version: that ends at a proxy that leads to the simulator only.
            "HTTPS_PROXY": stage.proxy.url,
            "NO_PROXY": "localhost",
            "GRAPH_URL": stage.simulator.url,
            "HEADERS": str(home / "headers.json"),
        }

    def sign_in(self, stage: Stage, home: Path) -> None:
        headers = home / "headers.json"
        headers.touch(mode=0o600)
        headers.write_text(json.dumps({"Authorization": f"Bearer {_token(stage)}"}), encoding="utf-8")
        # It makes an index of its commands, and compiles itself.
        self.run(stage, home, self.command(stage, home, Work("sign in"), ()))

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        return [str(PROGRAMS / "az_rest.sh"), *roles]


def _token(stage: Stage) -> str:
    form = {
        "grant_type": "password",
        "client_id": CLIENT_ID,
        "scope": "https://graph.microsoft.com/.default",
        "username": USERNAME,
        "password": stage.tenant.password,
    }
    context = ssl.create_default_context(cafile=stage.simulator.ca_path)
    address = f"{stage.simulator.url}/{stage.simulator.tenant_id}/oauth2/v2.0/token"
    request = Request(address, urlencode(form).encode())  # noqa: S310 - the simulator's
    with build_opener(ProxyHandler({}), HTTPSHandler(context=context)).open(request, timeout=30) as answer:
        return str(json.loads(answer.read())["access_token"])
