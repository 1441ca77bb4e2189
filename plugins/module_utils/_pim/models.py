# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nouns of PIM, free of any service's spelling. Private to the collection.

Times are aware UTC datetimes, durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .times import format_duration, format_time

# The Microsoft clouds, by the word users know them by; `sign_in.clouds` says where they answer.
CLOUD_NAMES = ("public", "usgov", "usgov_dod", "china")
# The service keeps an activation, and asks of one, at least this long (Microsoft Entra documentation, "pim-how-to-add-role-to-user").
SHORTEST_ACTIVATION = 300
# The start of an activation for now lies a few seconds after its request, and the service's Date has whole seconds only.
A_MOMENT = timedelta(minutes=1)

# Phases of a request, whatever its service calls its status.
WAITING = "waiting"  # for an approver
SCHEDULED = "scheduled"  # accepted, starts later
PROVISIONING = "provisioning"  # accepted, on its way
DONE = "done"
DENIED = "denied"
UNDECIDED = "undecided"  # nobody decided in time
WITHDRAWN = "withdrawn"
FAILED = "failed"
PENDING = (WAITING, SCHEDULED, PROVISIONING)

# What an approver decides.
APPROVE = "approve"
DENY = "deny"


@dataclass(frozen=True)
class Holding:
    """One line of the service: a role held by the caller at a scope, eligible or active, directly or not."""

    role: str
    role_id: str
    scope: str
    scope_name: str | None
    eligible: bool
    member_type: str
    assignment_type: str | None
    start: datetime | None
    end: datetime | None
    native: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request for a role; `status` in the service's spelling, `phase` in ours: see above. Names are None where its list has none."""

    request_id: str
    role_id: str
    scope: str
    action: str
    status: str
    phase: str
    created_at: datetime | None = None
    start_time: datetime | None = None
    # Whom it is for; empty where the service does not tell.
    principal_id: str = ""
    principal_name: str | None = None
    role: str | None = None
    scope_name: str | None = None
    justification: str | None = None
    ticket_number: str | None = None
    ticket_system: str | None = None
    # In seconds.
    duration: float | None = None
    # By which the service knows what its approvers decide.
    approval_id: str | None = None
    # What names the role to its service, as in a row.
    native: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def as_pending(self) -> dict[str, Any]:
        return {
            # A request that is only foretold has neither yet.
            "request_id": self.request_id or None,
            "status": self.status or None,
            "created_at": format_time(self.created_at),
            "start_time": format_time(self.start_time),
        }

    def as_result(self, provider: str, approvers: Sequence[Approver] | None) -> dict[str, Any]:
        """`approvers` is None where they are not known."""
        return {
            "provider": provider,
            "role": self.role or self.role_id,
            "role_id": self.role_id,
            "scope": self.scope,
            "scope_name": self.scope_name,
            "request_id": self.request_id,
            "action": self.action,
            "status": self.status,
            "principal_id": self.principal_id or None,
            "principal_name": self.principal_name,
            "justification": self.justification,
            "ticket_number": self.ticket_number,
            "ticket_system": self.ticket_system,
            "created_at": format_time(self.created_at),
            "start_time": format_time(self.start_time),
            "duration": None if self.duration is None else format_duration(self.duration),
            "approvers": None if approvers is None else [one.as_result() for one in approvers],
        }


@dataclass(frozen=True)
class Stage:
    """The part of an approval that one approver decides. `decision` is APPROVE, DENY, or None where nobody has decided.

    `in_progress`: the service says that it waits; `ended`: that it does not any more. `assigned`: whether it waits for the caller,
    None where the service does not tell.
    """

    stage_id: str
    in_progress: bool
    ended: bool
    assigned: bool | None = None
    decision: str | None = None
    decided_by_id: str | None = None
    decided_by_name: str | None = None
    decided_at: datetime | None = None
    justification: str | None = None


@dataclass(frozen=True)
class Approver:
    id: str | None
    name: str | None
    type: str

    def as_result(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "type": self.type}


@dataclass(frozen=True)
class Policy:
    """What a role's settings ask of somebody who activates it; `maximum_duration` in seconds."""

    maximum_duration: int | None
    requires_mfa: bool
    requires_justification: bool
    requires_ticket: bool
    requires_approval: bool
    approvers: tuple[Approver, ...]
    authentication_context: str | None

    def as_result(self) -> dict[str, Any]:
        return {
            "maximum_duration": None if self.maximum_duration is None else format_duration(self.maximum_duration),
            "requires_mfa": self.requires_mfa,
            "requires_justification": self.requires_justification,
            "requires_ticket": self.requires_ticket,
            "requires_approval": self.requires_approval,
            "approvers": [one.as_result() for one in self.approvers],
            "authentication_context": self.authentication_context,
        }


@dataclass(frozen=True)
class RoleRow:
    """One role of one account at one scope: eligible and active merged (interface, section 3, pim_role_info)."""

    provider: str
    role: str | None
    role_id: str | None
    scope: str | None
    scope_name: str | None
    principal_id: str | None = None
    member_type: str | None = None
    eligible: bool | None = False
    eligible_until: datetime | None = None
    active: bool | None = False
    permanent: bool | None = False
    assignment_type: str | None = None
    active_since: datetime | None = None
    expires_at: datetime | None = None
    pending: Request | None = None
    policy: Policy | None = None
    # Of an activation that was ended a moment ago, and that lists may show still: when it began.
    ended_since: datetime | None = field(default=None, compare=False)
    # What the provider must send back to name this role to its service; never part of a result.
    native: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def title(self) -> str:
        """For messages: the role and where, by name too where an id alone tells a reader nothing."""
        named = self.scope_name if self.scope != "/" else None
        return f"{self.role} at {f'{named} ({self.scope})' if named else self.scope or 'any scope'}"

    def as_result(self) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "role": self.role,
            "role_id": self.role_id,
            "scope": self.scope,
            "scope_name": self.scope_name,
            "principal_id": self.principal_id,
            "member_type": self.member_type,
            "eligible": self.eligible,
            "eligible_until": format_time(self.eligible_until),
            "active": self.active,
            "permanent": self.permanent,
            "assignment_type": self.assignment_type,
            "active_since": format_time(self.active_since),
            "expires_at": format_time(self.expires_at),
            "pending": self.pending.as_pending() if self.pending else None,
            "policy": self.policy.as_result() if self.policy else None,
        }


@dataclass(frozen=True)
class Wanted:
    """A role as a playbook addresses it; `duration` is seconds, "max", or None for the default."""

    provider: str
    role: str
    scope: str | None
    duration: int | str | None = None
