# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All schedules and requests of one area, and what time does to them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from pim_simulator.pim.areas import Area
from pim_simulator.pim.policies import Policies
from pim_simulator.pim.records import Expiration, Key, Kind, Request, Schedule
from pim_simulator.tenant.models import Holding

# Documented: a request that nobody decides ends after 24 hours, which no setting changes.
APPROVAL_TIMEOUT = timedelta(hours=24)

_KINDS: tuple[Kind, ...] = ("eligibility", "assignment")
_OPEN = ("PendingApproval", "PendingProvisioning", "Granted", "ScheduleCreated")


class Store:
    """Mutable. Call ``settle`` with the time before reading or writing: it lets due things happen.

    Schedules are only ever added: a position in one of the sequences stays what it is, so that pages of a list can go on
    from one. They are found by key, principal and scope without a look at all of them.
    """

    def __init__(self, area: Area, now: datetime) -> None:
        self.area = area
        self.directory = area.directory
        self.policies = Policies(area)
        self.lag = area.lag
        self.schedules: dict[str, Schedule] = {}
        self.requests: dict[str, Request] = {}
        self._of_kind: dict[Kind, list[Schedule]] = {kind: [] for kind in _KINDS}
        self._of_principal: dict[tuple[Kind, str], list[Schedule]] = {}
        self._at_scope: dict[tuple[Kind, str], list[Schedule]] = {}
        self._by_key: dict[tuple[Kind, Key], list[Schedule]] = {}
        self._open: dict[str, Request] = {}
        self._activated: list[Schedule] = []
        self._requests_by_key: dict[Key, list[Request]] = {}
        tenant = self.directory.tenant
        for kind, holdings in (("eligibility", tenant.eligibilities), ("assignment", tenant.assignments)):
            for number, holding in enumerate(holdings):
                if holding.provider == area.name:
                    self._add_holding(kind, holding, number, now)  # type: ignore[arg-type]  # the two literals above

    def _add_holding(self, kind: Kind, holding: Holding, number: int, now: datetime) -> None:
        role_id, scope = self.directory.address(holding.provider, holding.role, holding.scope)
        key = Key(self.directory.principal_named(holding.principal).id or "", role_id, scope)
        start = holding.starts.at(now) if holding.starts else now - timedelta(days=30)
        end = holding.ends.at(now) if holding.ends else None
        expiration = Expiration("afterDateTime", end=end) if end else Expiration()
        schedule_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.directory.tenant.tenant_id}/{kind}/{number}"))
        self.add(
            Schedule(
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
                condition=holding.condition,
                condition_version=holding.condition_version if holding.condition else None,
            )
        )

    def settle(self, now: datetime) -> None:
        """Start what is due, time out what nobody decided, keep what may not end."""
        for request in list(self._open.values()):
            if request.status == "PendingApproval" and now >= request.created + APPROVAL_TIMEOUT:
                request.status = "TimedOut"
                request.completed = request.created + APPROVAL_TIMEOUT
            elif request.status in ("Granted", "ScheduleCreated", "PendingProvisioning"):
                schedule = self.schedules.get(request.target_schedule_id or "")
                if schedule is not None and schedule.start <= now:
                    request.status = "Provisioned"
            if request.status not in _OPEN:
                del self._open[request.id]
        self._end_activations(now)

    def _end_activations(self, now: datetime) -> None:
        """In the order of their ends: the last of several may be one that must go on."""
        far = datetime.max.replace(tzinfo=now.tzinfo)
        running = []
        for schedule in sorted(self._activated, key=lambda s: s.end or far):
            if schedule.end is not None and schedule.end <= now and schedule.removed is None:
                moment = now if schedule.outlives else schedule.end
                schedule.outlives = self.area.outlives(schedule, moment)
            if not schedule.ended(now):
                running.append(schedule)
        self._activated = running

    # schedules

    def of_kind(self, kind: Kind) -> Sequence[Schedule]:
        return self._of_kind[kind]

    def of_principal(self, kind: Kind, principal_id: str) -> Sequence[Schedule]:
        return self._of_principal.get((kind, principal_id), ())

    def at_scope(self, kind: Kind, scope: str) -> Sequence[Schedule]:
        """At exactly this scope."""
        return self._at_scope.get((kind, scope), ())

    def of_key(self, kind: Kind, key: Key) -> Sequence[Schedule]:
        return self._by_key.get((kind, key), ())

    def held(self, kind: Kind, key: Key, now: datetime) -> Schedule | None:
        """The schedule in force for exactly this key."""
        return next((s for s in self.of_key(kind, key) if s.in_force(now)), None)

    def standing(self, kind: Kind, key: Key, now: datetime) -> Schedule | None:
        """The same, or one that lies in the future."""
        return next((s for s in self.of_key(kind, key) if not s.ended(now)), None)

    def lingering(self, key: Key, now: datetime) -> Schedule | None:
        """An assignment that was given back, and is listed all the same."""
        return next((s for s in self.of_key("assignment", key) if s.ended(now) and s.listed(now)), None)

    def eligibility_for(
        self, principal_ids: list[str], key: Key, now: datetime, linked: str | None = None
    ) -> Schedule | None:
        """The eligibility that lets one of the principals activate ``key``: at its scope or at one that covers it. A longer
        one wins, unless the request is linked to one by its id."""
        found = [
            schedule
            for principal_id in principal_ids
            for scope in self.area.covering(key.scope)
            for schedule in self.of_key("eligibility", Key(principal_id, key.role_id, scope))
            if schedule.in_force(now) and linked in (None, schedule.id)
        ]
        far = datetime.max.replace(tzinfo=now.tzinfo)
        return max(found, key=lambda s: s.end or far, default=None)

    def active_role_ids(self, object_id: str, now: datetime, scope: str = "/") -> set[str]:
        """Roles in force at exactly the scope for a principal, also through its groups."""
        return {
            schedule.key.role_id
            for holder in (object_id, *self.area.memberships.groups_of(object_id, now))
            for schedule in self.of_principal("assignment", holder)
            if schedule.key.scope == scope and schedule.in_force(now)
        }

    def add(self, schedule: Schedule) -> None:
        self.schedules[schedule.id] = schedule
        kind, key = schedule.kind, schedule.key
        self._of_kind[kind].append(schedule)
        self._of_principal.setdefault((kind, key.principal_id), []).append(schedule)
        self._at_scope.setdefault((kind, key.scope), []).append(schedule)
        self._by_key.setdefault((kind, key), []).append(schedule)
        if schedule.assignment_type == "Activated":
            self._activated.append(schedule)

    def remove(self, schedule: Schedule, now: datetime) -> None:
        """End it now; lists may show it for a while."""
        schedule.removed = now
        schedule.modified = now
        schedule.listed_until = now + self.lag.deactivation

    # requests

    def pending(self, key: Key) -> Request | None:
        """An activation of this key that is decided or started later."""
        waiting = self._requests_by_key.get(key, ())
        return next((r for r in waiting if r.action == "selfActivate" and r.status in _OPEN), None)

    def keep(self, request: Request) -> None:
        """A request that is more than a validation."""
        self.requests[request.id] = request
        self._open[request.id] = request
        self._requests_by_key.setdefault(request.key, []).append(request)

    def is_approver(self, object_id: str, request: Request, now: datetime) -> bool:
        """Named in the role's policy, directly or through a group; where the policy names nobody, the administrators."""
        users, groups = self.policies.of(request.key).approver_ids()
        if users or groups:
            return object_id in users or bool(groups & set(self.area.memberships.groups_of(object_id, now)))
        return self.area.may_administer(object_id, request.key.scope, now)
