# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's lists: own rows, everybody's, filters, scopes, pages, spellings."""

from __future__ import annotations

import re
from typing import Any

import pytest

from simulator.arm_client import (
    AUTHORIZATION,
    BACKUP_CONTRIBUTOR,
    BLOB_OWNER,
    CONNECTIVITY,
    CONTRIBUTOR,
    DATA,
    DEVELOPMENT,
    MINE,
    PLATFORM,
    PRODUCTION,
    READER,
    WEB01,
    ArmClient,
    names,
    role_definition,
)
from simulator.service_client import ADMINISTRATOR, OPERATOR, claims_of, error_of
from simulator_process import Simulator

ELIGIBLE = "roleEligibilityScheduleInstances"
ACTIVE = "roleAssignmentScheduleInstances"
ALIAS = "/providers/Microsoft.Subscription"
EVERYTHING = [
    ("Contributor", "Production"),
    ("Contributor", "Development"),
    ("Reader", "Platform"),
    ("Storage Blob Data Owner", "rg-data"),
    ("Virtual Machine Contributor", "web01"),
    ("User Access Administrator", "Production"),
    ("Key Vault Administrator", "Production"),
    ("Network Contributor", "Connectivity"),
    ("Monitoring Contributor", "Development"),
    ("Backup Contributor", "Production"),
]


def _of_role(rows: list[dict[str, Any]], role: str) -> dict[str, Any]:
    return next(row for row in rows if row["properties"]["roleDefinitionId"].endswith(role))


def test_own_rows_of_all_scopes_in_one_call(arm: ArmClient) -> None:
    assert names(arm.listed(ELIGIBLE, arm.arm_token())) == EVERYTHING


def test_a_row(arm: ArmClient) -> None:
    token = arm.arm_token()
    row = arm.listed(ELIGIBLE, token)[0]
    properties = row["properties"]
    assert row["id"] == f"{ALIAS}{PRODUCTION}{AUTHORIZATION}/roleEligibilityScheduleInstances/{row['name']}"
    assert row["type"] == "Microsoft.Authorization/roleEligibilityScheduleInstances"
    assert properties["scope"] == PRODUCTION
    assert properties["roleDefinitionId"] == role_definition(PRODUCTION, CONTRIBUTOR)
    assert properties["roleEligibilityScheduleId"].startswith(f"{ALIAS}{PRODUCTION}{AUTHORIZATION}/")
    assert (properties["principalId"], properties["principalType"]) == (claims_of(token)["oid"], "User")
    assert (properties["status"], properties["memberType"]) == ("Provisioned", "Direct")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", properties["startDateTime"])
    expanded = properties["expandedProperties"]
    assert expanded["principal"] == {
        "id": claims_of(token)["oid"],
        "displayName": "Operator",
        "email": OPERATOR,
        "type": "User",
    }
    assert expanded["roleDefinition"]["type"] == "BuiltInRole"
    assert expanded["scope"] == {"id": PRODUCTION, "displayName": "Production", "type": "subscription"}


def test_what_is_unset_is_left_out(arm: ArmClient) -> None:
    text = str(arm.listed(ELIGIBLE, arm.arm_token()))
    assert "None" not in text
    assert "endDateTime" not in text, "all are permanent"


def test_types_of_scopes_and_forms_of_roles(arm: ArmClient) -> None:
    rows = arm.listed(ELIGIBLE, arm.arm_token())
    group = _of_role(rows, READER)["properties"]
    assert group["scope"] == PLATFORM
    assert group["roleDefinitionId"] == role_definition("", READER), "at management groups the form of the tenant"
    types = {row["properties"]["scope"]: row["properties"]["expandedProperties"]["scope"]["type"] for row in rows}
    assert (types[PLATFORM], types[DATA]) == ("managementgroup", "resourcegroup")
    assert types[WEB01] == "Microsoft.Compute/virtualMachines"
    data = _of_role(rows, BLOB_OWNER)["properties"]
    assert data["roleDefinitionId"] == role_definition(PRODUCTION, BLOB_OWNER)
    assert data["conditionVersion"] == "2.0"
    assert data["condition"].startswith("@Resource[")


def test_rows_through_a_group_name_the_member(arm: ArmClient) -> None:
    token = arm.arm_token()
    row = _of_role(arm.listed(ELIGIBLE, token), BACKUP_CONTRIBUTOR)["properties"]
    assert (row["memberType"], row["principalType"]) == ("Group", "User")
    assert row["principalId"] == claims_of(token)["oid"]


def test_schedules_are_not_instances(arm: ArmClient) -> None:
    token = arm.arm_token()
    assert arm.put(token, PRODUCTION, CONTRIBUTOR).status_code == 201
    schedule = _of_role(arm.listed("roleAssignmentSchedules", token), CONTRIBUTOR)
    instance = _of_role(arm.listed(ACTIVE, token), CONTRIBUTOR)
    properties = instance["properties"]
    # documented, and not returned all the same
    assert "linkedRoleEligibilityScheduleId" not in schedule["properties"]
    assert properties["linkedRoleEligibilityScheduleId"] == arm.eligibility_id(token, CONTRIBUTOR, PRODUCTION)
    assert properties["roleAssignmentScheduleId"] == schedule["id"]
    assert properties["originRoleAssignmentId"] == f"{PRODUCTION}{AUTHORIZATION}/roleAssignments/{instance['name']}"
    assert instance["name"] != schedule["name"]
    assert properties["assignmentType"] == "Activated"
    assert "roleAssignmentScheduleRequestId" in schedule["properties"]


def test_names_lead_to_the_rows(arm: ArmClient) -> None:
    token = arm.arm_token()
    for kind in (ELIGIBLE, "roleEligibilitySchedules", ACTIVE, "roleAssignmentSchedules"):
        row = arm.listed(kind, token)[0]
        answer = arm.call("GET", f"{row['id']}?{MINE}", token)
        assert (answer.status_code, answer.json()) == (200, row), kind
    other = arm.call("GET", f"{row['id'][:-4]}0000?{MINE}", token)
    assert other.status_code == 404


def test_instances_with_an_end_have_a_name_of_their_own(arm: ArmClient) -> None:
    token = arm.arm_token("trusted@contoso.example")
    (row,) = arm.listed(ELIGIBLE, token)
    assert row["name"] != row["properties"]["roleEligibilityScheduleId"].rsplit("/", 1)[-1]
    assert arm.call("GET", f"{row['id']}?{MINE}", token).json() == row


def test_without_as_target(arm: ArmClient) -> None:
    token = arm.arm_token()
    answer = arm.call("GET", f"{AUTHORIZATION}/{ELIGIBLE}", token)
    assert error_of(answer) == (400, "InsufficientPermissions")
    assert answer.json()["error"]["message"] == (
        f"The requestor {claims_of(token)['oid']} does not have permissions for this request. Please use "
        "$filter=asTarget() to filter on the requestor's assignments."
    )
    row = next(r for r in arm.listed(ELIGIBLE, token) if r["properties"]["scope"] == DEVELOPMENT)
    assert error_of(arm.call("GET", row["id"], token)) == (400, "InsufficientPermissions")


def test_who_may_read_assignments_at_a_scope_reads_everybodys(arm: ArmClient) -> None:
    token = arm.arm_token()
    rows = arm.listed(ELIGIBLE, token, PRODUCTION, query="")
    assert {row["properties"]["principalId"] for row in rows} != {claims_of(token)["oid"]}
    # by the role Monitoring Reader there, which is not held elsewhere
    assert error_of(arm.call("GET", f"{DEVELOPMENT}{AUTHORIZATION}/{ELIGIBLE}", token))[1] == "InsufficientPermissions"


@pytest.mark.parametrize(
    "text", ["asTarget()", "astarget()", "AsTarget( )", "asTarget() and roleDefinitionId eq '{role}'"]
)
def test_filters_in_any_case(arm: ArmClient, text: str) -> None:
    role = role_definition(PRODUCTION, CONTRIBUTOR)
    rows = arm.listed(ELIGIBLE, arm.arm_token(), query=f"$filter={text.format(role=role)}")
    assert ("Contributor", "Development") in names(rows)
    assert (len(rows) == 2) is ("eq" in text)


def test_filters_by_principal(arm: ArmClient) -> None:
    operator, administrator = claims_of(arm.arm_token())["oid"], arm.arm_token(ADMINISTRATOR)
    direct = arm.listed(ELIGIBLE, administrator, query=f"$filter=principalId eq {operator}")
    assert names(direct) == EVERYTHING[:-1]
    assert arm.listed(ELIGIBLE, administrator, query=f"$filter=PrincipalId eq '{operator}'") == direct
    assert names(arm.listed(ELIGIBLE, administrator, query=f"$filter=assignedto('{operator}')")) == EVERYTHING
    refused = arm.call("GET", f"{AUTHORIZATION}/{ELIGIBLE}?$filter=principalId eq '{operator}'", arm.arm_token())
    assert error_of(refused) == (400, "InsufficientPermissions")


def test_scopes_of_lists(arm: ArmClient) -> None:
    token, administrator = arm.arm_token(), arm.arm_token(ADMINISTRATOR)
    assert names(arm.listed(ELIGIBLE, token, DATA)) == [("Storage Blob Data Owner", "rg-data")]
    assert names(arm.listed(ELIGIBLE, token, CONNECTIVITY)) == [("Network Contributor", "Connectivity")]
    operator = claims_of(token)["oid"]
    mine = f"$filter=principalId eq '{operator}'"
    at, above = ("Network Contributor", "Connectivity"), ("Reader", "Platform")
    assert sorted(names(arm.listed(ELIGIBLE, administrator, CONNECTIVITY, mine))) == [at, above]
    assert sorted(names(arm.listed(ELIGIBLE, administrator, PLATFORM, mine))) == [at, above]
    assert names(arm.listed(ELIGIBLE, administrator, PLATFORM, f"{mine} and atScope()")) == [above]


@pytest.mark.parametrize(
    "text", ["asTarget", "asTarget() and", "mine()", "principalId ne 'x'", "endDateTime eq 'x'", "asTarget('x')", "(("]
)
def test_refused_filters(arm: ArmClient, text: str) -> None:
    answer = arm.call("GET", f"{AUTHORIZATION}/{ELIGIBLE}?$filter={text}", arm.arm_token())
    assert error_of(answer) == (400, "InvalidFilter")


def test_pages() -> None:
    with Simulator(changes={"page_size": 4}) as simulator:
        client = ArmClient(simulator)
        token = client.arm_token()
        found, link, pages = [], f"{AUTHORIZATION}/{ELIGIBLE}?{MINE}&api-version=2020-10-01", 0
        while link:
            body = client.call("GET", link, token, version=None).json()
            found += names(body["value"])
            link, pages = body.get("nextLink"), pages + 1
            assert link is None or link.startswith(f"{simulator.url}/")
            assert pages < 9, "a link that leads nowhere new"
            other = link and link.replace("EligibilityScheduleInstances", "EligibilitySchedules")
            if other:
                assert error_of(client.call("GET", other, token, version=None)) == (400, "InvalidSkipToken")
        assert (found, pages) == (EVERYTHING, 3)
        answer = client.call("GET", f"{AUTHORIZATION}/{ELIGIBLE}?{MINE}&$skiptoken=WzAsMF0", token)
        assert error_of(answer) == (400, "InvalidSkipToken")


def test_other_spellings() -> None:
    with Simulator(
        changes={
            "azure": {"subscription_spelling": "plain", "upper_case_ids": True},
            "behaviour": {
                "azure_resources": {"group_row_principal": "group", "inherited_rows": "listed", "linked_ids": "bare"}
            },
        }
    ) as simulator:
        client = ArmClient(simulator)
        token = client.arm_token()
        row = client.listed(ELIGIBLE, token)[0]
        assert row["id"].upper().startswith(PRODUCTION.upper())
        assert row["name"] == row["name"].upper() != row["name"].lower()
        through = _of_role(client.listed(ELIGIBLE, token), BACKUP_CONTRIBUTOR.upper())["properties"]
        assert (through["principalType"], through["memberType"]) == ("Group", "Group")
        inherited = client.listed(ELIGIBLE, token, CONNECTIVITY)
        assert [r["properties"]["memberType"] for r in inherited] == ["Inherited", "Direct"]
        assert client.put(token, PRODUCTION, CONTRIBUTOR.upper()).status_code == 201
        active = _of_role(client.listed(ACTIVE, token), CONTRIBUTOR.upper())["properties"]
        assert re.fullmatch(r"[0-9A-F-]{36}", active["linkedRoleEligibilityScheduleId"])
        assert client.call("GET", f"{row['id']}?{MINE}", token).json() == row
