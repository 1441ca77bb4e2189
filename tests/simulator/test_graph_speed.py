# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of Graph with very many rows take time in proportion to their length, and one's own rows do not wait for them."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.group_client import ELIGIBLE, GroupClient
from simulator.service_client import ADMINISTRATOR, DIRECTORY, MINE
from simulator_process import Simulator, read_tenant

ROWS = 50000
PAGE = 999
UNITS = 1000
# held by very many in each unit
ROLES = ["Reports Reader", "Guest Inviter", "Search Editor", "Tenant Creator", "Printer Administrator"]
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
NEWCOMER = "newcomer@contoso.example"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GroupClient]:
    """The default tenant with very many eligibilities of others, half of them for roles, half for groups."""
    content = read_tenant()
    content["page_size"] = PAGE
    content["administrative_units"] += [{"name": f"Unit {number}"} for number in range(UNITS)]
    people = [f"person{number}@contoso.example" for number in range(10)]
    content["users"] += [{"username": name, "name": name} for name in people]
    content["eligibilities"] += [
        {"principal": person, "role": role, "scope": f"Unit {number}"}
        for number in range(UNITS)
        for role in ROLES
        for person in people
    ]
    content["groups"] += [{"name": f"Group {number}"} for number in range(ROWS // 10)]
    content["eligibilities"] += [
        {"principal": NEWCOMER, "provider": "groups", "role": role, "scope": f"Group {number}"}
        for number in range(ROWS // 10)
        for role in ("member", "owner")
    ]
    path = tmp_path_factory.mktemp("large") / "large.yml"
    # JSON is YAML, and written in a moment
    path.write_text(json.dumps(content), encoding="utf-8")
    with Simulator(tenant=path) as simulator:
        yield GroupClient(simulator)


def _pages(client: GroupClient, path: str, token: str) -> tuple[int, list[float]]:
    """(rows, seconds of each page)."""
    url: str | None = path
    found, times = 0, []
    while url:
        started = time.monotonic()
        body = client.graph("GET", url, token).json()
        times.append(time.monotonic() - started)
        found += len(body["value"])
        url = body.get("@odata.nextLink")
    return found, times


def _even(times: list[float]) -> bool:
    """The last pages take no longer than the first ones: none looks at what came before it, or comes after it."""
    quarter = len(times) // 4
    return statistics.median(times[-quarter:]) < 3 * statistics.median(times[:quarter]) + 0.05


@pytest.mark.parametrize("query", ["", "?$expand=roleDefinition&$filter=memberType eq 'Direct'"])
def test_everybodys_roles(large: GroupClient, query: str) -> None:
    token = large.token(ADMINISTRATOR)
    path = f"{DIRECTORY}/roleEligibilityScheduleInstances{query}"
    found, times = _pages(large, path, token)
    assert found > ROWS
    assert _even(times)
    started = time.monotonic()
    large.graph("GET", f"{path}{'&' if query else '?'}$top=1", token)
    assert time.monotonic() - started < statistics.median(times) + 0.05, "one row is not the price of all"


def test_own_groups(large: GroupClient) -> None:
    found, times = _pages(large, f"{ELIGIBLE}/{MINE}?$expand=group", large.token(NEWCOMER))
    assert found == ROWS // 5
    assert _even(times)


def test_few_among_many(large: GroupClient) -> None:
    """What one person or one group has is found without a look at all the others, and so is one row, and a request's."""
    token = large.token()
    administrator = large.token(ADMINISTRATOR)
    own = large.own_id()
    path = f"{DIRECTORY}/roleEligibilityScheduleInstances"
    other = large.rows("users?$filter=userPrincipalName eq 'person9@contoso.example'", token)[0]["id"]
    row_id = large.rows(f"{path}?$filter=principalId eq '{other}'", administrator)[-1]["id"]
    group_id = large.group_id("Server Admins")

    def seconds(work: Any) -> float:
        durations = []
        for _unused in range(40):
            started = time.monotonic()
            work()
            durations.append(time.monotonic() - started)
        return min(durations)

    me = seconds(lambda: large.graph("GET", "me", token))
    for work in (
        lambda: large.graph("GET", f"{path}/{MINE}", token),
        lambda: large.graph("GET", f"{path}?$filter=principalId eq '{own}'", administrator),
        lambda: large.graph("GET", f"{path}/{row_id}", administrator),
        lambda: large.graph("GET", f"{ELIGIBLE}?$filter=groupId eq '{group_id}'", administrator),
        lambda: large.request(token, SECURITY_READER, isValidationOnly=True),
        lambda: large.ask(token, "", groupId=group_id, isValidationOnly=True),
    ):
        assert seconds(work) < me + 0.02
