# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service did, as the simulator tells it: the measure of what the client says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Key = tuple[str, str]

# Statuses of requests that came to nothing.
_NOTHING = ("Canceled", "Revoked", "Denied", "AdminDenied", "TimedOut", "Failed")
_WITHDRAWN = ("Canceled", "Revoked")
_WAITING = ("PendingApproval", "PendingApprovalProvisioning")

ON = "active"
OFF = "not active"
WAITS = "waiting"


@dataclass(frozen=True)
class Truth:
    """``active``: the roles whose activation is in force, by provider and name. ``requests``: by id."""

    active: frozenset[Key]
    requests: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, state: dict[str, Any], username: str) -> Truth:
        active = frozenset(
            (row["provider"], row["role"])
            for row in state["active"]
            if row["principal"] == username and row["type"] == "Activated" and row["in_force"]
        )
        return cls(active, {one["id"].lower(): one for one in state["requests"] if one["principal"] == username})

    def state_of(self, key: Key) -> str:
        if key in self.active:
            return ON
        waits = any(_key(one) == key and one["status"] in _WAITING for one in self.requests.values())
        return WAITS if waits else OFF


def made(before: Truth, after: Truth) -> list[dict[str, Any]]:
    """Requests of between."""
    return [one for name, one in after.requests.items() if name not in before.requests]


def activations(requests: Iterable[dict[str, Any]], key: Key) -> list[dict[str, Any]]:
    """Those that were carried out, or may yet be."""
    return [one for one in requests if _key(one) == key and action(one) == "activate" and one["status"] not in _NOTHING]


def deactivations(requests: Iterable[dict[str, Any]], key: Key) -> list[dict[str, Any]]:
    return [one for one in requests if _key(one) == key and action(one) == "deactivate"]


def decided(before: Truth, after: Truth) -> list[dict[str, Any]]:
    """Requests that waited before, and were withdrawn or decided since."""
    return [
        after.requests[name]
        for name, one in before.requests.items()
        if one["status"] in _WAITING and after.requests[name]["status"] not in _WAITING
    ]


def withdrawn(before: Truth, after: Truth) -> list[dict[str, Any]]:
    """Those that who had asked took back."""
    return [one for one in decided(before, after) if one["status"] in _WITHDRAWN]


def action(request: dict[str, Any]) -> str:
    return str(request["action"]).lower().removeprefix("self")


def _key(request: dict[str, Any]) -> Key:
    return request["provider"], request["role"]
