# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of very many rows take time in proportion to their length, and one's own rows do not wait for everybody's."""

from __future__ import annotations

import json
import time
from pathlib import Path

from simulator.arm_client import AUTHORIZATION, PRODUCTION, ArmClient
from simulator.service_client import ADMINISTRATOR
from simulator_process import Simulator, read_tenant

ROWS = 50000
PAGE = 999


def _large_tenant(directory: Path) -> Path:
    """The default tenant with very many eligibilities of somebody else."""
    content = read_tenant()
    content["page_size"] = PAGE
    content["azure"]["resource_groups"] += [
        {"name": f"rg-{n}", "subscription": "Production"} for n in range(ROWS // 50)
    ]
    roles = ["Reader", "Contributor", "Owner", "Tag Contributor", "Website Contributor"] * 10
    content["eligibilities"] += [
        {
            "principal": "newcomer@contoso.example",
            "provider": "azure_resources",
            "role": role,
            "scope": f"Production/rg-{number}",
        }
        for number in range(ROWS // 50)
        for role in roles
    ]
    path = directory / "large.yml"
    # JSON is YAML, and written in a moment
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_fifty_thousand_eligibilities(tmp_path: Path) -> None:
    with Simulator(tenant=_large_tenant(tmp_path)) as simulator:
        client = ArmClient(simulator)
        administrator, operator = client.arm_token(ADMINISTRATOR), client.arm_token()
        path: str | None = f"{AUTHORIZATION}/roleEligibilityScheduleInstances?api-version=2020-10-01"
        found, times = 0, []
        while path:
            started = time.monotonic()
            body = client.call("GET", path, administrator, version=None).json()
            times.append(time.monotonic() - started)
            found += len(body["value"])
            path = body.get("nextLink")
        assert found >= ROWS
        # the last pages take no longer than the first ones: no page looks at what came before it
        quarter = len(times) // 4
        assert sum(times[-quarter:]) < 3 * sum(times[:quarter]) + 0.5
        started = time.monotonic()
        assert len(client.listed("roleEligibilityScheduleInstances", operator)) == 10
        assert len(client.listed("roleEligibilityScheduleInstances", operator, PRODUCTION)) == 4
        assert time.monotonic() - started < 1.0
