# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: reading needs the right filter; a rule that is replaced is enforced."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.service_client import ADMINISTRATOR, OWN_CLIENT, VIEWER, Client, error_of

ASSIGNMENTS = "policies/roleManagementPolicyAssignments"
POLICIES = "policies/roleManagementPolicies"
ROLE = "5d6b6bb7-de71-4623-b4af-96380a352509"
APPROVED = "e8611ab8-c189-46e8-94e1-60213ab1f814"
OF_ROLES = "scopeId eq '/' and scopeType eq 'DirectoryRole'"
EXPIRATION = "Expiration_EndUser_Assignment"


def _policy(client: Client, token: str, role: str = ROLE) -> dict[str, Any]:
    query = f"$filter={OF_ROLES} and roleDefinitionId eq '{role}'&$expand=policy($expand=rules)"
    rows = client.rows(f"{ASSIGNMENTS}?{query}", token)
    assert len(rows) == 1
    policy: dict[str, Any] = rows[0]["policy"]
    return policy


def _rules(policy: dict[str, Any]) -> dict[str, Any]:
    return {rule["id"]: rule for rule in policy["rules"]}


def _missing_provider(answer: Any) -> bool:
    body = answer.json()["error"]
    return (
        answer.status_code == 400
        and body["code"] == "UnknownError"
        and json.loads(body["message"])["errorCode"] == "MissingProvider"
    )


def test_a_policy_with_its_rules(client: Client) -> None:
    token = client.token()
    policy = _policy(client, token)
    assert policy["id"].startswith(f"DirectoryRole_{client.simulator.tenant_id}_")
    rules = _rules(policy)
    assert len(rules) == 17
    assert rules[EXPIRATION]["maximumDuration"] == "PT8H"
    assert rules[EXPIRATION]["isExpirationRequired"] is True
    assert rules["Enablement_EndUser_Assignment"]["enabledRules"] == ["Justification"]
    assert rules["AuthenticationContext_EndUser_Assignment"]["isEnabled"] is False
    for rule in rules.values():
        assert rule["@odata.type"].startswith("#microsoft.graph.unifiedRoleManagementPolicy")
        assert rule["target"]["level"] in ("Assignment", "Eligibility")
    setting = _rules(_policy(client, token, APPROVED))["Approval_EndUser_Assignment"]["setting"]
    assert setting["isApprovalRequired"] is True
    kinds = [item["@odata.type"] for item in setting["approvalStages"][0]["primaryApprovers"]]
    assert kinds == ["#microsoft.graph.singleUser", "#microsoft.graph.groupMembers"]


def test_other_ways_to_a_policy(client: Client) -> None:
    token = client.token()
    policy_id = _policy(client, token)["id"]
    assert len(client.rows(f"{POLICIES}/{policy_id}/rules", token)) == 17
    one = client.graph("GET", f"{POLICIES}/{policy_id}/rules/{EXPIRATION}", token).json()
    assert one["maximumDuration"] == "PT8H"
    assert len(client.graph("GET", f"{POLICIES}/{policy_id}?$expand=rules", token).json()["rules"]) == 17
    assert (
        len(client.graph("GET", f"{POLICIES}/{policy_id}?$expand=effectiveRules", token).json()["effectiveRules"]) == 17
    )
    answer = client.graph("GET", f"{ASSIGNMENTS}/{policy_id}_{ROLE}?$expand=policy", token)
    assert answer.json()["policy"]["id"] == policy_id
    rows = client.rows(f"{POLICIES}?$filter=scopeId eq '/' and scopeType eq 'Directory'", token)
    assert rows[0]["id"].startswith("Directory_")


@pytest.mark.parametrize(
    "path",
    [
        ASSIGNMENTS,
        POLICIES,
        f"{ASSIGNMENTS}?$filter=scopeId eq '/'",
        f"{ASSIGNMENTS}?$filter=scopeType eq 'DirectoryRole'",
        f"{ASSIGNMENTS}?$filter=scopeId eq '/' or scopeType eq 'DirectoryRole'",
        f"{ASSIGNMENTS}?$filter=scopeId eq '/x' and scopeType eq 'DirectoryRole'",
        f"{POLICIES}/nonsense",
        f"{POLICIES}/Role_x_y/rules",
        f"{ASSIGNMENTS}/nonsense",
    ],
)
def test_missing_provider(client: Client, path: str) -> None:
    assert _missing_provider(client.graph("GET", path, client.token()))


def test_what_is_not_there(client: Client) -> None:
    token = client.token()
    policy_id = _policy(client, token)["id"]
    unknown = policy_id[:-1] + ("0" if policy_id[-1] != "0" else "1")
    for path in (
        f"{POLICIES}/{unknown}",
        f"{POLICIES}/{policy_id.replace(client.simulator.tenant_id, ROLE)}",
        f"{POLICIES}/{policy_id}/rules/Nonsense",
        f"{ASSIGNMENTS}/{policy_id}_{APPROVED}",
    ):
        assert error_of(client.graph("GET", path, token)) == (404, "ResourceNotFound")


def test_reading_needs_a_permission(client: Client) -> None:
    answer = client.graph("GET", f"{ASSIGNMENTS}?$filter={OF_ROLES}", client.token(client_id=VIEWER))
    assert "RoleManagementPolicy.Read.Directory" in answer.json()["error"]["message"]
    assert answer.status_code == 403


def test_a_replaced_rule_is_enforced(client: Client) -> None:
    administrator = client.token(ADMINISTRATOR)
    policy = _policy(client, administrator)
    path = f"{POLICIES}/{policy['id']}/rules/{EXPIRATION}"
    rule = {**_rules(policy)[EXPIRATION], "maximumDuration": "PT45M"}
    answer = client.graph("PATCH", path, administrator, json=rule)
    assert answer.status_code == 204
    assert answer.content == b""
    after = _policy(client, administrator)
    assert _rules(after)[EXPIRATION] == rule
    assert after["lastModifiedBy"]["displayName"] == "Administrator"
    token = client.token()
    assert "ExpirationRule" in client.request(token, ROLE).text
    assert client.request(token, ROLE, duration="PT45M").status_code == 201


def test_approvers_are_written_by_id_and_read_back_by_name(client: Client) -> None:
    administrator = client.token(ADMINISTRATOR)
    policy = _policy(client, administrator)
    rule = _rules(policy)["Approval_EndUser_Assignment"]
    me = client.graph("GET", "me", administrator).json()["id"]
    rule["setting"]["isApprovalRequired"] = True
    rule["setting"]["approvalStages"][0]["primaryApprovers"] = [
        {"@odata.type": "#microsoft.graph.singleUser", "id": me}
    ]
    path = f"{POLICIES}/{policy['id']}/rules/Approval_EndUser_Assignment"
    assert client.graph("PATCH", path, administrator, json=rule).status_code == 204
    setting = _rules(_policy(client, administrator))["Approval_EndUser_Assignment"]["setting"]
    approvers = setting["approvalStages"][0]["primaryApprovers"]
    assert approvers == [{"@odata.type": "#microsoft.graph.singleUser", "userId": me, "description": "Administrator"}]
    assert client.request(client.token(), ROLE).json()["status"] == "PendingApproval"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyApprovalRule"}, "InvalidPolicy"),
        ({"id": "Expiration_Admin_Assignment"}, "InvalidPolicyRule"),
        ({"target": None}, "InvalidPolicy"),
        ({"maximumDuration": "PT25H"}, "InvalidPolicy"),
        ({"maximumDuration": "8 hours"}, "InvalidPolicy"),
        ({"maximumDuration": None}, "InvalidPolicy"),
        ({"isExpirationRequired": "yes"}, "InvalidPolicy"),
        ({"maximum": "PT1H"}, "BadRequest"),
    ],
)
def test_rules_refused(client: Client, changes: dict[str, Any], code: str) -> None:
    administrator = client.token(ADMINISTRATOR)
    policy = _policy(client, administrator)
    path = f"{POLICIES}/{policy['id']}/rules/{EXPIRATION}"
    answer = client.graph("PATCH", path, administrator, json={**_rules(policy)[EXPIRATION], **changes})
    assert error_of(answer) == (400, code)
    assert _rules(_policy(client, administrator)) == _rules(policy)


@pytest.mark.parametrize(
    ("rule_id", "changes"),
    [
        ("Enablement_EndUser_Assignment", {"enabledRules": ["Nonsense"]}),
        ("AuthenticationContext_EndUser_Assignment", {"isEnabled": True, "claimValue": None}),
        ("Approval_EndUser_Assignment", {"setting": {"nonsense": 1}}),
        ("Approval_EndUser_Assignment", {"setting": None}),
    ],
)
def test_other_rules_refused(client: Client, rule_id: str, changes: dict[str, Any]) -> None:
    administrator = client.token(ADMINISTRATOR)
    policy = _policy(client, administrator)
    path = f"{POLICIES}/{policy['id']}/rules/{rule_id}"
    answer = client.graph("PATCH", path, administrator, json={**_rules(policy)[rule_id], **changes})
    assert error_of(answer) == (400, "InvalidPolicy")


def test_who_may_replace_a_rule(client: Client) -> None:
    token = client.token()
    policy = _policy(client, token)
    path = f"{POLICIES}/{policy['id']}/rules/{EXPIRATION}"
    rule = _rules(policy)[EXPIRATION]
    assert error_of(client.graph("PATCH", path, token, json=rule)) == (403, "Authorization_RequestDenied")
    without = client.token(ADMINISTRATOR, client_id=OWN_CLIENT)
    assert error_of(client.graph("PATCH", path, without, json=rule)) == (403, "UnknownError")
