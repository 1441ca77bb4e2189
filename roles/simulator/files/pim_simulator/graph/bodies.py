# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of writes: only properties that the type has, each of its type. Texts of refusals are Graph's."""

from __future__ import annotations

from typing import Any

from pim_simulator.graph.errors import bad_request
from pim_simulator.pim.records import Details

_EXPIRATION = {"type": str, "endDateTime": str, "duration": str}
_SCHEDULE = {"startDateTime": str, "expiration": _EXPIRATION, "recurrence": dict}
_REQUEST = {
    "action": str,
    "principalId": str,
    "isValidationOnly": bool,
    "justification": str,
    "customData": str,
    "targetScheduleId": str,
    "scheduleInfo": _SCHEDULE,
    "ticketInfo": {"ticketNumber": str, "ticketSystem": str},
}
ROLE_REQUEST = {**_REQUEST, "roleDefinitionId": str, "directoryScopeId": str, "appScopeId": str}
GROUP_REQUEST = {**_REQUEST, "groupId": str, "accessId": str}
APPROVAL_DECISION = {"reviewResult": str, "justification": str}


def read_details(body: dict[str, Any]) -> Details:
    """Of a checked body of a schedule request, what is neither action nor key."""
    ticket = body.get("ticketInfo") or {}
    return Details(
        schedule_info=body.get("scheduleInfo"),
        justification=body.get("justification"),
        ticket={name: ticket.get(name) for name in ("ticketNumber", "ticketSystem")},
        validation_only=bool(body.get("isValidationOnly")),
        action_as_written=body["action"],
        custom_data=body.get("customData"),
    )


_NAMES: dict[Any, str] = {str: "Edm.String", bool: "Edm.Boolean", dict: "a complex value"}


def check_body(body: Any, model: dict[str, Any], type_name: str) -> dict[str, Any]:
    """The body, without its annotations. Null is taken for any property. Raises GraphError."""
    if not isinstance(body, dict):
        raise bad_request("Empty Payload. JSON content expected." if body is None else _UNREADABLE)
    result: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("@odata."):
            continue
        if name not in model:
            raise bad_request(
                f"The property '{name}' does not exist on type 'microsoft.graph.{type_name}'. Make sure to only use "
                "property names that are defined by the type."
            )
        wanted = model[name]
        if value is None:
            result[name] = None
        elif isinstance(wanted, dict):
            result[name] = check_body(value, wanted, name)
        elif not isinstance(value, wanted):
            raise bad_request(f"Cannot convert the value of '{name}' to the expected type '{_NAMES[wanted]}'.")
        else:
            result[name] = value
    return result


_UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."
)
