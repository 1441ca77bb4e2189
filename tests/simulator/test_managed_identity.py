# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed identities as App Service and virtual machines hand them out, asked by msal and by hand."""

from __future__ import annotations

import json
from typing import Any

import msal
import pytest
import requests

from simulator.service_client import DIRECTORY, GRAPH, Client, claims_of
from simulator_process import Simulator

MACHINE = "d59183f2-a41c-40b5-a2ee-1386c4f792da"
RUNNER = "e6a294a3-b52d-41c6-b3ff-2497d5a8a3eb"
ARM = "https://management.azure.com"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@pytest.fixture(params=["App Service", "virtual machine"])
def platform(request: pytest.FixtureRequest, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "App Service":
        for name, value in simulator.managed_identity_environment.items():
            monkeypatch.setenv(name, value)
    else:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", simulator.metadata_url)
    return str(request.param)


# msal


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("identity", "client_id"),
    [(msal.SystemAssignedManagedIdentity(), MACHINE), (msal.UserAssignedManagedIdentity(client_id=RUNNER), RUNNER)],
)
@pytest.mark.parametrize("resource", [GRAPH, ARM, f"{ARM}/"])
def test_msal(session: requests.Session, identity: Any, client_id: str, resource: str) -> None:
    client = msal.ManagedIdentityClient(identity, http_client=session)
    result = client.acquire_token_for_client(resource=resource)
    claims = claims_of(result["access_token"])
    assert (claims["appid"], claims["aud"], claims["idtyp"]) == (client_id, resource, "app")
    assert 3590 < result["expires_in"] <= 3600
    assert client.acquire_token_for_client(resource=resource)["token_source"] == "cache"


def test_msal_by_object_id(client: Client, session: requests.Session, platform: str) -> None:
    by_client_id = msal.UserAssignedManagedIdentity(client_id=RUNNER)
    token = msal.ManagedIdentityClient(by_client_id, http_client=session).acquire_token_for_client(resource=GRAPH)
    object_id = claims_of(token["access_token"])["oid"]
    identity = msal.UserAssignedManagedIdentity(object_id=object_id)
    result = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(resource=GRAPH)
    assert claims_of(result["access_token"])["appid"] == RUNNER, platform
    assert client.rows(f"{DIRECTORY}/roleAssignmentScheduleInstances", result["access_token"])


@pytest.mark.parametrize(
    "identity",
    [msal.UserAssignedManagedIdentity(client_id=UNKNOWN), msal.UserAssignedManagedIdentity(resource_id="/x")],
)
def test_msal_with_an_unknown_identity(session: requests.Session, platform: str, identity: Any) -> None:
    result = msal.ManagedIdentityClient(identity, http_client=session).acquire_token_for_client(resource=GRAPH)
    assert "access_token" not in result
    assert "found" in result["error_description"], platform


# App Service


def _app_service(simulator: Simulator, session: requests.Session, header: Any = None, **changes: Any) -> Any:
    environment = simulator.managed_identity_environment
    query = {"api-version": "2019-08-01", "resource": GRAPH, **changes}
    headers = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]} if header is None else header
    return session.get(environment["IDENTITY_ENDPOINT"], params=query, headers=headers, timeout=30)


def test_app_service(simulator: Simulator, session: requests.Session) -> None:
    body = _app_service(simulator, session).json()
    assert set(body) == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert claims_of(body["access_token"])["exp"] == pytest.approx(int(body["expires_on"]), abs=1)


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"header": {}}, 401, "Unauthorized"),
        ({"header": {"X-IDENTITY-HEADER": "wrong"}}, 401, "Unauthorized"),
        ({"api-version": "2017-09-01"}, 400, "api-version"),
        ({"resource": None}, 400, "resource"),
        ({"resource": "https://vault.azure.net"}, 500, "unexpected error"),
        ({"resource": f"{GRAPH}/.default {ARM}"}, 500, "unexpected error"),
        ({"client_id": UNKNOWN}, 400, "No User Assigned or Delegated Managed Identity found"),
        ({"mi_res_id": "/subscriptions/x"}, 400, "No User Assigned or Delegated Managed Identity found"),
        ({"client_id": RUNNER, "object_id": UNKNOWN}, 400, "No User Assigned or Delegated Managed Identity found"),
    ],
)
def test_app_service_refuses(
    simulator: Simulator, session: requests.Session, changes: dict[str, Any], status: int, message: str
) -> None:
    answer = _app_service(simulator, session, **changes)
    assert answer.status_code == answer.json()["statusCode"] == status
    assert message in answer.json()["message"]


# virtual machines


def _metadata(simulator: Simulator, session: requests.Session, header: Any = None, **changes: Any) -> Any:
    query = {"api-version": "2018-02-01", "resource": GRAPH, **changes}
    headers = {"Metadata": "true"} if header is None else header
    url = f"{simulator.metadata_url}/metadata/identity/oauth2/token"
    return session.get(url, params=query, headers=headers, timeout=30)


def test_metadata(simulator: Simulator, session: requests.Session) -> None:
    body = _metadata(simulator, session).json()
    assert int(body["expires_on"]) - int(body["not_before"]) == int(body["expires_in"]) == 3600
    assert body["client_id"] == MACHINE


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"header": {}}, "bad_request_102", "Required metadata header not specified"),
        ({"header": {"Metadata": "true", "X-Forwarded-For": "1.1.1.1"}}, "bad_request_102", "Required metadata header"),
        ({"api-version": None}, "invalid_request", "api-version"),
        ({"api-version": "2017-01-01"}, "invalid_request", "api-version"),
        ({"resource": None}, "invalid_request", "resource"),
        ({"resource": "https://vault.azure.net"}, "invalid_resource", "AADSTS500011: "),
        ({"client_id": UNKNOWN}, "invalid_request", "Identity not found"),
    ],
)
def test_metadata_refuses(
    simulator: Simulator, session: requests.Session, changes: dict[str, Any], error: str, description: str
) -> None:
    answer = _metadata(simulator, session, **changes)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert description in answer.json()["error_description"]


# around them


def test_without_a_system_assigned_identity(session: requests.Session) -> None:
    identities = [{"client_id": RUNNER, "name": "Only"}]
    with Simulator(changes={"managed_identities": identities}) as simulator:
        answer = _app_service(simulator, session)
        assert (answer.status_code, answer.json()["message"]) == (400, "Unable to load the proper Managed Identity.")
        assert _metadata(simulator, session).json()["error_description"] == "Identity not found"


def test_a_tenant_without_managed_identities() -> None:
    with Simulator(changes={"managed_identities": []}) as simulator:
        assert simulator.description["managed_identity"] is None
        assert simulator.managed_identity_environment == {}
        assert not (simulator.run_dir / "identity.header").exists()


def test_there_is_nothing_else_on_that_port(simulator: Simulator, session: requests.Session) -> None:
    for path in ("/_control/state", "/v1.0/me", f"/{simulator.tenant_id}/oauth2/v2.0/token"):
        assert session.get(f"{simulator.metadata_url}{path}", timeout=30).status_code == 404


def test_calls_are_recorded_and_faults_strike(simulator: Simulator, session: requests.Session) -> None:
    token = _app_service(simulator, session, client_id=RUNNER).json()["access_token"]
    _app_service(simulator, session, header={"X-IDENTITY-HEADER": "wrong"})
    simulator.control("POST", "faults", {"path": "/msi/token", "status": 429, "retry_after": 3})
    assert _app_service(simulator, session).status_code == 429
    calls = simulator.calls("/msi/token")
    assert [(call["status"], call["app_id"]) for call in calls] == [(200, RUNNER), (401, None), (429, None)]
    kept = json.dumps(calls) + simulator.log + json.dumps(simulator.description)
    assert token not in kept
    assert simulator.managed_identity_environment["IDENTITY_HEADER"] not in kept


def test_a_managed_identity_has_no_secret(client: Client) -> None:
    form = {"grant_type": "client_credentials", "client_id": MACHINE, "scope": f"{GRAPH}/.default"}
    assert client.token_answer(**form, client_secret="x").json()["error_codes"] == [7000215]
