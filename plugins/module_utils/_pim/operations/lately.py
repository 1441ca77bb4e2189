# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds own requests that were accepted a moment ago and that the service's lists do not show yet. Private to the collection.

A role that is given back in that moment looks inactive, and would come on afterwards: nobody would know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ..api.calls import Answer
from ..errors import PimError
from ..models import RoleRow
from ..plans.rows import key_of, same_role
from ..providers.base import DONE, PROVISIONING, SCHEDULED, WAITING
from ..providers.registry import PROVIDERS
from .connection import Connection
from .context import Context
from .holdings import read_rows

# A request older than this has long been listed; no activation is shorter, so none has ended by itself meanwhile.
_RECENT = timedelta(minutes=5)
# Seconds between looks: listings of the service have been seen to lag by half a minute.
_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0)
# A request that nobody knows after so many looks is not on its way.
_LOOKS_FOR_UNKNOWN = 3


def with_lately_requested(connection: Connection, rows: Sequence[RoleRow], context: Context) -> list[RoleRow]:
    """The same rows; those that look inactive as soon as the service shows what was asked for them a moment ago."""
    found = list(rows)
    lines = connection.journal.lines() if any(not row.active and row.pending is None for row in rows) else []
    suspects = {
        place: request_id
        for place, row in enumerate(rows)
        if not row.active and row.pending is None and (request_id := _open_request(lines, connection, row))
    }
    for look, pause in enumerate(_PAUSES[:1] if context.check_mode else _PAUSES):
        if not suspects:
            break
        connection.transport.pause(pause)
        suspects = _look(connection, found, suspects, look)
    for place in suspects:
        context.warn(f"{found[place].role} at {found[place].scope} was requested a moment ago and is not listed yet.")
    return found


def _look(connection: Connection, found: list[RoleRow], suspects: dict[int, str], look: int) -> dict[int, str]:
    """Updates the rows in place; gives the suspects that still have to be looked at."""
    listed = read_rows(connection, list(dict.fromkeys(found[place].provider for place in suspects)))
    calls = [PROVIDERS[found[place].provider].request_call(request_id) for place, request_id in suspects.items()]
    left = {}
    for (place, request_id), answer in zip(suspects.items(), connection.run(calls)):
        row = found[place]
        rows = listed[row.provider]
        if isinstance(rows, PimError):
            raise rows
        now = same_role(row, rows) or row
        if now.active or now.pending is not None:
            found[place] = now
        elif isinstance(answer, Answer):
            request = PROVIDERS[row.provider].read_request(answer, connection.now())
            if request.phase in (WAITING, SCHEDULED):
                found[place] = replace(row, pending=request)
            elif request.phase in (DONE, PROVISIONING) and (
                request.created_at is None or connection.now() - request.created_at < _RECENT
            ):
                left[place] = request_id
        elif answer.status == 404 and look + 1 < _LOOKS_FOR_UNKNOWN:
            left[place] = request_id
    return left


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
