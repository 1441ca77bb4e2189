# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of Microsoft's own that the simulator has to satisfy (tests/contract), each in a virtual environment of its own.

They are large (more than a gigabyte together), and what they depend on must not meet what the collection depends on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools import layout


@dataclass(frozen=True)
class Client:
    """``name`` is that of its requirements file and of its virtual environment."""

    name: str

    @property
    def requirements(self) -> Path:
        return layout.REQUIREMENTS / f"client-{self.name}.txt"

    @property
    def venv(self) -> Path:
        return layout.CLIENTS / self.name


MSGRAPH = Client("msgraph")
AZURE_CLI = Client("azure-cli")
AZURE_MGMT = Client("azure-mgmt")

CLIENTS = (AZURE_CLI, MSGRAPH, AZURE_MGMT)

# For the benchmark alone: what people use today, and what draws its plot.
MCP_SERVER = Client("entra-pim-mcp")
PLOT = Client("plot")

BENCH_CLIENTS = (MCP_SERVER, PLOT)


@dataclass(frozen=True)
class NodeClient:
    """A program of npm, below ``.build/`` like all others; its requirements are a ``package.json``."""

    name: str

    @property
    def requirements(self) -> Path:
        return layout.REQUIREMENTS / f"client-{self.name}.json"

    @property
    def directory(self) -> Path:
        return layout.CLIENTS / self.name


CLI_MICROSOFT365 = NodeClient("cli-microsoft365")
