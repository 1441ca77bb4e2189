# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's own client of PIM for Azure resources, azure-mgmt-authorization, finds the service it knows."""

from __future__ import annotations

from typing import Any

import pytest

from contract.client_story import PEOPLE, told_by
from tools.clients import AZURE_MGMT

CLIENT_ID = "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52"


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, Any]:
    kept = ("/subscriptions", "/providers", "//")
    return told_by(AZURE_MGMT, "azure_mgmt_story.py", CLIENT_ID, tmp_path_factory.mktemp("azure-mgmt"), kept)


def test_lists(told):
    eligible = told["eligible"]
    assert told["signed in"]["people"] == list(PEOPLE)
    assert len(eligible["rows"]) == 10, "two pages"
    assert {"Reader at Platform", "Virtual Machine Contributor at web01"} <= set(eligible["rows"])
    assert eligible["types"] == [
        "Microsoft.Compute/virtualMachines",
        "managementgroup",
        "resourcegroup",
        "subscription",
    ]
    assert eligible["through_group"] == ["Backup Contributor at Production"]
    assert eligible["condition"] == ["Storage Blob Data Owner at rg-data"]
    assert told["active"]["rows"] == {"Monitoring Reader at Production": "Assigned"}
    assert told["everybody"]["refused"] == [400, "InsufficientPermissions"]
    assert ["rg-web", "resourcegroup"] in told["children"]["rows"]


def test_policy(told):
    policy = told["policy"]
    assert policy["assignments"] > 30
    assert len(policy["rules"]) == 17
    # Each rule became an object of its own class, by its ruleType.
    kinds = ("Approval", "AuthenticationContext", "Enablement", "Expiration", "Notification")
    assert policy["types"] == [f"RoleManagementPolicy{kind}Rule" for kind in kinds]
    assert (policy["maximum"], policy["enabled"], policy["approval"]) == ("PT8H", ["Justification"], False)


def test_validate(told):
    assert (told["validated"]["status"], told["validated"]["active"]) == ("Granted", False)
    assert told["validated"]["refused"] == [400, "RoleAssignmentRequestPolicyValidationFailed"]


def test_activate_and_deactivate(told):
    activated = told["activated"]
    assert (activated["status"], activated["name"]) == ("Provisioned", True)
    assert (activated["type"], activated["using"]) == ("Activated", True)
    assert activated["seconds"] == pytest.approx(3600, abs=5)
    assert told["again"]["refused"] == [400, "RoleAssignmentExists"]
    assert told["requests"]["rows"] == [[True, "SelfActivate", "Provisioned"]]
    assert told["deactivated"] == {"status": "Revoked", "active": False}


def test_schedule_and_cancel(told):
    assert told["cancelled"]["planned"] == "Granted"
    assert told["cancelled"]["status"] == ["Canceled"]
    assert told["cancelled"]["again"][0] == 400


def test_approve(told):
    approved = told["approved"]
    assert (approved["validated"], approved["asked"], approved["path"]) == (
        "PendingEvaluation",
        "PendingApproval",
        True,
    )
    assert approved["waiting"] == [[True, "PendingApproval"]]
    assert approved["stages"] == [["InProgress", "NotReviewed", True]]
    assert (approved["answered"], approved["decided"]) == (204, "Approve")
    assert approved["status"] == ["Provisioned"]
    assert approved["twice"] == 409


def test_calls_and_answers_are_as_published(told, arm, capsys):
    findings = arm.check(told["exchanges"])
    with capsys.disabled():
        print(f"\nazure-mgmt: {findings.summary()}")
    assert not findings.faults, "\n".join(sorted(set(findings.faults)))
    assert findings.calls.total() > 20
    assert {200, 201, 204, 400, 409} <= set(findings.statuses)
