# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant's state as the control API shows it: names beside ids, no secrets."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from pim_simulator.pim.records import Key, Kind, Request, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.sign_in.device_codes import DeviceCode
from pim_simulator.tenant.models import ConditionalAccessPolicy, User
from pim_simulator.times import format_duration, format_time
from pim_simulator.world import World


def _key_view(store: Store, key: Key) -> dict[str, Any]:
    principal = store.directory.principal(key.principal_id)
    name = getattr(principal, "username", None) or (principal.name if principal else None)
    return {
        "provider": store.area.name,
        "principal": name,
        "principal_id": key.principal_id,
        "role": store.area.role_name(key),
        "role_id": key.role_id,
        "scope": key.scope,
    }


def _schedule_view(store: Store, schedule: Schedule, now: datetime) -> dict[str, Any]:
    return {
        **_key_view(store, schedule.key),
        "id": schedule.id,
        "type": schedule.assignment_type,
        "start": format_time(schedule.start),
        "end": format_time(schedule.end),
        "in_force": schedule.in_force(now),
    }


def request_view(store: Store, request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "kind": request.kind,
        "action": request.action,
        "status": request.status,
        **_key_view(store, request.key),
        "created": format_time(request.created),
        "justification": request.details.justification,
        "ticket": dict(request.details.ticket),
    }


def state_view(world: World) -> dict[str, Any]:
    """What holds now or will, what one may take, and all requests."""
    now = world.clock.now()

    def standing(kind: Kind) -> list[dict[str, Any]]:
        return [
            _schedule_view(store, schedule, now)
            for store in world.stores.values()
            for schedule in store.of_kind(kind)
            if not schedule.ended(now)
        ]

    return {
        "now": format_time(now, 7),
        "active": standing("assignment"),
        "eligible": standing("eligibility"),
        "requests": requests_view(world),
    }


def requests_view(world: World) -> list[dict[str, Any]]:
    """Of every area, each area's in the order they were made."""
    return [request_view(store, item) for store in world.stores.values() for item in store.requests.values()]


def device_code_view(code: DeviceCode, now: datetime) -> dict[str, Any]:
    """Without the device code: that one is the client's secret."""
    return {
        "user_code": code.user_code,
        "client_id": code.client_id,
        "scope": " ".join(code.asked.as_written),
        "claims": code.demands.raw,
        "polls": code.polls,
        "status": code.status(now),
        "expires": format_time(code.expires),
    }


def policy_view(policy: ConditionalAccessPolicy) -> dict[str, Any]:
    """As it is written in a tenant file."""
    frequency = policy.sign_in_frequency
    return {
        **dataclasses.asdict(policy),
        "sign_in_frequency": format_duration(frequency) if frequency is not None else None,
    }


def user_view(user: User) -> dict[str, Any]:
    """What of a user may change, and no password."""
    return {
        "username": user.username,
        "enabled": user.enabled,
        "state": user.state,
        "mfa": user.mfa,
        "authentication_contexts": list(user.authentication_contexts),
        "silent_step_up": user.silent_step_up,
    }
