# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's table of AADSTS numbers: each of them is brought about in a way that its row names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from headless_browser import Form
from simulator.service_client import (
    ARM_SCOPE,
    CLI,
    GUIDE,
    OPERATOR,
    OWN_CLIENT,
    WANT_C7,
    Client,
    aadsts,
    by_device_code,
    change,
    order,
    refresh,
)
from simulator_process import Simulator

REPORTING = "915d4fbe-60d8-4c71-8eaa-df4280b35e96"
How = Callable[[Client], requests.Response]


def _fault(number: int) -> How:
    def how(client: Client) -> requests.Response:
        client.simulator.control("POST", "faults", {"path": "/token$", "aadsts": number})
        return client.password_answer(OPERATOR)

    return how


def _user(**keys: Any) -> How:
    def how(client: Client) -> requests.Response:
        change(client, **keys)
        return client.password_answer(OPERATOR)

    return how


def _policy(**keys: Any) -> How:
    def how(client: Client) -> requests.Response:
        order(client, **keys)
        return client.password_answer(OPERATOR)

    return how


def _password(**form: str) -> How:
    return lambda client: client.password_answer(**{"username": OPERATOR, **form})


def _application(**form: str) -> How:
    base = {"grant_type": "client_credentials", "client_id": REPORTING, "scope": "https://graph.microsoft.com/.default"}
    return lambda client: client.token_answer(**{**base, **form})


def _later(*steps: Callable[[Client], Any], claims: str | None = None) -> How:
    """A session is made, something happens, the session is refreshed."""

    def how(client: Client) -> requests.Response:
        form = {} if claims is None else {"claims": claims}
        order(client, name="A recent step-up", authentication_context="c7", sign_in_frequency="PT1H")
        token = by_device_code(client, **form)["refresh_token"]
        for step in steps:
            step(client)
        return refresh(client, token, **form)

    return how


def _advance(duration: str) -> Callable[[Client], Any]:
    return lambda client: client.simulator.advance(duration)


def _unregistered(mfa: str) -> How:
    def how(client: Client) -> requests.Response:
        order(client)
        return _user(mfa=mfa)(client)

    return how


def _redeemed(client: Client) -> requests.Response:
    token = client.password_answer(OPERATOR).json()["refresh_token"]
    assert refresh(client, token).status_code == 200
    client.simulator.advance("PT31S")
    return refresh(client, token)


def _device_code(decision: str | None) -> How:
    def how(client: Client) -> requests.Response:
        flow = client.device_start().json()
        if decision:
            client.simulator.control("POST", f"device_codes/{flow['user_code']}", {"decision": decision})
        return client.device_poll(flow["device_code"])

    return how


HOW: dict[int, How] = {
    **{number: _fault(number) for number in (16000, 50059, 50074, 50128, 50158)},
    50020: _user(state="not_invited"),
    50034: _password(username="nobody@contoso.example"),
    50053: _user(state="locked"),
    50055: _user(state="password_expired"),
    50056: _user(password=None),
    50057: _user(enabled=False),
    50072: _unregistered("unregistered"),
    50076: _policy(),
    50078: _later(_advance("PT61M"), claims=WANT_C7),
    50079: _unregistered("none"),
    50105: _password(client_id="804c3ead-5fc7-4b60-9d99-ce317fa24d85"),
    50126: _password(password="wrong"),
    50173: _later(lambda client: client.simulator.control("POST", "tokens/revoke", {"username": OPERATOR})),
    53000: _policy(require="compliant_device"),
    53001: _policy(require="joined_device"),
    53003: _policy(require="block"),
    65001: _password(client_id="7f3b2d9c-4eb6-4a5f-8c88-bd206e913c74"),
    65002: _password(client_id=CLI, scope=ARM_SCOPE),
    70000: _redeemed,
    70008: _later(_advance("P90D")),
    70016: _device_code(None),
    70020: _device_code("expire"),
    70043: _later(lambda client: order(client, require="nothing", sign_in_frequency="PT4H"), _advance("PT4H")),
    90002: _password(tenant="fabrikam.example"),
    90072: _user(state="not_invited"),
    700016: _password(client_id="00000000-0000-4000-8000-000000000000"),
    700082: _later(_advance("P90D")),
    7000112: _password(client_id=OWN_CLIENT),
    7000215: _application(client_secret="wrong"),
    7000218: _application(),
    7000222: _application(client_secret="Sim-reporting-secret-expired-1"),
    9002313: _password(claims="{"),
}
# in another tenant: what the tenant file chooses
ELSEWHERE = {50020, 70008, 7000112}
# of the browser's page, whose own tests have it
OF_THE_PAGE = {65004}


def test_the_guide_has_no_other_numbers() -> None:
    table = GUIDE.split("### Refusals of the sign-in service")[1].split("\n### ")[0]
    rows = re.findall(r"^\| ([0-9, ]+) \|", table, re.MULTILINE)
    assert {int(number) for row in rows for number in row.split(", ")} == set(HOW) | OF_THE_PAGE


@pytest.mark.parametrize("number", sorted(set(HOW) - ELSEWHERE))
def test_number(client: Client, number: int) -> None:
    answer = HOW[number](client)
    assert aadsts(answer)[1] == [number], answer.text
    assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")


@pytest.fixture(scope="module")
def other_tenant() -> Iterator[Client]:
    behaviour = {"foreign_account": "AADSTS50020", "expired_refresh": "AADSTS70008"}
    clients = [
        {"client_id": CLI, "name": "x", "graph_permissions": ["User.Read"]},
        {"client_id": OWN_CLIENT, "name": "y", "enabled": False, "graph_permissions": ["User.Read"]},
    ]
    with Simulator(changes={"behaviour": behaviour, "clients": clients}) as simulator:
        yield Client(simulator)


@pytest.mark.parametrize("number", sorted(ELSEWHERE))
def test_number_of_another_tenant(other_tenant: Client, number: int) -> None:
    other_tenant.simulator.control("POST", "reset")
    assert aadsts(HOW[number](other_tenant))[1] == [number]


def test_no_page_for_a_client_that_is_disabled(other_tenant: Client) -> None:
    """Nor is the refusal sent to the client's address."""
    address = f"{other_tenant.simulator.url}/{other_tenant.simulator.tenant_id}/oauth2/v2.0/authorize"
    query = {"client_id": OWN_CLIENT, "redirect_uri": "http://localhost", "response_type": "code", "scope": "openid"}
    answer = other_tenant.session.get(address, params=query, timeout=30, allow_redirects=False)
    assert answer.status_code == 400
    assert f"AADSTS7000112: Application &#x27;{OWN_CLIENT}&#x27;(y) is disabled." in answer.text
    assert not Form(answer.text).asks_password


def test_a_declined_device_code_has_no_number(client: Client) -> None:
    assert aadsts(_device_code("decline")(client)) == ("authorization_declined", [])


def test_an_application_that_is_disabled() -> None:
    principals = [{"name": "Off", "client_id": REPORTING, "enabled": False, "secrets": [{"value": "Sim-off-secret-1"}]}]
    with Simulator(changes={"service_principals": principals}) as simulator:
        answer = _application(client_secret="Sim-off-secret-1")(Client(simulator))
        assert aadsts(answer) == ("unauthorized_client", [7000112])
