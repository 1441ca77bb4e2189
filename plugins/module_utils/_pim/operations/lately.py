# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds own requests that were accepted a moment ago and that the service's lists do not show yet. Private to the collection.

A role that is given back in that moment looks inactive, and would come on afterwards: nobody would know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..api.calls import Answer
from ..errors import PimError
from ..models import DONE, PROVISIONING, SCHEDULED, WAITING, RoleRow
from ..plans.rows import JUST_NOW, key_of
from ..providers.registry import PROVIDERS
from .connection import Connection
from .context import Context
from .holdings import read_rows

_RECENT = timedelta(seconds=JUST_NOW)
# Seconds between looks: listings of the service have been seen to lag by half a minute.
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
# A request that nobody knows after so many looks is not on its way.
_LOOKS_FOR_UNKNOWN = 3


def with_lately_requested(connection: Connection, rows: Sequence[RoleRow], context: Context) -> list[RoleRow]:
    """The same rows; those whose activation was accepted a moment ago count as active, listed or not: they have to be given back."""
    found = list(rows)
    unlisted = [row for row in rows if not row.active and row.scope is not None]
    lines = connection.journal.lines() if any(row.pending is None for row in unlisted) else []
    suspects = {
        place: request_id
        for place, row in enumerate(rows)
        if not row.active and row.scope is not None and (request_id := _on_its_way(row, lines, connection))
    }
    for look, pause in enumerate(_PAUSES[:1] if context.check_mode else _PAUSES):
        if not suspects:
            break
        connection.transport.pause(pause)
        suspects = _look(connection, found, suspects, look)
    for place in suspects:
        # The service may take it up at any moment: it is asked to end it, and knows best whether there is anything to end.
        found[place] = _taken_for_active(found[place], connection.now())
    return found


def _on_its_way(row: RoleRow, lines: Sequence[Mapping[str, Any]], connection: Connection) -> str | None:
    """The id of an accepted request that the lists do not show as a role that is active: as the service tells, else the journal."""
    if row.pending is None:
        return _open_request(lines, connection, row)
    return row.pending.request_id if row.pending.phase == PROVISIONING else None


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
                found[place] = _taken_for_active(row, request.created_at or connection.now())
            elif request.phase == PROVISIONING and recent:
                left[place] = request_id
            else:
                found[place] = replace(row, pending=None)
        elif answer.status == 404 and look + 1 < _LOOKS_FOR_UNKNOWN:
            left[place] = request_id
    return left


def _taken_for_active(row: RoleRow, since: datetime) -> RoleRow:
    return replace(row, active=True, assignment_type="activated", active_since=since, pending=None)


def _open_request(lines: Sequence[Mapping[str, Any]], connection: Connection, row: RoleRow) -> str | None:
    """The request id of the newest accepted activation of this role in the journal, if nothing ended it since."""
    session, key = connection.session, key_of(row.role_id, row.scope)
    entries: dict[str, str] = {}
    request_id = None
    for line in lines:
        number = str(line.get("entry"))
        if line.get("event") == "submitting":
            whose = (line.get("tenant_id"), line.get("principal_id"), line.get("provider"))
            ours = whose == (session.tenant_id, session.object_id, row.provider)
            if ours and key_of(line.get("role_id"), line.get("scope")) == key:
                entries[number] = str(line.get("action"))
        elif number in entries and line.get("outcome") == "accepted":
            asked_for = entries[number] == "activate" and isinstance(line.get("request_id"), str)
            recent = connection.journal.age(line) < _RECENT
            request_id = str(line["request_id"]) if asked_for and recent else None
    return request_id
