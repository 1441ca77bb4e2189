# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tokens tell, and what the next one is asked for."""

from __future__ import annotations

import json

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in import token_claims
from hypothesis import given
from hypothesis import strategies as st

from unit.sign_in.sts import jwt
from unit.state.saved import OID


def test_the_claims_of_a_token():
    assert token_claims.decode(jwt())["oid"] == OID


@given(st.text() | st.binary().map(lambda data: f"a.{data.hex()}.b") | st.text().map("a.{}.b".format))
def test_any_text_has_claims_or_none(text):
    assert isinstance(token_claims.decode(text), dict)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "a.W10.c", "a.bnVsbA.c", "a." + "W" * 200_000 + ".c"])
def test_what_is_no_token_has_none(token):
    assert token_claims.decode(token) == {}


@pytest.mark.parametrize(
    ("value", "texts"), [(None, []), ("c1", ["c1"]), (["c1", 7, "c2"], ["c1", "c2"]), ({}, []), (7, [])]
)
def test_a_claim_of_one_or_many(value, texts):
    assert token_claims.texts(value) == texts


@pytest.mark.parametrize(
    ("tokens", "used"),
    [
        ([{}], None),
        ([{"amr": ["pwd"]}], False),
        ([{"amr": ["pwd", "mfa"]}], True),
        ([{"amr": "mfa"}], True),
        ([{"amr": ["ngcmfa"]}], True),
        ([{}, {"amr": ["pwd", "mfa"]}], True),
        ([{"amr": []}], False),
    ],
)
def test_whether_a_second_factor_was_used(tokens, used):
    assert token_claims.used_mfa(*tokens) is used


def test_nothing_special_is_asked_for():
    assert token_claims.wanted_claims(False, []) is None


def test_what_is_asked_for():
    claims = json.loads(str(token_claims.wanted_claims(True, ["c1"])))["access_token"]
    assert claims["amr"] == {"values": ["mfa"]}
    assert claims["acrs"] == {"essential": True, "value": "c1"}
    several = json.loads(str(token_claims.wanted_claims(False, ["c1", "c2"])))["access_token"]
    assert several["acrs"]["values"] == ["c1", "c2"]


def test_the_capability_is_added_to_claims():
    claims = json.loads(token_claims.with_capability(token_claims.wanted_claims(True, ["c1"])))["access_token"]
    assert set(claims) == {"amr", "acrs", "xms_cc"}
    assert claims["xms_cc"] == {"values": ["cp1"]}
    assert json.loads(token_claims.with_capability(None)) == {"access_token": {"xms_cc": {"values": ["cp1"]}}}
