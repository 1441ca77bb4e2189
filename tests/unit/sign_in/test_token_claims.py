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


# Requests together.

C1 = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
P1 = '{"access_token": {"acrs": {"essential": true, "values": ["p1"]}}}'


def nbf(value: str) -> str:
    return json.dumps({"access_token": {"nbf": {"essential": True, "value": value}}})


def address(value: str) -> str:
    """Where a service was called from, as it sees it."""
    return json.dumps({"access_token": {"xms_rp_ipaddr": {"value": value}}})


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (None, None, None),
        (C1, None, C1),
        (None, C1, C1),
        (C1, C1, C1),
        (P1, P1.replace("true", "false"), P1.replace('"values": ["p1"]', '"value": "p1"')),
        (C1, P1, '{"access_token": {"acrs": {"essential": true, "values": ["c1", "p1"]}}}'),
        (C1, "no request", C1),
        ("[1]", "[" * 100_000, None),
        (address("192.0.2.1"), address("192.0.2.2"), address("192.0.2.2")),
        (nbf("9"), nbf("10"), nbf("10")),
        (nbf("10"), nbf("9"), nbf("10")),
        (nbf("10"), nbf("later"), nbf("10")),
        (
            '{"access_token": {"a": null}}',
            '{"id_token": {"b": {"essential": true}}}',
            '{"access_token": {"a": null}, "id_token": {"b": {"essential": true}}}',
        ),
        ('{"access_token": {"xms_cc": {"values": ["cp1"]}}}', "{}", None),
        (
            token_claims.wanted_claims(True, []),
            token_claims.wanted_claims(True, []),
            token_claims.wanted_claims(True, []),
        ),
    ],
)
def test_two_requests_together(one, other, together):
    made = token_claims.merged(one, other)
    assert (made and json.loads(made)) == (together and json.loads(together))


WORDS = st.sampled_from(["c1", "c2", "p1", "mfa"])
CLAIM = st.builds(lambda one: {"value": one}, WORDS) | st.builds(
    lambda all_: {"values": all_}, st.lists(WORDS, max_size=3)
)
TIME = st.builds(lambda at: {"essential": True, "value": str(at)}, st.integers(0, 10**12))
REQUEST = st.dictionaries(
    st.sampled_from(["access_token", "id_token"]),
    st.fixed_dictionaries({}, optional={"acrs": CLAIM, "amr": CLAIM, "nbf": TIME, "x": st.none()}),
).map(json.dumps)


@given(REQUEST, REQUEST)
def test_two_together_cover_both(one, other):
    both = token_claims.merged(one, other)
    assert token_claims.covers(both, one)
    assert token_claims.covers(both, other)
    assert token_claims.covers(token_claims.with_capability(both), both)
    assert token_claims.covers(both, token_claims.merged(both, other))


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        (None, C1, False),
        (C1, None, True),
        (C1, P1, False),
        (P1, P1, True),
        (nbf("9"), nbf("10"), False),
        (nbf("10"), nbf("9"), True),
        ('{"id_token": {"acrs": {"value": "c1"}}}', C1, False),
    ],
)
def test_whether_one_request_covers_another(held, wanted, covered):
    assert token_claims.covers(held, wanted) is covered


@pytest.mark.parametrize(
    ("claims", "mfa", "contexts", "title"),
    [
        (None, False, (), "a newer sign-in"),
        (nbf("1"), False, (), "a newer sign-in"),
        (C1, False, ("c1",), "the authentication context c1"),
        (P1, True, (), "multi-factor authentication"),
        (token_claims.wanted_claims(True, ["c1", "c25"]), True, ("c1", "c25"), None),
        ('{"id_token": {"amr": {"values": ["ngcmfa"]}}}', True, (), "multi-factor authentication"),
    ],
)
def test_what_a_request_is_about(claims, mfa, contexts, title):
    proof = token_claims.proof_of(claims)
    assert (proof.mfa, proof.contexts) == (mfa, contexts)
    assert proof.title == (title or "multi-factor authentication and the authentication contexts c1, c25")


@pytest.mark.parametrize(
    ("claims", "tokens", "lacking"),
    [
        (C1, [{}], False),
        # Only the access token has to tell of contexts.
        (C1, [{}, {"oid": "x"}], False),
        (C1, [{"oid": "x"}], True),
        (C1, [{"acrs": ["c1"]}], False),
        (C1, [{"acrs": "c1"}, {}], False),
        (P1, [{"amr": ["pwd"]}], True),
        (P1, [{"amr": ["pwd", "mfa"]}], False),
        (P1, [{"oid": "x"}], False),
        (nbf("1"), [{"amr": ["pwd"]}], False),
    ],
)
def test_whether_a_token_tells_that_it_proves_less(claims, tokens, lacking):
    assert token_claims.lacks(claims, *tokens) is lacking
