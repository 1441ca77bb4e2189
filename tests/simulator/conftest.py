# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator for most tests, reset before each; others are started where a test needs another tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator.arm_client import ArmClient
from simulator.group_client import GroupClient
from simulator.service_client import Client
from simulator_process import Simulator


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    """The default tenant as it is at the start."""
    running.control("POST", "reset")
    return running


@pytest.fixture
def client(simulator: Simulator) -> Client:
    return Client(simulator)


@pytest.fixture
def arm(simulator: Simulator) -> ArmClient:
    return ArmClient(simulator)


@pytest.fixture
def groups(simulator: Simulator) -> GroupClient:
    return GroupClient(simulator)
