# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the lines of a service to one row for each role and scope. Pure. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..models import DONE, PENDING, SHORTEST_ACTIVATION, WITHDRAWN, Holding, Request, RoleRow

Key = tuple[str, str]

# Lists were seen to lag by more than a minute. No activation is shorter than this, so none has ended by itself meanwhile.
JUST_NOW = SHORTEST_ACTIVATION


def key_of(role_id: str | None, scope: str | None) -> Key:
    """Ids and paths of Microsoft's services are compared without case."""
    return (str(role_id).lower(), str(scope).lower())


def same_role(row: RoleRow, rows: Iterable[RoleRow]) -> RoleRow | None:
    """The row of the same role and scope among others, None where it is not among them."""
    key = key_of(row.role_id, row.scope)
    return next((other for other in rows if key_of(other.role_id, other.scope) == key), None)


def address(row: RoleRow, rows: Iterable[RoleRow]) -> dict[str, Any]:
    """The form that `roles:` takes back; by id where another role of the account bears the same name."""
    name = str(row.role).casefold()
    twins = {
        key_of(other.role_id, None)
        for other in [row, *rows]
        if other.provider == row.provider and str(other.role).casefold() == name
    }
    return {"provider": row.provider, "role": row.role if len(twins) < 2 else row.role_id, "scope": row.scope}


def merge(provider: str, principal: str, holdings: Iterable[Holding], now: datetime) -> list[RoleRow]:
    """One row for each (role, scope), in the order first seen.

    Where lines fall together: an active one decides `member_type`, the later end wins, permanent wins. A line whose end has passed
    says nothing any more; only an active one that is listed long after its end is in force still: the service keeps the last owner
    of a group, and the last Global Administrator.
    """
    rows: dict[Key, RoleRow] = {}
    decided: dict[Key, Holding] = {}
    for line in holdings:
        if line.end is not None and line.end <= now and (line.eligible or now - line.end < timedelta(seconds=JUST_NOW)):
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
            if not row.eligible or _later(row.eligible_until, line.end) != row.eligible_until:
                # An activation stands on the eligibility that lasts longest.
                row = replace(row, eligible=True, eligible_until=line.end, native=line.native)
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


def with_requests(rows: Iterable[RoleRow], requests: Sequence[Request] | None, now: datetime) -> list[RoleRow]:
    """The same rows, with what the account's own requests tell of them.

    A row gets its newest request that still waits for approval or for its start as `pending`. One that is still listed, though it was
    ended a moment ago, is not active.
    """
    by_key: dict[Key, list[Request]] = {}
    for request in requests or ():
        by_key.setdefault(key_of(request.role_id, request.scope), []).append(request)
    found = []
    for row in rows:
        own = _of(row, by_key.get(key_of(row.role_id, row.scope), ()))
        done = last_done(row, own)
        lately = done is not None and now.timestamp() - moment_of(done) < JUST_NOW
        if row.active and done is not None and lately and _ended(row, done):
            row = switched_off(row)
        waiting = [request for request in own if request.action == "activate" and request.phase in PENDING]
        found.append(replace(row, pending=None if row.active else max(waiting, key=_created, default=None)))
    return found


def lately_activated(row: RoleRow, requests: Sequence[Request] | None, now: datetime) -> Request | None:
    """The request that activated this role a moment ago, so that lists may not show it yet; None where something came after it."""
    done = last_done(row, requests)
    lately = done is not None and now.timestamp() - moment_of(done) < JUST_NOW
    return done if done is not None and lately and done.action == "activate" else None


def last_done(row: RoleRow, requests: Sequence[Request] | None) -> Request | None:
    """The last request for this role that changed something."""
    key = key_of(row.role_id, row.scope)
    own = _of(row, [request for request in requests or () if key_of(request.role_id, request.scope) == key])
    return max((request for request in own if _took_effect(request)), key=moment_of, default=None)


def _of(row: RoleRow, requests: Sequence[Request]) -> list[Request]:
    """Those for the row's own principal: some lists hold what groups were asked for, too."""
    whose = str(row.principal_id).lower()
    return [request for request in requests if request.principal_id.lower() in ("", whose)]


def switched_off(row: RoleRow) -> RoleRow:
    """The row without its activation."""
    return replace(
        row,
        active=False,
        permanent=False,
        assignment_type=None,
        active_since=None,
        expires_at=None,
        ended_since=row.active_since or row.ended_since,
    )


def _ended(row: RoleRow, done: Request) -> bool:
    """Whether the last thing that happened to an active row is its deactivation, and the list has not heard of it."""
    ours = done.action == "deactivate" and row.assignment_type == "activated"
    return ours and (row.active_since is None or row.active_since.timestamp() <= moment_of(done))


def _took_effect(request: Request) -> bool:
    """Whether a request has changed what its account holds. A deactivation that succeeded is called revoked."""
    return request.created_at is not None and (
        request.phase == DONE or (request.phase == WITHDRAWN and request.action != "activate")
    )


def moment_of(request: Request) -> float:
    """When a request took effect, in seconds since 1970: at its start, where that came later than the request itself."""
    start = request.start_time.timestamp() if request.start_time else 0.0
    return max(_created(request), start)


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
