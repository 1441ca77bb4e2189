# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access: policies of the tenant file and policies that are ordered while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.service_client import (
    ARM_SCOPE,
    CLI,
    OPERATOR,
    OWN_CLIENT,
    WANT_C7,
    Client,
    aadsts,
    by_device_code,
    claims_of,
    order,
    refresh,
)
from simulator_process import Simulator

ONE_FACTOR = "onefactor@contoso.example"
TRUSTED = "trusted@contoso.example"


def test_mfa_of_a_session_that_was_made_without(client: Client) -> None:
    session = client.password_answer(OPERATOR).json()
    policy = order(client, "MFA for all")
    refused = refresh(client, session["refresh_token"])
    assert refused.status_code == 400
    assert aadsts(refused) == ("interaction_required", [50076])
    assert refused.json()["suberror"] == "basic_action"
    demanded = json.loads(refused.json()["claims"])
    assert demanded == {"access_token": {"capolids": {"essential": True, "values": [policy["id"]]}}}
    # the claims of the refusal, given back with a person there, are what cures it
    stronger = by_device_code(client, claims=refused.json()["claims"])
    assert "mfa" in claims_of(stronger["access_token"])["amr"]
    assert refresh(client, stronger["refresh_token"]).status_code == 200


def test_a_policy_is_taken_back(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    order(client, "MFA for all")
    assert aadsts(refresh(client, token))[1] == [50076]
    assert [policy["name"] for policy in client.simulator.control("GET", "conditional_access")["policies"]] == [
        "MFA for all"
    ]
    client.simulator.control("DELETE", "conditional_access/MFA%20for%20all")
    assert refresh(client, token).status_code == 200
    assert client.simulator.control("GET", "conditional_access") == {"policies": []}
    assert client.simulator.control_raw("DELETE", "conditional_access/MFA%20for%20all")[0] == 404


def test_reset_forgets_what_was_ordered(client: Client) -> None:
    order(client, require="block")
    client.simulator.control("POST", "reset")
    assert client.password_answer(OPERATOR).status_code == 200


@pytest.mark.parametrize("claims", ['{"access_token":null}', '{"access_token":null,"id_token":null}', "{}"])
def test_claims_that_ask_for_nothing(client: Client, claims: str) -> None:
    policy = order(client)
    refused = client.password_answer(OPERATOR, claims=claims)
    assert aadsts(refused) == ("invalid_grant", [50076])
    assert json.loads(refused.json()["claims"])["access_token"] == {
        "capolids": {"essential": True, "values": [policy["id"]]}
    }


def test_own_claims_stay_beside_the_policies(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    policy = order(client)
    asked = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})
    demanded = json.loads(refresh(client, token, claims=asked).json()["claims"])["access_token"]
    assert demanded["xms_cc"] == {"values": ["cp1"]}
    assert demanded["capolids"]["values"] == [policy["id"]]


def test_password_where_mfa_is_asked(client: Client) -> None:
    order(client)
    refused = client.password_answer(OPERATOR)
    assert aadsts(refused) == ("invalid_grant", [50076])
    assert "capolids" in refused.json()["claims"]
    assert "mfa" in claims_of(client.token(TRUSTED))["amr"], "who is trusted needs no person"


@pytest.mark.parametrize(
    ("require", "number", "suberror"),
    [("block", 53003, "message_only"), ("compliant_device", 53000, None), ("joined_device", 53001, None)],
)
def test_what_nobody_can_satisfy(client: Client, require: str, number: int, suberror: str | None) -> None:
    session = client.password_answer(TRUSTED).json()
    policy = order(client, require=require)
    for refused in (client.password_answer(TRUSTED), refresh(client, session["refresh_token"])):
        assert aadsts(refused) == ("invalid_grant", [number])
        assert refused.json().get("suberror") == suberror
        assert json.loads(refused.json()["claims"])["access_token"]["capolids"]["values"] == [policy["id"]]
    flow = client.device_start().json()
    status, body = client.simulator.control_raw(
        "POST", f"device_codes/{flow['user_code']}", {"decision": "approve", "username": TRUSTED}
    )
    assert (status, body["error"][: len(f"AADSTS{number}")]) == (400, f"AADSTS{number}")


@pytest.mark.parametrize(
    ("keys", "held"),
    [
        ({"users": ["OPERATOR@contoso.example"]}, True),
        ({"users": [TRUSTED]}, False),
        ({"clients": [OWN_CLIENT.upper()]}, True),
        ({"clients": [CLI]}, False),
        ({"resources": ["azure"]}, True),
        ({"resources": ["graph"]}, False),
        ({"resources": ["graph", "azure"]}, True),
        ({"authentication_context": "c7"}, False),
    ],
)
def test_for_whom_and_what_it_holds(client: Client, keys: dict[str, Any], held: bool) -> None:
    order(client, require="block", **keys)
    answer = client.password_answer(OPERATOR, client_id=OWN_CLIENT, scope=ARM_SCOPE)
    assert answer.status_code == (400 if held else 200)


def test_a_policy_of_a_context_holds_only_where_it_is_asked_for(client: Client) -> None:
    order(client, authentication_context="c7")
    assert "mfa" not in claims_of(client.token())["amr"]
    assert aadsts(client.password_answer(OPERATOR, claims=WANT_C7)) == ("invalid_grant", [50076])
    claims = claims_of(by_device_code(client, claims=WANT_C7)["access_token"])
    assert claims["acrs"] == ["c7"]
    assert "mfa" in claims["amr"]
    flow = client.device_start(claims=WANT_C7).json()
    status, body = client.simulator.control_raw(
        "POST", f"device_codes/{flow['user_code']}", {"decision": "approve", "username": ONE_FACTOR}
    )
    assert (status, body["error"][:12]) == (400, "AADSTS50079:")


def test_a_step_up_that_is_too_old_is_asked_again(client: Client) -> None:
    order(client, authentication_context="c7", sign_in_frequency="PT1H")
    token = by_device_code(client, claims=WANT_C7)["refresh_token"]
    token = refresh(client, token, claims=WANT_C7).json()["refresh_token"]
    client.simulator.advance("PT61M")
    refused = refresh(client, token, claims=WANT_C7)
    assert aadsts(refused) == ("interaction_required", [50078])
    demanded = json.loads(refused.json()["claims"])["access_token"]
    assert demanded["acrs"]["value"] == "c7"
    assert refresh(client, token).status_code == 200, "without the context nobody asks how old it is"


def test_a_sign_in_that_is_too_old(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    order(client, require="nothing", sign_in_frequency="PT4H")
    token = refresh(client, token).json()["refresh_token"]
    client.simulator.advance("PT4H")
    refused = refresh(client, token)
    assert aadsts(refused) == ("invalid_grant", [70043])
    assert "maximum allowed lifetime for this request is 14400" in refused.json()["error_description"]


def test_applications_are_not_asked(client: Client) -> None:
    order(client, require="block")
    assert client.app_token("915d4fbe-60d8-4c71-8eaa-df4280b35e96", "Sim-reporting-secret-1")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "lacks the key 'name'"),
        ({"name": "x", "requires": "mfa"}, "unknown key 'requires'"),
        ({"name": "x", "require": "retina"}, "require must be one of mfa, block"),
        ({"name": "x", "resources": ["teams"]}, "must be one of graph, azure"),
        ({"name": "x", "users": ["nobody@contoso.example"]}, "no user of this tenant"),
        ({"name": "x", "clients": ["nothing"]}, "no client_id"),
        ({"name": "x", "authentication_context": "c100"}, "c1 to c99"),
        ({"name": "x", "sign_in_frequency": "an hour"}, "not an ISO 8601 duration"),
        (
            {"name": "x", "sign_in_frequency": "PT0S"},
            "policy x: sign_in_frequency must be longer than nothing, not PT0S",
        ),
        ({"name": "x", "id": "7"}, "the id must be a GUID"),
    ],
)
def test_a_policy_that_is_none(client: Client, wrong: dict[str, Any], told: str) -> None:
    status, body = client.simulator.control_raw("POST", "conditional_access", wrong)
    assert status == 400
    assert told in body["error"]


@pytest.fixture
def strict_tenant() -> Iterator[Client]:
    policies = [{"name": "MFA for Azure", "resources": ["azure"], "id": "0B7E6C1D-2F4A-4C53-9D18-6A7B8C9D0E1F"}]
    with Simulator(changes={"conditional_access": policies}) as simulator:
        yield Client(simulator)


def test_a_policy_of_the_tenant_file(strict_tenant: Client) -> None:
    client = strict_tenant
    assert client.password_answer(OPERATOR).status_code == 200
    refused = client.password_answer(OPERATOR, client_id=OWN_CLIENT, scope=ARM_SCOPE)
    assert aadsts(refused) == ("invalid_grant", [50076])
    assert "0b7e6c1d-2f4a-4c53-9d18-6a7b8c9d0e1f" in refused.json()["claims"]
    client.simulator.control("DELETE", "conditional_access/mfa%20for%20azure")
    assert client.password_answer(OPERATOR, client_id=OWN_CLIENT, scope=ARM_SCOPE).status_code == 200
    client.simulator.control("POST", "reset")
    assert client.password_answer(OPERATOR, client_id=OWN_CLIENT, scope=ARM_SCOPE).status_code == 400
