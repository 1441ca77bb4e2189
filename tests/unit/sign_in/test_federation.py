# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords of accounts whose organisation checks them itself: they go to its server, and nowhere else."""

from __future__ import annotations

import json

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.access_token import OPERATION
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform

from unit.https_server import Server, reply, reset
from unit.sign_in.organisation import ENVELOPE, FAULT, TOKEN, Organisation
from unit.state.saved import TENANT

PASSWORD = "Pass<word>&-1"


@pytest.fixture
def organisation(authority, service):
    with Server(authority, "127.0.0.1") as server:
        running = Organisation(server, "127.0.0.1")
        service.realm = running.realm
        yield running


@pytest.fixture
def signed_in(options, context):
    """The result of a task that signs in with the password, checked to hold none."""

    def sign_in():
        given = options(
            tenant=TENANT,
            username="operator@contoso.example",
            password=PASSWORD,
            resource="https://graph.microsoft.com",
        )
        result = perform(OPERATION, given, context())
        told = json.dumps(result)
        assert PASSWORD not in told
        assert "assertion-of-operator" not in told
        return result

    return sign_in


def test_signed_in(organisation, service, signed_in):
    assert not signed_in().get("failed")
    assert organisation.calls == [("GET", "/mex"), ("POST", "/trust/13/usernamemixed")]
    assert "Pass&lt;word&gt;&amp;-1" in organisation.bodies[0]
    (form,) = service.asked
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
    assert "password" not in form


def test_without_metadata(organisation, service, signed_in):
    service.realm.pop("federation_metadata_url")
    assert not signed_in().get("failed")
    assert organisation.calls == [("POST", "/trust/2005/usernamemixed")]


def test_a_wrong_password(organisation, service, signed_in):
    """AD FS says so with HTTP 500; asked again, it would lock the account out."""
    organisation.answer = reply(
        500, ENVELOPE.format(FAULT.format("FailedAuthentication", "ID3242: not accepted")).encode()
    )
    failure = signed_in()["failure"]
    assert (failure["code"], failure["service_code"], failure["message"]) == (
        "login_failed",
        "FailedAuthentication",
        "ID3242: not accepted",
    )
    assert len(organisation.bodies) == 1
    assert service.asked == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(500, ENVELOPE.format(FAULT.format("InvalidRequest", "MSIS3127")).encode()), "login_failed"),
        (reply(500, b"<html>"), "service_unavailable"),
        (reply(503), "service_unavailable"),
        (reply(429, Retry_After="300"), "throttled"),
        (reply(404, b"<html></html>"), "invalid_response"),
        (reply(302), "invalid_response"),
        (reply(200, b"{}"), "invalid_response"),
        (reply(200, b""), "invalid_response"),
        (reply(200, b"<a/>"), "login_failed"),
        (reply(200, ENVELOPE.format(TOKEN.replace("SAML:1.0", "SAML:9")).encode()), "login_failed"),
        (reply(200, ENVELOPE.format("<s:Fault/>").encode()), "login_failed"),
        (reset(), "network"),
    ],
)
def test_an_answer_that_is_no_token(organisation, service, signed_in, answer, code):
    organisation.answer = answer
    result = signed_in()
    assert result["failure"]["code"] == code, result
    assert service.asked == []


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        (reply(404), "invalid_response"),
        (reply(503), "service_unavailable"),
        (reply(200, b"<html>"), "invalid_response"),
        (reply(200, b"<a/>"), "login_failed"),
        (reply(200, b'<d xmlns:w="http://schemas.xmlsoap.org/wsdl/"><w:binding/></d>'), "login_failed"),
    ],
)
def test_metadata_that_is_none(organisation, signed_in, metadata, code):
    organisation.metadata = metadata
    assert signed_in()["failure"]["code"] == code
    assert organisation.bodies == []


@pytest.mark.parametrize("endpoint", ["https://elsewhere.example/trust", "https://127.0.0.1:1/trust"])
def test_the_password_goes_nowhere_else(organisation, signed_in, endpoint):
    organisation.endpoint = endpoint
    result = signed_in()
    assert result["failure"]["code"] == "login_failed"
    assert "another host" in result["msg"]
    assert organisation.bodies == []


def test_an_endpoint_without_tls(organisation, signed_in):
    organisation.endpoint = organisation.url.replace("https:", "http:")
    assert signed_in()["failure"]["code"] == "login_failed"
    assert organisation.bodies == []


@pytest.mark.parametrize("kind", ["Managed", "Unknown", None])
def test_only_a_federated_realm_names_a_server(organisation, service, signed_in, kind):
    service.realm["account_type"] = kind
    assert not signed_in().get("failed")
    assert organisation.calls == []
    assert service.asked[0]["grant_type"] == "password"


@pytest.mark.parametrize("url", [None, 7, "http://127.0.0.1/mex", "https://[", "ftp://x"])
def test_a_realm_that_names_no_server(organisation, service, signed_in, url):
    service.realm = {"account_type": "Federated", "federation_metadata_url": url, "federation_active_auth_url": url}
    result = signed_in()
    assert result["failure"]["code"] in ("login_failed", "invalid_response"), result
    assert organisation.calls == []
    assert service.asked == []
