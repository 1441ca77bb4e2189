# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of every method goes by the proxy, and trusts the CA of ca_path alone."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import trustme

from unit.https_server import Proxy, Server
from unit.sign_in.certificates import RSA_KEY, certificate_for, key_pem, pem
from unit.sign_in.organisation import Organisation
from unit.sign_in.person import Person, post
from unit.sign_in.sts import APP, SignInService, jwt
from unit.state.saved import TENANT

# Nobody knows their addresses but the proxy.
HOST, ORGANISATION = "login.contoso.example", "adfs.contoso.example"
APPLICATION = {"tenant": TENANT, "client_id": APP}
OPERATOR = {"tenant": TENANT, "username": "operator@contoso.example"}
METHODS = {
    "password": {**OPERATOR, "password": "Pass-word-1"},
    "federated": {**OPERATOR, "password": "Pass-word-1"},
    "client_secret": {**APPLICATION, "client_secret": "Secret-1"},
    "certificate": {**APPLICATION, "certificate_path": "certificate.pem"},
    "workload_identity": {**APPLICATION, "federated_token_file": "token"},
    "device_code": {**OPERATOR, "auth_method": "device_code"},
    "interactive": {**OPERATOR, "auth_method": "interactive"},
}


@pytest.fixture
def service(authority):
    with Server(authority, HOST) as server:
        service = SignInService(server)
        service.url = service.told_url = f"https://{HOST}:{server.port}"
        yield service


@pytest.fixture
def organisation(authority):
    with Server(authority, ORGANISATION) as server:
        yield Organisation(server, ORGANISATION)


@pytest.fixture
def sign_in(fake, real_clock, options, service, organisation, tmp_path, monkeypatch):
    """Signs in by a method, with this environment, in the process's too; the result."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "certificate.pem").write_bytes(key_pem(RSA_KEY) + pem(certificate_for(RSA_KEY)))
    (tmp_path / "token").write_text(jwt(iss="https://issuer.example"), encoding="utf-8")

    def run(method: str, environ: dict[str, str], **given):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        if method == "federated":
            service.realm = organisation.realm
        clock = real_clock if method == "interactive" else fake.clock
        person = Person(clock, options, environ)
        person.opens = lambda address: post(address, service.authorize(address))
        return person.connect(**METHODS[method], **given)

    return run


def _place(url):
    return urlsplit(url).netloc


@pytest.mark.parametrize("method", METHODS)
def test_every_call_goes_by_the_proxy(sign_in, service, organisation, method):
    with Proxy() as proxy:
        result = sign_in(method, {"HTTPS_PROXY": proxy.address, "NO_PROXY": "localhost"})
        assert not result.get("failed"), result
        expected = {_place(service.url)} | ({_place(organisation.url)} if method == "federated" else set())
        assert set(proxy.connects) == expected


@pytest.mark.parametrize("method", METHODS)
def test_who_is_excepted_is_called_directly(sign_in, method):
    with Proxy() as proxy:
        result = sign_in(method, {"HTTPS_PROXY": proxy.address, "NO_PROXY": ".contoso.example"})
        assert proxy.connects == []
        # Nobody else knows that host.
        assert result["failure"]["code"] == "network"


@pytest.mark.parametrize("method", METHODS)
def test_ca_path_counts_before_the_environment(sign_in, tmp_path, method):
    another = tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(str(another))
    bundles = {"REQUESTS_CA_BUNDLE": str(another), "CURL_CA_BUNDLE": str(another), "SSL_CERT_FILE": str(another)}
    with Proxy() as proxy:
        result = sign_in(method, {"HTTPS_PROXY": proxy.address, **bundles})
        assert not result.get("failed"), result


@pytest.mark.parametrize("method", METHODS)
def test_another_ca_is_not_trusted(sign_in, service, tmp_path, method):
    another = tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(str(another))
    with Proxy() as proxy:
        result = sign_in(method, {"HTTPS_PROXY": proxy.address}, ca_path=str(another))
        assert result["failure"]["code"] == "network"
        assert "certificate" in result["msg"]
        assert service.asked == []


def test_the_organisations_server_is_verified_too(sign_in, organisation):
    """The password is sent to nobody who cannot prove to be that server."""
    with Server(trustme.CA(), ORGANISATION) as impostor, Proxy() as proxy:
        organisation.url = f"https://{ORGANISATION}:{impostor.port}"
        result = sign_in("federated", {"HTTPS_PROXY": proxy.address})
        assert result["failure"]["code"] == "network"
        assert impostor.requests == []
