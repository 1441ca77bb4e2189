# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All schedules and requests of the tenant, and what time does to them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from pim_simulator.directory import Directory
from pim_simulator.pim.policies import Policies
from pim_simulator.pim.records import Expiration, Key, Kind, Request, Schedule
from pim_simulator.tenant.builtin_roles import BUILTIN_ROLES
from pim_simulator.tenant.models import Holding

# Documented: a request that nobody decides ends after 24 hours, which no setting changes.
APPROVAL_TIMEOUT = timedelta(hours=24)

_READERS = (
    "Global Reader",
    "Security Reader",
    "Security Operator",
    "Security Administrator",
    "Privileged Role Administrator",
    "Global Administrator",
)
_ADMINISTRATORS = ("Privileged Role Administrator", "Global Administrator")


class Store:
    """Mutable. Call ``settle`` with the time before reading or writing: it lets due things happen."""

    def __init__(self, directory: Directory, policies: Policies, now: datetime) -> None:
        self.directory = directory
        self.policies = policies
        self.lag = directory.tenant.lag
        self.schedules: dict[str, Schedule] = {}
        self.requests: dict[str, Request] = {}
        for kind, holdings in (
            ("eligibility", directory.tenant.eligibilities),
            ("assignment", directory.tenant.assignments),
        ):
            for number, holding in enumerate(holdings):
                self._add_holding(kind, holding, number, now)  # type: ignore[arg-type]  # the two literals above

    def _add_holding(self, kind: Kind, holding: Holding, number: int, now: datetime) -> None:
        key = Key(
            self.directory.principal_named(holding.principal).id or "",
            self.directory.role_id(holding.role),
            self.directory.scope_id(holding.scope),
        )
        start = holding.starts.at(now) if holding.starts else now - timedelta(days=30)
        end = holding.ends.at(now) if holding.ends else None
        expiration = Expiration("afterDateTime", end=end) if end else Expiration()
        schedule_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory.tenant.tenant_id}/{kind}/{number}"))
        self.schedules[schedule_id] = Schedule(
            id=schedule_id,
            kind=kind,
            key=key,
            start=start,
            end=end,
            expiration=expiration,
            created=min(start, now),
            created_using=schedule_id,
            assignment_type="Assigned" if kind == "assignment" else None,
            classic=kind == "assignment" and end is None and holding.starts is None,
        )

    def settle(self, now: datetime) -> None:
        """Start what is due, time out what nobody decided."""
        for request in self.requests.values():
            if request.status == "PendingApproval" and now >= request.created + APPROVAL_TIMEOUT:
                request.status = "TimedOut"
                request.completed = request.created + APPROVAL_TIMEOUT
            elif request.status in ("Granted", "ScheduleCreated", "PendingProvisioning"):
                schedule = self.schedules.get(request.target_schedule_id or "")
                if schedule is not None and schedule.start <= now:
                    request.status = "Provisioned"

    def of_kind(self, kind: Kind) -> Iterator[Schedule]:
        return (schedule for schedule in self.schedules.values() if schedule.kind == kind)

    def held(self, kind: Kind, key: Key, now: datetime) -> Schedule | None:
        """The schedule in force for exactly this key."""
        return next((s for s in self.of_kind(kind) if s.key == key and s.in_force(now)), None)

    def standing(self, kind: Kind, key: Key, now: datetime) -> Schedule | None:
        """The same, or one that lies in the future."""
        return next((s for s in self.of_kind(kind) if s.key == key and not s.ended(now)), None)

    def eligibility_for(self, principal_ids: list[str], key: Key, now: datetime) -> Schedule | None:
        """The eligibility that lets one of the principals activate ``key``: at its scope or at the tenant, which covers
        every scope (the portal lets a user narrow the scope at activation). A longer one wins."""
        found = [
            s
            for s in self.of_kind("eligibility")
            if s.key.principal_id in principal_ids
            and s.key.role_id == key.role_id
            and s.key.scope in (key.scope, "/")
            and s.in_force(now)
        ]
        far = datetime.max.replace(tzinfo=now.tzinfo)
        return max(found, key=lambda s: s.end or far, default=None)

    def pending(self, key: Key) -> Request | None:
        """An activation of this key that is decided or started later."""
        waiting = ("PendingApproval", "PendingProvisioning", "Granted", "ScheduleCreated")
        return next(
            (r for r in self.requests.values() if r.key == key and r.action == "selfActivate" and r.status in waiting),
            None,
        )

    def active_role_ids(self, object_id: str, now: datetime, scope: str = "/") -> set[str]:
        """Roles in force at the scope for a principal, also through its groups."""
        holders = {object_id, *self.directory.groups_of(object_id)}
        return {
            s.key.role_id
            for s in self.of_kind("assignment")
            if s.key.principal_id in holders and s.key.scope == scope and s.in_force(now)
        }

    def may_read_all(self, object_id: str, now: datetime) -> bool:
        """Documented for PIM: these roles read what others hold."""
        return bool(self.active_role_ids(object_id, now) & {BUILTIN_ROLES[name] for name in _READERS})

    def may_administer(self, object_id: str, now: datetime) -> bool:
        return bool(self.active_role_ids(object_id, now) & {BUILTIN_ROLES[name] for name in _ADMINISTRATORS})

    def is_approver(self, object_id: str, request: Request, now: datetime) -> bool:
        """Named in the role's policy, directly or through a group; where the policy names nobody, the administrators."""
        users, groups = self.policies.by_role[request.key.role_id].approver_ids()
        if users or groups:
            return object_id in users or bool(groups & set(self.directory.groups_of(object_id)))
        return self.may_administer(object_id, now)

    def add(self, schedule: Schedule) -> None:
        self.schedules[schedule.id] = schedule

    def remove(self, schedule: Schedule, now: datetime) -> None:
        """End it now; lists may show it for a while."""
        schedule.removed = now
        schedule.modified = now
        schedule.listed_until = now + self.lag.deactivation
