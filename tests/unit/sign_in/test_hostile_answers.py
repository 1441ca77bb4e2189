# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sign-in service that answers with what no service would: a failure with a code of the contract, or a session that can be read."""

from __future__ import annotations

import base64
import json
import time

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.client import sign_in_failure
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.token_claims import decode
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions

from unit.sign_in.person import Person, post
from unit.sign_in.sts import APP, jwt
from unit.state.saved import TENANT
from unit.test_advice import CODES

METHODS = {
    "password": {"username": "operator@contoso.example", "password": "Pass-word-1"},
    "device_code": {"auth_method": "device_code", "login_timeout": 3},
    "interactive": {"auth_method": "interactive", "login_timeout": 3},
    "client_secret": {"client_secret": "Secret-1"},
}
DEEP = "[" * 100_000


def _part(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _token(**claims: object) -> str:
    return jwt(**{"sub": "s", "aud": APP, **claims})


HOSTILE = {
    "expires_in": ["soon", -1, 1e308, 10**30, [], {}, None, True, "9" * 5000],
    "scope": [[], {}, 7, None, "a " * 100_000],
    "refresh_token": [[], {}, 7, True, ""],
    "client_info": ["x", "%%%", 7, [], _part("[]"), _part("no json"), _part(DEEP), "a" * 1_000_000],
    "access_token": [
        [],
        7,
        "",
        "a.b.c",
        "....",
        f"a.{_part(DEEP)}.c",
        f"a.{_part('[]')}.c",
        "\ud800",
        "ü.ü.ü",
        _token(oid=[]),
    ],
    "id_token": [
        7,
        [],
        "",
        "x",
        "a.b.c",
        "a.%%%.c",
        "ü.ü.ü",
        f"a.{_part('[]')}.c",
        f"a.{_part('7')}.c",
        f"a.{_part('{}')}.c",
        f"a.{_part(DEEP)}.c",
        _token(exp="soon"),
        _token(exp=1e308),
        _token(aud=[]),
        _token(aud={}),
        _token(tid=7),
        _token(tid={}),
        _token(oid=["x"]),
        _token(oid="x" * 100_000),
        _token(preferred_username=7),
        _token(preferred_username=["operator@contoso.example"]),
        _token(preferred_username={"a": 1}),
        _token(preferred_username="\x1b[31m\n" * 100),
        _token(amr={"mfa": 1}),
        _token(acrs=7),
        _token(x="y" * 1_000_000),
    ],
    "token_type": [7, [], None],
    "foci": [7, [], {}],
}
# All by one method, and the first ones by each: they are judged in one place.
CASES = [
    (method, name, value)
    for method in METHODS
    for name, values in HOSTILE.items()
    for value in (values if method == "password" else values[:2])
]


def _with_nonce(hostile: object, genuine: str) -> object:
    """What comes with the browser's sign-in is of this sign-in, as far as it is a token."""
    claims = decode(hostile) if isinstance(hostile, str) else {}
    return jwt(**{**claims, "nonce": decode(genuine)["nonce"]}) if claims else hostile


@pytest.mark.parametrize(("method", "name", "value"), CASES, ids=lambda one: repr(one)[:24])
def test_whatever_a_token_answer_holds(service, real_clock, options, tmp_path, method, name, value):
    person = Person(real_clock, options)
    person.opens = lambda address: post(address, service.authorize(address))

    def alter(body):
        told = value
        if name == "id_token" and "id_token" in body:
            told = _with_nonce(value, body["id_token"])
        return {**body, name: told}

    service.alters = alter
    started = time.monotonic()
    result = person.connect(tenant=TENANT, client_id=APP, **METHODS[method])
    assert time.monotonic() - started < 6
    if result.get("failed"):
        assert result["failure"]["code"] in CODES, result
    else:
        kept = Sessions(str(tmp_path / "state"), real_clock).load("default")
        assert kept is not None
        assert isinstance(kept.username, (str, type(None)))


@pytest.mark.parametrize("claims", [{"tid": "00000000-0000-4000-8000-000000000000"}, {"oid": "another"}])
@pytest.mark.parametrize("method", ["password", "device_code", "interactive"])
def test_two_tokens_of_two_accounts_make_no_session(service, real_clock, options, tmp_path, method, claims):
    """The one says who activates, the other whose roles they are."""
    person = Person(real_clock, options)
    person.opens = lambda address: post(address, service.authorize(address))
    service.alters = lambda body: {**body, "id_token": body.get("id_token") or _token(), "access_token": jwt(**claims)}
    result = person.connect(tenant="contoso.example", client_id=APP, **METHODS[method])
    assert result["failure"]["code"] == "login_failed"
    assert Sessions(str(tmp_path / "state"), real_clock).load("default") is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": "x" * 10_000},
        {"error": "\x1b[31mred"},
        {"error": ["x"]},
        {"error": "x", "error_description": "AADSTS" + "9" * 5000},
        {"error": "x", "error_description": "AADSTS\u0665\u0660\u0661\u0662\u0666"},
        {"error": "x", "error_codes": [True, 10**4000, "50126", None, {}]},
        {"error": "x", "error_codes": {"a": 1}},
        {"error": "x", "error_description": " " * 100_000 + "x"},
        {"error": "x", "error_description": "\t" * 100_000},
        {"error": "x", "error_description": {"a": 1}},
        {"error": "x", "correlation_id": "\x1b[31m" * 1000, "suberror": [], "claims": "[" * 100_000},
        {"error": "x", "claims": '{"access_token": 7, "id_token": [], "a": {"acrs": 7, "nbf": {"values": {}}}}'},
    ],
    ids=lambda one: repr(one)[:40],
)
def test_whatever_a_refusal_says(body):
    started = time.process_time()
    told = sign_in_failure(body)
    assert time.process_time() - started < 1
    failure = told.as_failure()
    assert told.code in CODES
    assert len(told.sentence) < 1500
    for text in failure.values():
        assert text is None or (len(text) <= 500 and text.isprintable())
