# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and lines of roles for the tests of the plans, and hypothesis strategies that make any."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ansible_collections.entra.pim.plugins.module_utils._pim.models import Holding, Policy, Request, RoleRow
from hypothesis import strategies as st

from unit.clocks import NOW

PROVIDER = "entra_roles"


def minutes(number: float):
    """A moment so many minutes from the fake clock's start."""
    return NOW + timedelta(minutes=number)


def eligible(role: str = "Reader", scope: str = "/", **changes) -> RoleRow:
    row = RoleRow(PROVIDER, role, f"id-{role.lower()}", scope, "Directory", "me", "direct", eligible=True)
    return replace(row, **changes)


def activated(role: str = "Reader", scope: str = "/", left: float = 60, **changes) -> RoleRow:
    """Eligible, and activated with so many minutes left."""
    row = eligible(
        role, scope, active=True, assignment_type="activated", active_since=minutes(left - 60), expires_at=minutes(left)
    )
    return replace(row, **changes)


def permanent(role: str = "Reader", scope: str = "/", **changes) -> RoleRow:
    row = eligible(role, scope, eligible=False, active=True, permanent=True, assignment_type="assigned")
    return replace(row, **changes)


def request(start=None, phase: str = "waiting", status: str = "PendingApproval", **changes) -> Request:
    made = Request("r1", "id-reader", "/", "activate", status, phase, minutes(-5), start)
    return replace(made, **changes)


def policy(maximum: int | None = 28800, **changes) -> Policy:
    return replace(Policy(maximum, False, False, False, False, (), None), **changes)


_MOMENTS = st.integers(-120, 240).map(minutes)
_NAMES = st.sampled_from(["Reader", "reader", "Writer", "None", "id-writer", "Straße", "STRASSE", "İstanbul"])
_SCOPES = st.sampled_from(["/", "/administrativeUnits/n", "/administrativeUnits/N", "/x"])

holdings = st.builds(
    Holding,
    role=_NAMES,
    role_id=st.sampled_from(["1", "2", "a", "A"]),
    scope=_SCOPES,
    scope_name=st.sampled_from(["Directory", None]),
    eligible=st.booleans(),
    member_type=st.sampled_from(["direct", "group", "inherited"]),
    assignment_type=st.sampled_from(["assigned", "activated"]),
    start=st.none() | _MOMENTS,
    end=st.none() | _MOMENTS,
    native=st.just({}),
)

requests = st.builds(
    Request,
    request_id=st.uuids().map(str),
    role_id=st.sampled_from(["1", "2", "a", "A", "id-reader"]),
    scope=_SCOPES,
    action=st.sampled_from(["activate", "deactivate", "adminAssign"]),
    status=st.just("Any"),
    phase=st.sampled_from(["waiting", "scheduled", "provisioning", "done", "denied", "withdrawn", "failed"]),
    created_at=st.none() | _MOMENTS,
    start_time=st.none() | _MOMENTS,
)


@st.composite
def rows(draw) -> RoleRow:
    """Any row the merge can give: never pending while active, permanent without an end."""
    role, scope = draw(_NAMES), draw(_SCOPES)
    ends = draw(st.none() | _MOMENTS)
    kind = draw(st.sampled_from(["eligible", "activated", "assigned", "permanent", "pending"]))
    scope_name = draw(st.sampled_from(["Directory", None]))
    if kind == "eligible":
        return eligible(role, scope, eligible_until=ends, scope_name=scope_name)
    if kind == "pending":
        starts = draw(st.none() | _MOMENTS)
        return eligible(role, scope, eligible_until=ends, pending=request(starts), scope_name=scope_name)
    if kind == "activated":
        return activated(role, scope, draw(st.integers(1, 240)), eligible=draw(st.booleans()), scope_name=scope_name)
    if kind == "assigned":
        return activated(
            role, scope, draw(st.integers(1, 240)), eligible=draw(st.booleans()), assignment_type="assigned"
        )
    return permanent(role, scope, eligible=draw(st.booleans()))


policies = st.builds(
    Policy,
    maximum_duration=st.none() | st.sampled_from([1800, 3600, 28800, 86400]),
    requires_mfa=st.booleans(),
    requires_justification=st.booleans(),
    requires_ticket=st.booleans(),
    requires_approval=st.booleans(),
    approvers=st.just(()),
    authentication_context=st.none() | st.just("c1"),
)
