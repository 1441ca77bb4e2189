# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of a policy between Graph's form, which the core keeps, and ARM's."""

from __future__ import annotations

from typing import Any

from pim_simulator.pim.errors import PimRefusal

Rule = dict[str, Any]

_GRAPH_TYPE = "#microsoft.graph.unifiedRoleManagementPolicy"
_ARM_TYPE = "RoleManagementPolicy"


def to_arm(rule: Rule) -> Rule:
    """Without what is unset."""
    own = {name: value for name, value in rule.items() if name not in ("@odata.type", "id", "target")}
    if "setting" in own:
        own["setting"] = _setting_to_arm(own["setting"])
    target = {name: rule["target"][name] for name in ("caller", "operations", "level")}
    kind = rule["@odata.type"].removeprefix(_GRAPH_TYPE)
    return {
        **{name: value for name, value in own.items() if value is not None},
        "id": rule["id"],
        "ruleType": f"{_ARM_TYPE}{kind}",
        "target": target,
    }


def _setting_to_arm(setting: Rule) -> Rule:
    stages = [
        {
            **stage,
            "primaryApprovers": [_approver_to_arm(item) for item in stage["primaryApprovers"]],
            "escalationApprovers": [_approver_to_arm(item) for item in stage["escalationApprovers"]],
        }
        for stage in setting["approvalStages"]
    ]
    return {**setting, "approvalStages": stages}


def _approver_to_arm(approver: Rule) -> Rule:
    group = "groupId" in approver
    return {
        "id": approver["groupId" if group else "userId"],
        "description": approver["description"],
        "isBackup": False,
        "userType": "Group" if group else "User",
    }


def to_graph(rule: Any, current: Rule) -> Rule:
    """A rule that a client sent, over the present one. Raises PimRefusal; the core checks the rest."""
    if not isinstance(rule, dict):
        raise _invalid()
    result = {name: value for name, value in rule.items() if name not in ("ruleType", "target")}
    # recorded: a length goes with an end that is required only
    if rule.get("isExpirationRequired") is False and rule.get("maximumDuration") is not None:
        raise _invalid()
    if isinstance(rule.get("setting"), dict):
        result["setting"] = _setting_to_graph(rule["setting"])
    kind = str(rule.get("ruleType", "")).removeprefix(_ARM_TYPE)
    return {**result, "@odata.type": f"{_GRAPH_TYPE}{kind}", "target": rule.get("target") or current["target"]}


def _setting_to_graph(setting: Rule) -> Rule:
    stages = setting.get("approvalStages")
    if not isinstance(stages, list):
        return setting
    converted = []
    for stage in stages:
        if not isinstance(stage, dict):
            raise _invalid()
        approvers = [_approver_to_graph(item) for item in stage.get("primaryApprovers") or ()]
        converted.append({**stage, "primaryApprovers": approvers})
    return {**setting, "approvalStages": converted}


def _approver_to_graph(approver: Any) -> Rule:
    # recorded: the type is read with regard to case
    if not isinstance(approver, dict) or approver.get("userType") not in ("User", "Group"):
        raise _invalid()
    return {"userId" if approver["userType"] == "User" else "groupId": approver.get("id")}


def _invalid() -> PimRefusal:
    return PimRefusal(400, "InvalidPolicy", "The policy is invalid.")
