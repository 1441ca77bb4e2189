# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource that only a token issued while a role was active may use, and only while it is active."""

from __future__ import annotations

from simulator.service_client import OPERATOR, OWN_CLIENT, Client, error_of

GROUPS = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
SETTINGS = "groupSettings"
DENIED = (403, "Authorization_RequestDenied")


def test_the_token_must_be_younger_than_the_activation(client: Client) -> None:
    before = client.token()
    assert error_of(client.graph("GET", SETTINGS, before)) == DENIED
    assert client.request(before, GROUPS).status_code == 201
    assert error_of(client.graph("GET", SETTINGS, before)) == DENIED
    after = client.token()
    assert client.graph("GET", SETTINGS, after).json() == {"displayName": "Group.Unified", "values": []}
    assert client.graph("PATCH", SETTINGS, after, json={"values": [1]}).json()["values"] == [1]
    assert client.graph("PUT", SETTINGS, after, json={"displayName": "x"}).json() == {"displayName": "x"}
    assert client.graph("GET", SETTINGS, after).json() == {"displayName": "x"}
    client.simulator.advance("PT6M")
    assert client.request(after, GROUPS, "selfDeactivate").status_code == 201
    assert error_of(client.graph("GET", SETTINGS, after)) == DENIED, "the token still tells the role"


def test_reset_restores_the_body(client: Client) -> None:
    client.request(client.token(), GROUPS)
    client.graph("PATCH", SETTINGS, client.token(), json={"values": [1]})
    client.simulator.control("POST", "reset")
    client.request(client.token(), GROUPS)
    assert client.graph("GET", SETTINGS, client.token()).json()["values"] == []


def test_the_permission_counts_as_well(client: Client) -> None:
    client.request(client.token(), SECURITY_READER)
    path = "identity/conditionalAccess/namedLocations"
    assert client.graph("GET", path, client.token(OPERATOR)).status_code == 200
    assert error_of(client.graph("GET", path, client.token(client_id=OWN_CLIENT))) == DENIED


def test_it_is_there_in_its_version_only(client: Client) -> None:
    client.request(client.token(), GROUPS)
    token = client.token()
    assert client.graph("GET", SETTINGS, token, version="beta").status_code == 404
    assert client.graph("DELETE", SETTINGS, token).status_code == 405
    assert client.graph("GET", f"{SETTINGS}?x=1", token).status_code == 400
