# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call about requests and their approvals, and every answer to it, fits what is published of both APIs."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import pytest

from contract import recording
from contract.exchanges import Checker, Exchange

CHANGES = {
    "controller": {"page_size": 1},
    "module": {
        "azure": {"subscription_spelling": "plain", "upper_case_ids": True},
        "behaviour": {"error_envelope": "wrapped", "expand_group": "none"},
    },
}
_ROLES = "roleManagement/directory"
_GROUPS = "identityGovernance/privilegedAccess/group"
_AZURE = "/{scope}/providers/Microsoft.Authorization/roleAssignmentApprovals/{approvalId}/stages"
_MINE = "filterByCurrentUser(on='{on}')"
# Decisions, and what they are found by. Of groups, v1.0 is asked where the beta knows of nothing.
GRAPH = {
    f"GET v1.0/{_ROLES}/roleAssignmentScheduleRequests/{_MINE}",
    f"GET v1.0/{_GROUPS}/assignmentScheduleRequests/{_MINE}",
    f"GET beta/{_ROLES}/roleAssignmentApprovals/{{approval-id}}/steps",
    f"PATCH beta/{_ROLES}/roleAssignmentApprovals/{{approval-id}}/steps/{{approvalStep-id}}",
    f"GET beta/{_GROUPS}/assignmentApprovals/{{approval-id}}/steps",
    f"PATCH beta/{_GROUPS}/assignmentApprovals/{{approval-id}}/steps/{{approvalStep-id}}",
    f"GET v1.0/{_GROUPS}/assignmentApprovals/{{approval-id}}/stages",
    "GET v1.0/policies/roleManagementPolicyAssignments",
}
ARM = {
    "GET /{scope}/providers/Microsoft.Authorization/roleAssignmentScheduleRequests",
    "GET /{scope}/providers/Microsoft.Authorization/roleManagementPolicyAssignments",
    f"GET {_AZURE}",
    f"PUT {_AZURE}/{{stageId}}",
}


@pytest.fixture(scope="module")
def recorded(graph, arm, tmp_path_factory) -> dict[str, Sequence[Exchange]]:
    return recording.record_both(tmp_path_factory.mktemp("recorded"), CHANGES, "record_approvals.yml")


def _of(exchanges: Sequence[Exchange], *, graph: bool) -> list[Exchange]:
    return [one for one in exchanges if one.target.startswith(("/v1.0/", "/beta/")) is graph]


@pytest.mark.parametrize("edge", CHANGES)
def test_graph(graph, recorded, edge, capsys):
    exchanges = _of(recorded[edge], graph=True)
    findings = Checker(graph).check(exchanges)
    with capsys.disabled():
        print(f"\n{edge}: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert set(findings.requests) >= GRAPH
    assert {204, 400, 404} <= set(findings.statuses)
    decisions = [one.request for one in exchanges if one.method == "PATCH"]
    assert {body["reviewResult"] for body in decisions} == {"Approve", "Deny"}
    # The check does bite.
    planted = copy.deepcopy(next(one for one in exchanges if one.method == "PATCH" and one.status == 204))
    planted.request["decision"] = "Approve"
    assert Checker(graph).check([planted]).faults


@pytest.mark.parametrize("edge", CHANGES)
def test_azure(arm, recorded, edge, capsys):
    exchanges = _of(recorded[edge], graph=False)
    findings = arm.check(exchanges, strictly=True)
    with capsys.disabled():
        print(f"\n{edge}: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert set(findings.calls) >= ARM
    assert {200, 204, 400, 404} <= set(findings.statuses)
