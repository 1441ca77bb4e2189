# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions are pinned in one place, and nowhere that a user's installation would be bound by it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import layout
from tools.clients import BENCH_CLIENTS, CLI_MICROSOFT365, CLIENTS
from tools.lanes import LANES

# Each client has a virtual environment of its own, and azure-cli depends on another version of this one.
OF_ONE_CLIENT = {"azure-mgmt-authorization"}


def _requirements(path: Path) -> dict[str, str]:
    """{name in lower case: what is asked of its version} of a requirements file."""
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    found = [re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in lines if line and not line.startswith("-")]
    return {match.group(1).lower(): match.group(2) for match in found if match}


@pytest.mark.parametrize(
    "name",
    [
        "run.txt",
        "unit.txt",
        "lint.txt",
        "galaxy.txt",
        *(client.requirements.name for client in (*CLIENTS, *BENCH_CLIENTS)),
    ],
)
def test_all_that_is_installed_is_pinned(name):
    pins = _requirements(layout.REQUIREMENTS / "pins.txt")
    assert all(version.startswith("==") for version in pins.values())
    wanted = _requirements(layout.REQUIREMENTS / name)
    assert wanted
    assert all(wanted[package].startswith("==") for package in OF_ONE_CLIENT & set(wanted))
    shared = {package: version for package, version in wanted.items() if package not in OF_ONE_CLIENT}
    assert set(shared) <= set(pins)
    assert not any(shared.values()), "a version here and in pins.txt"


def test_what_npm_installs_is_pinned():
    wanted = json.loads(CLI_MICROSOFT365.requirements.read_text())["dependencies"]
    assert wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values()), wanted


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.core)
def test_every_lane_has_its_ansible_core(lane):
    (version,) = _requirements(lane.requirements[0]).values()
    assert version.startswith(f"=={lane.core}.")


@pytest.mark.parametrize("name", ["meta/ee-requirements.txt", "roles/simulator/files/requirements.txt"])
def test_users_get_lower_bounds_only(name):
    wanted = _requirements(layout.ROOT / name)
    assert wanted
    assert all(re.fullmatch(r">=[\d.]+", version) for version in wanted.values()), wanted
    assert set(wanted) <= set(_requirements(layout.REQUIREMENTS / "run.txt")), "not installed where tests run"
