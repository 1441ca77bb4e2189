# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading Graph: own rows, everybody's, query options, pages, permissions, and addresses that are none."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import jwt
import pytest

from simulator.service_client import (
    ADMINISTRATOR,
    DIRECTORY,
    MINE,
    OPERATOR,
    VIEWER,
    Client,
    claims_of,
    error_of,
)
from simulator_process import Simulator

ELIGIBLE = f"{DIRECTORY}/roleEligibilityScheduleInstances"
ACTIVE = f"{DIRECTORY}/roleAssignmentScheduleInstances"
REQUESTS = f"{DIRECTORY}/roleAssignmentScheduleRequests"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
LICENSE_ADMINISTRATOR = "4d6ac14f-3453-41d0-bef9-a3e0c569773a"


def test_own_eligibilities(client: Client) -> None:
    token = client.token()
    expand = "roleDefinition($select=id,displayName),directoryScope,principal($select=id)"
    rows = client.rows(f"{ELIGIBLE}/{MINE}?$expand={expand}", token)
    reader = next(row for row in rows if row["roleDefinitionId"] == SECURITY_READER)
    assert reader["roleDefinition"] == {"id": SECURITY_READER, "displayName": "Security Reader"}
    assert reader["directoryScope"] == {"id": "/"}
    assert reader["principal"] == {"@odata.type": "#microsoft.graph.user", "id": claims_of(token)["oid"]}
    assert reader["memberType"] == "Direct"
    assert reader["endDateTime"] is None
    assert reader["startDateTime"].endswith("Z")
    unit = next(r for r in rows if r["roleDefinitionId"] == HELPDESK and r["directoryScopeId"] != "/")
    assert unit["directoryScope"]["displayName"] == "Campus North"
    assert (
        unit["id"] != next(r for r in rows if r["roleDefinitionId"] == HELPDESK and r["directoryScopeId"] == "/")["id"]
    )
    assert "f023fd81-a637-4b56-95fd-791ac0226033" not in {row["roleDefinitionId"] for row in rows}, "begins later"
    schedules = client.rows(f"{DIRECTORY}/roleEligibilitySchedules/{MINE}", token)
    assert "f023fd81-a637-4b56-95fd-791ac0226033" in {row["roleDefinitionId"] for row in schedules}


def test_eligible_through_a_group(client: Client) -> None:
    token = client.token()
    rows = [r for r in client.rows(f"{ELIGIBLE}/{MINE}", token) if r["memberType"] == "Group"]
    assert [row["roleDefinitionId"] for row in rows] == [LICENSE_ADMINISTRATOR]
    assert rows[0]["principalId"] != claims_of(token)["oid"], "such a row names the group"
    answer = client.request(token, LICENSE_ADMINISTRATOR)
    assert answer.status_code == 201
    assert (LICENSE_ADMINISTRATOR, "/") in client.active(token)


def test_group_rows_may_name_the_member() -> None:
    with Simulator(changes={"behaviour": {"group_row_principal": "member"}}) as simulator:
        client = Client(simulator)
        token = client.token()
        own = claims_of(token)["oid"]
        rows = [r for r in client.rows(f"{ELIGIBLE}/{MINE}", token) if r["memberType"] == "Group"]
        assert [row["principalId"] for row in rows] == [own]
        listed = client.rows(f"{ELIGIBLE}?$filter=principalId eq '{own}'", client.token(ADMINISTRATOR))
        assert LICENSE_ADMINISTRATOR in {row["roleDefinitionId"] for row in listed}


def test_active_rows(client: Client) -> None:
    rows = client.rows(f"{ACTIVE}/{MINE}?$expand=roleDefinition", client.token())
    readers = next(r for r in rows if r["roleDefinition"]["displayName"] == "Directory Readers")
    assert readers["startDateTime"] is None
    assert readers["endDateTime"] is None
    assert readers["assignmentType"] == "Assigned"
    assert readers["id"] == readers["roleAssignmentOriginId"] == readers["roleAssignmentScheduleId"]
    inviter = next(r for r in rows if r["roleDefinition"]["displayName"] == "Guest Inviter")
    assert inviter["assignmentType"] == "Assigned"
    assert inviter["endDateTime"] is not None


def test_documented_ids(client: Client) -> None:
    """Role and principal in .NET byte order, base64url, and a suffix."""

    token = client.token()
    row = next(r for r in client.rows(f"{ELIGIBLE}/{MINE}", token) if r["roleDefinitionId"] == SECURITY_READER)
    coded = row["id"].removesuffix("-1-e")
    data = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
    assert str(uuid.UUID(bytes_le=data[:16])) == SECURITY_READER
    assert str(uuid.UUID(bytes_le=data[16:])) == claims_of(token)["oid"]


def test_one_of_each_by_id(client: Client) -> None:
    token = client.token()
    for collection in (
        ELIGIBLE,
        ACTIVE,
        f"{DIRECTORY}/roleEligibilitySchedules",
        f"{DIRECTORY}/roleAssignmentSchedules",
    ):
        row = client.rows(f"{collection}/{MINE}", token)[0]
        answer = client.graph("GET", f"{collection}/{row['id']}", token)
        assert answer.json()["id"] == row["id"]
        assert error_of(client.graph("GET", f"{collection}/nonsense", token)) == (404, "ResourceNotFound")
    foreign = client.rows(f"{ELIGIBLE}/{MINE}", client.token(ADMINISTRATOR))[0]["id"]
    assert error_of(client.graph("GET", f"{ELIGIBLE}/{foreign}", token)) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize(
    "encoded", ["filterByCurrentUser(on=%27principal%27)", "filterByCurrentUser%28on='principal'%29"]
)
def test_the_function_may_be_encoded(client: Client, encoded: str) -> None:
    assert client.rows(f"{ELIGIBLE}/{encoded}", client.token())


@pytest.mark.parametrize("on", ["approver", "createdBy", "Principal", "x"])
def test_instances_are_listed_for_the_principal_only(client: Client, on: str) -> None:
    answer = client.graph("GET", f"{ELIGIBLE}/filterByCurrentUser(on='{on}')", client.token())
    assert error_of(answer) == (400, "BadRequest")


def test_everybodys_rows_need_a_reading_role(client: Client) -> None:
    own = claims_of(client.token())["oid"]
    path = f"{ELIGIBLE}?$filter=principalId eq '{own}'"
    assert error_of(client.graph("GET", path, client.token())) == (403, "Authorization_RequestDenied")
    rows = client.rows(path, client.token(ADMINISTRATOR))
    assert {row["principalId"] for row in rows} == {own}
    all_rows = client.rows(ELIGIBLE, client.token(ADMINISTRATOR))
    assert len({row["principalId"] for row in all_rows}) > 3
    # a reading role that was activated counts as well
    token = client.token()
    assert client.request(token, SECURITY_READER).status_code == 201
    assert client.rows(path, token)
    assert client.rows(path, client.app_token("915d4fbe-60d8-4c71-8eaa-df4280b35e96", "Sim-reporting-secret-1"))


# query options


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("$orderby=startDateTime", "The  filter is invalid."),
        ("$search=x", "The  filter is invalid."),
        ("$skip=2", "The  filter is invalid."),
        ("$filter=startDateTime eq 'x'", "The startDateTime eq 'x' filter is invalid."),
    ],
)
def test_options_that_pim_takes_for_a_bad_filter(client: Client, query: str, message: str) -> None:
    answer = client.graph("GET", f"{ELIGIBLE}/{MINE}?{query}", client.token())
    assert error_of(answer) == (400, "InvalidFilter")
    assert answer.json()["error"]["message"] == message


@pytest.mark.parametrize(
    "query",
    [
        "$filter=principalId gt 'x'",
        "$filter=",
        "$select=nonsense",
        "$expand=nonsense",
        "$expand=roleDefinition($select=nonsense)",
        "$expand=roleDefinition($filter=id eq 'x')",
        "$expand=roleDefinition($select=id",
        "$top=0",
        "$top=1000",
        "$top=x",
        "$count=yes",
        "$format=json",
        "expandAll=1",
        "$top=1&$top=2",
        "$skiptoken=nonsense",
        "$skiptoken=WzEsICJ4Il0",
    ],
)
def test_options_refused(client: Client, query: str) -> None:
    answer = client.graph("GET", f"{ELIGIBLE}/{MINE}?{query}", client.token())
    assert error_of(answer) == (400, "BadRequest")


def test_select_count_and_filter(client: Client) -> None:
    query = f"$select=roleDefinitionId&$count=true&$filter=roleDefinitionId eq '{HELPDESK}' and directoryScopeId ne '/'"
    answer = client.graph("GET", f"{ELIGIBLE}/{MINE}?{query}", client.token()).json()
    assert answer["@odata.count"] == 1
    assert answer["value"] == [{"roleDefinitionId": HELPDESK}]
    assert "(roleDefinitionId)" in answer["@odata.context"]


def test_pages() -> None:
    with Simulator(changes={"page_size": 7}) as simulator:
        client = Client(simulator)
        token = client.token("manyroles@contoso.example")
        seen: list[str] = []
        sizes = []
        url: str | None = (
            f"{ELIGIBLE}/{MINE}?$expand=roleDefinition($select=displayName)&$filter=memberType eq 'Direct'"
        )
        while url:
            page: dict[str, Any] = client.graph("GET", url, token).json()
            assert all("displayName" in row["roleDefinition"] for row in page["value"]), "a link keeps the options"
            seen += [row["id"] for row in page["value"]]
            sizes.append(len(page["value"]))
            url = page.get("@odata.nextLink")
            assert url is None or url.startswith(f"{simulator.url}/v1.0/")
        assert sizes == [7, 7, 7, 4]
        assert len(set(seen)) == 25
        two = client.graph("GET", f"{ELIGIBLE}/{MINE}?$top=2", token).json()
        assert len(two["value"]) == 2
        assert "@odata.nextLink" in two
        token_of_page = two["@odata.nextLink"].split("$skiptoken=")[1]
        other = client.graph("GET", f"{ACTIVE}/{MINE}?$skiptoken={token_of_page}", token)
        assert error_of(other) == (400, "BadRequest")


# permissions, tokens, addresses


def test_missing_permission_is_named_and_wrapped(client: Client) -> None:
    token = client.token(client_id=VIEWER)
    assert client.rows(f"{ELIGIBLE}/{MINE}", token)
    answer = client.graph("GET", f"{REQUESTS}/{MINE}", token)

    assert error_of(answer) == (403, "UnknownError")
    inner = json.loads(answer.json()["error"]["message"])
    assert inner["errorCode"] == "PermissionScopeNotGranted"
    assert inner["message"] == (
        "Authorization failed due to missing permission scope RoleAssignmentSchedule.ReadWrite.Directory,"
        "RoleManagement.ReadWrite.Directory,RoleAssignmentSchedule.Remove.Directory."
    )
    assert client.request(token, SECURITY_READER).status_code == 403


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Access token is empty."),
        ({"Authorization": "Basic eDp5"}, "Access token is empty."),
        ({"Authorization": "Bearer nonsense"}, "CompactToken parsing failed"),
    ],
)
def test_without_a_token(client: Client, headers: dict[str, str], message: str) -> None:
    answer = client.graph("GET", "me", headers=headers)
    assert error_of(answer) == (401, "InvalidAuthenticationToken")
    assert answer.json()["error"]["message"].startswith(message)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_tokens_end(client: Client) -> None:
    token = client.token()
    client.simulator.advance("PT59M")
    assert client.graph("GET", "me", token).status_code == 200
    client.simulator.advance("PT2M")
    answer = client.graph("GET", "me", token)
    assert error_of(answer) == (401, "InvalidAuthenticationToken")
    assert "expired" in answer.json()["error"]["message"]


def test_a_forged_token(client: Client) -> None:

    forged = jwt.encode(claims_of(client.token()), "x" * 32, algorithm="HS256")
    assert client.graph("GET", "me", forged).status_code == 401
    other = jwt.encode({**claims_of(client.token()), "scp": "x"}, key=None, algorithm="none")
    assert client.graph("GET", "me", other).status_code == 401


def test_headers_and_error_body(client: Client) -> None:
    client.simulator.control("POST", "time", {"set": "2031-02-03T04:05:06Z"})
    answer = client.graph("GET", "nonsense", client.token(), headers={"client-request-id": "abc"})
    assert answer.headers["client-request-id"] == "abc"
    assert answer.headers["Date"].startswith("Mon, 03 Feb 2031 04:05:")
    inner = answer.json()["error"]["innerError"]
    assert inner["request-id"] == answer.headers["request-id"]
    assert inner["client-request-id"] == "abc"
    assert inner["date"].startswith("2031-02-03T04:05:")
    assert not inner["date"].endswith("Z")
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("nonsense", "nonsense"),
        ("me/nonsense", "nonsense"),
        ("roleManagement", "roleManagement"),
        (f"{DIRECTORY}/roleAssignmentApprovals/x", "roleAssignmentApprovals"),
        (f"{ELIGIBLE}/filterByCurrentUser", "filterByCurrentUser"),
        (f"{ELIGIBLE}/filterByCurrentUser()", "filterByCurrentUser()"),
        ("v1.0/me", "v1.0"),
        ("users//x", ""),
    ],
)
def test_addresses_that_are_none(client: Client, path: str, segment: str) -> None:
    answer = client.graph("GET", path, client.token())
    assert error_of(answer) == (404, "BadRequest")
    assert answer.json()["error"]["message"] == f"Resource not found for the segment '{segment}'."


def test_other_addresses(client: Client) -> None:
    for path in (
        "v2.0/me",
        "",
        "v1.0",
        "_control",
        "_control/nonsense",
        "contoso.example/oauth2/v2.0/logout",
    ):
        answer = client.session.get(f"{client.simulator.url}/{path}", allow_redirects=False)
        assert answer.status_code == 404, path
        assert answer.json()["error"]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_methods_that_are_none(client: Client, method: str) -> None:
    body = {} if method == "DELETE" else {"json": {}}
    answer = client.graph(method, f"{ELIGIBLE}/{MINE}", client.token(), **body)
    assert error_of(answer) == (405, "BadRequest")


# the directory


def test_users(client: Client) -> None:
    token = client.token()
    own = claims_of(token)["oid"]
    assert client.graph("GET", "me?$select=id", token).json()["id"] == own
    assert client.graph("GET", f"users/{own}", token).json()["userPrincipalName"] == OPERATOR
    assert client.graph("GET", f"users/{OPERATOR.upper()}", token).json()["id"] == own
    guest = client.graph("GET", "users/guest_fabrikam.example%23EXT%23@contoso.example", token)
    assert guest.json()["displayName"] == "Guest"
    found = client.rows(f"users?$filter=userPrincipalName eq '{ADMINISTRATOR}'", token)
    assert [user["displayName"] for user in found] == ["Administrator"]
    assert error_of(client.graph("GET", "users/nobody@contoso.example", token)) == (404, "Request_ResourceNotFound")
    assert error_of(client.graph("GET", f"users/{ADMINISTRATOR}", client.token(client_id=VIEWER))) == (
        403,
        "Authorization_RequestDenied",
    )


def test_units_and_role_definitions(client: Client) -> None:
    token = client.token()
    unit = "1f0a7c2e-93b4-4f55-8d61-0c5b7e2a9d10"
    assert client.graph("GET", f"directory/administrativeUnits/{unit}", token).json()["displayName"] == "Campus North"
    assert client.graph("GET", f"directory/administrativeUnits/{SECURITY_READER}", token).status_code == 404
    role = client.graph("GET", f"{DIRECTORY}/roleDefinitions/{SECURITY_READER}", token).json()
    assert (role["displayName"], role["isBuiltIn"], role["templateId"]) == ("Security Reader", True, SECURITY_READER)
    named = client.rows(f"{DIRECTORY}/roleDefinitions?$filter=displayName eq 'Campus Operator'", token)
    assert len(named) == 2
    assert not any(role["isBuiltIn"] for role in named)
    bad = client.graph("GET", f"{DIRECTORY}/roleDefinitions?$filter=description eq 'x'", token)
    assert error_of(bad) == (400, "BadRequest")


def test_without_the_licence() -> None:
    with Simulator(changes={"licence": "none"}) as simulator:
        client = Client(simulator)
        token = client.token()
        for answer in (
            client.graph("GET", f"{ELIGIBLE}/{MINE}", token),
            client.request(token, SECURITY_READER),
            client.graph("GET", "policies/roleManagementPolicies", token),
        ):
            assert error_of(answer) == (400, "AadPremiumLicenseRequired")
        assert client.graph("GET", "me", token).status_code == 200
