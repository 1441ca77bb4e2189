# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service: every grant, every refusal, and what is in a token."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
import requests

from simulator.service_client import (
    ADMINISTRATOR,
    CLI,
    DIRECTORY,
    GRAPH,
    MINE,
    OPERATOR,
    OWN_CLIENT,
    VIEWER,
    Client,
    aadsts,
    claims_of,
)
from simulator_process import Simulator

ARM_SCOPE = "https://management.azure.com/.default"
CP1 = json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})
WANT_C1 = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}, "xms_cc": {"values": ["CP1"]}}})
WANT_MFA = json.dumps({"access_token": {"amr": {"values": ["mfa"]}}})
REPORTING = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
SECRET = "Sim-reporting-secret-1"


# discovery


@pytest.mark.parametrize(
    "tenant", ["7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c41", "CONTOSO.example", "organizations", "common"]
)
def test_discovery(client: Client, tenant: str) -> None:
    url = client.simulator.url
    answer = client.session.get(f"{url}/{tenant}/v2.0/.well-known/openid-configuration").json()
    general = tenant in ("organizations", "common")
    assert answer["issuer"] == f"{url}/{'{tenantid}' if general else client.simulator.tenant_id}/v2.0"
    assert answer["token_endpoint"].startswith(f"{url}/")
    assert "device_authorization_endpoint" in answer


def test_discovery_keeps_the_host_that_was_asked(client: Client) -> None:
    url = client.simulator.url.replace("localhost", "127.0.0.1")
    answer = client.session.get(f"{url}/contoso.example/v2.0/.well-known/openid-configuration").json()
    assert answer["token_endpoint"].startswith(url)


def test_instances(client: Client) -> None:
    """Microsoft's names are one service, whichever a client knows it by; of a name that is none of them nobody knows."""
    url = client.simulator.url
    ask = {"api-version": "1.1"}
    for authority in ("https://login.microsoftonline.com", url):
        ask["authorization_endpoint"] = f"{authority}/contoso.example/oauth2/v2.0/authorize"
        answer = client.session.get(f"{url}/common/discovery/instance", params=ask).json()
        (metadata,) = answer["metadata"]
        assert {"login.microsoftonline.com", "login.windows.net"} <= set(metadata["aliases"])
        assert answer["tenant_discovery_endpoint"] == f"{url}/contoso.example/v2.0/.well-known/openid-configuration"
    ask["authorization_endpoint"] = "https://login.example.com/contoso.example/oauth2/v2.0/authorize"
    refused = client.session.get(f"{url}/common/discovery/instance", params=ask)
    assert refused.status_code == 400
    assert aadsts(refused) == ("invalid_instance", [50049])


def test_unknown_tenant(client: Client) -> None:
    answer = client.session.get(f"{client.simulator.url}/fabrikam.example/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 400
    assert aadsts(answer) == ("invalid_request", [90002])
    assert aadsts(client.password_answer(OPERATOR, tenant="fabrikam.example")) == ("invalid_request", [90002])


def test_user_realm(client: Client) -> None:
    realm = f"{client.simulator.url}/common/userrealm"
    assert client.session.get(f"{realm}/{OPERATOR}?api-version=1.0").json()["account_type"] == "Managed"
    assert client.session.get(f"{realm}/x@nowhere.example?api-version=1.0").json()["account_type"] == "Unknown"
    assert client.session.get(f"{realm}/{OPERATOR}").status_code == 400


# tokens


def test_the_token_of_a_user(client: Client) -> None:
    answer = client.password_answer(OPERATOR, client_info="1", claims=CP1)
    body = answer.json()
    keys = client.session.get(f"{client.simulator.url}/common/discovery/v2.0/keys").json()["keys"]
    key = jwt.PyJWK(keys[0]).key
    claims = jwt.decode(body["access_token"], key, algorithms=["RS256"], audience=GRAPH)
    me = client.graph("GET", "me", body["access_token"]).json()
    assert claims["oid"] == me["id"]
    assert claims["tid"] == client.simulator.tenant_id
    assert claims["appid"] == CLI
    assert claims["upn"] == claims["unique_name"] == claims["preferred_username"] == OPERATOR
    assert claims["idtyp"] == "user"
    assert claims["amr"] == ["pwd"]
    assert claims["xms_cc"] == ["CP1"]
    assert "acrs" not in claims
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 3600
    # whatever the client was granted is in the token, and told with the scopes that were asked for
    assert "RoleAssignmentSchedule.ReadWrite.Directory" in claims["scp"].split()
    assert f"{GRAPH}/.default" in body["scope"].split()
    assert f"{GRAPH}/RoleAssignmentSchedule.ReadWrite.Directory" in body["scope"].split()
    id_claims = jwt.decode(body["id_token"], key, algorithms=["RS256"], audience=CLI)
    assert id_claims["oid"] == claims["oid"]
    assert "client_info" in body


@pytest.mark.parametrize(
    "scope", ["User.Read", f"{GRAPH}/User.Read", "00000003-0000-0000-c000-000000000000/.default", f"{GRAPH}//.default"]
)
def test_spellings_of_a_scope(client: Client, scope: str) -> None:
    body = client.password_answer(OPERATOR, scope=scope).json()
    assert claims_of(body["access_token"])["aud"] == GRAPH
    assert scope in body["scope"].split()
    assert "refresh_token" not in body, "offline_access was not asked for"
    assert "id_token" not in body


def test_wids_are_the_active_roles_at_issue(client: Client) -> None:
    role = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
    before = client.token()
    assert role not in claims_of(before)["wids"]
    assert client.request(before, role).status_code == 201
    assert role in claims_of(client.token())["wids"]


def test_a_guest(client: Client) -> None:
    answer = client.password_answer("guest@fabrikam.example", password="Sim-guest-password-1")
    claims = claims_of(answer.json()["access_token"])
    assert "upn" not in claims
    assert claims["unique_name"] == "guest@fabrikam.example"
    me = client.graph("GET", "me", answer.json()["access_token"]).json()
    assert me["userPrincipalName"] == "guest_fabrikam.example#EXT#@contoso.example"


# password


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"password": "wrong"}, ("invalid_grant", [50126])),
        ({"username": "nobody@contoso.example"}, ("invalid_grant", [50034])),
        ({"username": "leaver@contoso.example", "password": "Sim-leaver-password-1"}, ("invalid_grant", [50057])),
        ({"username": "strict@contoso.example", "password": "Sim-strict-password-1"}, ("invalid_grant", [50076])),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, ("unauthorized_client", [700016])),
        ({"client_id": REPORTING}, ("invalid_client", [7000218])),
        ({"client_id": "7f3b2d9c-4eb6-4a5f-8c88-bd206e913c74"}, ("invalid_grant", [65001])),
        ({"client_id": "804c3ead-5fc7-4b60-9d99-ce317fa24d85"}, ("invalid_grant", [50105])),
        ({"client_id": VIEWER, "scope": "RoleAssignmentSchedule.ReadWrite.Directory"}, ("invalid_grant", [65001])),
        ({"scope": ARM_SCOPE}, ("invalid_grant", [65002])),
        ({"client_id": VIEWER, "scope": ARM_SCOPE}, ("invalid_grant", [65001])),
        ({"scope": "https://vault.azure.net/.default"}, ("invalid_resource", [500011])),
        ({"scope": f"{GRAPH}/.default {ARM_SCOPE}"}, ("invalid_request", [28000])),
        ({"scope": ""}, ("invalid_request", [900144])),
        ({"grant_type": ""}, ("invalid_request", [900144])),
        ({"grant_type": "magic"}, ("unsupported_grant_type", [70003])),
        ({"claims": "{"}, ("invalid_request", [9002313])),
        ({"claims": '{"access_token": {"acrs": "c1"}}'}, ("invalid_request", [9002313])),
        ({"claims": WANT_MFA}, ("invalid_grant", [50076])),
        ({"claims": WANT_C1}, ("invalid_grant", [50076])),
        ({"client_secret": "x"}, ("invalid_client", [700025])),
        ({"tenant": "common"}, ("invalid_grant", [9001023])),
    ],
)
def test_password_refused(client: Client, form: dict[str, str], expected: tuple[str, list[int]]) -> None:
    answer = client.password_answer(**{"username": OPERATOR, **form})
    assert answer.status_code == (401 if expected[0] == "invalid_client" else 400)
    assert aadsts(answer) == expected


def test_the_body_of_a_refusal(client: Client) -> None:
    answer = client.password_answer(OPERATOR, password="wrong")
    body = answer.json()
    assert body["error_description"].startswith("AADSTS50126: ")
    for part in ("Trace ID: ", "Correlation ID: ", "Timestamp: "):
        assert part in body["error_description"]
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }
    answer = client.password_answer("strict@contoso.example", claims=CP1)
    assert answer.json()["suberror"] == "basic_action"
    assert json.loads(answer.json()["claims"]) == json.loads(CP1)


def test_a_trusted_sign_in_needs_no_person(client: Client) -> None:
    claims = claims_of(client.token("trusted@contoso.example", claims=WANT_C1))
    assert claims["acrs"] == ["c1"]
    assert "mfa" in claims_of(client.token("trusted@contoso.example", claims=WANT_MFA))["amr"]


def test_azure_by_the_own_client(client: Client) -> None:
    body = client.password_answer(OPERATOR, client_id=OWN_CLIENT, scope=ARM_SCOPE).json()
    claims = claims_of(body["access_token"])
    assert claims["aud"] == "https://management.azure.com"
    assert claims["scp"] == "user_impersonation"
    answer = client.graph("GET", "me", body["access_token"])
    assert answer.status_code == 401
    assert "Invalid audience" in answer.json()["error"]["message"]


def test_wrong_content_type(client: Client) -> None:
    url = f"{client.simulator.url}/organizations/oauth2/v2.0/token"
    answer = client.session.post(url, json={"grant_type": "password"})
    assert aadsts(answer) == ("invalid_request", [9002313])


def test_a_field_given_twice(client: Client) -> None:
    url = f"{client.simulator.url}/organizations/oauth2/v2.0/token"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.session.post(url, data="grant_type=password&grant_type=device_code", headers=headers)
    assert aadsts(answer) == ("invalid_request", [9002313])


# refresh


def _refresh(client: Client, token: str, **form: str) -> requests.Response:
    base = {"grant_type": "refresh_token", "client_id": CLI, "scope": f"{GRAPH}/.default openid offline_access"}
    return client.token_answer(**{**base, "refresh_token": token, **form})


def test_refresh_tokens_rotate(client: Client) -> None:
    first = client.password_answer(OPERATOR).json()["refresh_token"]
    answer = _refresh(client, first)
    second = answer.json()["refresh_token"]
    assert second != first
    assert _refresh(client, first).status_code == 200, "within the grace time two processes may refresh"
    client.simulator.advance("PT31S")
    refused = _refresh(client, first)
    assert refused.status_code == 400
    assert aadsts(refused) == ("invalid_grant", [70000])
    assert _refresh(client, second).status_code == 200


def test_a_refresh_that_is_refused_does_not_use_the_token_up(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    assert aadsts(_refresh(client, token, claims=WANT_MFA))[1] == [50076]
    client.simulator.control("POST", "time", {"advance": "PT30M"})
    assert _refresh(client, token).status_code == 200


@pytest.mark.parametrize(
    ("form", "code"),
    [({"refresh_token": "1.nonsense"}, 9002313), ({"client_id": OWN_CLIENT}, 70000), ({"refresh_token": ""}, 900144)],
)
def test_refresh_refused(client: Client, form: dict[str, str], code: int) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    assert aadsts(_refresh(client, **{"token": token, **form}))[1] == [code]


def test_refresh_expired_and_revoked(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    client.simulator.control("POST", "tokens/revoke", {"username": OPERATOR})
    assert aadsts(_refresh(client, token)) == ("invalid_grant", [50173])
    later = client.password_answer(OPERATOR).json()["refresh_token"]
    assert _refresh(client, later).status_code == 200
    client.simulator.advance("P91D")
    assert aadsts(_refresh(client, later)) == ("invalid_grant", [700082])


def test_a_refresh_keeps_mfa_and_forgets_contexts(client: Client) -> None:
    flow = client.device_start(claims=WANT_C1).json()
    order = {"decision": "approve", "username": OPERATOR}
    client.simulator.control("POST", f"device_codes/{flow['user_code']}", order)
    first = client.device_poll(flow["device_code"], claims=WANT_C1).json()
    assert claims_of(first["access_token"])["acrs"] == ["c1"]
    plain = _refresh(client, first["refresh_token"]).json()
    assert "acrs" not in claims_of(plain["access_token"])
    again = _refresh(client, plain["refresh_token"], claims=WANT_C1).json()
    assert claims_of(again["access_token"])["acrs"] == ["c1"]
    refused = _refresh(client, plain["refresh_token"], claims=WANT_MFA)
    assert aadsts(refused) == ("interaction_required", [50076])
    assert json.loads(refused.json()["claims"]) == json.loads(WANT_MFA)


def test_revoked_access_tokens_are_challenged_where_the_client_can_answer(client: Client) -> None:
    capable = client.token(claims=CP1)
    plain = client.token()
    client.simulator.control("POST", "tokens/revoke", {"username": OPERATOR, "refresh": False})
    answer = client.graph("GET", "me", capable)
    assert answer.status_code == 401
    header = answer.headers["WWW-Authenticate"]
    assert header.startswith('Bearer realm=""')
    assert 'error="insufficient_claims"' in header
    challenge = json.loads(base64.b64decode(header.split('claims="')[1].split('"')[0]))
    assert challenge["access_token"]["nbf"]["essential"] is True
    assert client.graph("GET", "me", plain).status_code == 200
    assert client.graph("GET", "me", client.token(claims=CP1)).status_code == 200


# device code


def _decide(client: Client, flow: dict[str, Any], decision: str, username: str = OPERATOR) -> None:
    order = {"decision": decision, **({"username": username} if decision == "approve" else {})}
    client.simulator.control("POST", f"device_codes/{flow['user_code']}", order)


def test_device_code(client: Client) -> None:
    flow = client.device_start().json()
    assert flow["verification_uri"] == f"{client.simulator.url}/devicelogin"
    assert flow["user_code"] in flow["message"]
    assert (flow["interval"], flow["expires_in"]) == (5, 900)
    assert aadsts(client.device_poll(flow["device_code"])) == ("authorization_pending", [70016])
    assert aadsts(client.device_poll(flow["device_code"]))[0] == "slow_down"
    _decide(client, flow, "approve")
    answer = client.device_poll(flow["device_code"])
    assert answer.status_code == 200
    assert claims_of(answer.json()["access_token"])["upn"] == OPERATOR
    assert aadsts(client.device_poll(flow["device_code"])) == ("invalid_grant", [54005])


def test_device_code_declined_and_expired(client: Client) -> None:
    flow = client.device_start().json()
    _decide(client, flow, "decline")
    assert aadsts(client.device_poll(flow["device_code"]))[0] == "authorization_declined"
    flow = client.device_start().json()
    _decide(client, flow, "expire")
    assert aadsts(client.device_poll(flow["device_code"])) == ("expired_token", [70020])
    flow = client.device_start().json()
    client.simulator.advance("PT16M")
    assert aadsts(client.device_poll(flow["device_code"])) == ("expired_token", [70020])


def test_device_code_of_somebody_elses(client: Client) -> None:
    flow = client.device_start().json()
    _decide(client, flow, "approve")
    assert client.device_poll(flow["device_code"], client_id=OWN_CLIENT).status_code == 400
    assert client.device_poll("nonsense").status_code == 400


@pytest.mark.parametrize(
    ("username", "claims", "code"),
    [
        ("onefactor@contoso.example", WANT_MFA, 50079),
        (ADMINISTRATOR, WANT_C1, 53003),
        ("leaver@contoso.example", "{}", 50057),
    ],
)
def test_a_person_who_cannot(client: Client, username: str, claims: str, code: int) -> None:
    flow = client.device_start(claims=claims).json()
    status, body = client.simulator.control_raw(
        "POST", f"device_codes/{flow['user_code']}", {"decision": "approve", "username": username}
    )
    assert status == 400
    assert body["error"].startswith(f"AADSTS{code}: ")


def test_mfa_by_device_code(client: Client) -> None:
    assert "mfa" in claims_of(client.device_token(OPERATOR, WANT_MFA))["amr"]
    flow = client.device_start().json()
    _decide(client, flow, "approve", "strict@contoso.example")
    token = client.device_poll(flow["device_code"]).json()["access_token"]
    assert "mfa" in claims_of(token)["amr"], "this user's sign-ins always need it"


def test_claims_given_only_with_the_poll_are_not_satisfied(client: Client) -> None:
    flow = client.device_start().json()
    _decide(client, flow, "approve")
    refused = client.device_poll(flow["device_code"], claims=WANT_C1)
    assert aadsts(refused) == ("interaction_required", [50076])


def test_the_page(client: Client) -> None:
    flow = client.device_start().json()
    page = client.session.get(flow["verification_uri"], params={"user_code": '"><script>'})
    assert page.status_code == 200
    assert "<script>" not in page.text
    fields = {"user_code": flow["user_code"].lower(), "username": OPERATOR, "decision": "approve"}
    wrong = client.post_form("devicelogin", {**fields, "password": "wrong"})
    assert wrong.status_code == 400
    assert "AADSTS50126" in wrong.text
    done = client.post_form("devicelogin", {**fields, "password": "Sim-operator-password-1"})
    assert done.status_code == 200
    assert client.device_poll(flow["device_code"]).status_code == 200
    again = client.post_form("devicelogin", {**fields, "password": "Sim-operator-password-1"})
    assert again.status_code == 400
    assert "does not work" in again.text


def test_the_page_declines(client: Client) -> None:
    flow = client.device_start().json()
    fields = {"user_code": flow["user_code"], "username": OPERATOR, "password": "Sim-operator-password-1"}
    assert client.post_form("devicelogin", {**fields, "decision": "decline"}).status_code == 200
    assert aadsts(client.device_poll(flow["device_code"]))[0] == "authorization_declined"


def test_unattended_device_code() -> None:
    login = {"approve_as": OPERATOR, "after_polls": 2, "interval": "PT1S"}
    with Simulator(changes={"device_login": login}) as simulator:
        client = Client(simulator)
        flow = client.device_start().json()
        assert aadsts(client.device_poll(flow["device_code"]))[0] == "authorization_pending"
        assert aadsts(client.device_poll(flow["device_code"]))[0] == "slow_down"
        # the second poll that was answered with "pending" is the one that counts
        time.sleep(6)
        assert aadsts(client.device_poll(flow["device_code"]))[0] == "authorization_pending"
        assert client.device_poll(flow["device_code"]).status_code == 200


# applications


def test_client_secret(client: Client) -> None:
    token = client.app_token(REPORTING, SECRET)
    claims = claims_of(token)
    assert claims["idtyp"] == "app"
    assert "scp" not in claims
    assert "RoleManagement.Read.Directory" in claims["roles"]
    assert client.rows(f"{DIRECTORY}/roleDefinitions", token)
    assert client.graph("GET", "me", token).status_code == 400
    assert client.rows(f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}", token) == []


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, ("invalid_client", [7000215])),
        ({"client_secret": "Sim-reporting-secret-expired-1"}, ("invalid_client", [7000222])),
        ({"client_secret": ""}, ("invalid_client", [7000218])),
        ({"client_id": CLI}, ("invalid_client", [7000218])),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, ("unauthorized_client", [700016])),
        ({"scope": f"{GRAPH}/User.Read"}, ("invalid_scope", [1002012])),
        ({"tenant": "organizations"}, ("invalid_grant", [9001023])),
    ],
)
def test_client_secret_refused(client: Client, form: dict[str, str], expected: tuple[str, list[int]]) -> None:
    base = {
        "grant_type": "client_credentials",
        "client_id": REPORTING,
        "client_secret": SECRET,
        "scope": f"{GRAPH}/.default",
    }
    assert aadsts(client.token_answer(**{**base, **form})) == expected
