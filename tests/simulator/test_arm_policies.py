# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of Azure roles: reading them, changing them, and that what they say is what holds."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.arm_client import (
    AUTHORIZATION,
    CONTRIBUTOR,
    DEVELOPMENT,
    NETWORK_CONTRIBUTOR,
    PLATFORM,
    PRODUCTION,
    USER_ACCESS_ADMINISTRATOR,
    ArmClient,
    role_definition,
)
from simulator.service_client import ADMINISTRATOR, APPROVER, claims_of, error_of

ASSIGNMENTS = f"{AUTHORIZATION}/roleManagementPolicyAssignments"
POLICIES = f"{AUTHORIZATION}/roleManagementPolicies"


def _assignment(arm: ArmClient, role: str, scope: str = PRODUCTION) -> dict[str, Any]:
    query = f"$filter=roleDefinitionId eq '{role_definition(scope, role)}'"
    answer = arm.call("GET", f"{scope}{ASSIGNMENTS}?{query}", arm.arm_token())
    (row,) = answer.json()["value"]
    found: dict[str, Any] = row
    return found


def _rules(arm: ArmClient, role: str, scope: str = PRODUCTION) -> dict[str, Any]:
    return {rule["id"]: rule for rule in _assignment(arm, role, scope)["properties"]["effectiveRules"]}


def test_an_assignment(arm: ArmClient) -> None:
    row = _assignment(arm, CONTRIBUTOR)
    properties = row["properties"]
    policy = properties["policyId"].rsplit("/", 1)[-1]
    assert row["name"] == f"{policy}_{CONTRIBUTOR}"
    assert row["id"].endswith(f"{AUTHORIZATION}/roleManagementPolicyAssignment/{row['name']}")
    assert row["type"] == "Microsoft.Authorization/roleManagementPolicyAssignment"
    assert properties["scope"] == PRODUCTION
    assert properties["policyAssignmentProperties"]["scope"]["displayName"] == "Production"
    assert properties["policyAssignmentProperties"]["policy"]["lastModifiedBy"] == {}
    by_name = arm.call("GET", f"{PRODUCTION}{ASSIGNMENTS}/{row['name']}", arm.arm_token())
    assert by_name.json() == row


def test_rules(arm: ArmClient) -> None:
    rules = _rules(arm, USER_ACCESS_ADMINISTRATOR)
    assert len(rules) == 17
    assert rules["Expiration_EndUser_Assignment"] == {
        "id": "Expiration_EndUser_Assignment",
        "ruleType": "RoleManagementPolicyExpirationRule",
        "isExpirationRequired": True,
        "maximumDuration": "PT4H",
        "target": {"caller": "EndUser", "operations": ["All"], "level": "Assignment"},
    }
    assert rules["Enablement_EndUser_Assignment"]["enabledRules"] == ["Justification"]
    (stage,) = rules["Approval_EndUser_Assignment"]["setting"]["approvalStages"]
    kinds = {approver["description"]: approver["userType"] for approver in stage["primaryApprovers"]}
    assert kinds == {"Approver": "User", "Role Approvers": "Group"}
    assert "claimValue" not in rules["AuthenticationContext_EndUser_Assignment"], "unset is left out"


def test_each_scope_has_its_own(arm: ArmClient) -> None:
    assert _rules(arm, CONTRIBUTOR)["Enablement_EndUser_Assignment"]["enabledRules"] == ["Justification"]
    assert _rules(arm, CONTRIBUTOR, DEVELOPMENT)["Enablement_EndUser_Assignment"]["enabledRules"] == []
    assert _assignment(arm, CONTRIBUTOR)["name"] != _assignment(arm, CONTRIBUTOR, DEVELOPMENT)["name"]
    assert _assignment(arm, CONTRIBUTOR, PLATFORM)["properties"]["roleDefinitionId"] == role_definition("", CONTRIBUTOR)


def test_the_oldest_version_has_no_effective_rules(arm: ArmClient) -> None:
    path = f"{PRODUCTION}{ASSIGNMENTS}?$filter=roleDefinitionId eq '{role_definition(PRODUCTION, CONTRIBUTOR)}'"
    row = arm.call("GET", path, arm.arm_token(), "2020-10-01-preview").json()["value"][0]
    assert "effectiveRules" not in row["properties"]


def test_lists_and_names(arm: ArmClient) -> None:
    token = arm.arm_token()
    rows = arm.call("GET", f"{PRODUCTION}{POLICIES}", token).json()["value"]
    assert len(rows) > 40, "one for each role"
    assert arm.call("GET", f"{PRODUCTION}{POLICIES}/{rows[0]['name']}", token).json() == rows[0]
    assert arm.call("GET", f"{DEVELOPMENT}{POLICIES}/{rows[0]['name']}", token).status_code == 404
    assert arm.call("GET", f"{PRODUCTION}{ASSIGNMENTS}/{rows[0]['name']}_{CONTRIBUTOR[:-1]}", token).status_code == 404
    assert error_of(arm.call("GET", ASSIGNMENTS, token)) == (400, "InvalidScope")


def _patch(arm: ArmClient, role: str, rule: dict[str, Any], who: str = ADMINISTRATOR) -> Any:
    name = _assignment(arm, role)["name"].split("_")[0]
    body = {"properties": {"rules": [rule]}}
    return arm.call("PATCH", f"{PRODUCTION}{POLICIES}/{name}", arm.arm_token(who), json=body)


def test_a_changed_rule_holds(arm: ArmClient) -> None:
    rule = {**_rules(arm, CONTRIBUTOR)["Expiration_EndUser_Assignment"], "maximumDuration": "PT30M"}
    answer = _patch(arm, CONTRIBUTOR, rule)
    assert answer.status_code == 200
    assert answer.json()["properties"]["lastModifiedBy"]["displayName"] == "Administrator"
    assert _rules(arm, CONTRIBUTOR)["Expiration_EndUser_Assignment"]["maximumDuration"] == "PT30M"
    assert error_of(arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR))[1].endswith("PolicyValidationFailed")
    assert arm.put(arm.arm_token(), DEVELOPMENT, CONTRIBUTOR).status_code == 201, "another scope, another policy"


def test_approvers_are_read_and_written(arm: ArmClient) -> None:
    rule = _rules(arm, CONTRIBUTOR)["Approval_EndUser_Assignment"]
    rule["setting"]["isApprovalRequired"] = True
    approver = {"id": claims_of(arm.arm_token(APPROVER))["oid"], "userType": "User", "isBackup": False}
    rule["setting"]["approvalStages"][0]["primaryApprovers"] = [approver]
    assert _patch(arm, CONTRIBUTOR, rule).status_code == 200
    assert arm.put(arm.arm_token(), PRODUCTION, CONTRIBUTOR).json()["properties"]["status"] == "PendingApproval"
    approver["userType"] = "user"
    assert error_of(_patch(arm, CONTRIBUTOR, rule)) == (400, "InvalidPolicy")


def test_refused_changes(arm: ArmClient) -> None:
    rule = _rules(arm, NETWORK_CONTRIBUTOR)["Expiration_EndUser_Assignment"]
    assert error_of(_patch(arm, NETWORK_CONTRIBUTOR, rule, "operator@contoso.example")) == (403, "AuthorizationFailed")
    assert error_of(_patch(arm, NETWORK_CONTRIBUTOR, {**rule, "id": "Expiration_Nobody"})) == (400, "InvalidPolicyRule")
    # a length goes with an end that is required only
    assert error_of(_patch(arm, NETWORK_CONTRIBUTOR, {**rule, "isExpirationRequired": False})) == (400, "InvalidPolicy")
    assert error_of(_patch(arm, NETWORK_CONTRIBUTOR, {**rule, "maximumDuration": "long"})) == (400, "InvalidPolicy")


def test_all_rules_or_none(arm: ArmClient) -> None:
    rules = _rules(arm, CONTRIBUTOR)
    good = {**rules["Expiration_EndUser_Assignment"], "maximumDuration": "PT30M"}
    bad = {**rules["Enablement_EndUser_Assignment"], "enabledRules": ["Nothing"]}
    name = _assignment(arm, CONTRIBUTOR)["name"].split("_")[0]
    body = {"properties": {"rules": [good, bad]}}
    answer = arm.call("PATCH", f"{PRODUCTION}{POLICIES}/{name}", arm.arm_token(ADMINISTRATOR), json=body)
    assert answer.status_code == 400
    assert _rules(arm, CONTRIBUTOR) == rules


@pytest.mark.parametrize("body", [{}, {"properties": {}}, {"properties": {"rules": "none"}}])
def test_malformed_changes(arm: ArmClient, body: dict[str, Any]) -> None:
    name = _assignment(arm, CONTRIBUTOR)["name"].split("_")[0]
    answer = arm.call("PATCH", f"{PRODUCTION}{POLICIES}/{name}", arm.arm_token(ADMINISTRATOR), json=body)
    assert error_of(answer) == (400, "BadRequest")
