# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share: hypothesis without a trace in the checkout, a certificate authority, a clock."""

from __future__ import annotations

import time

import pytest
import trustme
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
from hypothesis import HealthCheck, configuration, settings

from tools import layout
from unit.clocks import FakeClock
from unit.https_server import Server

configuration.set_hypothesis_home_dir(layout.BUILD / "hypothesis")
# The same examples in every run: a failure is the change's, not the draw's. `--hypothesis-profile=search` looks further.
_COMMON = {"database": None, "deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("project", derandomize=True, max_examples=100, **_COMMON)
settings.register_profile("few", derandomize=True, max_examples=15, **_COMMON)
settings.register_profile("search", max_examples=2000, **_COMMON)
settings.load_profile("project")


@pytest.fixture
def fake() -> FakeClock:
    return FakeClock()


@pytest.fixture
def real_clock() -> Clock:
    return Clock(time.time, time.monotonic, time.sleep)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The certificate authority of the local servers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_path(authority, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def server(authority):
    with Server(authority) as running:
        yield running
