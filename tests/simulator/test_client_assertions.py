# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications that sign in with a certificate, or with a token of another issuer."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography.hazmat.primitives import hashes

from applications import AUDIENCE, Key
from applications import GITHUB as ISSUER
from simulator.service_client import CLI, GRAPH, GUIDE, Client, PortKeeper, aadsts, claims_of
from simulator_process import DEFAULT_TENANT, PACKAGE_ROOT, Simulator

APP = "b37f61d0-82fa-4e93-80cc-f164a2d570b8"
PLAIN = "c48072e1-930b-4fa4-91dd-0275b3e681c9"
SUBJECT = "repo:contoso/infrastructure:environment:production"


OWN = Key()
EXPIRED = Key(days=-1)
STRANGE = Key()
ISSUERS = Key()
ISSUERS_NEXT = Key()


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    federated = {"issuer": ISSUER, "subject": SUBJECT}
    app = {
        "client_id": APP,
        "name": "Contoso deployment",
        "certificates": [EXPIRED.certificate_pem, OWN.certificate_pem],
        "federated_credentials": [
            {**federated, "public_key": ISSUERS.public_pem()},
            {**federated, "public_key": ISSUERS_NEXT.public_pem()},
            {**federated, "subject": "other", "audience": "own", "public_key": ISSUERS.public_pem()},
        ],
        "graph_permissions": ["RoleManagement.Read.Directory"],
    }
    plain = {"client_id": PLAIN, "name": "Contoso plain", "certificates": [OWN.certificate_pem]}
    with Simulator(changes={"service_principals": [app, plain]}) as simulator:
        yield Client(simulator)


def _endpoint(client: Client, tenant: str | None = None) -> str:
    return f"{client.simulator.url}/{tenant or client.simulator.tenant_id}/oauth2/v2.0/token"


def _coded(thumbprint: bytes) -> str:
    return base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()


def _own(client: Client, key: Key = OWN, algorithm: str = "PS256", header: Any = None, **changes: Any) -> str:
    """As a client signs it for itself."""
    now = int(time.time())
    claims = {"iss": APP, "sub": APP, "aud": _endpoint(client), "nbf": now, "exp": now + 600, "jti": str(uuid.uuid4())}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    headers = {"x5t#S256": _coded(key.thumbprint(hashes.SHA256()))} if header is None else header
    return key.signed(claims, algorithm, headers)


def _foreign(key: Key = ISSUERS, **changes: Any) -> str:
    """As another issuer signs it for a workload."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now, "exp": now + 600, **changes}
    return key.signed(claims, "RS256", {"kid": "1"})


def _ask(client: Client, assertion: str, **changes: str) -> requests.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": APP,
        "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "scope": f"{GRAPH}/.default",
        **changes,
    }
    return client.token_answer(**{name: value for name, value in form.items() if value != "ABSENT"})


# msal


def _application(client: Client, credential: Any) -> Any:
    return msal.ConfidentialClientApplication(
        APP,
        client_credential=credential,
        authority=f"{client.simulator.url}/{client.simulator.tenant_id}",
        instance_discovery=False,
        http_client=PortKeeper(client.simulator),
    )


def test_msal_with_a_certificate(client: Client) -> None:
    credential = {"private_key": OWN.private_pem(), "public_certificate": OWN.certificate_pem}
    result = _application(client, credential).acquire_token_for_client([f"{GRAPH}/.default"])
    assert claims_of(result["access_token"])["idtyp"] == "app"
    assert claims_of(result["access_token"])["roles"] == ["RoleManagement.Read.Directory"]
    assert "refresh_token" not in result


def test_msal_with_a_thumbprint(client: Client) -> None:
    credential = {
        "private_key": OWN.private_pem(),
        "thumbprint": OWN.thumbprint(hashes.SHA1()).hex(),  # noqa: S303 - what older clients name a key by
    }
    result = _application(client, credential).acquire_token_for_client([f"{GRAPH}/.default"])
    assert "access_token" in result, result


def test_msal_with_a_federated_token(client: Client) -> None:
    application = _application(client, {"client_assertion": _foreign})
    result = application.acquire_token_for_client([f"{GRAPH}/.default"])
    assert claims_of(result["access_token"])["appid"] == APP


def test_msal_with_a_certificate_that_is_not_registered(client: Client) -> None:
    credential = {"private_key": STRANGE.private_pem(), "public_certificate": STRANGE.certificate_pem}
    result = _application(client, credential).acquire_token_for_client([f"{GRAPH}/.default"])
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [700027]
    assert "[Reason - The key was not found., " in result["error_description"]
    assert STRANGE.thumbprint(hashes.SHA256()).hex().upper() in result["error_description"]


# what is taken


@pytest.mark.parametrize(
    "make",
    [
        lambda client: _own(client, algorithm="RS256"),
        lambda client: _own(client, header={"x5t": _coded(OWN.thumbprint(hashes.SHA1()))}),  # noqa: S303 - as above
        lambda client: _own(client, header={"kid": OWN.thumbprint(hashes.SHA1()).hex().upper()}),  # noqa: S303 - as above
        lambda client: _own(client, aud=f"{client.simulator.url}/{client.simulator.tenant_id}/v2.0"),
        lambda client: _own(client, aud=_endpoint(client, "contoso.example")),
        lambda client: _own(client, nbf=int(time.time()) + 200),
        lambda client: _own(client, nbf=None),
        lambda _client: _foreign(),
        lambda _client: _foreign(ISSUERS_NEXT),
        lambda _client: _foreign(sub="other", aud="own"),
    ],
)
def test_taken(client: Client, make: Callable[[Client], str]) -> None:
    answer = _ask(client, make(client))
    assert answer.status_code == 200, answer.text


def test_times_are_the_machines(client: Client) -> None:
    """Whoever signs an assertion knows nothing of the tenant's time."""
    client.simulator.advance("PT12H")
    assert _ask(client, _own(client)).status_code == 200
    assert _ask(client, _foreign()).status_code == 200


# what is not


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda client: _own(client, STRANGE), ("invalid_client", [700027])),
        (
            lambda client: _own(client, STRANGE, header={"x5t#S256": _coded(OWN.thumbprint(hashes.SHA256()))}),
            ("invalid_client", [700027]),
        ),
        (lambda client: _own(client, EXPIRED), ("invalid_client", [700027])),
        (lambda client: _own(client, header={"x5t": "%%%"}), ("invalid_client", [700027])),
        (lambda client: _own(client, header={}), ("invalid_request", [50027])),
        (lambda client: _own(client, exp=int(time.time()) - 1), ("invalid_client", [700024])),
        (lambda client: _own(client, exp=None), ("invalid_client", [700024])),
        (lambda client: _own(client, nbf=int(time.time()) + 400), ("invalid_client", [700024])),
        (lambda client: _own(client, aud="https://login.microsoftonline.com/x"), ("invalid_client", [700023])),
        (lambda client: _own(client, aud=None), ("invalid_request", [50027])),
        (lambda client: _own(client, sub=PLAIN), ("invalid_client", [700021])),
        (lambda client: _own(client, algorithm="RS384"), ("invalid_request", [50027])),
        (lambda _client: jwt.encode({"iss": APP, "sub": APP, "aud": "x"}, None, "none"), ("invalid_request", [50027])),
        (lambda client: _own(client, jti=5), ("invalid_request", [50027])),
        (lambda _client: "x", ("invalid_request", [50027])),
        (lambda _client: "e30.e30.e30", ("invalid_request", [50027])),
        (lambda _client: _foreign(iss=f"{ISSUER}/"), ("invalid_client", [700211])),
        (lambda _client: _foreign(sub=SUBJECT.upper()), ("invalid_client", [700213])),
        (lambda _client: _foreign(aud="https://github.com/contoso"), ("invalid_client", [700212])),
        (lambda _client: _foreign(exp=int(time.time()) - 1), ("invalid_client", [700024])),
        (lambda _client: _foreign(STRANGE), ("invalid_request", [50027])),
    ],
)
def test_refused(client: Client, make: Callable[[Client], str], expected: tuple[str, list[int]]) -> None:
    answer = _ask(client, make(client))
    assert answer.status_code == (401 if expected[0] == "invalid_client" else 400)
    assert aadsts(answer) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_assertion_type": "ABSENT"}, ("invalid_request", [900144])),
        ({"client_assertion_type": "magic"}, ("invalid_request", [9002313])),
        ({"client_secret": "x"}, ("invalid_request", [9002313])),
        ({"client_id": PLAIN}, ("invalid_client", [70025])),
        ({"client_id": CLI}, ("invalid_client", [7000218])),
        ({"tenant": "organizations"}, ("invalid_grant", [9001023])),
    ],
)
def test_the_form_around_it(client: Client, changes: dict[str, str], expected: tuple[str, list[int]]) -> None:
    assert aadsts(_ask(client, _own(client), **changes)) == expected


def test_nothing_of_it_is_kept(client: Client) -> None:
    assertion = _own(client)
    _ask(client, assertion)
    _ask(client, assertion + "x")
    kept = json.dumps(client.simulator.calls()) + client.simulator.log
    assert assertion.rsplit(".", 1)[0] not in kept
    assert client.simulator.calls("token")[-1]["app_id"] == APP


# the tenant file


def test_paths_count_from_the_tenant_file(tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_text(OWN.certificate_pem)
    (tmp_path / "issuer.pem").write_text(ISSUERS.public_pem())
    tenant = tmp_path / "tenant.yml"
    text = DEFAULT_TENANT.read_text()
    entry = (
        f"service_principals:\n  - client_id: {APP}\n    name: With paths\n    certificates: [app.pem]\n"
        f"    federated_credentials:\n"
        f"      - {{issuer: {ISSUER!r}, subject: {SUBJECT!r}, public_key: issuer.pem}}\n"
    )
    tenant.write_text(text.replace("service_principals:\n", entry, 1))
    with Simulator(tenant) as simulator:
        client = Client(simulator)
        assert _ask(client, _own(client)).status_code == 200
        assert _ask(client, _foreign()).status_code == 200


def test_the_commands_of_the_guide(tmp_path: Path) -> None:
    block = next(text for text in GUIDE.split("```") if "openssl" in text)
    for line in block.splitlines()[1:]:
        subprocess.run(["sh", "-c", line.removeprefix("$ ")], cwd=tmp_path, capture_output=True, check=True)
    key = tmp_path / "app-with-key.pem"
    certificate = (tmp_path / "app.pem").read_text()
    app = {"client_id": APP, "name": "Made by hand", "certificates": [certificate]}
    with Simulator(changes={"service_principals": [app]}) as simulator:
        credential = {"private_key": key.read_text(), "public_certificate": certificate}
        result = _application(Client(simulator), credential).acquire_token_for_client([f"{GRAPH}/.default"])
    assert "access_token" in result, result


def test_the_default_tenant_has_no_private_key() -> None:
    assert all("PRIVATE KEY" not in path.read_text() for path in (PACKAGE_ROOT / "tenants").iterdir())
