# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service of approvals small enough to see through, in the place of the transport, and whole tasks run before it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest import mock
from urllib.parse import unquote

from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import connection
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.repeats import Repeats
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply

from unit.clocks import START, FakeClock
from unit.operations.directory import error, reply
from unit.state.saved import OID, session

# Of the request, of its approval where a service names that otherwise, and of who asked.
GUID = "6b6f3e0c-4f44-4c8f-9c3e-9c0d5a8f4b1d"
APPROVAL = "0f1e2d3c-0000-4000-8000-000000000001"
SOMEBODY = "11111111-0000-4000-8000-000000000002"
_PIM = "/providers/Microsoft.Authorization/"


def lost() -> PimError:
    """What the transport raises where an answer did not come."""
    return PimError("network", "the service closed the connection", uncertain=True)


@dataclass
class Approvals:
    """One request of one role, and its approval. ``listed``: among those to decide; ``own``: among the caller's own.

    ``before_decision`` is called before each decision arrives: it may return an answer to send, or raise, in place of the service's.
    ``sent`` are the decisions that were sent, as (path, result); ``calls`` every path that was called.
    """

    provider: str
    fake: FakeClock
    listed: bool = True
    own: bool = False
    principal: str = SOMEBODY
    step: dict[str, Any] = field(default_factory=dict)
    known: bool = True
    steps_in_beta: bool = True
    read: int = 200
    before_decision: Callable[[Approvals], tuple[int, Any] | None] = lambda _service: None
    after_decision: Callable[[Approvals], None] = lambda _service: None
    sent: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.step = {"status": "InProgress", "assignedToMe": True, "reviewResult": "NotReviewed", **self.step}

    def decide(self, result: str, by: str = SOMEBODY, name: str = "Anna") -> None:
        arm = self.provider == "azure_resources"
        reviewer = {"principalId": by, "principalName": name} if arm else {"id": by, "displayName": name}
        self.step.update(
            status="Completed", reviewResult=result, reviewedBy=reviewer, reviewedDateTime="2030-03-17T17:50:00Z"
        )

    # What the transport offers.

    def send(self, method: str, url: str, *, json_body: Any = None, **_options: Any) -> Reply:
        path = unquote(url.removeprefix("https://localhost:1"))
        self.calls.append(path)
        if "ScheduleRequests" in path:
            shown = self.listed if "pprover" in path else self.own
            return reply(200, {"value": [self._request()] if shown else []})
        return reply(*self._approval(method, path, json_body))

    def pause(self, seconds: float) -> None:
        self.fake.clock.sleep(seconds)

    def stop(self) -> None:
        """No thread is behind."""

    def is_over(self) -> bool:
        return False

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

    def _request(self) -> dict[str, Any]:
        if self.provider == "azure_resources":
            properties = {
                "scope": "/subscriptions/1",
                "roleDefinitionId": f"/subscriptions/1{_PIM}roleDefinitions/{GUID}",
                "principalId": self.principal,
                "requestType": "SelfActivate",
                "status": "PendingApproval",
                "approvalId": f"{_PIM}roleAssignmentApprovals/{APPROVAL}",
                "expandedProperties": {"roleDefinition": {"displayName": "Owner"}},
            }
            return {"name": GUID, "properties": properties}
        key = (
            {"accessId": "member", "groupId": "g1", "group": {"displayName": "Board"}}
            if self.provider == "groups"
            else {"roleDefinitionId": "r1", "directoryScopeId": "/", "roleDefinition": {"displayName": "Owner"}}
        )
        common = {"id": GUID, "status": "PendingApproval", "action": "selfActivate", "approvalId": GUID}
        return {**common, "principalId": self.principal, **key}

    def _approval(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        arm = self.provider == "azure_resources"
        if self.provider == "groups" and path.startswith("/beta/") != self.steps_in_beta:
            return 400, error("BadRequest")
        named = path.partition("Approvals/")[2].partition("/")[0]
        if not self.known or named != (APPROVAL if arm else GUID):
            return 404, error("ResourceNotFound")
        if method == "GET":
            row = {"name": "s1", "properties": self.step} if arm else {"id": "s1", **self.step}
            return (200, {"value": [row]}) if self.read == 200 else (self.read, error("AccessDenied"))
        body = body["properties"] if arm else body
        self.sent.append((path, body["reviewResult"]))
        ordered = self.before_decision(self)
        if ordered is not None:
            return ordered
        if self.step["status"] != "InProgress":
            return 409, error("Conflict")
        self.decide(body["reviewResult"], OID, "Operator")
        self.after_decision(self)
        return 204, None


def run(operation: Operation, service: Any, path: str, check_mode: bool = False, **given: Any) -> dict[str, Any]:
    """The result of one task with these options; everything else is left at its default."""
    fake = service.fake
    tokens = {api: Token("a-token", START, START + 30 * 86400, []) for api in ("graph", "arm")}
    Sessions(path, fake.clock).save(session(tokens=tokens, scopes={api: [] for api in tokens}, refresh_token=None))
    params = {name: option.get("default") for name, option in operation.spec()["argument_spec"].items()}
    params.update({"session_dir": path, **given})
    context = Context(clock=fake.clock, environ={"HOME": path}, check_mode=check_mode, diff=True)
    with mock.patch.object(connection, "Transport", return_value=service):
        result = perform(operation, params, context)
    result["warnings"] = context.warnings
    return result
