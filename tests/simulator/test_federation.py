# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of a federated domain: the organisation's own server takes the password, the sign-in service its assertion."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import msal
import pytest
import requests
import yaml

from simulator.service_client import CLI, DIRECTORY, GRAPH, MINE, OPERATOR, Client, PortKeeper, aadsts, claims_of
from simulator_process import Simulator

FEDERATED = "federated@federated.contoso.example"
DOMAIN = "federated.contoso.example"
TENANT = "7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c41"
PASSWORD = "Sim-federated-password-1"
SAML = "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
TRUST = "adfs/services/trust/13/usernamemixed"
WANT_MFA = json.dumps({"access_token": {"amr": {"values": ["mfa"]}}})
NAMES = (
    'xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing" '
    'xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
    'xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd" '
    'xmlns:wst="http://docs.oasis-open.org/ws-sx/ws-trust/200512"'
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


# msal


def _sign_in(simulator: Simulator, password: str = PASSWORD) -> Any:
    app = msal.PublicClientApplication(
        CLI,
        authority=f"{simulator.url}/{simulator.tenant_id}",
        instance_discovery=False,
        http_client=PortKeeper(simulator),
    )
    return app.acquire_token_by_username_password(FEDERATED, password, [f"{GRAPH}/User.Read"])


def test_msal(client: Client) -> None:
    result = _sign_in(client.simulator)
    assert claims_of(result["access_token"])["upn"] == FEDERATED
    assert "refresh_token" in result
    rows = client.rows(f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}", result["access_token"])
    assert len(rows) == 1
    calls = [(call["path"], call["status"]) for call in client.simulator.calls("userrealm|adfs|token")]
    assert calls == [
        (f"/common/userrealm/{FEDERATED}", 200),
        ("/adfs/services/trust/mex", 200),
        (f"/{TRUST}", 200),
        (f"/{client.simulator.tenant_id}/oauth2/v2.0/token", 200),
    ]


def test_msal_with_a_wrong_password(simulator: Simulator) -> None:
    with pytest.raises(RuntimeError, match=r"ID3242.*FailedAuthentication"):
        _sign_in(simulator, "wrong")


# the realm


def test_the_realm(client: Client) -> None:
    url = client.simulator.url
    realm = client.session.get(f"{url}/common/userrealm/anybody@Federated.contoso.example?api-version=1.0").json()
    assert realm == {
        "ver": "1.0",
        "account_type": "Federated",
        "domain_name": "federated.contoso.example",
        "federation_protocol": "WSTrust",
        "federation_metadata_url": f"{url}/adfs/services/trust/mex",
        "federation_active_auth_url": f"{url}/{TRUST}",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }


def test_the_sign_in_service_does_not_have_the_password(client: Client) -> None:
    assert aadsts(client.password_answer(FEDERATED)) == ("invalid_grant", [50056])


def test_a_person_signs_in_at_the_page(client: Client) -> None:
    flow = client.device_start().json()
    fields = {"user_code": flow["user_code"], "username": FEDERATED, "password": PASSWORD, "decision": "approve"}
    assert client.post_form("devicelogin", fields).status_code == 200
    token = client.device_poll(flow["device_code"]).json()["access_token"]
    assert claims_of(token)["upn"] == FEDERATED


# the federation server


def _request(username: str = FEDERATED, password: str = PASSWORD, **changes: str) -> str:
    audience = changes.get("audience", "urn:federation:MicrosoftOnline")
    kind = changes.get("kind", "http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue")
    return (
        f"<s:Envelope {NAMES}><s:Header><wsse:Security><wsse:UsernameToken><wsse:Username>{escape(username)}"
        f"</wsse:Username><wsse:Password>{escape(password)}</wsse:Password></wsse:UsernameToken></wsse:Security>"
        "</s:Header><s:Body><wst:RequestSecurityToken><wsp:AppliesTo><wsa:EndpointReference>"
        f"<wsa:Address>{audience}</wsa:Address></wsa:EndpointReference></wsp:AppliesTo>"
        f"<wst:RequestType>{kind}</wst:RequestType></wst:RequestSecurityToken></s:Body></s:Envelope>"
    )


def _ask(client: Client, body: str | bytes) -> requests.Response:
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    content = body.encode() if isinstance(body, str) else body
    return client.session.post(f"{client.simulator.url}/{TRUST}", data=content, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (_request(password="wrong"), "FailedAuthentication"),
        (_request("nobody@federated.contoso.example"), "FailedAuthentication"),
        (_request(OPERATOR, "Sim-operator-password-1"), "FailedAuthentication"),
        (_request("", ""), "FailedAuthentication"),
        (_request(audience="https://elsewhere.example"), "InvalidScope"),
        (_request(kind="http://docs.oasis-open.org/ws-sx/ws-trust/200512/Renew"), "InvalidRequest"),
        ("<s:Envelope", "InvalidRequest"),
        ("<html></html>", "InvalidRequest"),
        (_request().encode("utf-16"), "InvalidRequest"),
        ('<!DOCTYPE x [<!ENTITY y "z">]>' + _request(), "InvalidRequest"),
    ],
)
def test_a_fault(client: Client, body: str | bytes, code: str) -> None:
    answer = _ask(client, body)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"].startswith("application/soap+xml")
    assert f">a:{code}</s:Value>" in answer.text
    assert "Assertion" not in answer.text
    assert client.simulator.calls("usernamemixed")[-1]["detail"] == code


def test_a_disabled_account(tmp_path: Path) -> None:
    user = {"username": FEDERATED, "name": "F", "password": PASSWORD, "enabled": False}
    tenant = {"tenant_id": TENANT, "name": "F", "domains": [DOMAIN], "federated_domains": [DOMAIN], "users": [user]}
    path = tmp_path / "tenant.yml"
    path.write_text(yaml.safe_dump(tenant))
    with Simulator(path) as simulator:
        assert "FailedAuthentication" in _ask(Client(simulator), _request()).text


# the assertion


def _assertion(client: Client) -> str:
    text = _ask(client, _request()).text
    return text.split("<trust:RequestedSecurityToken>")[1].split("</trust:RequestedSecurityToken>")[0]


def _redeem(client: Client, xml: str, **changes: str) -> requests.Response:
    encoded = base64.urlsafe_b64encode(xml.encode()).rstrip(b"=").decode()
    form = {"grant_type": SAML, "client_id": CLI, "assertion": encoded, "scope": f"{GRAPH}/.default", **changes}
    return client.token_answer(**form)


def test_an_assertion_is_taken(client: Client) -> None:
    assertion = _assertion(client)
    answer = _redeem(client, assertion)
    assert claims_of(answer.json()["access_token"])["amr"] == ["pwd"]
    with_padding = base64.urlsafe_b64encode(assertion.encode()).decode()
    assert _redeem(client, assertion, assertion=with_padding).status_code == 200
    assert aadsts(_redeem(client, assertion, claims=WANT_MFA)) == ("invalid_grant", [50076])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("federated@federated", "operator@"), ("invalid_grant", [50013])),
        ((":am:password", ":am:HardwareToken"), ("invalid_grant", [50013])),
        (("<ds:DigestValue>", "<ds:DigestValue>AA"), ("invalid_grant", [50013])),
        (("<ds:SignatureValue>", "<ds:SignatureValue>AA"), ("invalid_grant", [50013])),
        (("SignatureValue>", "Signature>"), ("invalid_grant", [50013])),
        (("</saml:Assertion>", ""), ("invalid_grant", [50008])),
        (("federation.simulator", "federation.example"), ("invalid_request", [50107])),
        (("<saml:Assertion", "<!DOCTYPE x><saml:Assertion"), ("invalid_grant", [50008])),
    ],
)
def test_an_assertion_that_was_changed(
    client: Client, change: tuple[str, str], expected: tuple[str, list[int]]
) -> None:
    assertion = _assertion(client)
    changed = assertion.replace(*change)
    assert changed != assertion
    assert aadsts(_redeem(client, changed)) == expected


@pytest.mark.parametrize("assertion", ["%%%", "x", "PHg-PC94Pg"])
def test_what_is_no_assertion(client: Client, assertion: str) -> None:
    assert aadsts(_redeem(client, "", assertion=assertion)) == ("invalid_grant", [50008])


def test_a_signature_beside_what_it_signs(client: Client) -> None:
    """The digest counts that was signed, not the first one that is found (XML signature wrapping)."""
    assertion = _assertion(client).replace(FEDERATED, OPERATOR)
    begin, end = assertion.index("<ds:Signature"), assertion.index("</ds:Signature>") + len("</ds:Signature>")
    whole = ElementTree.canonicalize(assertion[:begin] + assertion[end:])
    digest = base64.b64encode(hashlib.sha256(whole.encode()).digest()).decode()
    value = assertion.split("<ds:SignatureValue>")[1].split("</ds:SignatureValue>")[0]
    forged = (
        '<x:Signature xmlns:x="http://www.w3.org/2000/09/xmldsig#"><x:SignedInfo><x:Reference><x:DigestValue>'
        f"{digest}</x:DigestValue></x:Reference></x:SignedInfo><x:SignatureValue>{value}</x:SignatureValue></x:Signature>"
    )
    answer = _redeem(client, assertion[:begin] + forged + assertion[begin:])
    assert aadsts(answer) == ("invalid_grant", [50013])


def test_an_unsigned_assertion(client: Client) -> None:
    assertion = _assertion(client)
    begin, end = assertion.index("<ds:Signature"), assertion.index("</ds:Signature>") + len("</ds:Signature>")
    assert aadsts(_redeem(client, assertion[:begin] + assertion[end:])) == ("invalid_grant", [50013])


def test_an_assertion_ends(client: Client) -> None:
    assertion = _assertion(client)
    client.simulator.advance("PT61M")
    assert aadsts(_redeem(client, assertion)) == ("invalid_grant", [50013])


def test_nothing_of_it_is_kept(client: Client) -> None:
    assertion = _assertion(client)
    _redeem(client, assertion)
    _ask(client, _request(password="wrong-password-of-a-test"))
    calls = client.simulator.calls()
    kept = json.dumps(calls) + client.simulator.log
    encoded = base64.urlsafe_b64encode(assertion.encode()).decode()
    for secret in (PASSWORD, "wrong-password-of-a-test", encoded[:60], "<saml:Assertion"):
        assert secret not in kept
    assert [call["caller"] for call in client.simulator.calls("usernamemixed")] == [FEDERATED, FEDERATED]
    assert client.simulator.calls("token")[-1]["detail"] == f"grant_type={SAML}"
