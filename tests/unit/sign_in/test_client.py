# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""msal over our own transport: no other host, no port lost, failures in the contract's words."""

from __future__ import annotations

import contextlib
import json
import sys
from urllib.parse import unquote_plus

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.access_token import OPERATION
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.client import (
    SignInClient,
    require_msal,
    sign_in_failure,
    tenant_id_of,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.signing_in import name_permissions
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport

from unit.https_server import reply
from unit.sign_in.sts import APP, claims_of
from unit.state.saved import TENANT

SCOPES = ["https://graph.microsoft.com/User.Read"]
CLAIMS = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'


@pytest.fixture
def transport(fake, ca_path):
    made = Transport(clock=fake.clock, environ={}, http_timeout=5, ca_path=ca_path)
    yield made
    made.close()


@pytest.fixture
def client(service, transport) -> SignInClient:
    return SignInClient(transport, service.url, TENANT, APP)


# msal says of this flow, at each use, that it is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")


def with_password(client: SignInClient):
    return client.public().acquire_token_by_username_password("operator@contoso.example", "Pass-word-1", SCOPES)


def test_the_password_flow_keeps_the_port(client, service):
    """msal asks for the user realm at the host without its port."""
    assert "access_token" in with_password(client)
    assert any("/userrealm/" in path for path in service.paths)
    (form,) = service.asked
    assert form["grant_type"] == "password"
    assert json.loads(form["claims"])["access_token"]["xms_cc"] == {"values": ["cp1"]}


def test_the_client_credentials_flow(client, service):
    assert "access_token" in client.token_of_application("Secret-1", ["https://graph.microsoft.com/.default"], None)
    assert service.asked[0]["client_secret"] == "Secret-1"


def test_nothing_is_sent_to_another_host(client, service):
    service.told_url = "https://elsewhere.example"
    with pytest.raises(PimError) as caught:
        with_password(client)
    assert caught.value.code == "login_failed"
    assert "elsewhere.example" in caught.value.message
    assert service.asked == []


@pytest.mark.parametrize("told", ["https://localhost:99999999", "https://[::1", "https://me@[x"])
def test_an_address_that_is_none_is_another_host(client, service, told):
    service.told_url = told
    with pytest.raises(PimError) as caught:
        client.refresh("old", SCOPES, None)
    assert caught.value.code == "login_failed"
    assert service.asked == []


def test_nothing_is_sent_to_another_port(client, service):
    service.told_url = "https://localhost:1"
    with pytest.raises(PimError):
        with_password(client)
    assert service.asked == []


def test_a_refresh_brings_claims_and_the_new_refresh_token(client, service):
    result = client.refresh("old", SCOPES, '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}')
    (form,) = service.asked
    assert (form["grant_type"], form["refresh_token"]) == ("refresh_token", "old")
    claims = json.loads(form["claims"])["access_token"]
    assert set(claims) == {"acrs", "xms_cc"}
    assert result["refresh_token"] == "refresh-1"


def test_a_refresh_token_that_is_no_longer_accepted(client, service):
    for description in ("AADSTS700082: expired", "AADSTS424242: new", "no number"):
        service.failures["refresh_token"] = {"error": "invalid_grant", "error_description": description}
        with pytest.raises(PimError) as caught:
            client.refresh("old-refresh-token", SCOPES, None)
        assert caught.value.code == "session_expired"
        assert "entra.pim.pim_connect" in caught.value.sentence
        assert "old-refresh-token" not in caught.value.sentence


@pytest.mark.parametrize("number", [50053, 50057, 53003])
def test_a_refusal_that_may_pass_is_told_as_what_it_is(client, service, number):
    service.failures["refresh_token"] = {"error": "invalid_grant", "error_description": f"AADSTS{number}: no"}
    with pytest.raises(PimError) as caught:
        client.refresh("old-refresh-token", SCOPES, None)
    assert (caught.value.code, caught.value.service_code) == ("login_failed", f"AADSTS{number}")


@pytest.mark.parametrize(
    ("status", "code"), [(503, "service_unavailable"), (500, "service_unavailable"), (429, "throttled")]
)
def test_a_sign_in_service_that_is_busy(client, server, status, code):
    server.respond = None
    server.script = [reply(status)]
    with pytest.raises(PimError) as caught:
        with_password(client)
    assert caught.value.code == code


def test_a_refusal_that_repeats_what_was_sent_is_told_without_the_secrets(client, service, server):
    answers = server.respond

    def repeats(request):
        if not request.target.endswith("/token"):
            return answers(request)
        sent = request.body.decode()
        told = {"error": "invalid_grant", "error_description": f"AADSTS424242: {sent} {unquote_plus(sent)}"}
        return reply(400, json.dumps({**told, "correlation_id": sent}).encode())

    server.respond = repeats
    for ask, secret in (
        (lambda: client.refresh("0.AX/refresh-token+1", ["User.Read"], None), "refresh-token"),
        (lambda: client.token_of_application('Client"Secret/1', ["x/.default"], None), "Secret"),
        (
            lambda: client.token_of_application({"client_assertion": lambda: "an-assertion"}, ["x/.default"], None),
            "an-assertion",
        ),
    ):
        with pytest.raises(PimError) as caught:
            ask()
        assert "(secret)" in caught.value.sentence
        assert secret not in caught.value.sentence + str(caught.value.as_failure())


def test_an_older_msal_hands_the_claims_of_a_device_code_on(client, service):
    """Where msal does not know the option, it is an option of the call."""
    http = client.public().client._http_client
    http.post(
        f"{service.url}/{TENANT}/oauth2/v2.0/devicecode",
        data={"scope": "User.Read"},
        claims_challenge=CLAIMS,
        timeout=1,
    )
    (form,) = service.asked
    assert set(claims_of(form)) == {"acrs", "xms_cc"}


@pytest.mark.parametrize(
    ("version", "enough"), [("1.34.9", False), ("1.35.0b1", True), ("1.100.0", True), ("2.0", True)]
)
def test_an_msal_too_old_for_what_is_asked_is_named(monkeypatch, version, enough):
    monkeypatch.setattr("msal.__version__", version)
    with contextlib.nullcontext() if enough else pytest.raises(PimError) as caught:
        require_msal((1, 35), "a certificate")
    if not enough:
        assert caught.value.code == "missing_dependency"
        assert "msal 1.34.9, and a certificate needs 1.35 or newer" in caught.value.message


def test_an_msal_that_cannot_be_loaded_is_named(service, options, context, monkeypatch):
    """It is there, and a package that it needs is not."""
    monkeypatch.setitem(sys.modules, "msal", None)
    given = options(tenant=TENANT, client_id=APP, client_secret="Secret-1", resource="https://x.example")
    result = perform(OPERATION, given, context())
    assert result["failure"]["code"] == "missing_dependency"
    assert sys.executable in result["msg"]


def test_a_busy_moment_is_waited_out(client, service, server, fake):
    """msal by itself would replay the answer for a minute."""
    answers = server.respond
    turned_away = []

    def respond(request):
        if request.method == "POST" and len(turned_away) < 2:
            turned_away.append(request)
            return reply(503, Retry_After="1")
        return answers(request)

    server.respond = respond
    assert "access_token" in with_password(client)
    assert len(fake.slept) == 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null", b"\xff"])
def test_a_discovery_document_that_is_none(client, server, body):
    server.respond = None
    server.script = [reply(200, body)]
    with pytest.raises(PimError):
        with_password(client)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null", b'{"access_token": 7}'])
def test_a_token_answer_that_is_none(service, server, options, context, body):
    """The whole sign-in of a task, up to its failure."""
    answers = server.respond
    server.respond = lambda request: reply(200, body) if request.target.endswith("/token") else answers(request)
    given = options(
        tenant=TENANT, username="operator@contoso.example", password="Pass-word-1", resource="https://x.example"
    )
    result = perform(OPERATION, given, context())
    assert result["failed"] is True
    assert result["failure"]["code"] in ("login_failed", "invalid_response", "service_unavailable")
    assert "Pass-word-1" not in json.dumps(result)


def test_a_tenant_that_does_not_exist(client, server):
    server.respond = None
    server.script = [reply(400, b'{"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}')]
    with pytest.raises(PimError) as caught:
        with_password(client)
    assert (caught.value.code, caught.value.service_code) == ("login_failed", "AADSTS90002")


def test_who_owns_a_domain(service, transport):
    assert tenant_id_of(transport, service.url, "contoso.example") == TENANT
    assert tenant_id_of(transport, service.url, "fabrikam.example") != TENANT


@pytest.mark.parametrize(
    "answer", [reply(404), reply(200, b""), reply(200, b"[]"), reply(200, b"7"), reply(200, b'{"issuer": 7}')]
)
def test_nobody_owns_a_domain(server, transport, answer):
    server.script = [answer]
    assert tenant_id_of(transport, server.url, "contoso.example") is None


@pytest.mark.parametrize(
    ("result", "code", "service_code"),
    [
        (
            {"error": "invalid_grant", "error_description": "AADSTS50126: Error\r\nTrace ID: t"},
            "login_failed",
            "AADSTS50126",
        ),
        ({"error": "invalid_grant", "error_codes": [50076], "error_description": ""}, "mfa_required", "AADSTS50076"),
        ({"error": "invalid_grant", "error_description": "AADSTS65001: consent"}, "consent_required", "AADSTS65001"),
        ({"error": "invalid_client", "error_description": "AADSTS7000215: secret"}, "login_failed", "AADSTS7000215"),
        (
            {"error": "unauthorized_client", "error_description": "AADSTS65002: first party"},
            "consent_required",
            "AADSTS65002",
        ),
        ({"error": "invalid_grant", "error_description": "AADSTS50105: not assigned"}, "forbidden", "AADSTS50105"),
        ({"error": "x", "error_description": "AADSTS424242: new"}, "login_failed", "AADSTS424242"),
        ({"error": "authorization_declined"}, "login_declined", "authorization_declined"),
        ({"error": "expired_token"}, "login_expired", "expired_token"),
        ({"error": "access_denied"}, "login_declined", "access_denied"),
        ({"error": "interaction_required"}, "mfa_required", "interaction_required"),
        ({"error": "temporarily_unavailable"}, "service_unavailable", "temporarily_unavailable"),
        # Where the number says nothing, what stands beside it does.
        (
            {"error": "x", "error_description": "AADSTS424242", "suberror": "basic_action"},
            "mfa_required",
            "AADSTS424242",
        ),
        ({"error": "x", "error_description": "AADSTS50126", "suberror": "basic_action"}, "login_failed", "AADSTS50126"),
        ({"error": "interaction_required", "suberror": "message_only"}, "login_failed", "interaction_required"),
        ({"error": "invalid_grant", "suberror": "consent_required"}, "consent_required", "invalid_grant"),
        ({"error": "invalid_grant", "suberror": "bad_token"}, "session_expired", "invalid_grant"),
        ({"error": "invalid_grant", "suberror": "user_password_expired"}, "login_failed", "invalid_grant"),
        ({"error": "x", "suberror": ["x"]}, "login_failed", "x"),
        ({}, "login_failed", None),
        ({"error": None, "error_description": None, "error_codes": "x"}, "login_failed", None),
        ({"error": ["x"], "error_description": {"a": 1}, "error_codes": ["x"]}, "login_failed", "['x']"),
    ],
)
def test_each_refusal_has_its_code(result, code, service_code):
    error = sign_in_failure(result)
    assert (error.code, error.service_code) == (code, service_code)
    assert "Trace ID" not in error.sentence


def test_what_the_next_sign_in_has_to_satisfy_is_kept():
    claims = '{"access_token": {"acrs": {"essential": true, "value": "c1"}}}'
    assert sign_in_failure({"error": "interaction_required", "claims": claims}).claims == claims
    for nothing in ({"x": 1}, "", "none", "[1]", '"x"', "{}", '{"access_token": {}}', "[" * 100_000):
        assert sign_in_failure({"error": "interaction_required", "claims": nothing}).claims is None


@pytest.mark.parametrize(
    ("description", "named"),
    [
        ("AADSTS65001: nobody has consented", "RoleAssignmentSchedule.ReadWrite.Directory, User.Read"),
        ("AADSTS650053: asked for scope 'User.Read' that doesn't exist", "User.Read"),
        ("AADSTS65001: User.Read.All", "RoleAssignmentSchedule.ReadWrite.Directory, User.Read"),
    ],
)
def test_missing_consent_names_client_and_permission(description, named):
    error = sign_in_failure({"error": "invalid_grant", "error_description": description})
    graph = "https://graph.microsoft.com"
    name_permissions(error, APP, [f"{graph}/User.Read", f"{graph}/RoleAssignmentSchedule.ReadWrite.Directory"])
    assert error.message.endswith(f": client {APP} lacks consent for {named}")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"7", b"not found"])
def test_a_token_endpoint_that_is_missing_gives_no_answer(client, service, server, body):
    """Of all that is called only the user realm may be missing: msal takes anything else apart."""
    respond = server.respond
    server.respond = lambda request: reply(404, body) if request.target.endswith("/token") else respond(request)
    with pytest.raises(PimError) as caught:
        client.refresh("old", SCOPES, None)
    assert caught.value.code == "invalid_response"


@pytest.mark.parametrize("status", [201, 204, 206])
def test_a_discovery_that_succeeds_otherwise_is_no_answer(client, server, status):
    content = json.dumps(dict.fromkeys(("authorization_endpoint", "token_endpoint", "issuer"), server.url)).encode()
    server.respond = lambda _request: reply(status, b"" if status == 204 else content)
    with pytest.raises(PimError) as caught:
        client.refresh("old", SCOPES, None)
    assert caught.value.code == "invalid_response"
