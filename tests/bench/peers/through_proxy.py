# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of others that know Microsoft's addresses only, and reach the simulator through the proxy."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from bench.peers.base import MAIN_PYTHON, PROGRAMS, Failed, Peer, Work, installed, last_line, write_work
from bench.stage import CLIENT_ID, USERNAME, Stage
from tools import layout
from tools.clients import CLI_MICROSOFT365, MCP_SERVER

_BROWSER = layout.ROOT / "tests" / "headless_browser.py"


class CliMicrosoft365(Peer):
    name = "CLI for Microsoft 365"
    why_not = {  # noqa: RUF012 - read only
        "list": "its lists are everybody's with a filter, not the caller's own: 403 for who is no administrator"
    }
    notes = (
        "`m365 entra pim role assignment add --roleDefinitionName`, a start of `m365` for each role. It has no look that a "
        "user without an administrator's role may take: its lists ask for everybody's rows with a filter."
    )

    def versions(self) -> str:
        if which("node") is None:
            raise Failed("Node.js is not installed")
        program = CLI_MICROSOFT365.directory / "node_modules" / "@pnp" / "cli-microsoft365" / "package.json"
        if not program.exists():
            raise Failed("not installed")
        version = json.loads(program.read_text(encoding="utf-8"))["version"]
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
        if node.returncode != 0:
            raise Failed(f"Node.js does not start: {last_line(node.stderr)}")
        return f"@pnp/cli-microsoft365 {version}, Node.js {node.stdout.strip().lstrip('v')}"

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        return {
            **super().environment(stage, home),
            "PATH": f"{CLI_MICROSOFT365.directory / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
            "HTTPS_PROXY": stage.proxy.url,
            "NODE_EXTRA_CA_CERTS": stage.simulator.ca_path,
            "NO_UPDATE_NOTIFIER": "1",
        }

    def sign_in(self, stage: Stage, home: Path) -> None:
        self.run(stage, home, ["m365", "cli", "config", "set", "--key", "disableTelemetry", "--value", "true"])
        command = ["m365", "login", "--authType", "password", "--userName", USERNAME, "--appId", CLIENT_ID]
        command += ["--password", stage.tenant.password, "--tenant", stage.simulator.tenant_id]
        self.run(stage, home, command)

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        return [str(PROGRAMS / "cli_microsoft365.sh"), *roles]


class McpServer(Peer):
    name = "entra-pim-mcp-server"
    notes = (
        "Started for each work, as by a client of MCP, with `activate` for all roles at once and `list_eligible` at the end. It "
        "signs in by a browser, once; tokens are in a cache then. It reads one page of a list and no more."
    )

    def versions(self) -> str:
        return installed(MCP_SERVER.venv / "bin" / "python", "entra-pim-mcp-server", "mcp", "msgraph-sdk")

    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        return {
            **super().environment(stage, home),
            "AZURE_TENANT_ID": stage.simulator.tenant_id,
            "HTTPS_PROXY": stage.proxy.url,
            "NO_PROXY": "localhost",
            "REQUESTS_CA_BUNDLE": stage.simulator.ca_path,
            "SSL_CERT_FILE": stage.simulator.ca_path,
            "XDG_CONFIG_HOME": str(home / "config"),
        }

    def sign_in(self, stage: Stage, home: Path) -> None:
        self.run(
            stage,
            home,
            self.command(stage, home, Work("sign in"), ()),
            BROWSER=f"{MAIN_PYTHON} {_BROWSER} %s",
            HEADLESS_BROWSER_CA=stage.simulator.ca_path,
            HEADLESS_BROWSER_PROXY=stage.proxy.url,
            HEADLESS_BROWSER_USERNAME=USERNAME,
            HEADLESS_BROWSER_PASSWORD=stage.tenant.password,
        )

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        server = MCP_SERVER.venv / "bin" / "entra-pim-mcp-server"
        told = str(write_work(stage, home, roles))
        return [str(MAIN_PYTHON), "-I", "-S", str(PROGRAMS / "mcp_client.py"), str(server), told]
