# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTP client of PIM for Groups, for the simulator's own tests."""

from __future__ import annotations

from typing import Any

from simulator.service_client import MINE, OPERATOR, Client, claims_of

ROOT = "identityGovernance/privilegedAccess/group"
ELIGIBLE = f"{ROOT}/eligibilityScheduleInstances"
ACTIVE = f"{ROOT}/assignmentScheduleInstances"
REQUESTS = f"{ROOT}/assignmentScheduleRequests"
PROVISIONING = ("a26e50cf-71e9-4d82-9fbb-e05391c46fa7", "Sim-provisioning-secret-1")


class GroupClient(Client):
    """Groups by name; calls as the operator where nobody else is named."""

    def group_id(self, name: str) -> str:
        """Of the only group with this name."""
        (row,) = self.rows(f"groups?$filter=displayName eq '{name}'&$select=id", self.token())
        return str(row["id"])

    def ask(self, token: str, group: str, action: str = "selfActivate", **body: Any) -> Any:
        """A request for the token's own principal. ``group`` is a name; ``kind`` assignment or eligibility."""
        kind = body.pop("kind", "assignment")
        content: dict[str, Any] = {
            "action": action,
            "accessId": "member",
            "groupId": body.pop("groupId", None) or self.group_id(group),
            "principalId": claims_of(token)["oid"],
        }
        if action.lower() == "selfactivate":
            content["justification"] = "a test"
            duration = body.pop("duration", "PT1H")
            content["scheduleInfo"] = {"expiration": {"type": "afterDuration", "duration": duration}}
        content.update(body)
        content = {name: value for name, value in content.items() if value != "ABSENT"}
        return self.graph("POST", f"{ROOT}/{kind}ScheduleRequests", token, json=content)

    def held(self, token: str, kind: str = "assignment") -> set[tuple[str, str]]:
        """(group, access) of what instances list as one's own."""
        rows = self.rows(f"{ROOT}/{kind}ScheduleInstances/{MINE}?$expand=group", token)
        return {(row["group"]["displayName"], row["accessId"]) for row in rows}

    def own_id(self, username: str = OPERATOR) -> str:
        return str(claims_of(self.token(username))["oid"])
