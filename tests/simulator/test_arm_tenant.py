# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant file's Azure: what is wrong in it is said with its place, and names lead to scopes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pim_simulator.tenant.azure_roles import AzureRoles
from pim_simulator.tenant.azure_scopes import AzureScopes, plain_path
from pim_simulator.tenant.builtin_azure_roles import BUILTIN_AZURE_ROLES
from pim_simulator.tenant.loader import parse_tenant
from pim_simulator.tenant.reading import TenantError

GUID = "22222222-3333-4444-8555-666666666666"
AZURE: dict[str, Any] = {
    "management_groups": [{"id": "lower", "parent": "upper"}, {"id": "upper", "name": "Upper"}],
    "subscriptions": [{"name": "Main", "id": GUID, "management_group": "LOWER"}, {"name": "Loose"}],
    "resource_groups": [{"name": "web", "subscription": "Main"}, {"name": "web", "subscription": "Loose"}],
    "resources": [
        {
            "name": "net/sub",
            "resource_group": "WEB",
            "subscription": GUID,
            "type": "Microsoft.Network/networks/subnets",
        },
        {"name": "net", "resource_group": "web", "subscription": "Main", "type": "Microsoft.Network/networks"},
    ],
    "roles": [{"name": "Own"}, {"name": "Reader", "policy": "strict"}],
}
LEAST: dict[str, Any] = {
    "tenant_id": "11111111-2222-4333-8444-555555555555",
    "name": "Least",
    "domains": ["least.example"],
    "users": [{"username": "one@least.example", "name": "One"}],
    "policies": {"strict": {"ticket": True}},
    "azure": AZURE,
}
MAIN = f"/subscriptions/{GUID}"
NET = f"{MAIN}/resourceGroups/web/providers/Microsoft.Network/networks/net"


def _parse(**azure: Any) -> Any:
    return parse_tenant(yaml.safe_dump({**LEAST, "azure": {**AZURE, **azure}}))


def _holding(**keys: Any) -> Any:
    holding = {
        "principal": "one@least.example",
        "provider": "azure_resources",
        "role": "Reader",
        "scope": "Main",
        **keys,
    }
    return parse_tenant(yaml.safe_dump({**LEAST, "eligibilities": [holding]}))


def test_the_tree() -> None:
    tenant = _parse()
    scopes = AzureScopes(tenant.tenant_id, tenant.azure)
    groups = "/providers/Microsoft.Management/managementGroups"
    assert scopes.upward(f"{NET}/subnets/sub") == (
        f"{NET}/subnets/sub",
        NET,
        f"{MAIN}/resourceGroups/web",
        MAIN,
        f"{groups}/lower",
        f"{groups}/upper",
        f"{groups}/{tenant.tenant_id}",
    )
    assert [scope.name for scope in scopes.children(scopes.root.path)] == ["Upper", "Loose"]
    assert len(list(scopes.below(scopes.root.path))) == 8
    assert tenant.azure.subscriptions[1].id == _parse().azure.subscriptions[1].id, "the same at each start"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("main", MAIN),
        (GUID, MAIN),
        ("Main/web/net/sub", f"{NET}/subnets/sub"),
        ("lower", "/providers/Microsoft.Management/managementGroups/lower"),
        ("Tenant Root Group", "/providers/Microsoft.Management/managementGroups/11111111-2222-4333-8444-555555555555"),
        (f"//providers/microsoft.subscription/{MAIN.upper()}/", MAIN),
    ],
)
def test_names_of_scopes(name: str, path: str) -> None:
    tenant = _parse()
    assert [scope.path for scope in AzureScopes(tenant.tenant_id, tenant.azure).named(name)] == [path]
    assert _holding(scope=name).eligibilities[0].scope == name


def test_plain_paths() -> None:
    assert plain_path("providers/Microsoft.Subscription/subscriptions/x//y/") == "/subscriptions/x/y"
    assert plain_path("/providers/Microsoft.Subscriptions/x") == "/providers/Microsoft.Subscriptions/x"
    assert plain_path("") == ""


def test_roles() -> None:
    roles = AzureRoles(_parse().azure)
    assert len(BUILTIN_AZURE_ROLES) == len({role.id for role in BUILTIN_AZURE_ROLES.values()})
    by_name = {role.name: role for role in roles.all()}
    assert (by_name["Reader"].policy, by_name["Owner"].policy) == ("strict", "default")
    assert (by_name["Own"].builtin, by_name["Own"].actions) == (False, ("*/read",))
    contributor, reader = by_name["Contributor"], by_name["Reader"]
    assert contributor.allows("Microsoft.Compute/virtualMachines/write")
    assert not contributor.allows("Microsoft.Authorization/roleAssignments/write")
    assert contributor.allows("microsoft.authorization/roleassignments/READ")
    assert not reader.allows("Microsoft.Compute/virtualMachines/write")
    assert not by_name["Storage Blob Data Owner"].allows("Microsoft.Authorization/roleAssignments/read")


@pytest.mark.parametrize(
    ("azure", "message"),
    [
        ({"management_groups": [{"id": "a", "parent": "b"}]}, r"management group a names 'b'"),
        ({"management_groups": [{"id": "a/b"}]}, r"the id has letters"),
        (
            {"management_groups": [{"id": "a"}, {"id": "A"}], "subscriptions": []},
            r"management group 'A' is there twice",
        ),
        ({"management_groups": [{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}]}, r"a is below itself"),
        ({"management_groups": [{"id": LEAST["tenant_id"]}]}, r"root group, which is always there"),
        ({"subscriptions": [{"name": "a", "id": "b"}]}, r"the id of subscription a must be a GUID"),
        ({"subscriptions": [{"name": "a", "management_group": "b"}]}, r"subscription a names 'b'"),
        ({"subscriptions": [{"name": "a"}, {"name": "a"}]}, r"the subscription .* is there twice"),
        ({"resource_groups": [{"name": "a", "subscription": "b"}]}, r"resource group a names 'b'"),
        ({"resource_groups": [{"name": "a", "subscription": "Main"}] * 2}, r"a resource group is there twice"),
        ({"resource_groups": [{"name": "a b", "subscription": "Main"}]}, r"the name has letters"),
        (
            {"resource_groups": [{"name": "web", "subscription": "Main", "readable_by": ["two@least.example"]}]},
            r"resource group web names 'two@least.example'",
        ),
        ({"resource_groups": []}, r"resource net/sub names 'WEB', which is no resource group there"),
        (
            {
                "resources": [
                    {"name": "a/b", "resource_group": "web", "subscription": "Main", "type": "Some.Thing/kind"}
                ]
            },
            r"as many parts as the name has",
        ),
        ({"roles": [{"name": "a", "policy": "b"}]}, r"azure role a names 'b', which is no policy"),
        ({"role_policies": [{"role": "Reader", "scope": "Main", "policy": "b"}]}, r"names 'b', which is no policy"),
        ({"role_policies": [{"role": "Nobody", "scope": "Main", "policy": "strict"}]}, r"no Azure role of this tenant"),
        (
            {"role_policies": [{"role": "Reader", "scope": "None", "policy": "strict"}]},
            r"no scope of this tenant's Azure",
        ),
        ({"subscription_spelling": "odd"}, r"must be one of mixed, plain"),
        ({"regions": []}, r"the tenant.azure has the unknown key 'regions'"),
    ],
)
def test_refused(azure: dict[str, Any], message: str) -> None:
    with pytest.raises(TenantError, match=message):
        _parse(**azure)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"role": "Security Operator"}, r"no Azure role of this tenant by the name 'Security Operator'"),
        ({"scope": "/"}, r"no scope of this tenant's Azure by the name '/'"),
        ({"scope": "web"}, r"no scope of this tenant's Azure"),
        (
            {"provider": "entra_roles", "role": "Security Reader", "scope": "/", "condition": "x"},
            r"only roles of Azure",
        ),
    ],
)
def test_refused_holdings(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(TenantError, match=message):
        _holding(**keys)


def test_refused_resource() -> None:
    resource = {"path": "/v1.0/x", "provider": "azure_resources", "role": "Reader", "scope": "Main"}
    with pytest.raises(TenantError, match="the path must begin with /subscriptions/ or /providers/"):
        parse_tenant(yaml.safe_dump({**LEAST, "privileged_resources": [resource]}))
