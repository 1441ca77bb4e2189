# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The migrating guide leaves out nothing of the old module, names what exists here, and its plays run."""

from __future__ import annotations

import re

import pytest

from examples import playbooks
from gates import documentation, yaml_blocks
from simulator_process import Simulator
from tools import layout

_GUIDE = (layout.ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")

# The old module: each cmdlet, its parameters, the fields of its output.
_CMDLETS = {
    "Connect-PimService": {"-UserName", "-TenantName", "-Credential"},
    "Show-PimServiceConnection": {"TenantName", "UserName"},
    "Get-PrivilegedRoleAssignment": {
        "RoleId", "RoleName", "IsElevated", "IsPermanent", "ExpirationTime", "ExpirationDateTime",
    },
    "Enable-PrivilegedRoleAssignment": {
        "-RoleId", "-RoleAssignment", "-Duration", "-Reason", "-TicketNumber", "-TicketSystem", "-StartTimeUtc",
    },
    "Disable-PrivilegedRoleAssignment": {"-RoleId", "-RoleAssignment"},
    "Disconnect-PimService": set(),
}  # fmt: skip


def _section(cmdlet: str) -> str:
    """What the guide says of one cmdlet."""
    start = _GUIDE.index(f"\n## `{cmdlet}`\n")
    return _GUIDE[start : _GUIDE.index("\n## ", start + 1)]


def _module(cmdlet: str) -> str:
    """The module that takes its place, without the collection."""
    match = re.search(r"^Module `entra\.pim\.(\w+)`", _section(cmdlet), re.MULTILINE)
    assert match, cmdlet
    return match.group(1)


def _rows(cmdlet: str) -> dict[str, list[str]]:
    """The table of a cmdlet: {parameter or field: what the guide puts in its place}."""
    rows = re.findall(r"^\| `(-?\w+)` \| ([^|]*) \|", _section(cmdlet), re.MULTILINE)
    return {old: re.findall(r"`([^`]+)`", new) for old, new in rows}


@pytest.mark.parametrize("cmdlet", _CMDLETS)
def test_nothing_of_a_cmdlet_is_left_out(cmdlet):
    assert set(_rows(cmdlet)) == _CMDLETS[cmdlet]
    overview = dict(re.findall(r"^\| `([\w-]+)` \| `entra\.pim\.(\w+)` \|", _GUIDE, re.MULTILINE))
    assert set(overview) == set(_CMDLETS)
    assert overview[cmdlet] == _module(cmdlet)


_PARAMETERS = [(cmdlet, old) for cmdlet in _CMDLETS for old in sorted(_CMDLETS[cmdlet]) if old.startswith("-")]
_FIELDS = [(cmdlet, old) for cmdlet in _CMDLETS for old in sorted(_CMDLETS[cmdlet]) if not old.startswith("-")]


@pytest.mark.parametrize(("cmdlet", "parameter"), _PARAMETERS)
def test_options_in_place_of_a_parameter_exist(cmdlet, parameter):
    options = documentation.documented("modules")[_module(cmdlet)]["doc"]["options"]
    named = _rows(cmdlet)[parameter]
    assert named
    assert set(named) <= set(options)


@pytest.mark.parametrize(("cmdlet", "field"), _FIELDS)
def test_keys_in_place_of_a_field_exist(cmdlet, field):
    returned = documentation.documented("modules")[_module(cmdlet)]["return"]
    (named,) = _rows(cmdlet)[field]
    outer, inner = named.split("[].")
    assert inner in returned[outer]["contains"]


@pytest.mark.parametrize(("old", "now"), [("-Reason", "reason"), ("-StartTimeUtc", "start_time_utc")])
def test_the_old_names_are_aliases(old, now):
    """The remark of the guide: taken as well."""
    assert re.search(rf"^\| `{old}` .*`{now}` is taken as well", _GUIDE, re.MULTILINE)
    options = documentation.documented("modules")["pim_role_activation"]["doc"]["options"]
    (aliased,) = _rows("Enable-PrivilegedRoleAssignment")[old]
    assert now in options[aliased]["aliases"]


def test_codes_of_failures_exist():
    """Those of the guide have a row in the troubleshooting guide, which a test of its own compares with the code."""
    rows = set(re.findall(r"^\| `(\w+)` \|", (layout.ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE))
    answers = _GUIDE[_GUIDE.index("\n## What was confusing") :]
    codes = {"forbidden", "not_licensed", "policy_violation", "unknown_role", "mfa_required", "app_only_not_supported"}
    assert codes <= rows
    assert codes <= set(re.findall(r"`(\w+)`", answers))


@pytest.fixture(scope="module")
def simulator():
    with Simulator(changes=playbooks.UNATTENDED) as running:
        yield running


@pytest.fixture
def play(simulator, tmp_path):
    """Run a playbook of the guide against the simulator; returns what it printed."""

    def run(name: str) -> str:
        (block,) = [
            block for block in yaml_blocks.in_markdown("docs/migrating.md", _GUIDE) if f"- name: {name}\n" in block.text
        ]
        playbook = tmp_path / "playbook.yml"
        # The work alone is named by its address; the session leads everything else to the simulator.
        playbook.write_text(block.text.replace("https://graph.microsoft.com/v1.0", f"{simulator.url}/v1.0"))
        environment = playbooks.variables(simulator, tmp_path / "sessions")
        # For ansible.builtin.uri, which knows nothing of this collection's variables.
        environment["SSL_CERT_FILE"] = simulator.ca_path
        return playbooks.run(playbook, environment)

    return run


def test_the_script_as_a_play(play, simulator):
    simulator.control("POST", "reset")
    assert "changed=3" in re.sub(" +", " ", play("Review with a role for two hours"))
    requests = simulator.control("GET", "requests")["requests"]
    assert [(one["action"], one["role"]) for one in requests] == [
        ("selfActivate", "Security Reader"),
        ("selfDeactivate", "Security Reader"),
    ]
    assert requests[0]["justification"] == "Review"
    assert "CHG0012345" in str(requests[0]["ticket"])
    (work,) = simulator.calls("namedLocations$")
    assert work["status"] == 200


def test_what_a_filter_found_goes_in(play, simulator):
    simulator.control("POST", "reset")
    play("Activate what a filter has found")
    assert simulator.activations() == {("Groups Administrator", "/"), ("User Administrator", "/")}
