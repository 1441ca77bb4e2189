# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals of activations: one for each request that waits, or waited, with one stage of the same GUID."""

from __future__ import annotations

from typing import Any

from pim_simulator.arm.bodies import read_decision
from pim_simulator.arm.errors import authorization_failed, bad_request, not_found
from pim_simulator.arm.filters import read_filter
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.views import NAMESPACE, Row, approval_id, row_time, without_unset
from pim_simulator.pim.approvals import decide
from pim_simulator.pim.records import Request
from pim_simulator.tenant.models import User

_TYPE = f"{NAMESPACE}/roleAssignmentApprovals"
_READ = "Microsoft.Authorization/roleAssignmentApprovals/read"
_FUNCTIONS = {"asapprover": False, "ascreatedby": False, "astarget": False}


class Approvals:
    """At the tenant, and at scopes alike."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def all(self, call: ArmCall) -> ArmAnswer:
        """What concerns the caller, narrowed by the filter."""
        now = self._place.open()
        wanted = read_filter(call.filter_text, _FUNCTIONS, ())
        caller = call.caller.object_id
        own = set(self._place.holders(caller, now))

        def holds(term: Any, request: Request) -> bool:
            return {
                "asapprover": self._place.store.is_approver(caller, request, now),
                "ascreatedby": request.created_by == caller,
                "astarget": request.key.principal_id in own,
            }[term.name]

        def shown(_source: None, request: Request) -> bool:
            return (
                request.approval_id is not None
                and self._is_party(call, request)
                and wanted.matches(lambda term: holds(term, request))
            )

        requests = list(self._place.store.requests.values())
        size = self._place.world.tenant.page_size
        return page(call, [(None, requests)], shown, lambda _source, request: self._row(call, request), size)

    def get(self, call: ArmCall, name: str) -> ArmAnswer:
        return ArmAnswer(body=self._row(call, self._found(call, name)))

    def stages(self, call: ArmCall, name: str) -> ArmAnswer:
        return ArmAnswer(body={"value": [self._stage(call, self._found(call, name))]})

    def stage(self, call: ArmCall, name: str, stage: str) -> ArmAnswer:
        return ArmAnswer(body=self._stage(call, self._found_stage(call, name, stage)))

    def decide(self, call: ArmCall, name: str, stage: str) -> ArmAnswer:
        """Recorded: 204 without content, though the stage is published as the answer."""
        request = self._found_stage(call, name, stage)
        given = read_decision(call.body)
        result = given.get("reviewResult")
        if result not in ("Approve", "Deny"):
            raise bad_request("The reviewResult must be Approve or Deny.")
        now = self._place.world.clock.now()
        decide(self._place.store, request, result, call.caller.object_id, given.get("justification", ""), now)
        return ArmAnswer(204)

    def _is_party(self, call: ArmCall, request: Request) -> bool:
        now, caller = self._place.world.clock.now(), call.caller.object_id
        return caller == request.created_by or self._place.store.is_approver(caller, request, now)

    def _found(self, call: ArmCall, name: str) -> Request:
        self._place.open()
        request = self._place.store.requests.get(name.lower())
        if request is None or request.approval_id is None:
            raise not_found("RoleAssignmentApproval", name[:60])
        if not self._is_party(call, request):
            raise authorization_failed(call.caller, _READ, request.key.scope)
        return request

    def _found_stage(self, call: ArmCall, name: str, stage: str) -> Request:
        request = self._found(call, name)
        if stage.lower() != request.approval_id:
            raise not_found("RoleAssignmentApprovalStage", stage[:60])
        return request

    def _row(self, call: ArmCall, request: Request) -> Row:
        return {
            "id": approval_id(request),
            "name": request.approval_id,
            "type": _TYPE,
            "properties": {"stages": [self._stage(call, request)]},
        }

    def _stage(self, call: ArmCall, request: Request) -> Row:
        decision = request.decision
        now = self._place.world.clock.now()
        reviewer = self._place.directory.object(decision.by) if decision else None
        by = None
        if reviewer is not None:
            upn = reviewer.username if isinstance(reviewer, User) else None
            by = without_unset(
                {
                    "principalId": reviewer.id,
                    "principalType": "user" if isinstance(reviewer, User) else "servicePrincipal",
                    "principalName": reviewer.name,
                    "userPrincipalName": upn,
                }
            )
        waits = request.status == "PendingApproval"
        properties = {
            "displayName": "",
            "status": "InProgress" if waits else "Expired" if request.status == "TimedOut" else "Completed",
            "assignedToMe": self._place.store.is_approver(call.caller.object_id, request, now),
            "reviewedBy": by,
            "reviewedDateTime": row_time(decision.at) if decision else None,
            "reviewResult": decision.result if decision else "NotReviewed",
            "justification": decision.justification if decision else "",
        }
        return {
            "id": f"{approval_id(request)}/stages/{request.approval_id}",
            "name": request.approval_id,
            "type": f"{_TYPE}/stages",
            "properties": without_unset(properties),
        }
