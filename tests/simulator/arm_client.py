# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTP client of the simulated ARM, and what the default tenant has there."""

from __future__ import annotations

import uuid
from typing import Any

import requests

from simulator.service_client import OPERATOR, OWN_CLIENT, Client, claims_of

ARM = "https://management.azure.com"
VERSION = "2020-10-01"
PRODUCTION = "/subscriptions/3f6a1d52-8c07-4b9e-a2d4-5e1f70c8b936"
DEVELOPMENT = "/subscriptions/7b20e9c4-1d5f-4836-9ae7-c04d8f2b6135"
CONNECTIVITY = "/subscriptions/a94c3e71-60bd-4f28-8d15-2b7e9f0a4c86"
PLATFORM = "/providers/Microsoft.Management/managementGroups/platform"
WEB = f"{PRODUCTION}/resourceGroups/rg-web"
DATA = f"{PRODUCTION}/resourceGroups/rg-data"
HUB = f"{CONNECTIVITY}/resourceGroups/rg-hub"
WEB01 = f"{WEB}/providers/Microsoft.Compute/virtualMachines/web01"
TAGS = f"{WEB}/providers/Microsoft.Resources/tags/default"

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
KEY_VAULT_ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
BACKUP_CONTRIBUTOR = "5e467623-bb1f-42f4-a55d-6e525e11384b"
MONITORING_CONTRIBUTOR = "749f88d5-cbae-40b8-bcfc-e573ddc772fa"
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
AUTOMATION_CONTRIBUTOR = "f353d9bd-d4a6-484e-a77a-8050b599b867"

AUTHORIZATION = "/providers/Microsoft.Authorization"
MINE = "$filter=asTarget()"


def role_definition(scope: str, role: str) -> str:
    return f"{scope}{AUTHORIZATION}/roleDefinitions/{role}"


def names(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(role, scope) by their display names, in the order of the list."""
    expanded = [row["properties"]["expandedProperties"] for row in rows]
    return [(one["roleDefinition"]["displayName"], one["scope"]["displayName"]) for one in expanded]


class ArmClient(Client):
    """Calls of ARM, as somebody or other."""

    def arm_token(self, username: str = OPERATOR, resource: str = ARM, **form: str) -> str:
        answer = self.password_answer(username, client_id=OWN_CLIENT, scope=f"{resource}/.default", **form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def call(
        self, method: str, path: str, token: str | None, version: str | None = VERSION, **options: Any
    ) -> requests.Response:
        """``path`` with its query; the api-version is added."""
        url = path if path.startswith("https://") else f"{self.simulator.url}{path}"
        if version is not None:
            url += f"{'&' if '?' in path else '?'}api-version={version}"
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **options.pop("headers", {})}
        return self.session.request(method, url, headers=headers, timeout=30, **options)

    def listed(self, kind: str, token: str, scope: str = "", query: str = MINE) -> list[dict[str, Any]]:
        """The rows of one page of ``roleEligibilityScheduleInstances`` and the like."""
        answer = self.call("GET", f"{scope}{AUTHORIZATION}/{kind}?{query}", token)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    def put(
        self,
        token: str,
        scope: str,
        role: str,
        request_type: str = "SelfActivate",
        *,
        name: str | None = None,
        kind: str = "Assignment",
        action: str = "",
        **properties: Any,
    ) -> requests.Response:
        """A schedule request for the token's own principal; ``action`` validate sends it to be validated only."""
        content: dict[str, Any] = {
            "principalId": claims_of(token)["oid"],
            "roleDefinitionId": role_definition(scope, role),
            "requestType": request_type,
        }
        if request_type == "SelfActivate":
            duration = properties.pop("duration", "PT1H")
            content["justification"] = "a test"
            content["scheduleInfo"] = {"expiration": {"type": "AfterDuration", "duration": duration}}
        content.update(properties)
        content = {member: value for member, value in content.items() if value != "ABSENT"}
        path = f"{scope}{AUTHORIZATION}/role{kind}ScheduleRequests/{name or uuid.uuid4()}"
        if action:
            return self.call("POST", f"{path}/{action}", token, json={"properties": content})
        return self.call("PUT", path, token, json={"properties": content})

    def eligibility_id(self, token: str, role: str, scope: str) -> str:
        """The full id of the schedule of an own eligibility."""
        for row in self.listed("roleEligibilityScheduleInstances", token):
            properties = row["properties"]
            if properties["roleDefinitionId"].endswith(role) and properties["scope"] == scope:
                return str(properties["roleEligibilityScheduleId"])
        raise AssertionError(f"not eligible for {role} at {scope}")

    def held(self, token: str) -> list[tuple[str, str]]:
        """(role, scope) of what is listed as active, by display names."""
        return names(self.listed("roleAssignmentScheduleInstances", token))
