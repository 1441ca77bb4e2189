# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions on requests that wait for an approver."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pim_simulator.pim.errors import PimRefusal, insufficient_privileges
from pim_simulator.pim.records import Decision, Request
from pim_simulator.pim.store import Store
from pim_simulator.pim.submission import activate_after_approval


def decide(
    store: Store,
    request: Request,
    result: Literal["Approve", "Deny"],
    approver_id: str,
    justification: str,
    now: datetime,
) -> None:
    """The first decision wins. Raises PimRefusal: 403 no approver or the requestor, 409 not waiting any more."""
    store.settle(now)
    if approver_id in (request.created_by, request.key.principal_id) or not store.is_approver(
        approver_id, request, now
    ):
        raise insufficient_privileges()
    if request.status != "PendingApproval":
        raise PimRefusal(409, "Conflict", "The approval step has been completed already.")
    if store.policies.of(request.key).approver_justification_required() and not justification.strip():
        raise PimRefusal(400, "BadRequest", "Justification is required.")
    request.decision = Decision(result, approver_id, now, justification)
    if result == "Deny":
        request.status = "Denied"
        request.completed = now
    else:
        activate_after_approval(store, request, now)
