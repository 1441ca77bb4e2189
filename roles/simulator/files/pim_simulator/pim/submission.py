# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A schedule request is posted: every check the service makes, in its order, then the effect.

Order (partly evidenced only): shape, principal and role (both read by the API it came through), what exists already,
authentication context, policy rules, approval. A refused request leaves nothing behind.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pim_simulator.callers import Caller
from pim_simulator.pim.errors import (
    PimRefusal,
    insufficient_privileges,
    invalid_request,
    role_assignment_does_not_exist,
    role_assignment_exists,
)
from pim_simulator.pim.records import CANCELLABLE, Details, Key, Kind, Request, Schedule
from pim_simulator.pim.rules import Failures, mfa_failed
from pim_simulator.pim.schedule_info import Window, read_window
from pim_simulator.pim.store import Store

SELF_ACTIONS = ("selfActivate", "selfDeactivate")
ADMIN_ACTIONS = ("adminAssign", "adminUpdate", "adminExtend", "adminRemove")
# Of the service, not of this simulator: said so instead of half done.
UNSUPPORTED_ACTIONS = ("adminRenew", "selfExtend", "selfRenew")

INVALID = "The role assignment request is invalid."


def read_action(action: Any, kind: Kind) -> str:
    """The action by its name on Graph; enum members are read in any case (the documents themselves vary). Raises
    PimRefusal."""
    known = SELF_ACTIONS + ADMIN_ACTIONS + UNSUPPORTED_ACTIONS
    found = next((name for name in known if isinstance(action, str) and name.casefold() == action.casefold()), None)
    if found is None:
        raise invalid_request(INVALID)
    if found in UNSUPPORTED_ACTIONS:
        raise PimRefusal(501, "NotImplemented", f"This simulator has no action {found}.")
    if kind == "eligibility" and found in SELF_ACTIONS:
        # self activation makes an assignment, never an eligibility
        raise invalid_request(INVALID)
    return found


class Submission:
    """One request. ``action`` is what ``read_action`` gives; ``key`` names a principal, a role and a scope that exist."""

    def __init__(
        self, store: Store, kind: Kind, action: str, key: Key, details: Details, caller: Caller, now: datetime
    ) -> None:
        self.store = store
        self.kind: Kind = kind
        self.action = action
        self.key = key
        self.details = details
        self.caller = caller
        self.now = now
        self.area = store.area
        self.tenant = store.directory.tenant
        self.policy = store.policies.of(key)

    def submit(self) -> Request:
        """The request, stored unless it was for validation only. Raises PimRefusal."""
        self.store.settle(self.now)
        if self.action == "selfActivate":
            return self._self_activate()
        if self.action == "selfDeactivate":
            return self._self_deactivate()
        self._require_administrator()
        if self.action == "adminRemove":
            return self._admin_remove()
        return self._admin_assign()

    def _require_own(self) -> None:
        """Self actions are for the caller; for a group whose member the caller is, the service acts for the group."""
        if self.caller.app_only:
            # no source shows an application activating for itself
            raise insufficient_privileges()
        own = {self.caller.object_id, *self.area.memberships.groups_of(self.caller.object_id, self.now)}
        if self.key.principal_id not in own:
            raise insufficient_privileges()

    def _require_administrator(self) -> None:
        # an application needs its permission only, which the HTTP layer has checked
        if not self.caller.app_only and not self.area.may_administer(self.caller.object_id, self.key.scope, self.now):
            raise insufficient_privileges()

    # self actions

    def _self_activate(self) -> Request:
        self._require_own()
        window = read_window(self.details.schedule_info, self.now)
        if self.store.held("assignment", self.key, self.now):
            raise self.area.exists()
        outside = self.area.already_held(self.key)
        if outside is not None:
            raise outside
        if self.store.pending(self.key):
            raise PimRefusal(
                400, "PendingRoleAssignmentRequest", "There is already an existing pending Role assignment request."
            )
        eligibility = self._eligibility(window)
        if eligibility is None and self.tenant.behaviour.not_eligible == "RoleAssignmentDoesNotExist":
            raise role_assignment_does_not_exist()
        self._check_authentication_context()
        self._check_activation_rules(window, eligible=eligibility is not None)
        if self.policy.approval_required():
            return self._kept(self._request("PendingApproval", window, start=None, approval=True))
        return self.activate(self._request("", window, start=window.start), window, eligibility)

    def _eligibility(self, window: Window) -> Schedule | None:
        principals = [self.key.principal_id]
        if self.key.principal_id == self.caller.object_id:
            principals += self.area.memberships.groups_of(self.caller.object_id, self.now)
        return self.store.eligibility_for(principals, self.key, window.start, self.details.linked)

    def activate(self, request: Request, window: Window, source: Schedule | None) -> Request:
        """Carry an accepted activation out: now, after the tenant's provisioning time, or at its start."""
        start, end = window.start, window.end
        if start > self.now:
            request.status = self.tenant.behaviour.scheduled_status
        elif self.store.lag.provisioning:
            request.status = "PendingProvisioning"
            start += self.store.lag.provisioning
            if end is not None and window.expiration.type == "afterDuration":
                end += self.store.lag.provisioning
        else:
            request.status = "Provisioned"
        if source is not None and source.end is not None and end is not None:
            # an activation does not outlive the eligibility it stands on
            end = min(end, source.end)
        request.start = request.completed = start
        if not self.details.validation_only:
            request.target_schedule_id = request.id
            self.store.add(
                Schedule(
                    id=request.id,
                    kind="assignment",
                    key=self.key,
                    start=start,
                    end=end,
                    expiration=window.expiration,
                    created=self.now,
                    created_using=request.id,
                    assignment_type="Activated",
                    activated_using=source.id if source else None,
                    listing_lag=self.store.lag.activation,
                    condition=source.condition if source else None,
                    condition_version=source.condition_version if source else None,
                )
            )
        return self._kept(request)

    def _self_deactivate(self) -> Request:
        self._require_own()
        held = self.store.held("assignment", self.key, self.now)
        if held is None and self.store.lingering(self.key, self.now):
            raise self.area.gone_but_listed()
        if held is None or held.assignment_type != "Activated":
            raise role_assignment_does_not_exist()
        if self.now < held.start + self.area.deactivation_blind:
            raise role_assignment_does_not_exist()
        self._check_floor(held)
        return self._removed(held)

    # administrators

    def _admin_assign(self) -> Request:
        window = read_window(self.details.schedule_info, self.now)
        current = self.store.standing(self.kind, self.key, self.now)
        if self.action == "adminAssign" and current is not None:
            raise role_assignment_exists()
        if self.action != "adminAssign":
            if current is None:
                raise role_assignment_does_not_exist()
            self._check_floor(current)
        self._check_admin_rules(window)
        request = self._request("Provisioned", window, start=window.start)
        if window.start > self.now:
            request.status = self.tenant.behaviour.scheduled_status
        request.completed = window.start
        if not self.details.validation_only:
            if current is not None:
                current.removed = self.now
            request.target_schedule_id = request.id
            self.store.add(
                Schedule(
                    id=request.id,
                    kind=self.kind,
                    key=self.key,
                    start=window.start,
                    end=window.end,
                    expiration=window.expiration,
                    created=self.now,
                    created_using=request.id,
                    assignment_type="Assigned" if self.kind == "assignment" else None,
                    condition=self.details.condition,
                    condition_version=self.details.condition_version,
                )
            )
        return self._kept(request)

    def _admin_remove(self) -> Request:
        held = self.store.standing(self.kind, self.key, self.now)
        if held is None:
            raise role_assignment_does_not_exist()
        active = self.store.held("assignment", self.key, self.now)
        for schedule in (held, active):
            # seen live: an activation in its first minutes protects the eligibility under it, too
            if schedule is not None:
                self._check_floor(schedule)
        return self._removed(held)

    # checks

    def _check_floor(self, schedule: Schedule) -> None:
        if schedule.assignment_type == "Activated" and self.now < schedule.start + self.tenant.minimum_active:
            raise self._too_short()

    def _too_short(self) -> PimRefusal:
        seconds = self.tenant.minimum_active.total_seconds()
        amount = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
        # the service's own spelling
        return PimRefusal(
            400, "ActiveDurationTooShort", f"The Active duration is too short. Miniumum Required is {amount}."
        )

    def _check_authentication_context(self) -> None:
        wanted = self.policy.authentication_context()
        # seen live: acrs is not taken from a client that did not declare that it handles challenges
        if wanted is None or (wanted in self.caller.acrs and self.caller.handles_challenges):
            return
        # the blank is the service's
        claims = '{"access_token":{"acrs":{"essential":true, "value":' + json.dumps(wanted) + "}}}"
        raise PimRefusal(400, "RoleAssignmentRequestAcrsValidationFailed", "&claims=" + quote(claims, safe=""))

    def _check_activation_rules(self, window: Window, eligible: bool) -> None:
        enabled = self.policy.enabled_rules("EndUser", "Assignment")
        failures = Failures()
        if not eligible:
            failures.add("EligibilityRule", "The principal is not eligible for the role")
        if window.length is None:
            failures.add("ExpirationRule", "The policy does not allow permanent assignment")
        elif window.length > self.policy.maximum("EndUser", "Assignment"):
            failures.add("ExpirationRule", "The duration in the request is greater than maximum allowed duration")
        if "MultiFactorAuthentication" in enabled and mfa_failed(self.caller):
            failures.add("MfaRule", "Multi-factor authentication is required")
        if "Justification" in enabled and not (self.details.justification or "").strip():
            failures.add("JustificationRule", "Justification is required")
        ticket = self.details.ticket
        if "Ticketing" in enabled and not all((ticket.get(n) or "").strip() for n in ("ticketNumber", "ticketSystem")):
            failures.add("TicketingRule", "Ticket information is required")
        failures.raise_any(self.area.rule_messages)
        if window.length is not None and window.length < self.tenant.minimum_active:
            raise self._too_short()

    def _check_admin_rules(self, window: Window) -> None:
        level = "Assignment" if self.kind == "assignment" else "Eligibility"
        enabled = self.policy.enabled_rules("Admin", level)
        failures = Failures()
        if window.length is None:
            if not self.policy.permanent_allowed("Admin", level):
                failures.add("ExpirationRule", "The policy does not allow permanent assignment")
        elif not self.policy.permanent_allowed("Admin", level) and window.length > self.policy.maximum("Admin", level):
            failures.add("ExpirationRule", "The duration in the request is greater than maximum allowed duration")
        if "MultiFactorAuthentication" in enabled and mfa_failed(self.caller):
            failures.add("MfaRule", "Multi-factor authentication is required")
        if "Justification" in enabled and not (self.details.justification or "").strip():
            failures.add("JustificationRule", "Justification is required")
        failures.raise_any(self.area.rule_messages)
        if self.kind == "assignment" and window.length is not None and window.length < self.tenant.minimum_active:
            raise self._too_short()

    # the request object

    def _request(self, status: str, window: Window | None, start: datetime | None, approval: bool = False) -> Request:
        request_id = self.details.request_id or str(uuid.uuid4())
        return Request(
            id=request_id,
            kind=self.kind,
            action=self.action,
            key=self.key,
            status=status,
            created=self.now,
            created_by=self.caller.object_id,
            created_by_app=self.caller.app_only,
            details=self.details,
            start=start,
            expiration=window.expiration if window else None,
            completed=self.now,
            approval_id=request_id if approval else None,
            target_schedule_id=request_id if approval else None,
            visible_from=self.now + self.store.lag.request,
        )

    def _removed(self, held: Schedule) -> Request:
        refusal = self.area.must_stay(held, self.now)
        if refusal is not None:
            raise refusal
        request = self._request("Revoked", None, start=None)
        request.completed = None
        if not self.details.validation_only:
            self.store.remove(held, self.now)
        return self._kept(request)

    def _kept(self, request: Request) -> Request:
        if not self.details.validation_only:
            self.store.keep(request)
        return request


def activate_after_approval(store: Store, request: Request, now: datetime) -> None:
    """An approver agreed: the activation starts at the decision, or at its later start, with the duration asked for."""
    caller = Caller(object_id=request.created_by, app_id="")
    details = request.details
    submission = Submission(store, request.kind, request.action, request.key, details, caller, now)
    window = read_window(details.schedule_info, now)
    principals = [request.key.principal_id, *store.area.memberships.groups_of(request.key.principal_id, now)]
    source = store.eligibility_for(principals, request.key, window.start, details.linked)
    submission.activate(request, window, source)


def cancel(store: Store, request: Request, caller: Caller, now: datetime) -> None:
    """Withdraw a request that is not carried out yet. Raises PimRefusal."""
    store.settle(now)
    if request.created_by != caller.object_id and not (
        caller.app_only or store.area.may_administer(caller.object_id, request.key.scope, now)
    ):
        raise insufficient_privileges()
    if request.status not in CANCELLABLE:
        raise PimRefusal(
            400, "RequestCannotBeCancelled", f"The request in the status {request.status} cannot be cancelled."
        )
    request.status = "Canceled"
    request.completed = now
    schedule = store.schedules.get(request.target_schedule_id or "")
    if schedule is not None:
        schedule.removed = now
