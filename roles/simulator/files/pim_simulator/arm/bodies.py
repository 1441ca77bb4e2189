# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of writes. Names are read in any case, unknown members are passed over (the portal sends some of its own)."""

from __future__ import annotations

from typing import Any

from pim_simulator.arm.errors import ArmError, bad_request

Model = dict[str, Any]

_SCHEDULE = {"startDateTime": str, "expiration": {"type": str, "endDateTime": str, "duration": str}}
SCHEDULE_REQUEST: Model = {
    "principalId": str,
    "roleDefinitionId": str,
    "requestType": str,
    "scheduleInfo": _SCHEDULE,
    "linkedRoleEligibilityScheduleId": str,
    "justification": str,
    "ticketInfo": {"ticketNumber": str, "ticketSystem": str},
    "condition": str,
    "conditionVersion": str,
    "isValidationOnly": bool,
}
DECISION: Model = {"reviewResult": str, "justification": str}


def unreadable() -> ArmError:
    return bad_request("Request Body is invalid")


def read_properties(body: Any, model: Model) -> dict[str, Any]:
    """What stands under ``properties``, by the names of the model. Raises ArmError."""
    return _read(members(body).get("properties"), model)


def members(body: Any) -> dict[str, Any]:
    """The members of an object with their names in lower case. Raises ArmError."""
    if not isinstance(body, dict):
        raise unreadable()
    return {name.lower(): value for name, value in body.items()}


def _read(value: Any, model: Model) -> dict[str, Any]:
    given = members(value)
    result: dict[str, Any] = {}
    for name, wanted in model.items():
        one = given.get(name.lower())
        if one is None:
            continue
        if isinstance(wanted, dict):
            result[name] = _read(one, wanted)
        elif isinstance(one, wanted):
            result[name] = one
        else:
            raise unreadable()
    return result


def read_decision(body: Any) -> dict[str, Any]:
    """Of a stage: clients send it under ``properties``, what is published has it bare."""
    given = members(body)
    return _read(given.get("properties", body), DECISION)
