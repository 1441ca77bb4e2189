# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims challenges of Graph and Azure, what cures them, and the refusals of PIM that ask for a stronger sign-in."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from simulator.arm_client import (
    ARM,
    CONTRIBUTOR,
    DEVELOPMENT,
    PRODUCTION,
    TAGS,
    ArmClient,
)
from simulator.group_client import GroupClient
from simulator.service_client import OPERATOR, OWN_CLIENT, Client, aadsts, by_device_code, claims_of, error_of, refresh
from simulator_process import Simulator

TRUSTED = "trusted@contoso.example"
ONE_FACTOR = "onefactor@contoso.example"
CP1 = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})
WANT_MFA = json.dumps({"access_token": {"amr": {"values": ["mfa"]}}})
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
REASONS = [
    "TokenIssuedBeforeRevocationTimestamp",
    "TokenCreatedWithOutdatedPolicies",
    "LocationConditionEvaluationSatisfied",
]
PARAMETER = r'(\w+)="([^"]*)"'
# RFC 9110, 11.6.1, with the parts that these services use
SCHEMES = re.compile(rf"(PoP|Bearer) ((?:{PARAMETER}(?:, (?=\w+=))?)+)(?:, |$)")


def schemes(answer: requests.Response) -> dict[str, dict[str, str]]:
    """The challenges of a 401, by their schemes."""
    assert answer.status_code == 401, answer.text
    header = answer.headers["WWW-Authenticate"]
    found = list(SCHEMES.finditer(header))
    assert "".join(match[0] for match in found) == header
    return {match[1]: dict(re.findall(PARAMETER, match[2])) for match in found}


def demand(answer: requests.Response, error: str = "insufficient_claims") -> dict[str, Any]:
    """What the challenge of a 401 asks for in the access token."""
    bearer = schemes(answer)["Bearer"]
    assert bearer["error"] == error
    asked: dict[str, Any] = json.loads(base64.b64decode(bearer["claims"]))["access_token"]
    return asked


def revoke(simulator: Simulator, username: str = OPERATOR, **keys: Any) -> None:
    simulator.control("POST", "tokens/revoke", {"username": username, **keys})


# revocation


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_of_a_challenge(arm: ArmClient, reason: str) -> None:
    session = arm.password_answer(OPERATOR, client_id=OWN_CLIENT, claims=CP1).json()
    azure = arm.arm_token(claims=CP1)
    revoke(arm.simulator, refresh=False, reason=reason)
    graph_answer = arm.graph("GET", "me", session["access_token"])
    azure_answer = arm.call("GET", "/subscriptions", azure)
    for answer in (graph_answer, azure_answer):
        told = schemes(answer)["Bearer"]
        assert told["errorDescription"].endswith(f"InteractionRequired and code: {reason}")
        asked = demand(answer)
        assert asked["nbf"]["essential"] is True
        assert asked["nbf"]["value"].isdigit()
        assert ("xms_rp_ipaddr" in asked) == (reason == REASONS[2])
    assert graph_answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert azure_answer.json()["error"]["code"] == "AuthenticationFailed"
    # the claims of the challenge, with what the client always says
    claims = json.dumps({"access_token": {**demand(azure_answer), "xms_cc": {"values": ["cp1"]}}})
    cured = refresh(arm, session["refresh_token"], client_id=OWN_CLIENT, claims=claims, scope=f"{ARM}/.default")
    assert arm.call("GET", "/subscriptions", cured.json()["access_token"]).status_code == 200


def test_only_who_declared_cp1_is_challenged(arm: ArmClient) -> None:
    plain = arm.arm_token()
    other = arm.arm_token("administrator@contoso.example", claims=CP1)
    revoke(arm.simulator)
    assert arm.call("GET", "/subscriptions", plain).status_code == 200
    assert arm.call("GET", "/subscriptions", other).status_code == 200, "somebody else's"


def test_a_reason_that_is_none(simulator: Simulator) -> None:
    status, body = simulator.control_raw("POST", "tokens/revoke", {"username": OPERATOR, "reason": "Because"})
    assert status == 400
    assert "LocationConditionEvaluationSatisfied" in body["error"]


@pytest.mark.parametrize("form", ["pop_first", "commas", "invalid_token"])
def test_forms_of_the_header(form: str) -> None:
    error = "invalid_token" if form == "invalid_token" else "insufficient_claims"
    with Simulator(changes={"behaviour": {"challenge_header": form, "batch_challenge": "inner"}}) as simulator:
        client = ArmClient(simulator)
        graph, azure = client.token(client_id=OWN_CLIENT, claims=CP1), client.arm_token(claims=CP1)
        revoke(simulator)
        for answer in (client.graph("GET", "me", graph), client.call("GET", "/subscriptions", azure)):
            found = schemes(answer)
            assert "nbf" in demand(answer, error)
            if form == "pop_first":
                assert list(found) == ["PoP", "Bearer"]
                assert "nonce" in found["PoP"]
                assert "claims" not in found["PoP"]
            elif form == "commas":
                assert ", " in found["Bearer"]["error_description"]
        # and a batch, where this tenant tells it within
        batch = {"requests": [{"id": name, "method": "GET", "url": "/me"} for name in ("a", "b")]}
        answer = client.graph("POST", "$batch", graph, json=batch)
        assert answer.status_code == 200
        for item in answer.json()["responses"]:
            assert item["status"] == 401
            assert error in item["headers"]["WWW-Authenticate"]
        assert client.graph("POST", "$batch", graph, json={"requests": []}).status_code == 400
        assert client.graph("POST", "$batch", "nonsense", json=batch).status_code == 401, "no challenge: a bad token"


def test_a_batch_is_challenged_as_a_whole(client: Client) -> None:
    token = client.token(claims=CP1)
    revoke(client.simulator)
    batch = {"requests": [{"id": "a", "method": "GET", "url": "/me"}]}
    assert "nbf" in demand(client.graph("POST", "$batch", token, json=batch))


# claims


def test_a_token_newer_than_a_moment(client: Client) -> None:
    def answer(value: str) -> requests.Response:
        claims = {"access_token": {"nbf": {"essential": True, "value": value}}}
        return client.password_answer(OPERATOR, claims=json.dumps(claims))

    issued = claims_of(answer("1702682181").json()["access_token"])["iat"]
    assert aadsts(answer(str(issued + 3600))) == ("invalid_grant", [50173])
    client.simulator.advance("PT1H1S")
    assert answer(str(issued + 3600)).status_code == 200
    assert aadsts(answer("soon")) == ("invalid_request", [9002313])


@pytest.mark.parametrize("values", [{"value": "c2"}, {"values": ["c1", "c2"]}])
def test_contexts_in_either_spelling(client: Client, values: dict[str, Any]) -> None:
    claims = json.dumps({"access_token": {"acrs": {"essential": True, **values}}})
    token = client.token(TRUSTED, claims=claims)
    assert claims_of(token)["acrs"] == values.get("values", ["c2"])


def test_p1_is_multi_factor_authentication(client: Client) -> None:
    want = json.dumps({"access_token": {"acrs": {"essential": True, "values": ["p1"]}}})
    assert aadsts(client.password_answer(OPERATOR, claims=want)) == ("invalid_grant", [50076])
    assert aadsts(client.password_answer(ONE_FACTOR, claims=want)) == ("invalid_grant", [50079])
    claims = claims_of(by_device_code(client, claims=want)["access_token"])
    assert (claims["acrs"], "mfa" in claims["amr"]) == (["p1"], True)
    # a sign-in with the second factor has it already
    session = by_device_code(client, claims=WANT_MFA)
    again = refresh(client, session["refresh_token"], claims=want)
    assert claims_of(again.json()["access_token"])["acrs"] == ["p1"]


# mandatory multi-factor authentication of Azure


def azure_by_device_code(arm: ArmClient, claims: str) -> str:
    body = by_device_code(arm, claims=claims, client_id=OWN_CLIENT, scope=f"{ARM}/.default")
    return str(body["access_token"])


def test_azure_asks_mfa_of_who_changes_something(arm: ArmClient) -> None:
    token = arm.arm_token(claims=CP1)
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "challenge"})
    assert arm.call("GET", "/subscriptions", token).status_code == 200
    for answer in (
        arm.put(token, DEVELOPMENT, CONTRIBUTOR),
        arm.call("PATCH", TAGS, token, json={}),
        arm.call("DELETE", TAGS, token),
    ):
        assert error_of(answer) == (401, "RequestDisallowedByAzure")
        assert demand(answer) == {"acrs": {"essential": True, "values": ["p1"]}}
    assert arm.held(token) == [("Monitoring Reader", "Production")], "what was refused left nothing"
    # seen: validate is a POST, and changes nothing
    assert arm.put(token, DEVELOPMENT, CONTRIBUTOR, action="validate").status_code == 200
    claims = json.dumps({"access_token": {**demand(arm.put(token, DEVELOPMENT, CONTRIBUTOR))}})
    stronger = azure_by_device_code(arm, claims)
    assert arm.put(stronger, DEVELOPMENT, CONTRIBUTOR).status_code == 201


def test_azure_takes_any_sign_in_with_mfa(arm: ArmClient) -> None:
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "challenge"})
    assert arm.put(azure_by_device_code(arm, WANT_MFA), DEVELOPMENT, CONTRIBUTOR).status_code == 201


def test_azure_disallows(arm: ArmClient) -> None:
    token = arm.arm_token()
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "disallowed"})
    answer = arm.put(token, DEVELOPMENT, CONTRIBUTOR)
    assert error_of(answer) == (403, "RequestDisallowedByAzure")
    assert "authenticated through MFA" in answer.json()["error"]["message"]
    assert "WWW-Authenticate" not in answer.headers
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "none"})
    assert arm.put(token, DEVELOPMENT, CONTRIBUTOR).status_code == 201


def test_azure_asks_no_application(arm: ArmClient) -> None:
    answer = arm.token_answer(
        grant_type="client_credentials",
        client_id="a26e50cf-71e9-4d82-9fbb-e05391c46fa7",
        client_secret="Sim-provisioning-secret-1",
        scope=f"{ARM}/.default",
    )
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "challenge"})
    refused = arm.put(answer.json()["access_token"], DEVELOPMENT, CONTRIBUTOR)
    assert refused.json()["error"]["code"] != "RequestDisallowedByAzure"


def test_mandatory_mfa_of_the_tenant_file() -> None:
    behaviour = {"azure_resources": {"mandatory_mfa": "challenge"}}
    with Simulator(changes={"behaviour": behaviour}) as simulator:
        arm = ArmClient(simulator)
        assert arm.put(arm.arm_token(), DEVELOPMENT, CONTRIBUTOR).status_code == 401
        simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "none"})
        simulator.control("POST", "reset")
        assert arm.put(arm.arm_token(), DEVELOPMENT, CONTRIBUTOR).status_code == 401


@pytest.mark.parametrize("wrong", [{}, {"mandatory_mfa": "sometimes"}, {"mandatory_mfa": None}, {"mfa": "none"}])
def test_an_order_of_mandatory_mfa_that_is_none(arm: ArmClient, wrong: dict[str, Any]) -> None:
    token = arm.arm_token()
    arm.simulator.control("POST", "mandatory_mfa", {"mandatory_mfa": "challenge"})
    status, body = arm.simulator.control_raw("POST", "mandatory_mfa", wrong)
    told = "unknown key 'mfa'" if "mfa" in wrong else "mandatory_mfa must be one of none, challenge, disallowed"
    assert (status, told in body["error"]) == (400, True), body
    assert arm.put(token, DEVELOPMENT, CONTRIBUTOR).status_code == 401, "what was ordered before stands"


# PIM's own refusals, of each provider


CLAIMS = '{"access_token":{"acrs":{"essential":true, "value":"c1"}}}'


def tenant_of(policy: dict[str, Any], **behaviour: Any) -> dict[str, Any]:
    """The default tenant, with more in the policies that a role, a group and an Azure role of the operator have."""
    return {"behaviour": behaviour, "policies": {"default": policy, "group_default": policy}}


def activations(simulator: Simulator, claims: str) -> dict[str, requests.Response]:
    """One activation of each provider, with a token that satisfies ``claims``."""
    graph, arm = GroupClient(simulator), ArmClient(simulator)
    token = by_device_code(graph, claims=claims)["access_token"]
    azure = azure_by_device_code(arm, claims)
    return {
        "entra_roles": graph.request(token, SECURITY_READER),
        "groups": graph.ask(token, "Server Admins"),
        "azure_resources": arm.put(azure, PRODUCTION, CONTRIBUTOR),
    }


def told(answer: requests.Response) -> tuple[str, str]:
    """(code, message) of either envelope."""
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    if error["code"] == "UnknownError":
        error = json.loads(error["message"])
        return error["errorCode"], error["message"]
    return error["code"], error["message"]


@pytest.mark.parametrize("envelope", ["mixed", "wrapped"])
def test_the_context_of_each_provider(envelope: str) -> None:
    with Simulator(changes=tenant_of({"authentication_context": "c1"}, error_envelope=envelope)) as simulator:
        without = activations(simulator, CP1)
        undeclared = activations(simulator, CLAIMS)
        for refused in (without, undeclared):
            for provider, answer in refused.items():
                code, message = told(answer)
                assert code == "RoleAssignmentRequestAcrsValidationFailed", provider
                assert unquote(message) == f"&claims={CLAIMS}"
                wrapped = answer.json()["error"]["code"] == "UnknownError"
                assert wrapped == (envelope == "wrapped" and provider != "azure_resources")
        claims = json.loads(CLAIMS)
        claims["access_token"]["xms_cc"] = {"values": ["cp1"]}
        for provider, answer in activations(simulator, json.dumps(claims)).items():
            assert answer.status_code == 201, (provider, answer.text)


@pytest.mark.parametrize(
    ("form", "text"), [("text", "MfaRule - Multi-factor authentication is required"), ("list", '["MfaRule"]')]
)
def test_mfa_of_each_provider(form: str, text: str) -> None:
    changes = tenant_of({"mfa": True}, rule_messages=form, azure_resources={"rule_messages": form})
    with Simulator(changes=changes) as simulator:
        for provider, answer in activations(simulator, CP1).items():
            code, message = told(answer)
            assert code == "RoleAssignmentRequestPolicyValidationFailed", provider
            assert message == f"The following policy rules failed: {text}"
        for provider, answer in activations(simulator, WANT_MFA).items():
            assert answer.status_code == 201, (provider, answer.text)
