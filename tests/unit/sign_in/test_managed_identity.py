# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in as a managed identity, by msal's own client over plain http on loopback."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import time

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport

from unit.https_server import reply
from unit.sign_in.platform import IDENTITY, Platform
from unit.sign_in.sts import jwt
from unit.state.saved import OID, TENANT

SYSTEM = IDENTITY["appid"]
USER_ASSIGNED = "0000bbbb-0000-4000-8000-000000000002"
GRAPH, ARM = "https://graph.microsoft.com", "https://management.azure.com"
OTHER = "00000000-0000-4000-8000-000000000000"
VARIABLES = (
    "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)  # fmt: skip


@pytest.fixture
def platform():
    running = Platform()
    yield running
    running.close()


@pytest.fixture
def environ(monkeypatch):
    """Sets the platform's variables where msal reads them, too; returns them for the context of the task."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def put(**variables: str) -> dict[str, str]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return variables

    return put


@pytest.fixture
def app_service(environ, platform):
    return environ(IDENTITY_ENDPOINT=f"{platform.url}/msi/token", IDENTITY_HEADER="header-secret-1")


def test_an_endpoint_that_repeats_its_header_does_not_give_it_away(connected, platform, app_service):
    told = {"statusCode": 400, "message": "header-secret-1 is not the header"}
    platform.answer = (400, json.dumps(told).encode(), {})
    error = refused(connected, app_service, auth_method="managed_identity")
    assert "(secret) is not the header" in error.sentence


def refused(connected, environ, **given) -> PimError:
    with pytest.raises(PimError) as caught:
        connected(environ, **given)
    return caught.value


def test_app_service(connected, platform, app_service, server):
    session = connected(app_service, auth_method="managed_identity").session
    assert (session.auth_method, session.principal_type) == ("managed_identity", "service_principal")
    assert (session.client_id, session.tenant_id, session.username) == (SYSTEM, TENANT, None)
    ((path, query, headers),) = platform.asked
    assert (path, query["resource"]) == ("/msi/token", GRAPH)
    assert headers["x-identity-header"] == "header-secret-1"
    assert "client_id" not in query
    assert server.requests == []


def test_imds_of_a_virtual_machine(connected, platform, environ):
    session = connected(environ(AZURE_POD_IDENTITY_AUTHORITY_HOST=platform.url), auth_method="managed_identity").session
    assert session.client_id == SYSTEM
    ((path, query, headers),) = platform.asked
    assert (path, query["resource"]) == ("/metadata/identity/oauth2/token", GRAPH)
    assert headers["metadata"] == "true"


def test_machine_learning(connected, platform, environ):
    variables = environ(MSI_ENDPOINT=f"{platform.url}/msi", MSI_SECRET="secret-1")
    connected(variables, auth_method="managed_identity", client_id=USER_ASSIGNED)
    assert platform.asked[0][1]["clientid"] == USER_ASSIGNED


@pytest.mark.parametrize("right", [True, False])
def test_service_fabric_is_known_by_its_thumbprint(connected, server, environ, right):
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", server.port)))
    thumbprint = hashlib.sha1(certificate).hexdigest()  # noqa: S324  # what Service Fabric names
    body = {"access_token": jwt(**IDENTITY), "expires_on": int(time.time()) + 3600, "token_type": "Bearer"}
    server.respond = lambda _request: reply(200, json.dumps(body).encode())
    variables = environ(
        IDENTITY_ENDPOINT=f"{server.url}/fabric",
        IDENTITY_HEADER="header-secret-1",
        IDENTITY_SERVER_THUMBPRINT=thumbprint if right else "0" * 40,
    )
    if right:
        assert connected(variables, auth_method="managed_identity").session.client_id == SYSTEM
        (request,) = server.requests
        assert request.headers["secret"] == "header-secret-1"
    else:
        # No code of its own: msal may tell it in more than one way. What counts is that the secret was not sent.
        refused(connected, variables, auth_method="managed_identity")
        assert server.requests == []


def test_arc_asks_for_a_file_only_root_can_read(connected, platform, environ):
    variables = environ(IDENTITY_ENDPOINT=f"{platform.url}/arc", IMDS_ENDPOINT=platform.url)
    platform.answer = (401, b"", {"WWW-Authenticate": "Basic realm=/var/opt/azcmagent/tokens/nowhere.key"})
    error = refused(connected, variables, auth_method="managed_identity")
    assert error.code == "login_failed"
    assert "nowhere.key" in error.sentence


def test_a_user_assigned_identity_is_named_by_its_client_id(connected, platform, app_service):
    session = connected(app_service, auth_method="managed_identity", client_id=USER_ASSIGNED).session
    assert platform.asked[0][1]["client_id"] == USER_ASSIGNED
    assert session.client_id == USER_ASSIGNED
    connected({**app_service, "AZURE_CLIENT_ID": USER_ASSIGNED}, auth_method="managed_identity")
    assert platform.asked[1][1]["client_id"] == USER_ASSIGNED


def test_one_token_for_each_api(connected, platform, app_service):
    access = connected(app_service, auth_method="managed_identity", providers=["entra_roles", "azure_resources"]).access
    assert access.token("graph") != access.token("arm")
    assert [query["resource"] for _path, query, _headers in platform.asked] == [GRAPH, ARM]


def test_it_gets_new_tokens_by_itself(connected, platform, app_service, fake):
    access = connected(app_service, auth_method="managed_identity", client_id=USER_ASSIGNED).access
    first = access.token("graph")
    assert access.session.can_refresh
    assert "header-secret-1" not in repr(vars(access.session))
    fake.advance(3600)
    assert access.token("graph") != first
    assert platform.asked[1][1]["client_id"] == USER_ASSIGNED
    assert access.resource_token("https://vault.azure.net").access_token
    assert platform.asked[2][1]["resource"] == "https://vault.azure.net"


def test_another_identity_meanwhile_is_not_taken_for_the_sessions(connected, platform, app_service, fake):
    access = connected(app_service, auth_method="managed_identity").access
    platform.claims = {"oid": "somebody else"}
    fake.advance(3600)
    with pytest.raises(PimError) as caught:
        access.token("graph")
    assert caught.value.code == "not_connected"


def test_auto_takes_it_last_and_only_where_it_is_advertised(connected, platform, app_service, environ):
    assert connected(app_service).session.auth_method == "managed_identity"
    azure = {"AZURE_USERNAME": "operator@contoso.example", "AZURE_PASSWORD": "Pass-word-1", "AZURE_TENANT_ID": TENANT}
    assert connected({**app_service, **azure}).session.auth_method == "password"
    assert len(platform.asked) == 1
    for variables in (
        {},
        {"MSI_ENDPOINT": platform.url},
        {"IDENTITY_ENDPOINT": platform.url},
        {"IDENTITY_ENDPOINT": platform.url, "IDENTITY_HEADER": ""},
    ):
        error = refused(connected, variables)
        assert error.code == "not_connected"
        tried = ("the task", "ENTRA_PIM_*", ", the session", "AZURE_*", "managed identity")
        places = [error.message.index(one) for one in tried]
        assert places == sorted(places)
    assert len(platform.asked) == 1


def test_a_session_that_is_named_silences_it(connected, platform, app_service):
    assert refused(connected, app_service, session="other").code == "not_connected"
    assert refused(connected, {**app_service, "ENTRA_PIM_AUTH_METHOD": "password"}).code == "not_connected"
    assert platform.asked == []


def test_it_can_be_named_in_the_environment(connected, app_service):
    named = {**app_service, "ENTRA_PIM_AUTH_METHOD": "managed_identity"}
    assert connected(named).session.auth_method == "managed_identity"


@pytest.mark.parametrize("tenant", [TENANT, TENANT.upper(), "contoso.example"])
def test_the_tenant_is_checked_against_the_token(connected, app_service, tenant):
    assert connected(app_service, auth_method="managed_identity", tenant=tenant).session.tenant_id == TENANT


@pytest.mark.parametrize("tenant", [OTHER, "fabrikam.example"])
def test_another_tenant_is_refused(connected, app_service, tenant):
    error = refused(connected, app_service, auth_method="managed_identity", tenant=tenant)
    assert error.code == "login_failed"
    assert tenant in error.message


def test_no_proxy_is_asked(connected, app_service):
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    assert connected({**app_service, **proxies}, auth_method="managed_identity").session.object_id == OID


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((400, b'{"error": "invalid_request", "error_description": "Identity not found"}', {}), "login_failed"),
        ((400, b'{"statusCode": 400, "message": "No User Assigned identity found"}', {}), "login_failed"),
        ((404, b"<html>nothing here</html>", {}), "login_failed"),
        ((200, b"[1]", {}), "login_failed"),
        ((200, b'{"access_token": "x", "expires_on": "tomorrow"}', {}), "login_failed"),
        ((429, b"{}", {}), "throttled"),
        ((500, b"{}", {}), "service_unavailable"),
        ((302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}), "invalid_response"),
    ],
)
def test_what_the_platform_refuses(connected, platform, app_service, answer, code):
    platform.answer = answer
    error = refused(connected, app_service, auth_method="managed_identity", client_id=USER_ASSIGNED)
    assert error.code == code
    assert "header-secret-1" not in error.sentence
    if code == "login_failed":
        assert "client_id" in error.sentence


def test_what_is_not_there_is_told_at_once(connected, environ, fake):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    started = time.monotonic()
    error = refused(
        connected, environ(AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://127.0.0.1:{port}"), auth_method="managed_identity"
    )
    assert error.code == "network"
    assert "Azure" in error.sentence
    assert fake.slept == []
    assert time.monotonic() - started < 5


def test_plain_http_stays_refused_for_everything_else(fake, platform):
    transport = Transport(clock=fake.clock, environ={}, http_timeout=5)
    with pytest.raises(PimError):
        transport.send("GET", f"{platform.url}/msi/token")
    with pytest.raises(PimError):
        transport.send("GET", "ftp://127.0.0.1/x", local=True)
    assert platform.asked == []
    assert json.loads(transport.send("GET", f"{platform.url}/x?resource=r", local=True).text)["token_type"] == "Bearer"
