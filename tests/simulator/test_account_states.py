# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of users, what they do to sign-ins, and refusals that are ordered."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.service_client import OPERATOR, Client, aadsts, by_device_code, change, claims_of, refresh
from simulator_process import Simulator

GUEST = "guest@fabrikam.example"


def approve(client: Client, username: str = OPERATOR, **form: str) -> str:
    """How a person's sign-in by device code ends: the refusal's number, or nothing."""
    flow = client.device_start(**form).json()
    order = {"decision": "approve", "username": username}
    status, body = client.simulator.control_raw("POST", f"device_codes/{flow['user_code']}", order)
    return "" if status == 200 else str(body["error"].split(":")[0])


@pytest.mark.parametrize(
    ("keys", "number", "ends_sessions"),
    [
        ({"enabled": False}, 50057, True),
        ({"state": "locked"}, 50053, False),
        ({"state": "password_expired"}, 50055, False),
        ({"state": "not_invited"}, 90072, True),
    ],
)
def test_a_state_of_a_user(client: Client, keys: dict[str, Any], number: int, ends_sessions: bool) -> None:
    session = client.password_answer(OPERATOR).json()
    change(client, **keys)
    assert aadsts(client.password_answer(OPERATOR)) == ("invalid_grant", [number])
    assert approve(client) == f"AADSTS{number}"
    old = refresh(client, session["refresh_token"])
    assert old.status_code == (400 if ends_sessions else 200)
    if ends_sessions:
        assert aadsts(old) == ("invalid_grant", [number])
    change(client, enabled=True, state="normal")
    assert client.password_answer(OPERATOR).status_code == 200


def test_a_wrong_password_tells_of_a_lock_and_of_nothing_else(client: Client) -> None:
    for state, number in (("locked", 50053), ("password_expired", 50126), ("not_invited", 50126)):
        change(client, state=state)
        assert aadsts(client.password_answer(OPERATOR, password="wrong"))[1] == [number]


def test_who_must_register_a_second_factor(client: Client) -> None:
    change(client, mfa="unregistered")
    assert client.password_answer(OPERATOR).status_code == 200
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    client.simulator.control("POST", "conditional_access", {"name": "MFA"})
    assert aadsts(client.password_answer(OPERATOR)) == ("invalid_grant", [50072])
    assert aadsts(refresh(client, token)) == ("interaction_required", [50072])
    assert approve(client) == "AADSTS50072"
    change(client, mfa="capable")
    assert "mfa" in claims_of(by_device_code(client)["access_token"])["amr"]


def test_who_has_no_second_factor(client: Client) -> None:
    client.simulator.control("POST", "conditional_access", {"name": "MFA"})
    assert aadsts(client.password_answer("onefactor@contoso.example")) == ("invalid_grant", [50079])
    assert approve(client, "onefactor@contoso.example") == "AADSTS50079"


def test_a_changed_password_ends_what_was_before(client: Client) -> None:
    session = client.password_answer(OPERATOR, claims='{"access_token":{"xms_cc":{"values":["cp1"]}}}').json()
    shown = change(client, password="Sim-operator-password-2")
    assert "Sim-operator-password-2" not in str(shown)
    assert aadsts(refresh(client, session["refresh_token"])) == ("invalid_grant", [50173])
    assert client.graph("GET", "me", session["access_token"]).status_code == 401
    assert aadsts(client.password_answer(OPERATOR))[1] == [50126]
    assert client.password_answer(OPERATOR, password="Sim-operator-password-2").status_code == 200
    client.simulator.control("POST", "reset")
    assert client.password_answer(OPERATOR).status_code == 200


def test_an_account_without_a_password(client: Client) -> None:
    change(client, password=None)
    assert aadsts(client.password_answer(OPERATOR, password="x")) == ("invalid_grant", [50056])


def test_graph_shows_who_was_disabled(client: Client) -> None:
    reader = client.token("administrator@contoso.example")
    change(client, enabled=False)
    rows = client.rows("users?$select=userPrincipalName,accountEnabled", reader)
    assert {row["userPrincipalName"]: row["accountEnabled"] for row in rows}[OPERATOR] is False


@pytest.mark.parametrize(
    ("username", "keys", "told"),
    [
        (OPERATOR, {"state": "asleep"}, "state must be one of normal, locked"),
        (OPERATOR, {"name": "x"}, "no key 'name' to change"),
        (OPERATOR, {"password": 7}, "password must be text"),
        ("nobody@contoso.example", {"state": "locked"}, "no user of the tenant"),
    ],
)
def test_a_change_that_is_none(client: Client, username: str, keys: dict[str, Any], told: str) -> None:
    status, body = client.simulator.control_raw("POST", f"users/{username}", keys)
    assert status in (400, 404)
    assert told in body["error"]


# guests


@pytest.mark.parametrize("tenant", ["contoso.example", "7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c41"])
def test_a_guest_at_the_tenant(client: Client, tenant: str) -> None:
    body = client.password_answer(GUEST, password="Sim-guest-password-1", tenant=tenant, client_info="1").json()
    member = client.password_answer(OPERATOR, tenant=tenant, client_info="1").json()
    for token in (body["access_token"], body["id_token"]):
        claims = claims_of(token)
        assert claims["tid"] == client.simulator.tenant_id
        assert claims["idp"].startswith("https://sts.windows.net/")
        assert client.simulator.tenant_id not in claims["idp"]
        assert "upn" not in claims
    me = client.graph("GET", "me", body["access_token"]).json()
    assert claims_of(body["access_token"])["oid"] == me["id"]
    assert "idp" not in claims_of(member["access_token"])
    assert body["client_info"] != member["client_info"]


def test_a_guest_elsewhere(client: Client) -> None:
    answer = client.password_answer(GUEST, password="Sim-guest-password-1", tenant="fabrikam.example")
    assert aadsts(answer) == ("invalid_request", [90002])
    change(client, GUEST, state="not_invited")
    answer = client.password_answer(GUEST, password="Sim-guest-password-1")
    assert aadsts(answer) == ("invalid_grant", [90072])


def test_the_other_answers_that_a_tenant_may_choose() -> None:
    behaviour = {"foreign_account": "AADSTS50020", "expired_refresh": "AADSTS70008"}
    with Simulator(changes={"behaviour": behaviour}) as simulator:
        client = Client(simulator)
        token = client.password_answer(OPERATOR).json()["refresh_token"]
        simulator.advance("P90D")
        assert aadsts(refresh(client, token)) == ("invalid_grant", [70008])
        change(client, state="not_invited")
        assert aadsts(client.password_answer(OPERATOR)) == ("invalid_grant", [50020])


# refusals that come from no state


def test_any_refusal_can_be_ordered(client: Client) -> None:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    fault = {"path": "oauth2/v2.0/token$", "aadsts": 50158, "oauth_error": "interaction_required"}
    client.simulator.control("POST", "faults", fault)
    refused = refresh(client, token)
    assert refused.status_code == 400
    assert aadsts(refused) == ("interaction_required", [50158])
    assert refused.json()["error_description"].startswith("AADSTS50158: ")
    assert refused.json()["correlation_id"]
    assert refresh(client, token).status_code == 200
    client.simulator.control("POST", "faults", {"path": "/token$", "aadsts": 90033, "status": 503, "retry_after": 7})
    refused = refresh(client, token)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    assert aadsts(refused) == ("invalid_grant", [90033])


@pytest.mark.parametrize(
    "fault",
    [
        {"aadsts": "AADSTS50158"},
        {"aadsts": 50158, "body": "html"},
        {"aadsts": 50158, "batch_item": True},
        {"oauth_error": "invalid_client", "status": 400},
        {"aadsts": 50158, "oauth_error": 7},
    ],
)
def test_an_order_that_is_none(client: Client, fault: dict[str, Any]) -> None:
    status, body = client.simulator.control_raw("POST", "faults", {"path": "token", **fault})
    assert status == 400
    assert body["error"]
