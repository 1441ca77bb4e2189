# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all of this layer shares: hypothesis without a trace in the checkout, and how far is searched."""

from __future__ import annotations

import socket

import pytest
from hypothesis import HealthCheck, configuration, settings

from tools import layout

configuration.set_hypothesis_home_dir(layout.BUILD / "hypothesis")
# The same examples in every run: a failure is the change's, not the draw's. `--hypothesis-profile=search` looks further.
_COMMON = {
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}
settings.register_profile("project", derandomize=True, max_examples=40, **_COMMON)
settings.register_profile("search", max_examples=2000, **_COMMON)
settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-rounds", type=int, default=1, help="how many altered replies each call gets")
    parser.addoption("--fuzz-seed", default="", help="another one gives other altered replies")


@pytest.fixture(autouse=True)
def _nobody_else_is_called(monkeypatch):
    """An address that came out of an alteration is not looked up: nothing but this machine is called."""
    real = socket.getaddrinfo

    def here(host, *arguments, **options):
        if host not in ("localhost", "127.0.0.1", b"localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "not this machine")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)
