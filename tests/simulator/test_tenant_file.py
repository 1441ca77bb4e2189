# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant file: what is wrong in it is said with its place, and what is right is there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.loader import load_tenant, parse_tenant
from pim_simulator.tenant.models import GRAPH_COMMAND_LINE_TOOLS
from pim_simulator.tenant.reading import TenantError

from simulator_process import DEFAULT_TENANT

LEAST: dict[str, Any] = {
    "tenant_id": "11111111-2222-4333-8444-555555555555",
    "name": "Least",
    "domains": ["least.example"],
    "users": [{"username": "one@least.example", "name": "One"}],
}


GUID = "0b7e6c1d-2f4a-4c53-9d18-6a7b8c9d0e1f"
TWINS = [{"name": "G", "id": GUID}, {"name": "G", "id": "1c8f7d2e-305b-4d64-8e29-7b8c9d0e1f20"}]
CLIENT = {"client_id": GUID, "name": "App"}
OTHER = {"client_id": TWINS[1]["id"], "name": "Other"}
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PRIVATE = PEM.replace("CERTIFICATE", "PRIVATE " + "KEY")
ISSUED = {"issuer": "https://issuer.example", "subject": "one"}
IN_GROUP = {"principal": "one@least.example", "provider": "groups", "role": "member", "scope": "G"}


def _parse(**changes: Any) -> Any:
    return parse_tenant(yaml.safe_dump({**LEAST, **changes}))


def test_the_least_tenant_has_what_every_tenant_has() -> None:
    tenant = _parse()
    assert {role.id for role in tenant.roles} == set(BUILTIN_ROLES.values())
    assert tenant.minimum_active == timedelta(minutes=5)
    assert [client.client_id for client in tenant.clients] == [GRAPH_COMMAND_LINE_TOOLS]
    assert _parse().users[0].id == tenant.users[0].id, "ids must be the same at each start"


def test_groups_of_one_name_are_known_by_id() -> None:
    holdings = [{**IN_GROUP, "scope": GUID}, {**IN_GROUP, "principal": TWINS[1]["id"], "scope": GUID.upper()}]
    tenant = _parse(groups=TWINS, eligibilities=holdings)
    assert len(tenant.groups) == 2


def test_the_default_tenant() -> None:
    tenant = load_tenant(DEFAULT_TENANT)
    passwords = [user.password for user in tenant.users]
    assert len(set(passwords)) == len(passwords)
    assert all(password and len(password) > 15 for password in passwords)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minimum_activ": "PT1M"}, r"the tenant has the unknown key 'minimum_activ'; known are: .*minimum_active"),
        ({"lag": {"activaton": "PT1M"}}, r"the tenant\.lag has the unknown key 'activaton'"),
        ({"users": [{"username": "a@least.example"}]}, r"the tenant\.users\[0\] lacks the key 'name'"),
        ({"users": [{**LEAST["users"][0], "password": 12345}]}, r"users\[0\]\.password must be text"),
        (
            {"users": [{**LEAST["users"][0], "mfa": "sometimes"}]},
            r"mfa must be one of none, unregistered, capable, required",
        ),
        ({"users": LEAST["users"] * 2}, r"the username 'one@least.example' is there twice"),
        ({"users": "all"}, r"the tenant\.users must be a list, not text"),
        ({"tenant_id": "contoso"}, r"tenant_id must be a GUID"),
        (
            {"federated_domains": ["other.example"]},
            r"federated_domains: 'other.example' is none of the tenant's domains",
        ),
        ({"domains": []}, r"domains must name at least one domain"),
        ({"minimum_active": "5 minutes"}, r"minimum_active: '5 minutes' is not an ISO 8601 duration"),
        ({"minimum_active": "-PT5M"}, r"minimum_active must not be negative"),
        ({"page_size": 0}, r"page_size must be between 1 and 999"),
        ({"page_size": True}, r"page_size must be a whole number"),
        ({"licence": "p1"}, r"licence must be one of p2, none"),
        (
            {"eligibilities": [{"principal": "two@least.example", "role": "Security Reader"}]},
            r"names 'two@least.example', which is no user, group or service principal",
        ),
        (
            {"eligibilities": [{"principal": "one@least.example", "role": "Secure Reader"}]},
            r"no role of this tenant by the name 'Secure Reader'",
        ),
        (
            {"eligibilities": [{"principal": "one@least.example", "role": "Security Reader", "scope": "Nowhere"}]},
            r"the scope 'Nowhere' is neither / nor an administrative unit",
        ),
        (
            {"eligibilities": [{"principal": "one@least.example", "role": "Security Reader", "ends": "soon"}]},
            r"ends must be a time .* or a duration after the start",
        ),
        (
            {
                "roles": [{"name": "Double"}, {"name": "Double"}],
                "eligibilities": [{"principal": "one@least.example", "role": "Double"}],
            },
            r"several roles \(use the id\)",
        ),
        ({"roles": [{"name": "Own", "policy": "absent"}]}, r"role Own names 'absent', which is no policy"),
        (
            {"policies": {"p": {"maximum_duration": "PT25H"}}},
            r"policy p: maximum_duration must be between PT30M and PT24H",
        ),
        ({"policies": {"p": {"approvers": ["one@least.example"]}}}, r"policy p has approvers but not approval"),
        ({"groups": [{"name": "G", "members": ["x@least.example"]}]}, r"group G names 'x@least.example'"),
        ({"groups": [{"name": "G", "owners": ["x@least.example"]}]}, r"group G names 'x@least.example'"),
        ({"groups": [{"name": "G"}, {"name": "g", "id": GUID}]}, r"the group 'g' is there twice: .* need an id"),
        ({"groups": [{"name": "G", "id": GUID}, {"name": "H", "id": GUID}]}, r"the object id '.*' is there twice"),
        ({"groups": [{"name": "G", "owner_policy": "absent"}]}, r"group G names 'absent', which is no policy"),
        (
            {"groups": [{"name": "G"}], "eligibilities": [{**IN_GROUP, "role": "guest"}]},
            r"the role in a group is member or owner, not 'guest'",
        ),
        ({"groups": [{"name": "H"}], "eligibilities": [IN_GROUP]}, r"no group of this tenant by the name 'G'"),
        ({"eligibilities": [{**IN_GROUP, "provider": "teams"}]}, r"provider must be one of entra_roles, groups"),
        ({"groups": TWINS, "eligibilities": [IN_GROUP]}, r"several groups \(use the id\) .* by the name 'G'"),
        (
            {"groups": TWINS, "eligibilities": [{"principal": "G", "role": "Security Reader"}]},
            r"several groups \(use the id\) .* by the name 'G'",
        ),
        (
            {
                "groups": [{"name": "G", "role_assignable": False}],
                "eligibilities": [{"principal": "G", "role": "Security Reader"}],
            },
            r"eligibility of G for Security Reader: the group is not role_assignable",
        ),
        (
            {"conditional_access": [{"name": "P", "sign_in_frequency": "P0D"}]},
            r"conditional access policy P: sign_in_frequency must be longer than nothing, not PT0S",
        ),
        (
            {"behaviour": {"azure_resources": {"mandatory_mfa": None}}},
            r"mandatory_mfa must be one of none, challenge, disallowed, not None",
        ),
        ({"conditional_access": [{"require": "mfa"}]}, r"conditional_access\[0\] lacks the key 'name'"),
        ({"conditional_access": [{"name": "P", "user": []}]}, r"conditional_access\[0\] has the unknown key 'user'"),
        (
            {"conditional_access": [{"name": "P", "users": ["x@least.example"]}]},
            r"conditional access policy P names 'x@least.example', which is no user",
        ),
        (
            {"conditional_access": [{"name": "P"}, {"name": "p"}]},
            r"the conditional access policy 'p' is there twice",
        ),
        (
            {"conditional_access": [{"name": "P", "authentication_context": "mfa"}]},
            r"conditional access policy P: authentication_context must be c1 to c99",
        ),
        ({"behaviour": {"azure_resources": {"mandatory_mfa": True}}}, r"mandatory_mfa must be one of none, challenge"),
        ({"users": [{**LEAST["users"][0], "state": "asleep"}]}, r"state must be one of normal, locked"),
        ({"device_login": {"approve_as": "x@least.example"}}, r"device_login.approve_as names"),
        ({"device_login": {"interval": "PT0.1S"}}, r"device_login.interval must be at least one second"),
        (
            {"service_principals": [{**CLIENT, "certificates": ["absent.pem"]}]},
            r"'absent.pem' is neither PEM nor a file",
        ),
        ({"service_principals": [{**CLIENT, "certificates": [PEM]}]}, r"a certificate of App is no certificate in PEM"),
        ({"service_principals": [{**CLIENT, "certificates": [PRIVATE]}]}, r"of App holds a private key"),
        (
            {"service_principals": [{**CLIENT, "federated_credentials": [{**ISSUED, "public_key": PEM}]}]},
            r"the public_key of https://issuer.example of App is no public key in PEM",
        ),
        ({"clients": [{**CLIENT, "redirect_uris": ["http://app.least.example"]}]}, r"client App: .* is for loopback"),
        ({"clients": [{**CLIENT, "redirect_uris": ["https://app.least.example/#x"]}]}, r"client App: the redirect URI"),
        (
            {"privileged_resources": [{"path": "/v2.0/x", "role": "Security Reader"}]},
            r"the path must begin with /v1.0/ or /beta/",
        ),
    ],
)
def test_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TenantError, match=message):
        _parse(**changes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", r"line 2: the key 'name' is given twice"),
        ("1: a\n", r"line 1: the key 1 is not text"),
        ("- a\n", r"the tenant must be a mapping, not a list"),
        ("a: [\n", r"it is not valid YAML"),
        ("", r"the tenant must be a mapping, not empty"),
        ("a: !!python/object/apply:os.getcwd []\n", r"it is not valid YAML"),
    ],
)
def test_refused_texts(text: str, message: str) -> None:
    with pytest.raises(TenantError, match=message):
        parse_tenant(text)
