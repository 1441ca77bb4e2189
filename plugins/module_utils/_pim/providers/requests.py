# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for roles: what their status means, alike for all three services, behind which one engine works. Private to the collection."""

from __future__ import annotations

from datetime import datetime

from ..models import A_MOMENT, DENIED, DONE, FAILED, PROVISIONING, SCHEDULED, WAITING, WITHDRAWN

# Status of a request (Microsoft Graph, resource "request", and the values the engine behind it is known to use) -> phase.
_PHASES = {
    "pendingapproval": WAITING,
    "pendingapprovalprovisioning": WAITING,
    "pendingadmindecision": WAITING,
    "pendingevaluation": WAITING,
    "pendingprovisioning": PROVISIONING,
    "pendingschedulecreation": PROVISIONING,
    "pendingexternalprovisioning": PROVISIONING,
    "provisioningstarted": PROVISIONING,
    "pendingrevocation": PROVISIONING,
    "accepted": PROVISIONING,
    "adminapproved": PROVISIONING,
    "granted": DONE,
    "schedulecreated": DONE,
    "provisioned": DONE,
    "denied": DENIED,
    "admindenied": DENIED,
    "timedout": DENIED,
    "canceled": WITHDRAWN,
    "revoked": WITHDRAWN,
    "failed": FAILED,
    "failedasresourceislocked": FAILED,
    "invalid": FAILED,
}
# These are also what a request is called that was accepted for a later start.
_MAY_BE_SCHEDULED = frozenset({"granted", "schedulecreated", "pendingschedulecreation", "pendingprovisioning"})
_ACTIONS = {"selfactivate": "activate", "selfdeactivate": "deactivate"}


def phase_of(status: str, start: datetime | None, now: datetime) -> str:
    """The phase a status stands for; one that nobody has seen yet is taken for one on its way."""
    if status.lower() in _MAY_BE_SCHEDULED and start is not None and start > now:
        return SCHEDULED if start - now > A_MOMENT else PROVISIONING
    return _PHASES.get(status.lower(), PROVISIONING)


def action_of(spelled: object) -> str:
    """`activate` and `deactivate` for what the account does itself, the service's own word for the rest."""
    return _ACTIONS.get(str(spelled).lower(), str(spelled))
