# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same directory as Azure Resource Manager tells of it: one engine keeps the rules of both, in other spellings."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply

from unit.operations.directory import Directory, Role, error, reply
from unit.state.saved import OID

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
_PIM = "/providers/Microsoft.Authorization/"


@dataclass
class AzureRole(Role):
    scope: str = SUBSCRIPTION

    @property
    def id(self) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, self.name.lower()))


@dataclass
class Azure(Directory):
    """``unknown_for``: so long after an activation the service denies that there is one. ``names``: as each write called its request."""

    unknown_for: timedelta = timedelta(0)
    names: list[str] = field(default_factory=list)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def send(self, method: str, url: str, *, json_body: Any = None, **_options: Any) -> Reply:
        # Calls come side by side.
        with self._turn:
            self.calls += 1
            return reply(*self._handle(method, unquote(url.removeprefix("https://localhost:1")), json_body))

    def _handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self._expire()
        scope, _mark, rest = path.partition("?")[0].partition(_PIM)
        kind, *more = rest.split("/")
        if kind == "roleManagementPolicyAssignments":
            role_id = path.partition("roleDefinitions/")[2].partition("'")[0]
            told = {
                "scope": scope,
                "roleDefinitionId": _definition(scope, role_id),
                "effectiveRules": self._rules(role_id),
            }
            return 200, {"value": [{"properties": told}]}
        if kind == "roleEligibilityScheduleInstances":
            return 200, {"value": [self._line(role, {}) for role in self.roles if role.eligible]}
        if kind == "roleAssignmentScheduleInstances":
            return 200, {"value": [self._active_line(role) for role in self.roles if role.active]}
        if not more:
            return 200, {"value": [_request(one) for one in self.requests]}
        known = next((one for one in self.requests if one["id"] == more[0]), None)
        if more[1:] == ["cancel"]:
            return (200 if self._cancel(more[0])[0] < 300 else 400), None
        if method == "GET":
            return (200, _request(known)) if known else (404, error("RoleAssignmentRequestNotFound"))
        if known is not None:
            return 400, error("RoleAssignmentRequestExists")
        return self._put(scope, more[0], body["properties"], validate=more[1:] == ["validate"])

    def _put(self, scope: str, name: str, properties: dict[str, Any], *, validate: bool) -> tuple[int, Any]:
        action = properties["requestType"]
        if not validate:
            self.names.append(name)
        status, made = self._request(
            {
                **properties,
                "action": action[0].lower() + action[1:],
                "roleDefinitionId": properties["roleDefinitionId"].rpartition("/")[2],
                "directoryScopeId": scope,
                "isValidationOnly": validate,
            }
        )
        if status >= 300:
            return status, made
        made["id"] = name
        return (200 if validate else 201), _request(made)

    def _refusal(self, role: Role, body: dict[str, Any]) -> str | None:
        young = role.start is not None and self.service_now() - role.start < self.unknown_for
        if body["action"] == "selfDeactivate" and young:
            return "RoleAssignmentDoesNotExist"
        return super()._refusal(role, body)

    def _line(self, role: Role, more: dict[str, Any]) -> dict[str, Any]:
        properties = {
            "roleDefinitionId": _definition(role.scope, role.id),
            "scope": role.scope,
            "memberType": "Direct",
            "expandedProperties": {"roleDefinition": {"displayName": role.name}},
            **more,
        }
        # The service leaves out what is null.
        return {"properties": {key: value for key, value in properties.items() if value is not None}}


def _definition(scope: str, role_id: str) -> str:
    return f"{scope}{_PIM}roleDefinitions/{role_id}"


def _request(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["id"],
        "properties": {
            "requestType": one["action"][0].upper() + one["action"][1:],
            "roleDefinitionId": _definition(one["directoryScopeId"], one["roleDefinitionId"]),
            "scope": one["directoryScopeId"],
            "principalId": OID,
            "status": one["status"],
            "createdOn": one["createdDateTime"],
            "scheduleInfo": {key: value for key, value in one["scheduleInfo"].items() if value is not None},
        },
    }
