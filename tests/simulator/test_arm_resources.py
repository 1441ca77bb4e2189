# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles in Azure are good for: resources, role definitions, child resources, applications."""

from __future__ import annotations

import pytest

from simulator.arm_client import (
    AUTHORIZATION,
    CONNECTIVITY,
    CONTRIBUTOR,
    DEVELOPMENT,
    HUB,
    PRODUCTION,
    READER,
    TAGS,
    WEB,
    WEB01,
    ArmClient,
    role_definition,
)
from simulator.service_client import ADMINISTRATOR, OPERATOR, OWN_CLIENT, claims_of, error_of
from simulator_process import Simulator

RESOURCES = "2021-04-01"
ROLES = "2022-04-01"
NEWCOMER = "newcomer@contoso.example"


def test_a_privileged_resource(arm: ArmClient) -> None:
    token = arm.arm_token()
    assert error_of(arm.call("GET", TAGS, token, RESOURCES)) == (403, "AuthorizationFailed")
    arm.put(token, PRODUCTION, CONTRIBUTOR)
    # the same token: Azure looks at each call
    assert arm.call("GET", TAGS, token, RESOURCES).json() == {"properties": {"tags": {"owner": "web team"}}}
    changed = {"properties": {"tags": {"owner": "nobody"}}}
    assert arm.call("PUT", TAGS.upper(), token, RESOURCES, json=changed).json() == changed
    merged = arm.call("PATCH", TAGS, token, RESOURCES, json={"name": "default"}).json()
    assert merged == {**changed, "name": "default"}
    assert arm.call("DELETE", TAGS, token, RESOURCES).status_code == 405
    arm.simulator.advance("PT61M")
    assert arm.call("GET", TAGS, arm.arm_token(), RESOURCES).status_code == 403, "the role has run out"


def test_subscriptions_are_listed_for_who_holds_a_role(arm: ArmClient) -> None:
    token = arm.arm_token()

    def listed(who: str) -> list[str]:
        rows = arm.call("GET", "/subscriptions", who, "2022-12-01").json()["value"]
        return [row["displayName"] for row in rows]

    assert listed(token) == ["Production"], "Monitoring Reader there"
    assert listed(arm.arm_token(NEWCOMER)) == []
    assert listed(arm.arm_token(ADMINISTRATOR)) == ["Production", "Development", "Connectivity"]
    arm.put(token, DEVELOPMENT, CONTRIBUTOR)
    assert listed(token) == ["Production", "Development"]
    row = arm.call("GET", DEVELOPMENT, token, "2022-12-01").json()
    assert (row["subscriptionId"], row["state"]) == (DEVELOPMENT.rsplit("/", 1)[-1], "Enabled")
    assert error_of(arm.call("GET", CONNECTIVITY, token, "2022-12-01")) == (403, "AuthorizationFailed")


def test_resource_groups_and_resources(arm: ArmClient) -> None:
    token = arm.arm_token()
    rows = arm.call("GET", f"{PRODUCTION}/resourcegroups", token, RESOURCES).json()["value"]
    assert [row["name"] for row in rows] == ["rg-web", "rg-data"]
    assert arm.call("GET", WEB, token, RESOURCES).json()["type"] == "Microsoft.Resources/resourceGroups"
    assert arm.call("GET", WEB01, token, RESOURCES).json()["name"] == "web01"
    answer = arm.call("GET", HUB, token, RESOURCES)
    assert error_of(answer) == (403, "AuthorizationFailed")
    assert "'Microsoft.Resources/subscriptions/resourceGroups/read'" in answer.text
    assert arm.call("GET", HUB, arm.arm_token(ADMINISTRATOR), RESOURCES).status_code == 200


def test_role_definitions(arm: ArmClient) -> None:
    token = arm.arm_token()
    path = f"{PRODUCTION}{AUTHORIZATION}/roleDefinitions"
    (row,) = arm.call("GET", f"{path}?$filter=roleName eq 'Contributor'", token, ROLES).json()["value"]
    assert (row["id"], row["name"]) == (role_definition(PRODUCTION, CONTRIBUTOR), CONTRIBUTOR)
    assert row["properties"]["permissions"][0]["notActions"][0] == "Microsoft.Authorization/*/Delete"
    assert row["properties"]["type"] == "BuiltInRole"
    everywhere = arm.call("GET", f"{AUTHORIZATION}/roleDefinitions/{CONTRIBUTOR}", arm.arm_token(NEWCOMER), ROLES)
    assert everywhere.json()["id"] == role_definition("", CONTRIBUTOR)
    assert error_of(arm.call("GET", path, arm.arm_token(NEWCOMER), ROLES)) == (403, "AuthorizationFailed")
    unknown = arm.call("GET", f"{AUTHORIZATION}/roleDefinitions/{CONTRIBUTOR[:-1]}0", token, ROLES)
    assert error_of(unknown) == (404, "RoleDefinitionDoesNotExist")


def test_child_resources(arm: ArmClient) -> None:
    token = arm.arm_token()

    def children(scope: str, query: str = "", who: str = token) -> list[tuple[str, str]]:
        answer = arm.call("GET", f"{scope}{AUTHORIZATION}/eligibleChildResources?{query}", who)
        return [(row["name"], row["type"]) for row in answer.json()["value"]]

    assert children(PRODUCTION) == [("rg-web", "resourcegroup"), ("rg-data", "resourcegroup")]
    assert children(WEB) == [("web01", "Microsoft.Compute/virtualMachines")]
    assert children("") == [("Contoso", "managementgroup")]
    everything = children("", "$getAllChildren=true")
    assert len(everything) == 9
    subscriptions = children("", "$getAllChildren=true&$filter=resourceType+eq+'Subscription'")
    assert [name for name, _type in subscriptions] == ["Connectivity", "Production", "Development"]
    two = children("", "$getAllChildren=true&$filter=resourceType eq 'subscription' or resourceType eq 'resourcegroup'")
    assert len(two) == 6
    assert children("", who=arm.arm_token(NEWCOMER)) == []


def test_a_role_below_shows_the_subscription() -> None:
    holding = {"principal": NEWCOMER, "provider": "azure_resources", "role": "Reader", "scope": "Connectivity/rg-hub"}
    with Simulator(changes={"assignments": [holding]}) as simulator:
        client = ArmClient(simulator)
        rows = client.call("GET", "/subscriptions", client.arm_token(NEWCOMER), "2022-12-01").json()["value"]
        assert [row["displayName"] for row in rows] == ["Connectivity"]


def test_an_activated_membership_brings_what_the_group_holds() -> None:
    azure = {"principal": "Server Admins", "provider": "azure_resources", "scope": "Production"}
    changes = {
        "assignments": [{**azure, "role": "Contributor"}],
        "eligibilities": [
            {**azure, "role": "Reader"},
            {"principal": OPERATOR, "provider": "groups", "role": "member", "scope": "Server Admins"},
        ],
    }
    with Simulator(changes=changes) as simulator:
        client = ArmClient(simulator)
        token = client.arm_token()
        assert client.call("GET", TAGS, token, RESOURCES).status_code == 403
        assert client.listed("roleEligibilityScheduleInstances", token) == []
        graph = client.token(client_id=OWN_CLIENT)
        (group,) = [row for row in simulator.control("GET", "state")["eligible"] if row["provider"] == "groups"]
        order = {
            "accessId": "member",
            "principalId": claims_of(token)["oid"],
            "groupId": group["scope"],
            "action": "selfActivate",
            "justification": "a test",
            "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
        }
        path = "identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
        assert client.graph("POST", path, graph, json=order).status_code == 201
        assert client.call("GET", TAGS, token, RESOURCES).status_code == 200
        assert [
            row["properties"]["memberType"] for row in client.listed("roleEligibilityScheduleInstances", token)
        ] == ["Group"]
        assert client.put(token, PRODUCTION, READER).status_code == 201


def test_an_application_has_the_rights_of_its_role() -> None:
    application = "a26e50cf-71e9-4d82-9fbb-e05391c46fa7"
    role = {"provider": "azure_resources", "role": "User Access Administrator", "scope": "Production"}
    with Simulator(changes={"assignments": [{"principal": "Contoso provisioning", **role}]}) as simulator:
        client = ArmClient(simulator)
        answer = client.token_answer(
            grant_type="client_credentials",
            client_id=application,
            client_secret="Sim-provisioning-secret-1",
            scope="https://management.azure.com/.default",
        )
        token = answer.json()["access_token"]
        assert client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/roleEligibilitySchedules", token).status_code == 200
        refused = client.call("GET", f"{DEVELOPMENT}{AUTHORIZATION}/roleEligibilitySchedules", token)
        assert error_of(refused) == (400, "InsufficientPermissions")
        forever = {"expiration": {"type": "NoExpiration"}}
        order = {"justification": "a test", "scheduleInfo": forever, "kind": "Eligibility"}
        assert client.put(token, PRODUCTION, CONTRIBUTOR, "AdminAssign", **order).status_code == 201
        assert error_of(client.put(token, DEVELOPMENT, CONTRIBUTOR, "AdminAssign", **order))[0] == 403
        assert error_of(client.put(token, PRODUCTION, CONTRIBUTOR))[0] == 403, "activation is for people"


@pytest.mark.parametrize("path", ["/providers/Microsoft.Management/managementGroups/contoso"])
def test_management_groups(arm: ArmClient, path: str) -> None:
    row = arm.call("GET", path, arm.arm_token(ADMINISTRATOR), "2020-05-01").json()
    assert (row["name"], row["properties"]["displayName"]) == ("contoso", "Contoso")
    assert arm.call("GET", path, arm.arm_token(), "2020-05-01").status_code == 403
