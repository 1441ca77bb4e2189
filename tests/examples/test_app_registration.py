# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide on app registrations names the permissions that the providers ask for, and its commands ask for just these."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.scopes import scopes_of
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.registry import PROVIDERS
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.clouds import GRAPH_APPLICATION
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.credentials import GRAPH_COMMAND_LINE_TOOLS
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.known_clients import is_known_without

from tools import layout

_GUIDE = (layout.ROOT / "docs" / "app_registration.md").read_text(encoding="utf-8")
_SECTIONS = {"entra_roles": "### Entra roles", "groups": "### Groups", "azure_resources": "### Azure roles"}
# Azure Service Management; the API of a permission, by the application that it belongs to.
_APIS = {"graph": GRAPH_APPLICATION, "arm": "797f4846-ba00-4fd7-ba43-dac1f8f63013"}
_NAMES_OF_GROUPS = (_APIS["graph"], "GroupMember.Read.All")

# Stands in for Azure CLI: notes each call, and answers as it does. An id of a permission is made of its name.
_AZ = """#!/bin/sh
python3 -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >> "$AZ_CALLS"
case "$1 $2 $3" in
"ad app create") echo made-up-client ;;
"ad sp show") echo "$*" | sed "s/.*value=='\\([^']*\\)'.*/id-of-\\1/" ;;
esac
"""


def _section(heading: str) -> str:
    start = _GUIDE.index(f"\n{heading}\n")
    # Comments within a block of shell begin like the highest heading.
    end = re.compile(r"^##", re.MULTILINE).search(_GUIDE, start + len(heading) + 2)
    return _GUIDE[start : end.start() if end else None]


def _first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_provider_has_its_section():
    assert set(_SECTIONS) == set(PROVIDERS)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_permissions_of_a_provider(name):
    """All of them, no other: a sign-in asks for exactly these."""
    provider = PROVIDERS[name]
    assert _first_cells(_section(_SECTIONS[name])) == list(provider.permissions)
    assert [scope.rpartition("/")[2] for scope in scopes_of("public", [provider])] == list(provider.permissions)


def test_what_microsofts_own_clients_can_do():
    rows = re.findall(r"^\| .*`([0-9a-f-]{36})`\) \| (.*) \|$", _section("## Which client can do what"), re.MULTILINE)
    assert len(rows) == 3
    assert GRAPH_COMMAND_LINE_TOOLS in dict(rows)
    for client_id, cells in rows:
        told = [cell == "yes" for cell in cells.split(" | ")]
        assert told == [not is_known_without(client_id, provider.api) for provider in PROVIDERS.values()]


def test_the_commands_ask_for_every_permission(tmp_path):
    (script,) = re.findall(r"^```sh\n(.*?)^```", _section("## Make one with Azure CLI"), re.MULTILINE | re.DOTALL)
    az, calls = tmp_path / "az", tmp_path / "calls"
    az.write_text(_AZ)
    az.chmod(0o700)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "AZ_CALLS": str(calls)}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "made-up-client"
    made = [json.loads(line) for line in calls.read_text().splitlines()]
    assert {tuple(call[:4]) for call in made if call[2] != "show" and call[:3] != ["ad", "app", "create"]} == {
        ("ad", "sp", "create", "--id"),
        ("ad", "app", "permission", "add"),
        ("ad", "app", "permission", "admin-consent"),
    }
    asked = set()
    for call in made:
        if call[:4] == ["ad", "app", "permission", "add"]:
            options = dict(zip(call[4::2], call[5::2]))
            assert options["--id"] == "made-up-client"
            permission, kind = options["--api-permissions"].removeprefix("id-of-").split("=")
            assert kind == "Scope"
            asked.add((options["--api"], permission))
    needed = {(_APIS[one.api], permission) for one in PROVIDERS.values() for permission in one.permissions}
    assert asked == needed | {_NAMES_OF_GROUPS}
