# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-in service, and the options that lead to it."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.access_token import spec
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection import open_connection
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_options
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context

from unit.sign_in.sts import SignInService


@pytest.fixture
def service(server) -> SignInService:
    return SignInService(server)


@pytest.fixture
def context(fake):
    """Makes the surroundings of an operation; keyword arguments are its environment."""

    def make(check_mode: bool = False, **environ: str) -> Context:
        return Context(clock=fake.clock, environ=environ, check_mode=check_mode)

    return make


@pytest.fixture
def connected(options, context):
    """Opens the connection of a task with this environment and these options."""

    def connect(environ: dict[str, str], *, providers=("entra_roles",), resource=None, **given):
        surroundings = context(**environ)
        return open_connection(
            connection_options(options(**given), surroundings.environ), surroundings, list(providers), resource
        )

    return connect


@pytest.fixture
def options(service, ca_path, tmp_path):
    """Makes the options of a task: every one there is, None where it is not given."""

    def make(**given):
        nothing = {name: option.get("default") for name, option in spec()["argument_spec"].items()}
        own = {"session_dir": str(tmp_path / "state"), "ca_path": ca_path}
        urls = dict.fromkeys(("authority_url", "graph_url", "arm_url"), service.url)
        return {**nothing, **own, **urls, **given}

    return make
