# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode of a whole playbook: where the sign-in before a task was only pretended, the task says that nobody is signed in yet."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import request_info, role_info
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token

from unit.clocks import START
from unit.https_server import reply
from unit.state.saved import session

LISTS = {"roles": role_info, "requests": request_info}
# What a real pim_connect would have replaced.
ENDED = {"graph": Token("old", START - 7200, START - 3600, [])}
REVOKED = b'{"error": "invalid_grant", "error_description": "AADSTS50173: revoked", "error_codes": [50173]}'


@pytest.fixture
def run(fake, tmp_path, ca_path):
    """Runs one of the two with the session that is there; returns its result and its warnings."""

    def make(module, saved, check_mode: bool, **given):
        directory = str(tmp_path / "state")
        if saved is not None:
            Sessions(directory, fake.clock).save(saved)
        context = Context(clock=fake.clock, environ={}, check_mode=check_mode)
        defaults = {name: option.get("default") for name, option in module.spec()["argument_spec"].items()}
        options = {**defaults, "session_dir": directory, "ca_path": ca_path, **given}
        return perform(module.OPERATION, options, context), context.warnings

    return make


@pytest.fixture
def revoking(server):
    """Answers each call as a sign-in service does that has revoked the sign-in; its address."""

    def respond(request):
        if request.target.endswith("/openid-configuration"):
            names = ("issuer", "authorization_endpoint", "token_endpoint")
            told = ", ".join(f'"{name}": "{server.url}/x/v2.0"' for name in names)
            return reply(200, f"{{{told}}}".encode())
        return reply(400, REVOKED)

    server.respond = respond
    return server.url


@pytest.mark.parametrize("rows", LISTS)
@pytest.mark.parametrize("gone", ["none", "ended", "revoked"])
def test_nobody_is_signed_in_yet(run, revoking, rows, gone):
    changes = {"none": None, "ended": {"refresh_token": None}, "revoked": {}}[gone]
    saved = None if changes is None else session(tokens=ENDED, authority_url=revoking, **changes)
    real, _warnings = run(LISTS[rows], saved, False)
    assert real["failure"]["code"] == ("not_connected" if saved is None else "session_expired")
    result, warnings = run(LISTS[rows], saved, True)
    assert not result.get("failed"), result
    assert (result["changed"], result[rows]) == (False, [])
    assert result["providers"]["entra_roles"]["status"] == "unavailable"
    assert "nobody is signed in yet" in result["msg"]
    assert warnings == [result["msg"]]


def test_nobody_is_there_to_look_somebody_up(run, revoking):
    saved = session(tokens=ENDED, authority_url=revoking)
    result, _warnings = run(role_info, saved, True, principal="somebody@contoso.example")
    assert "nobody is signed in yet" in result["msg"]
    assert not result.get("failed")
