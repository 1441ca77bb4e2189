# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an activation: their argument spec, and their values checked before any call. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import invalid_option
from ..models import Wanted
from ..providers.registry import PROVIDERS
from ..times import FORMS, LONGEST, parse_duration, parse_time
from .connection_options import connection_spec

DEFAULT_PROVIDER = "entra_roles"
# Leaves room for a duration before the calendar ends.
_LAST_YEAR = 9900


_PROVIDER = {"type": "str", "choices": list(PROVIDERS), "default": DEFAULT_PROVIDER}
# What elevates and what gives back take the same addresses.
ROLES = {
    "type": "list",
    "elements": "dict",
    "options": {
        "role": {"type": "str", "required": True},
        "scope": {"type": "str"},
        "provider": _PROVIDER,
        "duration": {"type": "str"},
    },
}


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "role": {"type": "str"},
            "scope": {"type": "str"},
            "provider": _PROVIDER,
            "roles": ROLES,
            "state": {"type": "str", "choices": ["active", "inactive"], "default": "active"},
            "duration": {"type": "str"},
            "minimum_remaining": {"type": "str", "default": "0"},
            "justification": {"type": "str", "aliases": ["reason"]},
            "ticket_number": {"type": "str"},
            "ticket_system": {"type": "str"},
            "start_time": {"type": "str", "aliases": ["start_time_utc"]},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "int", "default": 300},
            "cancel_on_timeout": {"type": "bool", "default": True},
            "too_early": {"type": "str", "choices": ["wait", "leave", "fail"], "default": "wait"},
        },
        "mutually_exclusive": [["role", "roles"], ["scope", "roles"]],
        "required_one_of": [["role", "roles"]],
        "supports_check_mode": True,
    }


@dataclass(frozen=True)
class ActivationOptions:
    """`minimum_remaining` in seconds; `start` an aware UTC time or None; `wait_timeout` in seconds."""

    wanted: list[Wanted]
    active: bool
    minimum_remaining: int
    justification: str | None
    ticket_number: str | None
    ticket_system: str | None
    start: datetime | None
    wait: bool
    wait_timeout: int
    cancel_on_timeout: bool
    too_early: str


def activation_options(params: Mapping[str, Any]) -> ActivationOptions:
    """Raises `invalid_option`."""
    default = _duration("duration", params.get("duration"))
    # An empty role is as good as none: ansible-core 2.20 makes an empty text of null.
    items = params.get("roles")
    if items is None:
        items = [{"role": params.get("role"), "scope": params.get("scope"), "provider": params["provider"]}]
    check_wait_timeout(params)
    remaining = _minimum_remaining(params["minimum_remaining"])
    return ActivationOptions(
        wanted=_distinct([_wanted(item, default) for item in items]),
        active=params["state"] == "active",
        minimum_remaining=remaining,
        justification=params.get("justification") or None,
        ticket_number=params.get("ticket_number") or None,
        ticket_system=params.get("ticket_system") or None,
        start=_start(params.get("start_time")),
        wait=params["wait"],
        wait_timeout=params["wait_timeout"],
        cancel_on_timeout=params["cancel_on_timeout"],
        too_early=params["too_early"],
    )


def check_wait_timeout(params: Mapping[str, Any]) -> None:
    """`invalid_option` where nothing could be waited for."""
    if not 1 <= params["wait_timeout"] <= LONGEST:
        allowed = "it must be a number of seconds above 0, and no longer than a year"
        raise invalid_option("wait_timeout", params["wait_timeout"], allowed)


def _wanted(item: Mapping[str, Any], default: int | str | None) -> Wanted:
    role = str(item.get("role") or "").strip()
    if not role:
        raise invalid_option("role", item.get("role"), "name a role, or give its id")
    provider = PROVIDERS[item.get("provider") or DEFAULT_PROVIDER]
    scope = item.get("scope") or provider.default_scope
    provider.check_role(role)
    provider.check_scope(scope)
    own = _duration("duration", item.get("duration"))
    return Wanted(
        provider.name,
        provider.canonical_role(role),
        None if scope is None else provider.canonical_scope(scope),
        default if own is None else own,
    )


def _distinct(wanted: list[Wanted]) -> list[Wanted]:
    seen = set()
    for one in wanted:
        key = (one.provider, one.role.casefold(), str(one.scope).casefold())
        if key in seen:
            raise invalid_option("roles", one.role, "it is named twice in one task")
        seen.add(key)
    return wanted


def _duration(option: str, value: str | None) -> int | str | None:
    if not value:
        return None
    if value.strip().lower() == "max":
        return "max"
    try:
        return parse_duration(value)
    except ValueError:
        raise invalid_option(option, value, f"it must be {FORMS}, or max") from None


def _minimum_remaining(value: str) -> int:
    try:
        return parse_duration(value) if value else 0
    except ValueError:
        raise invalid_option("minimum_remaining", value, f"it must be {FORMS}") from None


def _start(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        start = parse_time(value)
    except ValueError:
        raise invalid_option("start_time", value, "it must be an ISO 8601 time such as 2030-01-31T08:00:00Z") from None
    if start.year > _LAST_YEAR:
        raise invalid_option("start_time", value, f"it must not be later than the year {_LAST_YEAR}")
    return start
