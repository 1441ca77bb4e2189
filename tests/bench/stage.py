# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenants that the comparison is made in, and what every program of it is told.

One person, eligible for 20 Entra roles and 20 Azure roles. In the second tenant the same person is eligible for one
role in each of 5,000 administrative units, and in each of 5,000 resource groups.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bench.connect_proxy import NAMES, ConnectProxy
from simulator_process import Simulator, read_tenant

USERNAME = "manyroles@contoso.example"
# May get tokens for Graph and for Azure.
CLIENT_ID = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"
# Microsoft Graph Command Line Tools, which entra-pim-mcp-server uses, and a permission that it asks for.
_TOOLS = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
_ITS_PERMISSION = "Group.Read.All"
MANY = 20
ROWS = 5_000
PAGE = 500
LISTED_ROLE = "Helpdesk Administrator"
LISTED_AZURE_ROLE = "Reader"


@dataclass(frozen=True)
class Tenant:
    """``roles`` and ``azure_roles`` are names, of what the person is eligible for once."""

    content: dict[str, Any]
    password: str
    roles: tuple[str, ...] = ()
    azure_roles: tuple[str, ...] = ()
    rows: int = 0


@dataclass(frozen=True)
class Stage:
    """A tenant that is served, and the proxy that leads there."""

    tenant: Tenant
    simulator: Simulator
    proxy: ConnectProxy

    def order(self, latency: int) -> None:
        """As at the start, with nothing recorded, and each call ``latency`` ms longer."""
        self.simulator.control("POST", "reset")
        self.simulator.control("POST", "latency", {"ms": latency, "path": "."})


def of_roles() -> Tenant:
    content = _base()
    names = [one["role"] for one in content["eligibilities"] if one["principal"] == USERNAME and "provider" not in one]
    azure_names = [f"Bench Role {number:02}" for number in range(1, MANY + 1)]
    content["azure"]["roles"] += [{"name": name} for name in azure_names]
    content["eligibilities"] = [
        *({"principal": USERNAME, "role": name} for name in names[:MANY]),
        *(
            {"principal": USERNAME, "provider": "azure_resources", "role": name, "scope": "Production"}
            for name in azure_names
        ),
    ]
    return Tenant(content, _password(content), tuple(names[:MANY]), tuple(azure_names))


def of_lists(rows: int = ROWS, page: int = PAGE) -> Tenant:
    content = _base()
    units = [f"Unit {number:04}" for number in range(rows)]
    groups = [f"group-{number:04}" for number in range(rows)]
    content["administrative_units"] += [{"name": name} for name in units]
    content["azure"]["resource_groups"] += [{"name": name, "subscription": "Production"} for name in groups]
    content["eligibilities"] = [
        *({"principal": USERNAME, "role": LISTED_ROLE, "scope": name} for name in units),
        *(
            {
                "principal": USERNAME,
                "provider": "azure_resources",
                "role": LISTED_AZURE_ROLE,
                "scope": f"Production/{name}",
            }
            for name in groups
        ),
    ]
    content["page_size"] = page
    return Tenant(content, _password(content), rows=rows)


def _base() -> dict[str, Any]:
    """The tenant that comes along; nobody's other eligibilities matter."""
    content = copy.deepcopy(read_tenant())
    tools = next(one for one in content["clients"] if one["client_id"] == _TOOLS)
    tools["graph_permissions"].append(_ITS_PERMISSION)
    content["assignments"] = []
    # A comparison on a busy machine may take longer than a token lives; refreshing is not what is measured.
    content["tokens"] = {"access_lifetime": "PT12H"}
    return content


def _password(content: dict[str, Any]) -> str:
    return str(next(user["password"] for user in content["users"] if user["username"] == USERNAME))


@contextmanager
def served(tenant: Tenant, directory: Path) -> Iterator[Stage]:
    """``directory`` is made, for the tenant file."""
    directory.mkdir()
    file = directory / "tenant.yml"
    file.write_text(yaml.dump(tenant.content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
    with Simulator(file, names=NAMES) as simulator, ConnectProxy(urlsplit(simulator.url).port or 443) as proxy:
        yield Stage(tenant, simulator, proxy)
