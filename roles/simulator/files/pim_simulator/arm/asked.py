# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request's body, and the address it is sent to, as what PIM's core takes: action, key, details."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pim_simulator.arm.bodies import SCHEDULE_REQUEST, read_properties
from pim_simulator.arm.errors import ArmError, authorization_failed
from pim_simulator.arm.messages import ArmCall
from pim_simulator.arm.place import Place
from pim_simulator.arm.schedules import last_segment
from pim_simulator.pim.errors import invalid_request
from pim_simulator.pim.records import Details, Key, Kind, Schedule
from pim_simulator.pim.submission import INVALID, SELF_ACTIONS, read_action
from pim_simulator.tenant.azure_scopes import AzureScope, plain_path

_ROLE_DEFINITION = re.compile(
    r"(?P<scope>.*)/providers/microsoft\.authorization/roledefinitions/(?P<id>[^/]+)", re.IGNORECASE
)
_READ_RESOURCE_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"
# an id that no eligibility has
_NONE = ""


@dataclass(frozen=True)
class Asked:
    action: str
    key: Key
    details: Details

    @property
    def own(self) -> bool:
        return self.action in SELF_ACTIONS


def read_request(place: Place, call: ArmCall, kind: Kind, name: str, validation_only: bool) -> Asked:
    """Raises ArmError or PimRefusal."""
    scope = place.scope(call.address.scope)
    given = read_properties(call.body, SCHEDULE_REQUEST)
    action = read_action(given.get("requestType"), kind)
    if not given.get("principalId") or not given.get("roleDefinitionId"):
        raise invalid_request(INVALID)
    principal = place.directory.principal(given["principalId"])
    if principal is None:
        raise ArmError(400, "SubjectNotFound", "The subject is not found.")
    key = Key(principal.id or "", _role_id(place, scope, given["roleDefinitionId"]), scope.path)
    condition, version = given.get("condition"), given.get("conditionVersion")
    if condition and version != "2.0":
        raise invalid_request("A condition needs the conditionVersion 2.0.")
    linked = None
    if action == "selfActivate":
        source = _source(place, call, key, given.get("linkedRoleEligibilityScheduleId"))
        linked = source.id if source else _NONE
        if source is not None:
            _check_resource_group(place, call, scope, source)
    ticket = given.get("ticketInfo", {})
    details = Details(
        schedule_info=_schedule_info(given.get("scheduleInfo"), kind),
        justification=given.get("justification"),
        ticket={member: ticket.get(member) for member in ("ticketNumber", "ticketSystem")},
        validation_only=validation_only or given.get("isValidationOnly", False),
        action_as_written=given["requestType"],
        request_id=name.lower(),
        linked=linked,
        condition=condition,
        condition_version=version,
    )
    return Asked(action, key, details)


def _role_id(place: Place, scope: AzureScope, text: str) -> str:
    """Of a full id, in the form of the tenant or of the scope or one above it. Raises ArmError."""
    match = _ROLE_DEFINITION.fullmatch(plain_path(text))
    role = place.directory.azure_roles.get(match["id"]) if match else None
    if match is None or role is None:
        raise ArmError(
            400,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{last_segment(text)[:60]}' does not exist.",
        )
    prefix = match["scope"]
    if prefix:
        found = place.scopes.find(prefix)
        if found is None or found.path not in place.scopes.upward(scope.path):
            raise ArmError(
                400,
                "ScopeDoesNotMatchRoleDefinition",
                f"The scope '{scope.path}' does not match the scope of the role definition.",
            )
    return role.id


def _source(place: Place, call: ArmCall, key: Key, linked: str | None) -> Schedule | None:
    """The eligibility to use. Measured: at a smaller scope than its own only its whole path is taken; at its own a bare
    GUID does, and so does none at all."""
    now = place.world.clock.now()
    if linked and "/" in linked.strip("/"):
        found = place.store.schedules.get(last_segment(linked))
        return found if found is not None and found.kind == "eligibility" else None
    candidates = [
        schedule
        for holder in (key.principal_id, *place.holders(call.caller.object_id, now))
        for schedule in place.store.of_key("eligibility", Key(holder, key.role_id, key.scope))
        if not schedule.ended(now) and (not linked or schedule.id == last_segment(linked))
    ]
    # what is in force before what begins later, and the longest of these
    far = now.max.replace(tzinfo=now.tzinfo)
    return max(candidates, key=lambda s: (s.in_force(now), s.end or far), default=None)


def _check_resource_group(place: Place, call: ArmCall, scope: AzureScope, source: Schedule) -> None:
    """Measured: ARM itself looks at a resource group in the address before PIM does, and refuses who cannot read it and is
    eligible through a management group only. Raises ArmError."""
    if not source.key.scope.startswith("/providers/"):
        return
    now = place.world.clock.now()
    groups = [place.scope(path) for path in place.scopes.upward(scope.path) if "/resourceGroups/" in path]
    for group in groups:
        if group.kind != "resourcegroup" or group.readable_by is None:
            continue
        readers = {place.directory.principal_named(name).id for name in group.readable_by}
        if readers.isdisjoint(place.holders(call.caller.object_id, now)) and not place.area.allowed(
            call.caller.object_id, _READ_RESOURCE_GROUP, group.path, now
        ):
            raise authorization_failed(call.caller, _READ_RESOURCE_GROUP, group.path)


def _schedule_info(info: Any, kind: Kind) -> Any:
    """Seen with eligibilities only: AfterDuration without a duration is for good."""
    expiration = (info or {}).get("expiration", {})
    without = expiration.get("type", "").lower() == "afterduration" and "duration" not in expiration
    if kind == "eligibility" and without:
        return {**info, "expiration": {"type": "NoExpiration"}}
    return info
