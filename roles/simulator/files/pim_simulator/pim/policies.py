# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role management policies: the 17 rules of a role as the wire of Graph has them, and what they demand.

The rules themselves are the state (a PATCH replaces one), so whatever a test writes into a rule is what is enforced.
Defaults: the documented bodies of a directory role.
"""

from __future__ import annotations

import copy
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pim_simulator.directory import Directory
from pim_simulator.pim.errors import PimRefusal
from pim_simulator.pim.records import Key
from pim_simulator.tenant.models import Group, PolicySettings
from pim_simulator.times import format_duration, parse_duration

if TYPE_CHECKING:
    from pim_simulator.pim.areas import Area

_TYPE = "#microsoft.graph.unifiedRoleManagementPolicy"
_ENABLED = ("MultiFactorAuthentication", "Justification", "Ticketing")
_PROPERTIES = {
    "Expiration": {"isExpirationRequired", "maximumDuration"},
    "Enablement": {"enabledRules"},
    "Notification": {
        "notificationType",
        "recipientType",
        "notificationLevel",
        "isDefaultRecipientsEnabled",
        "notificationRecipients",
    },
    "Approval": {"setting"},
    "AuthenticationContext": {"isEnabled", "claimValue"},
}


class Policy:
    """The policy of one role at one scope that has policies."""

    def __init__(self, policy_guid: str, role_id: str, scope: str, rules: list[dict[str, Any]]) -> None:
        self.guid = policy_guid
        self.role_id = role_id
        self.scope = scope
        self.rules = {rule["id"]: rule for rule in rules}
        self.modified: datetime | None = None
        self.modified_by: tuple[str | None, str | None] = (None, None)

    def enabled_rules(self, caller: str, level: str) -> set[str]:
        """``caller`` is EndUser or Admin, ``level`` Assignment or Eligibility."""
        return set(self.rules[f"Enablement_{caller}_{level}"]["enabledRules"])

    def permanent_allowed(self, caller: str, level: str) -> bool:
        return not self.rules[f"Expiration_{caller}_{level}"]["isExpirationRequired"]

    def maximum(self, caller: str, level: str) -> timedelta:
        return parse_duration(self.rules[f"Expiration_{caller}_{level}"]["maximumDuration"])

    def authentication_context(self) -> str | None:
        rule = self.rules["AuthenticationContext_EndUser_Assignment"]
        return rule["claimValue"] if rule["isEnabled"] else None

    def approval_required(self) -> bool:
        return bool(self.rules["Approval_EndUser_Assignment"]["setting"]["isApprovalRequired"])

    def approver_ids(self) -> tuple[set[str], set[str]]:
        """(user ids, group ids) of the approvers of the one stage."""
        users: set[str] = set()
        groups: set[str] = set()
        for stage in self.rules["Approval_EndUser_Assignment"]["setting"]["approvalStages"]:
            for approver in stage["primaryApprovers"]:
                if "groupId" in approver:
                    groups.add(approver["groupId"])
                else:
                    users.add(approver["userId"])
        return users, groups

    def approver_justification_required(self) -> bool:
        stages = self.rules["Approval_EndUser_Assignment"]["setting"]["approvalStages"]
        return any(stage["isApproverJustificationRequired"] for stage in stages)


class Policies:
    """All policies of one area. Each is made when somebody asks for it: there is one for each role wherever there can be."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self.directory = area.directory
        self._made: dict[tuple[str, str], Policy] = {}
        self.by_guid: dict[str, Policy] = {}

    def of(self, key: Key) -> Policy:
        """The policy that counts for a role at the key's scope."""
        return self.at(key.role_id, self._area.policy_scope(key.scope))

    def at(self, role_id: str, scope: str) -> Policy:
        """The policy of a role at a scope that has policies."""
        found = self._made.get((role_id, scope))
        if found is None:
            place = role_id if scope == "/" else f"{scope}/{role_id}"
            guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory.tenant.tenant_id}/policy/{place}"))
            settings = self._area.policy_settings(role_id, scope)
            found = Policy(guid, role_id, scope, _rules(settings, self.directory, self._area.operations))
            self._made[role_id, scope] = self.by_guid[guid] = found
        return found

    def replace_rule(self, policy: Policy, rule_id: str, wanted: dict[str, Any], by: str, now: datetime) -> None:
        """Check and store a whole rule. Raises PimRefusal."""
        current = policy.rules[rule_id]
        if wanted.get("@odata.type") != current["@odata.type"]:
            raise PimRefusal(400, "InvalidPolicy", f"The rule {rule_id} is of type {current['@odata.type']}.")
        if wanted.get("id", rule_id) != rule_id:
            raise PimRefusal(400, "InvalidPolicyRule", "The id of the rule does not match the address.")
        kind = rule_id.split("_", 1)[0]
        own = _PROPERTIES[kind]
        for name in wanted:
            if name not in own | {"@odata.type", "id", "target", "@odata.context"}:
                rule_type = current["@odata.type"].lstrip("#")
                raise PimRefusal(
                    400,
                    "BadRequest",
                    f"The property '{name}' does not exist on type '{rule_type}'. Make sure to only use property names "
                    "that are defined by the type.",
                )
        if not isinstance(wanted.get("target"), dict):
            raise PimRefusal(400, "InvalidPolicy", "The policy is invalid: the rule has no target.")
        rule = {**current, **{name: copy.deepcopy(wanted[name]) for name in own if name in wanted}}
        self._check(rule_id, kind, rule)
        policy.rules[rule_id] = rule
        policy.modified = now
        editor = self.directory.object(by)
        policy.modified_by = (by, editor.name if editor else None)

    def _check(self, rule_id: str, kind: str, rule: dict[str, Any]) -> None:
        try:
            if kind == "Expiration":
                _check_expiration(rule_id, rule)
            elif kind == "Enablement":
                if not isinstance(rule["enabledRules"], list) or set(rule["enabledRules"]) - set(_ENABLED):
                    raise ValueError("enabledRules")
            elif kind == "AuthenticationContext":
                if not isinstance(rule["isEnabled"], bool) or (rule["isEnabled"] and not rule["claimValue"]):
                    raise ValueError("claimValue")
            elif kind == "Approval":
                rule["setting"] = self._approval(rule["setting"])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise PimRefusal(400, "InvalidPolicy", f"The policy is invalid: {rule_id}.") from error

    def _approval(self, setting: dict[str, Any]) -> dict[str, Any]:
        """The setting as it reads back: approvers under userId or groupId, with their name as description."""
        allowed = set(_approval_setting(False, []))
        if set(setting) - allowed - {"@odata.type"}:
            raise ValueError("unknown property of setting")
        result = {**_approval_setting(False, []), **setting}
        stages = []
        for stage in result["approvalStages"]:
            base = _approval_setting(False, [])["approvalStages"][0]
            if set(stage) - set(base) - {"@odata.type"}:
                raise ValueError("unknown property of stage")
            approvers = []
            for item in stage.get("primaryApprovers", []):
                found = self.directory.principal(item.get("userId") or item.get("groupId") or item["id"])
                if found is None:
                    raise ValueError("unknown approver")
                approvers.append(_approver(found.id or "", found.name, isinstance(found, Group)))
            stages.append({**base, **stage, "primaryApprovers": approvers})
        return {**result, "approvalStages": stages}


def _check_expiration(rule_id: str, rule: dict[str, Any]) -> None:
    if not isinstance(rule["isExpirationRequired"], bool):
        raise ValueError("isExpirationRequired")
    maximum = parse_duration(rule["maximumDuration"])
    if maximum <= timedelta():
        raise ValueError("maximumDuration")
    if rule_id == "Expiration_EndUser_Assignment" and not timedelta(minutes=30) <= maximum <= timedelta(hours=24):
        raise ValueError("maximumDuration")


def _approver(object_id: str, name: str, group: bool) -> dict[str, Any]:
    if group:
        return {"@odata.type": "#microsoft.graph.groupMembers", "groupId": object_id, "description": name}
    return {"@odata.type": "#microsoft.graph.singleUser", "userId": object_id, "description": name}


def _approval_setting(required: bool, approvers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "isApprovalRequired": required,
        "isApprovalRequiredForExtension": False,
        "isRequestorJustificationRequired": True,
        "approvalMode": "SingleStage",
        "approvalStages": [
            {
                "approvalStageTimeOutInDays": 1,
                "isApproverJustificationRequired": True,
                "escalationTimeInMinutes": 0,
                "isEscalationEnabled": False,
                "primaryApprovers": approvers,
                "escalationApprovers": [],
            }
        ],
    }


def _rules(settings: PolicySettings, directory: Directory, operations: str) -> list[dict[str, Any]]:
    approvers = []
    for name in settings.approvers:
        found = directory.principal_named(name)
        approvers.append(_approver(found.id or "", found.name, isinstance(found, Group)))

    def enabled(mfa: bool, justification: bool, ticket: bool) -> list[str]:
        return [name for name, on in zip(_ENABLED, (mfa, justification, ticket)) if on]

    def rule(kind: str, who: str, caller: str, level: str, **own: Any) -> dict[str, Any]:
        return {
            "@odata.type": f"{_TYPE}{kind}Rule",
            "id": f"{who}_{caller}_{level}",
            **own,
            "target": {
                "caller": caller,
                "operations": [operations],
                "level": level,
                "inheritableSettings": [],
                "enforcedSettings": [],
            },
        }

    def expiration(caller: str, level: str, permanent: bool, maximum: timedelta) -> dict[str, Any]:
        own = {"isExpirationRequired": not permanent, "maximumDuration": format_duration(maximum)}
        return rule("Expiration", "Expiration", caller, level, **own)

    def notifications(caller: str, level: str) -> list[dict[str, Any]]:
        return [
            rule(
                "Notification",
                f"Notification_{recipient}",
                caller,
                level,
                notificationType="Email",
                recipientType=recipient,
                notificationLevel="All",
                isDefaultRecipientsEnabled=True,
                notificationRecipients=[],
            )
            for recipient in ("Admin", "Requestor", "Approver")
        ]

    s = settings
    maximum = s.maximum_duration
    return [
        expiration("Admin", "Eligibility", s.permanent_eligibility, s.maximum_eligibility),
        rule("Enablement", "Enablement", "Admin", "Eligibility", enabledRules=[]),
        *notifications("Admin", "Eligibility"),
        expiration("Admin", "Assignment", s.permanent_assignment, s.maximum_assignment),
        rule(
            "Enablement",
            "Enablement",
            "Admin",
            "Assignment",
            enabledRules=enabled(s.assignment_mfa, s.assignment_justification, False),
        ),
        *notifications("Admin", "Assignment"),
        expiration("EndUser", "Assignment", False, maximum),
        rule(
            "Enablement",
            "Enablement",
            "EndUser",
            "Assignment",
            enabledRules=enabled(s.mfa, s.justification, s.ticket),
        ),
        rule("Approval", "Approval", "EndUser", "Assignment", setting=_approval_setting(s.approval, approvers)),
        rule(
            "AuthenticationContext",
            "AuthenticationContext",
            "EndUser",
            "Assignment",
            isEnabled=s.authentication_context is not None,
            claimValue=s.authentication_context,
        ),
        *notifications("EndUser", "Assignment"),
    ]
