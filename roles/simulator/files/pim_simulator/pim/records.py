# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PIM keeps: schedules (a principal holds, or may take, a role at a scope from a time to a time) and requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["assignment", "eligibility"]

PENDING = ("PendingApproval", "PendingProvisioning", "Granted", "ScheduleCreated", "PendingAdminDecision")
# What may be cancelled: documented for Granted; the older PIM service named the pending ones, too.
CANCELLABLE = ("Granted", "ScheduleCreated", "PendingApproval", "PendingAdminDecision")


@dataclass(frozen=True)
class Key:
    """What a role is held under. In a group the role is ``member`` or ``owner``, and the scope the group's id."""

    principal_id: str
    role_id: str
    scope: str


@dataclass(frozen=True)
class Expiration:
    """``expirationPattern`` as it was asked for."""

    type: Literal["notSpecified", "noExpiration", "afterDateTime", "afterDuration"] = "noExpiration"
    end: datetime | None = None
    duration: str | None = None


@dataclass(frozen=True)
class Details:
    """What a request says beside its action and key, read by the API it came through.

    ``action_as_written`` and ``custom_data`` are given back only. ``request_id`` is chosen by the client, where the API
    lets it. ``linked`` is the id of the eligibility to use.
    """

    schedule_info: Any = None
    justification: str | None = None
    ticket: Mapping[str, str | None] = field(default_factory=lambda: {"ticketNumber": None, "ticketSystem": None})
    validation_only: bool = False
    action_as_written: str = ""
    custom_data: str | None = None
    request_id: str | None = None
    linked: str | None = None
    condition: str | None = None
    condition_version: str | None = None


@dataclass
class Schedule:
    """One standing rule. ``start`` and ``end`` are UTC; an end of None is permanent."""

    id: str
    kind: Kind
    key: Key
    start: datetime
    end: datetime | None
    expiration: Expiration
    created: datetime
    created_using: str | None = None
    assignment_type: Literal["Assigned", "Activated"] | None = None
    # a permanent assignment from before PIM has no times on the wire
    classic: bool = False
    activated_using: str | None = None
    modified: datetime | None = None
    # how late lists show it
    listing_lag: timedelta = timedelta()
    removed: datetime | None = None
    listed_until: datetime | None = None
    # its end has come, and it goes on all the same
    outlives: bool = False
    condition: str | None = None
    condition_version: str | None = None

    def _over(self, now: datetime) -> bool:
        return self.end is not None and self.end <= now and not self.outlives

    def ended(self, now: datetime) -> bool:
        return self._over(now) or (self.removed is not None and self.removed <= now)

    def in_force(self, now: datetime) -> bool:
        return self.start <= now and not self.ended(now)

    def listed(self, now: datetime) -> bool:
        """Whether lists of schedules show it, from its creation on. They may lag behind what holds."""
        if now < self.created + self.listing_lag:
            return False
        if self.removed is not None and self.removed <= now:
            return self.listed_until is not None and now < self.listed_until
        return not self._over(now)

    def instance_listed(self, now: datetime) -> bool:
        """Whether lists of instances do: from its start on."""
        return self.start + self.listing_lag <= now and self.listed(now)


@dataclass
class Request:
    """A schedule request."""

    id: str
    kind: Kind
    action: str
    key: Key
    status: str
    created: datetime
    created_by: str
    created_by_app: bool
    details: Details
    start: datetime | None = None
    expiration: Expiration | None = None
    completed: datetime | None = None
    approval_id: str | None = None
    target_schedule_id: str | None = None
    visible_from: datetime | None = None
    decision: Decision | None = None


@dataclass(frozen=True)
class Decision:
    """An approver's answer."""

    result: Literal["Approve", "Deny"]
    by: str
    at: datetime
    justification: str
