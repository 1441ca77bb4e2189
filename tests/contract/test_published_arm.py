# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated ARM answers as is published of PIM for Azure resources, and the check of that does bite."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from contract.exchanges import Exchange
from contract.recording_proxy import RecordingProxy
from simulator.arm_client import (
    AUTHORIZATION,
    CONTRIBUTOR,
    DATA,
    MINE,
    PLATFORM,
    PRODUCTION,
    READER,
    USER_ACCESS_ADMINISTRATOR,
    ArmClient,
)
from simulator.service_client import ADMINISTRATOR, APPROVER, claims_of
from simulator_process import Simulator

APPROVALS = "2021-01-01-preview"
ROLES = "2022-04-01"
KINDS = (
    "roleEligibilityScheduleInstances",
    "roleEligibilitySchedules",
    "roleAssignmentScheduleInstances",
    "roleAssignmentSchedules",
)


@pytest.fixture(scope="module", params=["mixed", "plain"])
def exchanges(request, tmp_path_factory) -> Iterator[list[Exchange]]:
    """A call of each kind, by people with and without rights; with other spellings, pages and behaviour the second time."""
    changes: dict[str, Any] = {"minimum_active": "PT1S"}
    if request.param == "plain":
        changes |= {
            "page_size": 3,
            "azure": {"subscription_spelling": "plain", "upper_case_ids": True},
            "behaviour": {"azure_resources": {"linked_ids": "bare", "inherited_rows": "listed"}},
        }
    directory = tmp_path_factory.mktemp("arm")
    with (
        Simulator(changes=changes) as simulator,
        RecordingProxy(simulator.url, simulator.ca_path, directory, ("/subscriptions", "/providers")) as proxy,
    ):
        place = SimpleNamespace(url=proxy.url, ca_path=str(proxy.ca_path), tenant_id=simulator.tenant_id)
        _everything(ArmClient(place), simulator)
        yield proxy.exchanges


def _everything(client: ArmClient, simulator: Simulator) -> None:
    operator, approver, administrator = (
        client.arm_token(name) for name in ("operator@contoso.example", APPROVER, ADMINISTRATOR)
    )
    name = str(uuid.uuid4())
    client.put(operator, PRODUCTION, CONTRIBUTOR, action="validate")
    client.put(operator, PRODUCTION, CONTRIBUTOR, name=name)
    client.put(operator, PRODUCTION, CONTRIBUTOR, name=name)
    client.put(operator, PRODUCTION, CONTRIBUTOR, duration="PT9H")
    asked = client.put(operator, PRODUCTION, USER_ACCESS_ADMINISTRATOR).json()["properties"]["approvalId"]
    for token, query in ((operator, MINE), (administrator, "")):
        for kind in KINDS:
            for scope in ("", PRODUCTION, DATA, PLATFORM):
                answer = client.call("GET", f"{scope}{AUTHORIZATION}/{kind}?{query}", token).json()
                while "nextLink" in answer:
                    answer = client.call("GET", answer["nextLink"], token, version=None).json()
                for row in answer["value"][:1]:
                    client.call("GET", f"{row['id']}?{query}", token)
    client.call("GET", f"{AUTHORIZATION}/{KINDS[0]}", operator)
    for query in (MINE, "$filter=asRequestor()", "$filter=asApprover()"):
        client.call("GET", f"{AUTHORIZATION}/roleAssignmentScheduleRequests?{query}", operator)
    client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/roleAssignmentScheduleRequests/{name}?{MINE}", operator)
    client.call("GET", f"{AUTHORIZATION}/roleAssignmentApprovals?$filter=asApprover()", approver, APPROVALS)
    client.call("GET", asked, approver, APPROVALS)
    stages = client.call("GET", f"{asked}/stages", approver, APPROVALS).json()["value"]
    client.call("GET", stages[0]["id"], approver, APPROVALS)
    decision = {"properties": {"reviewResult": "Approve", "justification": "fine"}}
    client.call("PUT", stages[0]["id"], approver, APPROVALS, json=decision)
    client.call("GET", stages[0]["id"], approver, APPROVALS)
    for kind in ("roleManagementPolicies", "roleManagementPolicyAssignments"):
        rows = client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/{kind}", operator).json()["value"]
        client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/{kind}/{rows[0]['name']}", operator)
    policy = client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/roleManagementPolicies", operator).json()["value"][0]
    rules = [rule for rule in policy["properties"]["rules"] if rule["id"].startswith("E")]
    path = f"{PRODUCTION}{AUTHORIZATION}/roleManagementPolicies/{policy['name']}"
    client.call("PATCH", path, administrator, json={"properties": {"rules": rules}})
    client.call("GET", f"{PRODUCTION}{AUTHORIZATION}/roleDefinitions", operator, ROLES)
    client.call("GET", f"{AUTHORIZATION}/roleDefinitions/{CONTRIBUTOR}", operator, ROLES)
    client.call("GET", f"{AUTHORIZATION}/eligibleChildResources?$getAllChildren=true", operator)
    newcomer = claims_of(client.arm_token("newcomer@contoso.example"))["oid"]
    order = {"principalId": newcomer, "justification": "a test", "kind": "Eligibility"}
    info = {"expiration": {"type": "AfterDuration", "duration": "P30D"}}
    client.put(administrator, PRODUCTION, READER, "AdminAssign", scheduleInfo=info, **order)
    client.call("GET", f"{AUTHORIZATION}/roleEligibilityScheduleRequests", administrator)
    simulator.advance("PT2S")
    client.put(administrator, PRODUCTION, READER, "AdminRemove", **order)
    client.put(operator, PRODUCTION, CONTRIBUTOR, "SelfDeactivate")
    later = {"startDateTime": "2099-01-01T00:00:00Z", "expiration": {"type": "AfterDuration", "duration": "PT1H"}}
    client.put(operator, PRODUCTION, CONTRIBUTOR, name=(planned := str(uuid.uuid4())), scheduleInfo=later)
    client.call("POST", f"{PRODUCTION}{AUTHORIZATION}/roleAssignmentScheduleRequests/{planned}/cancel", operator)


def test_answers_are_as_published(exchanges, arm, capsys):
    findings = arm.check(exchanges)
    with capsys.disabled():
        print(f"\n{findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert {200, 201, 204, 400} <= set(findings.statuses)
    covered = {name.rpartition("/Microsoft.Authorization/")[2] for name in findings.calls}
    assert {*KINDS, "roleManagementPolicyAssignments", "roleDefinitions", "eligibleChildResources"} <= covered


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("planted",), 1, "reply.planted is unknown"),
        (("properties", "planted"), 1, "reply.properties.planted is unknown"),
        (("properties", "status"), "Done", "reply.properties.status is 'Done', which is none of"),
        (("properties", "approvalId"), None, "reply.properties.approvalId is null"),
        (("properties", "createdOn"), "today", "reply.properties.createdOn is no time"),
        (("properties", "scheduleInfo", "expiration"), [], "expiration is no object"),
        (("properties", "expandedProperties", "scope", "type"), 5, "scope.type is no string"),
    ],
)
def test_the_check_bites(exchanges, arm, path, value, fault):
    planted = copy.deepcopy(next(one for one in exchanges if one.status == 201))
    place = planted.reply
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert [found for found in arm.check([planted]).faults if fault in found]


def test_the_check_bites_at_rules_and_refusals(exchanges, arm):
    rules = next(one for one in exchanges if "roleManagementPolicyAssignments" in one.target)
    rules = copy.deepcopy(rules)
    rules.reply["value"][0]["properties"]["effectiveRules"][0]["ruleType"] = "RoleManagementPolicyRule2"
    assert any("unknown type" in fault for fault in arm.check([rules]).faults)
    refused = copy.deepcopy(next(one for one in exchanges if one.status == 400))
    refused.reply["error"]["innerError"] = {}
    assert any("another form" in fault for fault in arm.check([refused]).faults)
    unknown = Exchange("GET", f"{AUTHORIZATION}/roleNothings?api-version=2020-10-01", None, 200, {"value": []})
    assert any("no path and method" in fault for fault in arm.check([unknown]).faults)
    told = next(one for one in exchanges if one.method == "PUT" and one.status == 201)
    told.request["properties"]["status"] = "Provisioned"
    assert any("told by the service only" in fault for fault in arm.check([told]).faults)
