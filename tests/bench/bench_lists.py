# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What long lists cost: eligibilities of 500, 5,000 and 50,000 rows over pages, read by each provider.

The pages are made beforehand and served as they are, so that the figures are the client's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trustme
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Session, Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock

from tools import layout
from unit.https_server import Request, Server, reply

SIZES = (500, 5_000, 50_000)
PAGE = 1_000
_PRINCIPAL = "22222222-2222-2222-2222-222222222222"
_ROLE = "b24988ac-6180-42a0-ab88-20f7382dd24c"


@dataclass(frozen=True)
class Reading:
    """One list read once: ``json`` is the size of all its pages, ``grown`` what the reading process grew, both in bytes."""

    provider: str
    asked: int
    rows: int
    calls: int
    json: int
    grown: int
    seconds: float
    cpu: float


def _entra_role(number: int) -> dict[str, Any]:
    unit = str(uuid.UUID(int=number))
    return {
        "id": f"id-{number}",
        "principalId": _PRINCIPAL,
        "roleDefinitionId": _ROLE,
        "directoryScopeId": f"/administrativeUnits/{unit}",
        "startDateTime": "2030-01-01T00:00:00Z",
        "endDateTime": None,
        "memberType": "Direct",
        "roleDefinition": {"id": _ROLE, "displayName": "Helpdesk Administrator"},
        "directoryScope": {"id": unit, "displayName": f"Unit {number}"},
    }


def _group(number: int) -> dict[str, Any]:
    group = str(uuid.UUID(int=number))
    return {
        "id": f"{group}_member_{group}",
        "principalId": _PRINCIPAL,
        "groupId": group,
        "accessId": "member",
        "startDateTime": "2030-01-01T00:00:00Z",
        "endDateTime": None,
        "memberType": "direct",
        "group": {"id": group, "displayName": f"Group {number}"},
    }


def _azure_role(number: int) -> dict[str, Any]:
    scope = f"/subscriptions/{uuid.UUID(int=number)}"
    definition = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{_ROLE}"
    return {
        "name": str(uuid.UUID(int=number)),
        "properties": {
            "scope": scope,
            "roleDefinitionId": definition,
            "principalId": _PRINCIPAL,
            "roleEligibilityScheduleId": f"{scope}/providers/Microsoft.Authorization/roleEligibilitySchedules/{number}",
            "startDateTime": "2030-01-01T00:00:00Z",
            "memberType": "Direct",
            "expandedProperties": {
                "scope": {"id": scope, "displayName": f"Subscription {number}", "type": "subscription"},
                "roleDefinition": {"id": definition, "displayName": "Contributor", "type": "BuiltInRole"},
            },
        },
    }


# Provider -> a row, the name of the link to the next page, and how its first page is asked for.
_LISTS: dict[str, tuple[Callable[[int], dict[str, Any]], str]] = {
    "entra_roles": (_entra_role, "@odata.nextLink"),
    "groups": (_group, "@odata.nextLink"),
    "azure_resources": (_azure_role, "nextLink"),
}


def measure(directory: Path, sizes: Sequence[int] = SIZES) -> list[Reading]:
    """Every provider at every size, smallest first. About a minute."""
    return [_read(directory / f"{provider}-{size}", provider, size) for provider in _LISTS for size in sizes]


def _read(directory: Path, provider: str, size: int) -> Reading:
    directory.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    make, link = _LISTS[provider]
    with Server(authority) as server:
        pages = [
            {
                "value": [make(number) for number in range(start, min(start + PAGE, size))],
                **({link: f"{server.url}/next?page={start // PAGE + 1}"} if start + PAGE < size else {}),
            }
            for start in range(0, size, PAGE)
        ]
        bodies = [json.dumps(page).encode() for page in pages]
        server.respond = _answers(pages[0], bodies)
        _save_session(directory, server.url)
        told = _child(directory, provider)
        calls = len(server.requests)
    return Reading(
        provider, size, told["rows"], calls, sum(map(len, bodies)), told["bytes"], told["seconds"], told["cpu"]
    )


def _answers(first: dict[str, Any], bodies: list[bytes]) -> Callable[[Request], Any]:
    """The first page where eligibilities are asked for, alone or in a batch; the others by their number; all other lists are empty."""

    def of(path: str) -> dict[str, Any]:
        return first if "ligibilityScheduleInstances" in path else {"value": []}

    def respond(request: Request) -> Any:
        address = urlsplit(request.target)
        if address.path == "/next":
            return reply(200, bodies[int(parse_qs(address.query)["page"][0])])
        if not address.path.endswith("/$batch"):
            return reply(200, json.dumps(of(address.path)).encode())
        items = json.loads(request.body)["requests"]
        answers = [{"id": item["id"], "status": 200, "body": of(item["url"])} for item in items]
        return reply(200, json.dumps({"responses": answers}).encode())

    return respond


def _save_session(directory: Path, url: str) -> None:
    clock = Clock(time.time, time.monotonic, time.sleep)
    token = Token("a-token", clock.time(), clock.time() + 3600)
    session = Session(
        name="default",
        tenant_id=str(uuid.UUID(int=1)),
        tenant_names=[],
        object_id=_PRINCIPAL,
        username="operator@contoso.example",
        principal_type="user",
        auth_method="access_token",
        client_id=None,
        cloud="public",
        authority_url=url,
        graph_url=url,
        arm_url=url,
        ca_path=str(directory / "ca.pem"),
        mfa=None,
        authentication_contexts=[],
        claims=None,
        tokens={"graph": token, "arm": token},
        scopes={"graph": [], "arm": []},
    )
    Sessions(str(directory / "sessions"), clock).save(session)


def _child(directory: Path, provider: str) -> dict[str, Any]:
    roots = os.pathsep.join(map(str, (layout.LINKED_COLLECTIONS, layout.ROOT / "tests")))
    ended = subprocess.run(
        [sys.executable, "-m", "bench.list_reader", provider],
        env={**os.environ, "PYTHONPATH": roots, "ENTRA_PIM_SESSION_DIR": str(directory / "sessions")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if ended.returncode != 0:
        raise RuntimeError(ended.stdout + ended.stderr)
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


def table(readings: list[Reading]) -> str:
    """The figures as text; what a row costs is to stay the same, however long the list."""
    lines = ["Lists over pages of 1,000 rows, read by pim_role_info in a process of its own"]
    lines += [
        f"  {one.provider:<16}{one.asked:7,} rows {one.calls:4} calls {one.seconds * 1000:9.1f} ms"
        f" {one.cpu / one.asked * 1e6:7.1f} us of CPU a row  {one.grown / 2**20:7.1f} MB, {one.grown / one.json:4.1f} times its JSON"
        for one in readings
    ]
    return "\n".join(lines)
