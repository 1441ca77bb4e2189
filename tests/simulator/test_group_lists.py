# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading PIM for Groups and its policies: own rows, everybody's, filters, permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.group_client import ACTIVE, ELIGIBLE, PROVISIONING, REQUESTS, ROOT, GroupClient
from simulator.service_client import ADMINISTRATOR, APPROVER, MINE, OPERATOR, VIEWER, claims_of, error_of
from simulator_process import Simulator

MANY = "manyroles@contoso.example"
ASSIGNMENTS = "policies/roleManagementPolicyAssignments"
POLICIES = "policies/roleManagementPolicies"
COLLECTIONS = (
    "eligibilityScheduleInstances",
    "eligibilitySchedules",
    "eligibilityScheduleRequests",
    "assignmentScheduleInstances",
    "assignmentSchedules",
    "assignmentScheduleRequests",
)


def _inner(answer: Any) -> dict[str, Any]:
    """What is within the wrapped envelope."""
    assert answer.json()["error"]["code"] == "UnknownError"
    found: dict[str, Any] = json.loads(answer.json()["error"]["message"])
    return found


# lists


def test_own_eligibilities(groups: GroupClient) -> None:
    assert groups.held(groups.token(), "eligibility") == {
        ("Server Admins", "member"),
        ("Server Admins", "owner"),
        ("Change Board", "member"),
        ("Break Glass", "member"),
        ("Project Team", "member"),
        ("Sole Owner", "owner"),
        ("Help Desk", "member"),
    }
    assert groups.held(groups.token()) == {("Reporting", "member")}
    assert len(groups.held(groups.token(MANY), "eligibility")) == 10
    row = groups.rows(f"{ELIGIBLE}/{MINE}", groups.token())[0]
    assert row["id"] == row["eligibilityScheduleId"]
    assert row["id"].startswith(f"{row['groupId']}_{row['accessId']}_"), "as documented"
    assert (row["memberType"], row["endDateTime"]) == ("direct", None)
    assert "roleDefinitionId" not in row
    assert "directoryScopeId" not in row


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_each_collection_in_each_version(groups: GroupClient, collection: str, version: str) -> None:
    application = groups.app_token(*PROVISIONING)
    operator = groups.own_id()
    groups.ask(groups.token(), "Server Admins")
    path = f"{ROOT}/{collection}"

    def listed(query: str) -> list[dict[str, Any]]:
        answer = groups.graph("GET", f"{path}?{query}", application, version=version)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["value"]
        return rows

    refused = groups.graph("GET", path, application, version=version)
    assert (refused.status_code, _inner(refused)["errorCode"]) == (400, "MissingProvider")
    either = f"$filter=principalId eq '{operator}' or groupId eq '{operator}'"
    assert groups.graph("GET", f"{path}?{either}", application, version=version).status_code == 400
    of_principal = listed(f"$filter=principalId eq '{operator.upper()}'&$expand=group,principal")
    of_group = listed(f"$filter=groupId eq '{groups.group_id('Server Admins')}' and accessId eq 'member'")
    if collection == "eligibilityScheduleRequests":
        assert of_principal == of_group == []
        return
    assert {row["principal"]["displayName"] for row in of_principal} == {"Operator"}
    assert {row["group"]["displayName"] for row in of_principal} >= {"Server Admins"}
    assert [row["principalId"] for row in of_group] == [operator]
    one = groups.graph("GET", f"{path}/{of_group[0]['id']}", application, version=version).json()
    assert one["id"] == of_group[0]["id"]
    unknown = groups.graph("GET", f"{path}/nonsense", application, version=version)
    code = "RoleAssignmentRequestNotFound" if collection.endswith("Requests") else "ResourceNotFound"
    assert error_of(unknown) == (404, code)
    expand = "$expand=activatedUsing" + (",targetSchedule" if collection.endswith("Requests") else "")
    if collection.startswith("assignment"):
        row = listed(f"$filter=groupId eq '{groups.group_id('Server Admins')}'&{expand}")[0]
        assert row["activatedUsing"]["accessId"] == "member"
        if collection.endswith("Requests"):
            assert row["targetSchedule"]["id"] == row["targetScheduleId"]


def test_a_list_without_a_filter_in_other_words() -> None:
    with Simulator(changes={"behaviour": {"group_list_without_filter": "BadRequest"}}) as simulator:
        groups = GroupClient(simulator)
        assert error_of(groups.graph("GET", ELIGIBLE, groups.token())) == (400, "BadRequest")


@pytest.mark.parametrize(("value", "expected"), [("empty", {}), ("none", None)])
def test_a_group_may_be_expanded_to_nothing(value: str, expected: Any) -> None:
    with Simulator(changes={"behaviour": {"expand_group": value}}) as simulator:
        groups = GroupClient(simulator)
        rows = groups.rows(f"{ELIGIBLE}/{MINE}?$expand=group", groups.token())
        assert [row["group"] for row in rows] == [expected] * len(rows)
        ids = ",".join(f"'{row['groupId']}'" for row in rows)
        names = groups.rows(f"groups?$filter=id in ({ids})&$select=id,displayName", groups.token())
        assert {row["displayName"] for row in names} >= {"Server Admins", "Help Desk"}


def test_the_container_is_no_list(groups: GroupClient) -> None:
    answer = groups.graph("GET", ROOT, groups.token())
    assert (answer.status_code, _inner(answer)["errorCode"]) == (400, "MissingProvider")


def test_whose_rows_one_may_read(groups: GroupClient) -> None:
    token = groups.token()
    own, other = claims_of(token)["oid"], groups.own_id(MANY)
    assert groups.rows(f"{ELIGIBLE}?$filter=principalId eq '{own}'", token), "one's own"
    denied = (403, "Authorization_RequestDenied")
    assert error_of(groups.graph("GET", f"{ELIGIBLE}?$filter=principalId eq '{other}'", token)) == denied
    path = f"{ELIGIBLE}?$filter=groupId eq '{groups.group_id('Server Admins')}'"
    assert error_of(groups.graph("GET", path, token)) == denied
    assert len(groups.rows(path, groups.token(ADMINISTRATOR))) == 2
    assert groups.rows(f"{ELIGIBLE}?$filter=principalId eq '{other}'", groups.token(ADMINISTRATOR))
    groups.ask(token, "Server Admins")
    assert len(groups.rows(path, token)) == 2, "a member reads the group"
    foreign = groups.rows(f"{ELIGIBLE}/{MINE}", groups.token(MANY))[0]["id"]
    assert error_of(groups.graph("GET", f"{ELIGIBLE}/{foreign}", token)) == denied
    request_id = groups.ask(token, "Break Glass", ticketInfo={"ticketNumber": "1", "ticketSystem": "x"}).json()["id"]
    assert error_of(groups.graph("GET", f"{REQUESTS}/{request_id}", groups.token(APPROVER))) == denied
    assert groups.rows(f"{REQUESTS}/filterByCurrentUser(on='createdBy')", token)[0]["id"] == request_id


@pytest.mark.parametrize("on", ["approver", "createdBy", "subject"])
def test_instances_are_listed_for_the_principal_only(groups: GroupClient, on: str) -> None:
    answer = groups.graph("GET", f"{ACTIVE}/filterByCurrentUser(on='{on}')", groups.token())
    assert error_of(answer) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("$filter=roleDefinitionId eq 'x'", "InvalidFilter"),
        ("$filter=groupId in ('x')", "InvalidFilter"),
        ("$orderby=startDateTime", "InvalidFilter"),
        ("$select=directoryScopeId", "BadRequest"),
        ("$expand=roleDefinition", "BadRequest"),
    ],
)
def test_options_refused(groups: GroupClient, query: str, code: str) -> None:
    assert error_of(groups.graph("GET", f"{ELIGIBLE}/{MINE}?{query}", groups.token())) == (400, code)


def test_rows_of_groups_may_name_the_member() -> None:
    with Simulator(changes={"behaviour": {"group_row_principal": "member"}}) as simulator:
        groups = GroupClient(simulator)
        token = groups.token()
        own = claims_of(token)["oid"]
        rows = [row for row in groups.rows(f"{ELIGIBLE}/{MINE}", token) if row["memberType"] == "group"]
        assert [row["principalId"] for row in rows] == [own]
        path = f"{ELIGIBLE}?$filter=groupId eq '{groups.group_id('Help Desk')}'"
        listed = groups.rows(path, groups.token(ADMINISTRATOR))
        assert {(row["memberType"], row["principalId"]) for row in listed} >= {("group", own)}
        assert groups.rows(f"{ELIGIBLE}?$filter=principalId eq '{own}' and memberType eq 'group'", token)


def test_pages() -> None:
    with Simulator(changes={"page_size": 4}) as simulator:
        groups = GroupClient(simulator)
        token = groups.token(MANY)
        url: str | None = f"{ELIGIBLE}/{MINE}?$expand=group($select=displayName)&$filter=accessId eq 'member'"
        names: list[str] = []
        sizes = []
        while url:
            page: dict[str, Any] = groups.graph("GET", url, token).json()
            names += [row["group"]["displayName"] for row in page["value"]]
            sizes.append(len(page["value"]))
            url = page.get("@odata.nextLink")
        assert sizes == [4, 4, 2]
        assert sorted(names) == [f"Team {number:02d}" for number in range(1, 11)]


# permissions


@pytest.mark.parametrize(
    ("method", "collection", "named"),
    [
        (
            "GET",
            f"assignmentScheduleInstances/{MINE}",
            "PrivilegedAssignmentSchedule.Read.AzureADGroup,PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup,"
            "PrivilegedAccess.Read.AzureADGroup,PrivilegedAccess.ReadWrite.AzureADGroup",
        ),
        (
            "GET",
            f"eligibilitySchedules/{MINE}",
            "PrivilegedEligibilitySchedule.Read.AzureADGroup,PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup,"
            "PrivilegedAccess.Read.AzureADGroup,PrivilegedAccess.ReadWrite.AzureADGroup",
        ),
        (
            "POST",
            "eligibilityScheduleRequests",
            "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup,PrivilegedAccess.ReadWrite.AzureADGroup",
        ),
        (
            "POST",
            "assignmentScheduleRequests",
            "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup,PrivilegedAccess.ReadWrite.AzureADGroup",
        ),
    ],
)
def test_permissions_for_roles_are_none_for_groups(
    groups: GroupClient, method: str, collection: str, named: str
) -> None:
    token = groups.token(client_id=VIEWER)
    body = {"json": {}} if method == "POST" else {}
    answer = groups.graph(method, f"{ROOT}/{collection}", token, **body)
    assert answer.status_code == 403
    assert _inner(answer) == {
        "errorCode": "PermissionScopeNotGranted",
        "message": f"Authorization failed due to missing permission scope {named}.",
        "instanceAnnotations": [],
    }


def test_without_the_licence() -> None:
    with Simulator(changes={"licence": "none"}) as simulator:
        groups = GroupClient(simulator)
        answer = groups.graph("GET", f"{ELIGIBLE}/{MINE}", groups.token())
        assert error_of(answer) == (400, "AadPremiumLicenseRequired")


# names


def test_groups_by_id_and_by_name(groups: GroupClient) -> None:
    token = groups.token()
    teams = groups.rows("groups?$filter=displayName eq 'Project Team'", token)
    assert sorted(team["id"] for team in teams) == [
        "52c8b7f1-0e4a-4d69-b3c5-7a91f06e2d84",
        "63d9c802-1f5b-4e7a-84d6-8ba2017f3e95",
    ]
    ids = [*(team["id"] for team in teams), groups.group_id("Reporting"), "00000000-0000-4000-8000-000000000000"]
    asked = ", ".join(f"'{one}'" for one in ids)
    found = groups.rows(f"groups?$filter=id in ({asked})&$select=displayName,isAssignableToRole", token)
    assert sorted((row["displayName"], row["isAssignableToRole"]) for row in found) == [
        ("Project Team", True),
        ("Project Team", True),
        ("Reporting", False),
    ]
    for broken in ("id in ()", "id in ('x'", "id in 'x'", "id in ('x',)"):
        assert groups.graph("GET", f"groups?$filter={broken}", token).status_code == 400
    refused = groups.graph("GET", "groups?$filter=id in ('x')", groups.token(client_id=VIEWER))
    assert error_of(refused) == (403, "Authorization_RequestDenied")


# policies


def _policies(groups: GroupClient, group: str, token: str) -> dict[str, dict[str, Any]]:
    """Access to the policy with its rules."""
    query = f"scopeId eq '{groups.group_id(group)}' and scopeType eq 'Group'"
    rows = groups.rows(f"{ASSIGNMENTS}?$filter={query}&$expand=policy($expand=rules)", token)
    return {row["roleDefinitionId"]: row["policy"] for row in rows}


def _rules(policy: dict[str, Any]) -> dict[str, Any]:
    return {rule["id"]: rule for rule in policy["rules"]}


def test_policies_of_a_group(groups: GroupClient) -> None:
    token = groups.token()
    found = _policies(groups, "Change Board", token)
    assert set(found) == {"owner", "member"}
    group_id = groups.group_id("Change Board")
    for access, policy in found.items():
        assert policy["id"].startswith(f"Group_{group_id}_")
        assert (policy["scopeId"], policy["scopeType"], policy["displayName"]) == (group_id, "Group", "Group")
        rules = _rules(policy)
        assert len(rules) == 17
        assert {tuple(rule["target"]["operations"]) for rule in rules.values()} == {("All",)}
        assert rules["Expiration_Admin_Eligibility"]["isExpirationRequired"] is True
        assert rules["Expiration_Admin_Assignment"]["isExpirationRequired"] is True
        approval = rules["Approval_EndUser_Assignment"]["setting"]["isApprovalRequired"]
        assert approval is (access == "member")
        one = groups.graph("GET", f"{POLICIES}/{policy['id']}/rules/Expiration_EndUser_Assignment", token).json()
        assert one["maximumDuration"] == ("PT4H" if access == "member" else "PT8H")
        assignment = groups.graph("GET", f"{ASSIGNMENTS}/{policy['id']}_{access}", token).json()
        assert assignment["roleDefinitionId"] == access
    query = f"scopeId eq '{group_id}' and scopeType eq 'Group' and roleDefinitionId eq 'owner'"
    assert len(groups.rows(f"{ASSIGNMENTS}?$filter={query}", token)) == 1
    assert len(groups.rows(f"{POLICIES}?$filter=scopeId eq '{group_id}' and scopeType eq 'Group'", token)) == 2


@pytest.mark.parametrize(
    "path",
    [
        f"{ASSIGNMENTS}?$filter=scopeType eq 'Group'",
        f"{ASSIGNMENTS}?$filter=scopeId eq 'x'",
        f"{POLICIES}/Groups_x_y",
    ],
)
def test_the_filter_is_mandatory(groups: GroupClient, path: str) -> None:
    answer = groups.graph("GET", path, groups.token())
    assert (answer.status_code, _inner(answer)["errorCode"]) == (400, "MissingProvider")


def test_policies_that_are_not_there(groups: GroupClient) -> None:
    token = groups.token()
    policy = _policies(groups, "Change Board", token)["member"]["id"]
    other = policy.replace(groups.group_id("Change Board"), groups.group_id("Reporting"))
    unknown = f"{ASSIGNMENTS}?$filter=scopeId eq '00000000-0000-4000-8000-000000000000' and scopeType eq 'Group'"
    for path in (f"{POLICIES}/{other}", f"{ASSIGNMENTS}/{policy}_owner", unknown):
        assert error_of(groups.graph("GET", path, token)) == (404, "ResourceNotFound")


def test_policies_need_their_own_permission(groups: GroupClient) -> None:
    query = f"scopeId eq '{groups.group_id('Reporting')}' and scopeType eq 'Group'"
    reporting = groups.app_token("915d4fbe-60d8-4c71-8eaa-df4280b35e96", "Sim-reporting-secret-1")
    answer = groups.graph("GET", f"{ASSIGNMENTS}?$filter={query}", reporting)
    assert answer.status_code == 403
    assert "RoleManagementPolicy.Read.AzureADGroup" in _inner(answer)["message"]


def test_a_replaced_rule_is_enforced(groups: GroupClient) -> None:
    application = groups.app_token(*PROVISIONING)
    policy = _policies(groups, "Server Admins", application)["member"]
    rule = {**_rules(policy)["Expiration_EndUser_Assignment"], "maximumDuration": "PT45M"}
    path = f"{POLICIES}/{policy['id']}/rules/{rule['id']}"
    # with the permission for groups only: the delegated client may not write policies of groups
    assert groups.graph("PATCH", path, groups.token(), json=rule).status_code == 403
    assert groups.graph("PATCH", path, application, json=rule).status_code == 204
    token = groups.token()
    assert "ExpirationRule" in groups.ask(token, "Server Admins").text
    assert groups.ask(token, "Server Admins", duration="PT45M").status_code == 201
    assert groups.ask(token, "Server Admins", accessId="owner").status_code == 201, "the owner's is another"


# batch


def test_in_a_batch_with_roles(groups: GroupClient) -> None:
    """Lists and activations of both areas in one call."""
    token = groups.token()
    body = {
        "accessId": "member",
        "groupId": groups.group_id("Server Admins"),
        "principalId": groups.own_id(OPERATOR),
        "action": "selfActivate",
        "justification": "a test",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT1H"}},
    }
    items = [
        {"id": "1", "method": "GET", "url": f"/{ELIGIBLE}/{MINE}?$expand=group"},
        {"id": "2", "method": "GET", "url": f"/roleManagement/directory/roleEligibilityScheduleInstances/{MINE}"},
        {
            "id": "3",
            "method": "POST",
            "url": f"/{REQUESTS}",
            "headers": {"Content-Type": "application/json"},
            "body": body,
        },
    ]
    answers = groups.graph("POST", "$batch", token, json={"requests": items}).json()["responses"]
    assert {item["id"]: item["status"] for item in answers} == {"1": 200, "2": 200, "3": 201}
