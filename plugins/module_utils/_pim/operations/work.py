# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One role on its way through an activation task: its step, and what came of it so far. Private to the collection."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ..errors import PimError
from ..models import Policy, Request, RoleRow
from ..plans.activation import ACTIVATING, AWAIT, DEACTIVATE, KEEP, RENEW, Step
from ..providers.base import Provider
from ..providers.registry import PROVIDERS

# An activation starts no earlier than it was asked for; services round.
_INEXACT = timedelta(seconds=5)
# Failures after which the same task can be run again as it is, and finds what is done. Others are answers to what was asked.
SAFE_AGAIN = frozenset(
    {
        "network",
        "throttled",
        "service_unavailable",
        "invalid_response",
        "session_expired",
        "session_busy",
        "session_unusable",
        "login_failed",
        "forbidden",
        "wait_timeout",
        "unexpected",
    }
)
# Failures that tell by themselves that the role is not active.
_TELLING = frozenset({"approval_denied", "request_withdrawn"})
_SAYS_SO = "unning again is safe"


@dataclass
class Work:
    """`row` is the role as last seen. `ours`: the pending request was made by this task, so it may withdraw it.

    `switched_on`, `switched_off`: what this task did to the role; both for a renewed one.
    """

    step: Step
    row: RoleRow
    request: Request | None = None
    ours: bool = False
    switched_on: bool = False
    switched_off: bool = False
    changed: bool = False
    status: str | None = None
    error: PimError | None = None
    # A write was sent for it, so that its failure has to tell what is so now.
    asked: bool = False
    # A first deactivation was sent, and its answer lost.
    ending: bool = False
    # What came instead of the last answer to one.
    lost: PimError | None = None
    # The service refused, because the role is active or asked for already.
    under_way: bool = False
    # Where it was read to plan the task.
    policy: Policy | None = None
    # Nothing more to be done or waited for.
    settled: bool = False
    # Those that waited when the task was planned; None where they were not read then.
    known_requests: frozenset[str] | None = field(default=frozenset())
    # For services that let the caller name a request: the same one, however often it has to be sent.
    activation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deactivation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    # What a run that holds this role writes into the journal with each activation it asks for; None where it will not hold it.
    lease: Mapping[str, Any] | None = None
    # The journal's entries of those.
    entries: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, step: Step) -> Work:
        pending = step.before.pending
        status = pending.status if pending is not None and step.action == AWAIT else None
        return cls(step, step.before, request=pending, status=status, settled=step.action == KEEP)

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.row.provider]

    @property
    def name(self) -> str:
        return self.row.title

    def is_the_old_one(self, active: RoleRow) -> bool:
        """Whether the service still lists an activation that was ended before this task's own."""
        before = self.step.before.expires_at
        if self.step.action == RENEW and before is not None and active.expires_at is not None:
            return active.expires_at <= before
        ended = self.step.before.ended_since
        if ended is not None and active.active_since is not None and active.active_since <= ended:
            return True
        asked = self.request.created_at if self.request is not None and self.switched_on else None
        return asked is not None and active.active_since is not None and active.active_since < asked - _INEXACT

    def ended_before(self, active: RoleRow) -> bool:
        """Whether an activation began after this task had ended the one before it: another run needs the role."""
        asked = self.request.created_at if self.request is not None and self.switched_off else None
        return asked is not None and active.active_since is not None and active.active_since > asked

    def made(self, pending: Request) -> bool:
        """Whether a request found waiting is this task's own, the answer to which was lost."""
        if pending.request_id.lower() == self.activation_id:
            return True
        return self.known_requests is not None and pending.request_id not in self.known_requests

    def failed(self, error: PimError, *, unsure: bool = False, told: bool = False) -> None:
        """`unsure`: it is not known what became of what was asked. `told`: the message says already what is so now."""
        if self.asked and error.code not in _TELLING:
            message = error.message if told else f"{error.message.rstrip('.')}; {self._state(unsure)}"
            error = error.retold(message, advice=safe_again(error))
        self.error = error.about(provider=self.row.provider, role=str(self.row.role), scope=self.row.scope)
        self.settled = True

    def _state(self, unsure: bool) -> str:
        if unsure:
            return f"the state of {self.name} is unknown"
        if self.row.active:
            return f"{self.name} is active now"
        if self.row.pending is not None:
            return f"the request for {self.name} still waits"
        return f"{self.name} is not active now"

    def foretell(self) -> None:
        """Check mode: what would be, where nothing is known to be against it."""
        if not self.settled and self.step.changes:
            self.changed = True
            self.switched_on = self.step.action in ACTIVATING
            self.switched_off = self.step.action == DEACTIVATE
            self.row = self.step.after

    def journal_entry(self, action: str) -> dict[str, Any]:
        entry: dict[str, Any] = {"renewal": True} if self.step.action == RENEW else {}
        if action == "activate" and self.lease is not None:
            entry |= {**self.lease, "scope_name": self.row.scope_name, "native": dict(self.row.native)}
            if self.provider.takes_our_ids:
                entry["request_id"] = self.activation_id
        return {
            **entry,
            "action": action,
            "principal_id": self.row.principal_id,
            "provider": self.row.provider,
            "role": self.row.role,
            "role_id": self.row.role_id,
            "scope": self.row.scope,
        }

    def as_result(self, row: RoleRow | None = None) -> dict[str, Any]:
        result = {
            **(row or self.row).as_result(),
            "changed": self.changed,
            "request_id": self.request.request_id or None if self.request else None,
            "status": self.status,
        }
        return result if self.error is None else {**result, "failure": self.error.as_failure()}


def safe_again(error: PimError) -> str | None:
    """Its advice, with the word that running again is safe, where it is and nothing says so."""
    advice = error.advice or ""
    if error.code not in SAFE_AGAIN or _SAYS_SO in advice:
        return error.advice
    return f"{advice} Running again is safe: what is already done is found and left.".lstrip()
