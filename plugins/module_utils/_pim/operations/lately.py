# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds own requests that were accepted a moment ago and that the service's lists do not show yet. Private to the collection.

A role that is given back in that moment looks inactive, and would come on afterwards: nobody would know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..api.calls import Answer
from ..errors import PimError
from ..models import DONE, PROVISIONING, SCHEDULED, WAITING, Request, RoleRow
from ..plans.rows import JUST_NOW, key_of, lately_activated, moment_of, switched_off
from ..providers.registry import PROVIDERS
from .connection import Connection
from .context import Context
from .holdings import Found, read_rows

_RECENT = timedelta(seconds=JUST_NOW)
# The journal and the service's Date have whole seconds.
_INEXACT = timedelta(seconds=2)
# Seconds between looks: listings of the service have been seen to lag by half a minute.
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
# A request that nobody knows after so many looks is not on its way.
_LOOKS_FOR_UNKNOWN = 3


def arriving(
    connection: Connection, rows: Sequence[RoleRow], listed: Mapping[str, Found], _context: Context
) -> list[RoleRow]:
    """The same rows, to be switched on. Where that was done a moment ago, it is waited for and not asked for again; where this account
    has ended it a moment ago, it is not taken for active, however long it is listed."""
    lines = connection.journal.recent(_RECENT)
    found = []
    for row in rows:
        request = _lately_activated(connection, row, listed[row.provider], lines)
        if request is not None:
            row = replace(row, pending=replace(request, phase=PROVISIONING))
        elif row.assignment_type == "activated" and row.active_since is not None:
            last = _last_accepted(lines, connection, row)
            since = connection.now() - row.active_since
            if last is not None and last.action == "deactivate" and last.age <= since + _INEXACT:
                row = switched_off(row)
        found.append(row)
    return found


def leaving(
    connection: Connection, rows: Sequence[RoleRow], listed: Mapping[str, Found], context: Context
) -> list[RoleRow]:
    """The same rows, to be switched off; what was accepted a moment ago counts as active, listed or not: it has to be given back."""
    found = list(rows)
    lines = connection.journal.recent(_RECENT)
    suspects: dict[int, str] = {}
    for place, row in enumerate(rows):
        request = _lately_activated(connection, row, listed[row.provider], lines)
        if request is not None:
            found[place] = taken_for_active(row, request.created_at or connection.now())
        elif not row.active and row.pending is None:
            request_id = _open_request(lines, connection, row)
            suspects.update({place: request_id} if request_id else {})
        elif row.pending is not None and row.pending.phase == PROVISIONING:
            suspects[place] = row.pending.request_id
    for look, pause in enumerate(_PAUSES[:1] if context.check_mode else _PAUSES):
        if not suspects:
            break
        connection.transport.pause(pause)
        suspects = _look(connection, found, suspects, look)
    for place in suspects:
        # The service may take it up at any moment: it is asked to end it, and knows best whether there is anything to end.
        found[place] = taken_for_active(found[place], connection.now())
    return found


def _lately_activated(
    connection: Connection, row: RoleRow, listed: Found, lines: Sequence[Mapping[str, Any]]
) -> Request | None:
    """As the service's list of requests tells, which may not show yet that this account has ended it again."""
    request = None if row.active or row.pending else lately_activated(row, listed.requests, connection.now())
    if request is None:
        return None
    last = _last_accepted(lines, connection, row)
    since = connection.now().timestamp() - moment_of(request)
    ended = last is not None and last.action == "deactivate" and last.age.total_seconds() <= since
    return None if ended else request


def _look(connection: Connection, found: list[RoleRow], suspects: dict[int, str], look: int) -> dict[int, str]:
    """Updates the rows in place; gives the suspects that still have to be looked at."""
    listed = read_rows(connection, list(dict.fromkeys(found[place].provider for place in suspects)))
    calls = [
        PROVIDERS[found[place].provider].request_call(found[place], request_id)
        for place, request_id in suspects.items()
    ]
    left = {}
    for (place, request_id), answer in zip(suspects.items(), connection.run(calls)):
        row = found[place]
        told = listed[row.provider]
        if isinstance(told, PimError):
            raise told
        now = told.again(row, connection.now())
        if now.active or (now.pending is not None and now.pending.phase != PROVISIONING):
            found[place] = now
        elif isinstance(answer, Answer):
            request = PROVIDERS[row.provider].read_request(answer, connection.now())
            recent = request.created_at is None or connection.now() - request.created_at < _RECENT
            if request.phase in (WAITING, SCHEDULED):
                found[place] = replace(row, pending=request)
            elif request.phase == DONE and recent:
                found[place] = taken_for_active(row, request.created_at or connection.now())
            elif request.phase == PROVISIONING and recent:
                left[place] = request_id
            else:
                found[place] = replace(row, pending=None)
        elif answer.status == 404 and look + 1 < _LOOKS_FOR_UNKNOWN:
            left[place] = request_id
    return left


def taken_for_active(row: RoleRow, since: datetime) -> RoleRow:
    """The row of one that lists do not show yet."""
    return replace(row, active=True, assignment_type="activated", active_since=since, pending=None)


def _open_request(lines: Sequence[Mapping[str, Any]], connection: Connection, row: RoleRow) -> str | None:
    """The request id of an activation of this role that the journal knows to be accepted a moment ago, if nothing ended it since."""
    last = _last_accepted(lines, connection, row)
    return last.request_id if last is not None and last.action == "activate" else None


@dataclass(frozen=True)
class _Accepted:
    action: str
    request_id: str | None
    age: timedelta


def _last_accepted(lines: Sequence[Mapping[str, Any]], connection: Connection, row: RoleRow) -> _Accepted | None:
    """What the journal knows to be the last thing this account asked for this role, and the service accepted."""
    session, key = connection.session, key_of(row.role_id, row.scope)
    entries: dict[str, str] = {}
    last = None
    for line in lines:
        number = str(line.get("entry"))
        if line.get("event") == "submitting":
            whose = (line.get("tenant_id"), line.get("principal_id"), line.get("provider"))
            ours = whose == (session.tenant_id, session.object_id, row.provider)
            if ours and key_of(line.get("role_id"), line.get("scope")) == key:
                entries[number] = str(line.get("action"))
        elif number in entries and line.get("outcome") == "accepted":
            request_id = line.get("request_id")
            age = connection.journal.age(line)
            last = _Accepted(entries[number], request_id if isinstance(request_id, str) else None, age)
    return last
