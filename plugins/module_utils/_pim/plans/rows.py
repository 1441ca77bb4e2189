# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the lines of a service to one row for each role and scope. Pure. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from ..models import Holding, Request, RoleRow

Key = tuple[str, str]


def key_of(role_id: str | None, scope: str | None) -> Key:
    """Ids and paths of Microsoft's services are compared without case."""
    return (str(role_id).lower(), str(scope).lower())


def same_role(row: RoleRow, rows: Iterable[RoleRow]) -> RoleRow | None:
    """The row of the same role and scope among others, None where it is not among them."""
    key = key_of(row.role_id, row.scope)
    return next((other for other in rows if key_of(other.role_id, other.scope) == key), None)


def merge(provider: str, principal: str, holdings: Iterable[Holding], now: datetime) -> list[RoleRow]:
    """One row for each (role, scope), in the order first seen.

    Where lines fall together: an active one decides `member_type`, the later end wins, permanent wins. A line whose end has passed
    says nothing any more, however long the service goes on listing it.
    """
    rows: dict[Key, RoleRow] = {}
    decided: dict[Key, Holding] = {}
    for line in holdings:
        if line.end is not None and line.end <= now:
            continue
        key = key_of(line.role_id, line.scope)
        row = rows.get(key) or RoleRow(
            provider,
            line.role,
            line.role_id,
            line.scope,
            line.scope_name,
            principal_id=principal,
            member_type=line.member_type,
            native=line.native,
        )
        if line.eligible:
            end = line.end if not row.eligible else _later(row.eligible_until, line.end)
            row = replace(row, eligible=True, eligible_until=end)
        elif key not in decided or _outlasts(line, decided[key]):
            decided[key] = line
            row = replace(
                row,
                member_type=line.member_type,
                active=True,
                permanent=_permanent(line),
                assignment_type=line.assignment_type,
                active_since=line.start,
                expires_at=line.end,
            )
        rows[key] = row
    return list(rows.values())


def with_pending(
    rows: Iterable[RoleRow], requests: Sequence[Request] | None, pending_phases: Sequence[str]
) -> list[RoleRow]:
    """The same rows, each with its own newest request that still waits for approval or for its start."""
    waiting: dict[Key, Request] = {}
    for request in requests or ():
        if request.action == "activate" and request.phase in pending_phases:
            key = key_of(request.role_id, request.scope)
            if key not in waiting or _created(request) > _created(waiting[key]):
                waiting[key] = request
    return [replace(row, pending=None if row.active else waiting.get(key_of(row.role_id, row.scope))) for row in rows]


def _created(request: Request) -> float:
    return request.created_at.timestamp() if request.created_at else 0.0


def _permanent(line: Holding) -> bool:
    return line.end is None and line.assignment_type != "activated"


def _outlasts(one: Holding, other: Holding) -> bool:
    if _permanent(one) != _permanent(other):
        return _permanent(one)
    if one.end == other.end:
        return False
    return one.end is None or (other.end is not None and one.end > other.end)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else max(one, other)
