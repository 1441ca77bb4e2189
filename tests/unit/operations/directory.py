# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory small enough to see through, in the place of the transport: it keeps PIM's rules and writes down every write."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.repeats import Repeats
from ansible_collections.entra.pim.plugins.module_utils._pim.times import format_time, parse_duration, parse_time
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply

from unit.clocks import FakeClock

_ROOM = "/roleManagement/directory/"


@dataclass
class Role:
    """One role at one scope, as the account holds it. ``end`` of None: until further notice."""

    name: str
    scope: str = "/"
    eligible: bool = True
    active: bool = False
    assigned: bool = False
    start: datetime | None = None
    end: datetime | None = None
    maximum: str = "PT8H"
    justification: bool = False
    approval: bool = False

    @property
    def id(self) -> str:
        return f"id-{self.name.lower()}"


@dataclass
class Directory:
    """``writes``: (action, role id, scope) of every write that was asked for, validations apart; ``changes`` those that took effect.

    ``shortest``: an activation that is younger cannot be ended.
    """

    fake: FakeClock
    roles: list[Role]
    requests: list[dict[str, Any]] = field(default_factory=list)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    validations: int = 0
    calls: int = 0
    shortest: timedelta = timedelta(minutes=5)

    # What the transport offers.

    def send(self, method: str, url: str, *, json_body: Any = None, **_options: Any) -> Reply:
        self.calls += 1
        path = url.partition("/v1.0")[2]
        if path == "/$batch":
            answers = []
            for item in json_body["requests"]:
                status, body = self._handle(item["method"], item["url"], item.get("body"))
                answers.append({"id": item["id"], "status": status, "headers": {}, "body": body})
            return reply(200, {"responses": answers[::-1]})
        return reply(*self._handle(method, path, json_body))

    def stop(self) -> None:
        """No thread is behind."""

    def is_over(self) -> bool:
        return False

    def pause(self, seconds: float) -> None:
        if seconds > 0:
            self.fake.clock.sleep(seconds)

    def repeats(self) -> Repeats:
        return Repeats(self.fake.clock, float("inf"))

    def tell(self, line: str) -> None:
        """Nobody listens."""

    @contextlib.contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Calls take no time here, so nothing has to be bounded."""
        yield

    def service_now(self) -> datetime:
        return self.fake.clock.now()

    def close(self) -> None:
        """There is nothing to close."""

    # What the service does.

    def state(self) -> set[tuple[str, str]]:
        """The roles that are active now, as (id, scope)."""
        self._expire()
        return {(role.id, role.scope) for role in self.roles if role.active}

    def _expire(self) -> None:
        for role in self.roles:
            if role.active and role.end is not None and role.end <= self.service_now():
                role.active = False

    def _handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self._expire()
        if path.startswith("/policies/"):
            found = re.search(r"roleDefinitionId%20eq%20%27([\w-]+)%27", path)
            return 200, {"value": [{"policy": {"rules": self._rules(found.group(1) if found else "")}}]}
        place = path.removeprefix(_ROOM)
        if method == "GET" and place.startswith("roleEligibilityScheduleInstances/"):
            return 200, {"value": [self._line(role, {"endDateTime": None}) for role in self.roles if role.eligible]}
        if method == "GET" and place.startswith("roleAssignmentScheduleInstances/"):
            return 200, {"value": [self._active_line(role) for role in self.roles if role.active]}
        if method == "GET" and place.startswith("roleAssignmentScheduleRequests/filter"):
            return 200, {"value": self.requests}
        if place.endswith("/cancel"):
            return self._cancel(place.split("/")[1])
        if method == "GET":
            wanted = place.split("/")[1]
            return next(((200, one) for one in self.requests if one["id"] == wanted), (404, error("NotFound")))
        return self._request(body)

    def _line(self, role: Role, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "roleDefinitionId": role.id,
            "directoryScopeId": role.scope,
            "memberType": "Direct",
            "roleDefinition": {"displayName": role.name},
            **more,
        }

    def _active_line(self, role: Role) -> dict[str, Any]:
        kind = "Assigned" if role.assigned else "Activated"
        times = {"startDateTime": format_time(role.start), "endDateTime": format_time(role.end)}
        return self._line(role, {"assignmentType": kind, **times})

    def _rules(self, role_id: str) -> list[dict[str, Any]]:
        role = next(one for one in self.roles if one.id == role_id)
        return [
            {"id": "Expiration_EndUser_Assignment", "isExpirationRequired": True, "maximumDuration": role.maximum},
            {"id": "Enablement_EndUser_Assignment", "enabledRules": ["Justification"] if role.justification else []},
            {"id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": role.approval}},
        ]

    def _request(self, body: dict[str, Any]) -> tuple[int, Any]:
        role = next(
            one for one in self.roles if (one.id, one.scope) == (body["roleDefinitionId"], body["directoryScopeId"])
        )
        write = (body["action"], role.id, role.scope)
        if body.get("isValidationOnly"):
            self.validations += 1
        else:
            self.writes.append(write)
        refusal = self._refusal(role, body)
        if refusal:
            return 400, error(refusal)
        now = self.service_now()
        start = max(now, parse_time(body.get("scheduleInfo", {}).get("startDateTime", "2000-01-01")))
        status = (
            "Revoked" if body["action"] == "selfDeactivate" else "PendingApproval" if role.approval else "Provisioned"
        )
        if status == "Provisioned" and start > now:
            status = "Granted"
        made = {
            **{key: body[key] for key in ("action", "roleDefinitionId", "directoryScopeId")},
            "id": f"r{len(self.requests)}",
            "status": status,
            "createdDateTime": format_time(now),
            "scheduleInfo": {"startDateTime": None if status == "PendingApproval" else format_time(start)},
        }
        if body.get("isValidationOnly"):
            return 201, made
        self.requests.append(made)
        self.changes.append(write)
        if status == "Revoked":
            role.active = False
        elif status == "Provisioned":
            duration = parse_duration(body["scheduleInfo"]["expiration"]["duration"])
            role.active, role.assigned, role.start, role.end = True, False, now, now + timedelta(seconds=duration)
        return 201, made

    def _refusal(self, role: Role, body: dict[str, Any]) -> str | None:
        if body["action"] == "selfDeactivate":
            if not role.active or role.assigned:
                return "RoleAssignmentDoesNotExist"
            young = role.start is not None and self.service_now() - role.start < self.shortest
            return "ActiveDurationTooShort" if young else None
        if role.active:
            return "RoleAssignmentExists"
        waiting = ("PendingApproval", "Granted")
        if any(
            one["status"] in waiting and one["roleDefinitionId"] == role.id and one["directoryScopeId"] == role.scope
            for one in self.requests
        ):
            return "PendingRoleAssignmentRequest"
        duration = parse_duration(body["scheduleInfo"]["expiration"]["duration"])
        missing = role.justification and not body.get("justification")
        too_long = duration > parse_duration(role.maximum)
        return "RoleAssignmentRequestPolicyValidationFailed" if missing or too_long or not role.eligible else None

    def _cancel(self, number: str) -> tuple[int, Any]:
        found = next(one for one in self.requests if one["id"] == number)
        write = ("cancel", found["roleDefinitionId"], found["directoryScopeId"])
        self.writes.append(write)
        self.changes.append(write)
        found["status"] = "Canceled"
        return 204, None


def reply(status: int, body: Any) -> Reply:
    return Reply(status, {}, b"" if body is None else json.dumps(body).encode())


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{code} happened"}}
