# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Activation below the scope of an eligibility, and scopes that are none."""

from __future__ import annotations

import pytest

from simulator.arm_client import (
    AUTHORIZATION,
    CONNECTIVITY,
    CONTRIBUTOR,
    HUB,
    MINE,
    PLATFORM,
    PRODUCTION,
    READER,
    TAGS,
    WEB,
    WEB01,
    ArmClient,
    role_definition,
)
from simulator.service_client import error_of

POLICY = "RoleAssignmentRequestPolicyValidationFailed"


@pytest.mark.parametrize("scope", [WEB, WEB01])
def test_only_with_the_whole_path_of_the_eligibility(arm: ArmClient, scope: str) -> None:
    token = arm.arm_token()
    linked = arm.eligibility_id(token, CONTRIBUTOR, PRODUCTION)
    definition = role_definition(PRODUCTION, CONTRIBUTOR)
    assert error_of(arm.put(token, scope, CONTRIBUTOR, roleDefinitionId=definition)) == (400, POLICY)
    bare = linked.rsplit("/", 1)[-1]
    answer = arm.put(token, scope, CONTRIBUTOR, roleDefinitionId=definition, linkedRoleEligibilityScheduleId=bare)
    assert error_of(answer) == (400, POLICY)
    answer = arm.put(token, scope, CONTRIBUTOR, roleDefinitionId=definition, linkedRoleEligibilityScheduleId=linked)
    assert answer.status_code == 201
    assert answer.json()["properties"]["scope"] == scope
    assert answer.json()["properties"]["linkedRoleEligibilityScheduleId"] == linked
    assert ("Contributor", scope.rsplit("/", 1)[-1]) in arm.held(token)


def test_at_the_same_scope_a_bare_guid_or_none(arm: ArmClient) -> None:
    token = arm.arm_token()
    bare = arm.eligibility_id(token, CONTRIBUTOR, PRODUCTION).rsplit("/", 1)[-1]
    answer = arm.put(token, PRODUCTION, CONTRIBUTOR, action="validate", linkedRoleEligibilityScheduleId=bare)
    assert answer.status_code == 200
    other = arm.eligibility_id(token, READER, PLATFORM)
    answer = arm.put(token, PRODUCTION, CONTRIBUTOR, linkedRoleEligibilityScheduleId=other)
    assert error_of(answer) == (400, POLICY)
    assert arm.put(token, PRODUCTION, CONTRIBUTOR).status_code == 201


def test_a_smaller_scope_does_not_reach_a_larger_one(arm: ArmClient) -> None:
    token = arm.arm_token()
    linked = arm.eligibility_id(token, CONTRIBUTOR, PRODUCTION)
    order = {"roleDefinitionId": role_definition(PRODUCTION, CONTRIBUTOR), "linkedRoleEligibilityScheduleId": linked}
    assert arm.put(token, WEB, CONTRIBUTOR, **order).status_code == 201
    assert arm.call("GET", TAGS, token, "2021-04-01").status_code == 200
    # the eligibility may be activated at its own scope, too
    assert arm.put(token, PRODUCTION, CONTRIBUTOR).status_code == 201
    assert len([row for row in arm.held(token) if row[0] == "Contributor"]) == 2


def test_a_resource_group_that_cannot_be_read(arm: ArmClient) -> None:
    token = arm.arm_token()
    linked = arm.eligibility_id(token, READER, PLATFORM)
    order = {"roleDefinitionId": role_definition("", READER), "linkedRoleEligibilityScheduleId": linked}
    answer = arm.put(token, HUB, READER, **order)
    assert error_of(answer) == (403, "AuthorizationFailed")
    assert f"'Microsoft.Resources/subscriptions/resourceGroups/read' over scope '{HUB}'" in answer.text
    # the subscription is the way out
    assert arm.put(token, CONNECTIVITY, READER, **order).status_code == 201
    assert arm.put(token, HUB, READER, **order).status_code == 201, "now it can be read"


@pytest.mark.parametrize(
    ("scope", "code", "message"),
    [
        ("/subscriptions/00000000-0000-4000-8000-000000000000", "SubscriptionNotFound", "The subscription '0"),
        (
            f"{PRODUCTION}/resourceGroups/rg-none",
            "ResourceGroupNotFound",
            "Resource group 'rg-none' could not be found.",
        ),
        (f"{WEB01}none", "ResourceNotFound", "The Resource 'Microsoft.Compute/virtualMachines/web01none' under"),
        ("/providers/Microsoft.Management/managementGroups/none", "ResourceNotFound", "The resource 'none'"),
    ],
)
def test_unknown_scopes(arm: ArmClient, scope: str, code: str, message: str) -> None:
    token = arm.arm_token()
    for answer in (
        arm.put(token, scope, CONTRIBUTOR, roleDefinitionId=role_definition("", CONTRIBUTOR)),
        arm.call("GET", f"{scope}{AUTHORIZATION}/roleEligibilityScheduleInstances?{MINE}", token),
        arm.call("GET", f"{scope}{AUTHORIZATION}/roleManagementPolicyAssignments", token),
    ):
        assert error_of(answer) == (404, code)
        assert answer.json()["error"]["message"].startswith(message)


def test_the_tenant_is_no_scope_to_activate_at(arm: ArmClient) -> None:
    answer = arm.put(arm.arm_token(), "", CONTRIBUTOR)
    assert answer.status_code == 404


def test_spellings_of_a_scope(arm: ArmClient) -> None:
    token = arm.arm_token()
    rows = arm.listed("roleEligibilityScheduleInstances", token, CONNECTIVITY)
    for scope in (
        f"/providers/Microsoft.Subscription{CONNECTIVITY}",
        f"/{CONNECTIVITY.upper()}",
        f"//PROVIDERS//microsoft.subscription/{CONNECTIVITY}/",
    ):
        assert arm.listed("roleEligibilityScheduleInstances", token, scope) == rows
