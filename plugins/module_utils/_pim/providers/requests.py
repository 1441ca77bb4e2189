# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for roles: what their status means, alike for all three services, behind which one engine works. Private to the collection."""

from __future__ import annotations

from datetime import datetime

from ..models import A_MOMENT, DENIED, DONE, FAILED, PROVISIONING, SCHEDULED, UNDECIDED, WAITING, WITHDRAWN

# Status of a request (Microsoft Graph, resource "request", and the values the engine behind it is known to use), by what it means.
_NAMES = {
    WAITING: ("PendingApproval", "PendingApprovalProvisioning", "PendingAdminDecision", "PendingEvaluation"),
    PROVISIONING: (
        "PendingProvisioning",
        "PendingScheduleCreation",
        "PendingExternalProvisioning",
        "ProvisioningStarted",
        "PendingRevocation",
        "Accepted",
        "AdminApproved",
    ),
    DONE: ("Granted", "ScheduleCreated", "Provisioned"),
    DENIED: ("Denied", "AdminDenied"),
    UNDECIDED: ("TimedOut",),
    WITHDRAWN: ("Canceled", "Revoked"),
    FAILED: ("Failed", "FailedAsResourceIsLocked", "Invalid"),
}
# In lower case -> in the service's spelling, and -> phase.
STATUS_NAMES = {name.lower(): name for names in _NAMES.values() for name in names}
_PHASES = {name.lower(): phase for phase, names in _NAMES.items() for name in names}
# These are also what a request is called that was accepted for a later start.
_MAY_BE_SCHEDULED = frozenset({"granted", "schedulecreated", "pendingschedulecreation", "pendingprovisioning"})
_ACTIONS = {
    "selfactivate": "activate",
    "selfdeactivate": "deactivate",
    "selfextend": "extend",
    "selfrenew": "renew",
    "adminassign": "assign",
    "adminupdate": "update",
    "adminremove": "remove",
    "adminextend": "extend",
    "adminrenew": "renew",
}


def phase_of(status: str, start: datetime | None, now: datetime) -> str:
    """The phase a status stands for; one that nobody has seen yet is taken for one on its way."""
    if status.lower() in _MAY_BE_SCHEDULED and start is not None and start > now:
        return SCHEDULED if start - now > A_MOMENT else PROVISIONING
    return _PHASES.get(status.lower(), PROVISIONING)


def action_of(spelled: object) -> str:
    """What is done, whoever does it; the service's own word where it is a new one."""
    return _ACTIONS.get(str(spelled).lower(), str(spelled))
