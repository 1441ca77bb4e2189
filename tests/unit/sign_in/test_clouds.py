# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The four clouds: where a sign-in goes, what it asks for, and which tokens are theirs."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection import sign_in_requests
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_options
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.clouds import CLOUDS, endpoints, foreign

from unit.sign_in.certificates import RSA_KEY, certificate_for, key_pem, pem
from unit.sign_in.sts import APP, jwt
from unit.state.saved import TENANT

# Cloud -> authority, Graph, Azure Resource Manager, what that was called before (Azure documentation, "sovereign clouds").
ADDRESSES = {
    "public": ("login.microsoftonline.com", "graph.microsoft.com", "management.azure.com", "management.core.windows.net"),
    "usgov": (
        "login.microsoftonline.us", "graph.microsoft.us", "management.usgovcloudapi.net", "management.core.usgovcloudapi.net",
    ),
    "usgov_dod": (
        "login.microsoftonline.us", "dod-graph.microsoft.us", "management.usgovcloudapi.net", "management.core.usgovcloudapi.net",
    ),
    "china": (
        "login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn", "management.chinacloudapi.cn",
        "management.core.chinacloudapi.cn",
    ),
}  # fmt: skip
EACH = pytest.mark.parametrize("cloud", sorted(ADDRESSES))
PROVIDERS = ["entra_roles", "azure_resources"]


def test_these_are_all_clouds():
    assert ADDRESSES.keys() == CLOUDS.keys()


@EACH
def test_where_a_sign_in_goes_and_what_it_asks_for(options, context, cloud):
    authority, graph, arm, _old = (f"https://{host}" for host in ADDRESSES[cloud])
    nothing = dict.fromkeys(("authority_url", "graph_url", "arm_url"))
    given = options(cloud=cloud, client_id=APP, client_secret="s", tenant=TENANT, **nothing)
    surroundings = context()
    chosen = connection_options(given, {})
    requests = sign_in_requests(chosen.credentials.task, chosen, surroundings, PROVIDERS)
    assert [request.resource for request in requests] == [graph, arm]
    assert [request.default_scopes for request in requests] == [[f"{graph}/.default"], [f"{arm}/.default"]]
    assert all(scope.startswith(f"{graph}/") for scope in requests[0].scopes)
    assert requests[1].scopes == [f"{arm}/user_impersonation"]
    assert requests[0].endpoints == {"authority_url": authority, "graph_url": graph, "arm_url": arm}
    assert foreign(cloud, endpoints(cloud, {})) == []


@EACH
@pytest.mark.parametrize("ending", ["", "/", "//"])
def test_which_tokens_are_whose(cloud, ending):
    _authority, graph, arm, old_arm = (f"https://{host}" for host in ADDRESSES[cloud])
    own = CLOUDS[cloud]
    assert own.api_of_audience(f"{graph}{ending}") == "graph"
    assert own.api_of_audience(f"{arm}{ending}") == "arm"
    assert own.api_of_audience(f"{old_arm.upper()}{ending}") == "arm"
    assert own.same_audience(f"{arm}{ending}", old_arm)


@EACH
def test_a_token_of_another_cloud_is_none_of_this(cloud):
    others = {host for name, hosts in ADDRESSES.items() for host in hosts[1:]} - set(ADDRESSES[cloud])
    assert {CLOUDS[cloud].api_of_audience(f"https://{host}") for host in others} == {None}
    assert CLOUDS[cloud].api_of_audience("https://management.azure.com.example") is None


@EACH
def test_a_ready_token_is_taken_for_its_own_cloud_only(connected, cloud):
    token = jwt(aud=f"https://{ADDRESSES[cloud][3]}//")
    found = connected({}, access_token=token, cloud=cloud, providers=["azure_resources"])
    assert found.access.token("arm") == token
    other = "china" if cloud != "china" else "usgov"
    with pytest.raises(PimError) as caught:
        connected({}, access_token=token, cloud=other, providers=["azure_resources"])
    assert caught.value.code == "invalid_option"


@EACH
def test_each_way_to_sign_in_asks_for_the_clouds_own_audience_at_the_address_given(connected, service, tmp_path, cloud):
    """The address has a port, and msal loses it in places."""
    graph = f"https://{ADDRESSES[cloud][1]}"
    for grant in ("password", "client_credentials"):
        service.tokens.setdefault(grant, {})["aud"] = graph
    certificate, token = tmp_path / "app.pem", tmp_path / "token"
    certificate.write_bytes(key_pem(RSA_KEY) + pem(certificate_for(RSA_KEY)))
    token.write_text(jwt(), encoding="utf-8")
    application = {"client_id": APP, "tenant": "contoso.example"}
    for given in (
        {"username": "operator@contoso.example", "password": "p"},
        {"client_secret": "s", **application},
        {"certificate_path": str(certificate), **application},
        {"federated_token_file": str(token), **application},
    ):
        session = connected({}, cloud=cloud, **given).session
        assert (session.cloud, session.authority_url) == (cloud, service.url)
        assert all(scope.startswith(graph) or "://" not in scope for scope in service.asked[-1]["scope"].split())
        assert graph in service.asked[-1]["scope"]
    assert len(service.asked) == 4
