# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens handed in one after the other: those of one account add up in a session, and nothing else does."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import connect
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions

from unit.clocks import START
from unit.sign_in.person import Person
from unit.sign_in.sts import jwt

ARM = "https://management.azure.com"


@pytest.fixture
def signed_in(fake, options):
    """Hands a token in; gives the APIs the session then has tokens for, as they lie on the disk."""

    def hand_in(token: str, provider: str, **given) -> dict[str, str]:
        result = Person(fake.clock, options).connect(access_token=token, providers=[provider], **given)
        assert not result.get("failed"), result
        kept = json.loads((hand_in.path / "default.json").read_text(encoding="utf-8"))
        return {api: token["access_token"] for api, token in kept["tokens"].items()}

    return hand_in


@pytest.fixture(autouse=True)
def _place(signed_in, tmp_path):
    signed_in.path = tmp_path / "state"


def test_the_token_of_the_other_api_is_added(signed_in):
    graph, arm = jwt(), jwt(aud=ARM)
    signed_in(graph, "entra_roles")
    assert signed_in(arm, "azure_resources") == {"graph": graph, "arm": arm}


def test_two_tasks_at_the_same_time_add_up(signed_in, fake):
    """The other one is done while this one looks."""
    graph, arm = jwt(), jwt(aud=ARM)
    sign_in = connect.sign_in_once

    def meanwhile(*given):
        with mock.patch.object(connect, "sign_in_once", sign_in):
            signed_in(graph, "entra_roles")
        return sign_in(*given)

    with mock.patch.object(connect, "sign_in_once", meanwhile):
        assert signed_in(arm, "azure_resources") == {"graph": graph, "arm": arm}


@pytest.mark.parametrize("claims", [{"oid": "another"}, {"tid": "7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c42"}])
def test_the_token_of_somebody_else_replaces_the_session(signed_in, claims):
    other = jwt(aud=ARM, **claims)
    signed_in(jwt(), "entra_roles")
    assert signed_in(other, "azure_resources") == {"arm": other}


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"graph_url": "https://elsewhere.example"},
        {"authority_url": "https://elsewhere.example"},
        {"cloud": "china", "aud": "https://management.chinacloudapi.cn"},
    ],
)
def test_a_token_goes_to_no_other_endpoints_than_those_it_was_handed_in_for(signed_in, elsewhere):
    other = jwt(aud=elsewhere.get("aud", ARM))
    signed_in(jwt(), "entra_roles")
    given = {option: value for option, value in elsewhere.items() if option != "aud"}
    assert signed_in(other, "azure_resources", **given) == {"arm": other}


def test_each_keeps_its_own_end(signed_in, real_clock):
    signed_in(jwt(exp=START + 60), "entra_roles")
    signed_in(jwt(aud=ARM, exp=START + 900), "azure_resources")
    kept = Sessions(str(signed_in.path), real_clock).load("default")
    assert {api: token.expires_at for api, token in kept.tokens.items()} == {"graph": START + 60, "arm": START + 900}
