# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rows of PIM have in common, whatever they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pim_simulator.pim.records import Expiration, Request, Schedule
from pim_simulator.times import format_time

Row = dict[str, Any]


def modified(schedule: Schedule) -> str | None:
    """Seen live for what was never modified: the beginning of time."""
    return format_time(schedule.modified) if schedule.modified else "0001-01-01T08:00:00Z"


def schedule_info(start: datetime | None, expiration: Expiration | None, digits: int) -> Row | None:
    """``digits`` of a second's fraction."""
    if expiration is None:
        return None
    return {
        "startDateTime": format_time(start, digits),
        "recurrence": None,
        "expiration": {
            "type": expiration.type,
            "endDateTime": format_time(expiration.end, digits),
            "duration": expiration.duration,
        },
    }


def request_row(request: Request, version: str, digits: int) -> Row:
    """A ...ScheduleRequest but for its key. Beta gives the action back as it was written."""
    identity = {"displayName": None, "id": request.created_by}
    return {
        "id": request.id,
        "status": request.status,
        "createdDateTime": format_time(request.created, digits),
        "completedDateTime": format_time(request.completed, digits),
        "approvalId": request.approval_id,
        "customData": request.details.custom_data,
        "action": request.details.action_as_written if version == "beta" else request.action,
        "isValidationOnly": request.details.validation_only,
        "justification": request.details.justification,
        "createdBy": {
            "application": identity if request.created_by_app else None,
            "device": None,
            "user": None if request.created_by_app else identity,
        },
        "scheduleInfo": schedule_info(request.start, request.expiration, digits),
        "ticketInfo": dict(request.details.ticket),
    }
