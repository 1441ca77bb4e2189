# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides a request that waits for an approver. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..api.calls import Answer, Call
from ..errors import PimError, readable
from ..models import APPROVE, DENY, Request, Stage
from ..plans.approval import current_stage, has_to_be_decided
from ..providers.registry import PROVIDERS
from ..sign_in.names import is_guid
from ..times import format_time
from .activation_options import DEFAULT_PROVIDER
from .connection import NOT_SIGNED_IN, Connection, open_connection
from .connection_options import connection_options, connection_spec
from .context import Context
from .operation import Operation
from .requests import read_requests, read_stages
from .stepping_up import STEP_UPS, asks_for_more, for_one
from .work import SAFE_AGAIN, safe_again

# What the documentation of both services lets an approver decide.
_WAITING = "PendingApproval"
_LISTED = "entra.pim.pim_request_info with as: approver lists what this account may decide."
# Seconds before each look for a decision whose answer was lost: the service may still be at work on it.
_LOOKS = (0.0, 2.0, 5.0)


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "request_id": {"type": "str", "required": True},
            "provider": {"type": "str", "choices": list(PROVIDERS), "default": DEFAULT_PROVIDER},
            "decision": {"type": "str", "choices": [APPROVE, DENY], "required": True},
            "justification": {"type": "str"},
        },
        "supports_check_mode": True,
    }


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    request_id = params["request_id"].strip().lower()
    if not is_guid(request_id):
        raise PimError(
            "unknown_request",
            f"request_id={readable(params['request_id'], 120)!r} is no id of a request: it must be a GUID, as entra.pim.pim_request_info lists it",
            advice="",
        )
    options = connection_options(params, context.environ)
    try:
        connection = open_connection(options, context, [params["provider"]])
        return _Approval(connection, request_id, params).run(context)
    except PimError as error:
        if context.check_mode and error.code in NOT_SIGNED_IN:
            context.warn(f"Nothing could be checked, because nobody is signed in yet: {error.message}")
            return {"changed": False, "request": None, **_decision(None)}
        raise


class _Approval:
    """One request on its way to a decision."""

    def __init__(self, connection: Connection, request_id: str, params: Mapping[str, Any]) -> None:
        self._connection = connection
        self._provider = PROVIDERS[params["provider"]]
        self._id = request_id
        self._wanted: str = params["decision"]
        self._justification: str | None = params.get("justification") or None
        self._request: Request | None = None
        # The decision was sent.
        self._asked = False

    def run(self, context: Context) -> dict[str, Any]:
        if self._connection.session.principal_type != "user":
            raise PimError(
                "app_only_not_supported",
                "This session belongs to an application, and only a person can decide a request",
                advice="Sign in as a user.",
            )
        try:
            self._request = self._listed()
            where, before = self._look()
            after, changed = before, False
            if has_to_be_decided(before, self._wanted, self._name):
                self._refuse_own_request(before)
                if not context.check_mode:
                    after, changed = self._decide(where, before)
                elif self._request is None and not before.assigned:
                    raise self._forbidden()
                else:
                    after, changed = self._decided(before), True
        except PimError as failure:
            error = self._with_state(failure)
            error.provider = self._provider.name
            if self._request is not None:
                error.about(provider=self._provider.name, role=self._role, scope=self._request.scope)
            raise error from None
        result = {"changed": changed, "request": self._shown(), **_decision(after)}
        if context.diff:
            result["diff"] = {"before": _diff(before), "after": _diff(after)}
        return result

    def _with_state(self, error: PimError) -> PimError:
        """Where the decision was sent, the failure tells what is so now; those that name who decided do already."""
        if not self._asked or error.code not in SAFE_AGAIN:
            return error
        state = "whether it is decided is unknown" if error.uncertain else "it still waits for a decision"
        return error.retold(f"{error.message.rstrip('.')}; {state}", advice=safe_again(error))

    @property
    def _name(self) -> str:
        """The request for messages: whose, for which role, as far as known."""
        if self._request is None:
            return f"The request {self._id}"
        whose = self._request.principal_name or self._request.principal_id or "an unknown account"
        return f"The request {self._id} of {whose} for {self._role}"

    @property
    def _role(self) -> str:
        return (self._request.role or self._request.role_id) if self._request else ""

    def _shown(self) -> dict[str, Any] | None:
        return self._request.as_result(self._provider.name, None) if self._request else None

    # Looking.

    def _listed(self) -> Request | None:
        """The request as it is listed among those that wait for the account; None where it is not, or may not be listed."""
        found = read_requests(self._connection, [self._provider.name], approver=True, status=_WAITING)[
            self._provider.name
        ]
        if isinstance(found, PimError):
            if found.code != "forbidden":
                raise found
            # Its approval says whether the account may decide it.
            return None
        return next((one for one in found if one.request_id.lower() == self._id), None)

    def _look(self) -> tuple[Call, Stage]:
        """The stage to decide, and the call that found it. Where there is none: whose fault that is."""
        approval = (self._request.approval_id if self._request else None) or self._id
        try:
            call, stages = read_stages(self._connection, self._provider.name, approval)
        except PimError as failure:
            if failure.code == "forbidden":
                raise self._forbidden(failure) from None
            if failure.status == 404 or failure.code == "unknown_request":
                raise self._unknown(failure) from None
            raise
        return call, current_stage(stages)

    def _is_own(self) -> bool:
        """Whether the request is for the account itself. Not asked where the request is at hand."""
        me = self._connection.session.object_id.lower()
        if self._request is not None:
            return self._request.principal_id.lower() == me
        found = read_requests(self._connection, [self._provider.name], approver=False)[self._provider.name]
        return not isinstance(found, PimError) and any(
            one.request_id.lower() == self._id and one.principal_id.lower() in ("", me) for one in found
        )

    # Refusing.

    def _refuse_own_request(self, stage: Stage) -> None:
        """The service lets nobody decide an own request, also where the account is among the approvers."""
        if (self._request is not None or not stage.assigned) and self._is_own():
            raise self._own_request()

    def _own_request(self) -> PimError:
        return PimError(
            "forbidden",
            f"{self._name} is this account's own, and nobody decides an own request",
            advice="Ask another approver.",
        )

    def _forbidden(self, failure: PimError | None = None) -> PimError:
        """The failure for a request that is not up to the account; `failure` is what the service said."""
        ours = (
            self._own_request()
            if self._is_own()
            else PimError(
                "forbidden",
                f"{self._name} is not this account's to decide: it is not among the approvers",
                advice=_LISTED,
            )
        )
        return ours.because_of(failure) if failure else ours

    def _unknown(self, failure: PimError) -> PimError:
        """The failure for a request that the service knows no approval of."""
        ours = (
            self._own_request()
            if self._is_own()
            else PimError(
                "unknown_request",
                f"There is no request {self._id} with provider {self._provider.name} that waits, or waited, for an approver",
                advice=_LISTED,
            )
        )
        return ours.because_of(failure)

    # Deciding.

    def _decide(self, where: Call, before: Stage) -> tuple[Stage, bool]:
        """The stage afterwards, and whether this task decided it."""
        outcome = self._send(where, before)
        if isinstance(outcome, PimError) and outcome.uncertain:
            return self._after_lost_answer(where, before, outcome)
        if isinstance(outcome, Answer):
            return self._decided(before), True
        return self._after_refusal(before, outcome)

    def _send(self, where: Call, stage: Stage) -> Answer | PimError:
        """Once more with the token of a step-up, where the service asks who decides for more than the session has proved."""
        call = self._provider.decide_call(where, stage.stage_id, self._wanted, self._justification)
        self._asked = True
        outcome = self._connection.run([call])[0]
        for _round in range(STEP_UPS):
            if not isinstance(outcome, PimError) or not asks_for_more(outcome):
                break
            try:
                for_one(self._connection, self._provider.api, self._name, outcome)
            except PimError as error:
                return error.because_of(outcome)
            outcome = self._connection.run([call])[0]
        return outcome

    def _after_lost_answer(self, where: Call, before: Stage, lost: PimError) -> tuple[Stage, bool]:
        """Looks what became of it. What still waits is decided once more: the first decision counts, a second is refused."""
        for wait in _LOOKS:
            self._connection.transport.pause(wait)
            try:
                _call, now = self._look()
            except PimError as error:
                raise self._fate_unknown(error) from None
            if now.decision is not None or now.ended:
                return self._found_decided(now, maybe_ours=True)
        outcome = self._send(where, before)
        if isinstance(outcome, Answer):
            return self._decided(before), True
        if outcome.uncertain:
            raise self._fate_unknown(lost)
        return self._after_refusal(before, outcome, maybe_ours=True)

    def _after_refusal(self, before: Stage, refusal: PimError, *, maybe_ours: bool = False) -> tuple[Stage, bool]:
        """Somebody may have been quicker: the service says so by 409, and is looked at where it says anything like it."""
        if refusal.status in (400, 409):
            _call, now = self._look()
            if now.decision is not None or now.ended:
                return self._found_decided(now, maybe_ours=maybe_ours or refusal.repeated)
        if refusal.code == "forbidden":
            raise self._forbidden(refusal)
        if refusal.status == 404:
            raise self._unknown(refusal)
        if refusal.status == 400 and refusal.code == refusal.service_code and self._justification is None:
            # No code is known for it, and nothing else is missing from a decision.
            raise PimError(
                "policy_violation",
                f"{self._name} was not decided: the service refuses a decision without a justification",
                advice="Give a justification: the settings of the role ask its approvers for one.",
            ).because_of(refusal)
        raise refusal

    def _found_decided(self, stage: Stage, *, maybe_ours: bool) -> tuple[Stage, bool]:
        """Raises where it was decided the other way. `maybe_ours`: a decision of this task may have arrived."""
        has_to_be_decided(stage, self._wanted, self._name)
        me = self._connection.session.object_id.lower()
        return stage, maybe_ours and (stage.decided_by_id or me).lower() == me

    def _fate_unknown(self, error: PimError) -> PimError:
        told = error.retold(
            f"The answer to the decision of request {self._id} was lost, and what became of it could not be found out: {error.message}",
            advice="Running again is safe: a request that is decided is found and left.",
        )
        told.uncertain = True
        return told

    def _decided(self, stage: Stage) -> Stage:
        """The stage as this task leaves it."""
        session = self._connection.session
        return replace(
            stage,
            decision=self._wanted,
            decided_by_id=session.object_id,
            decided_by_name=session.username,
            decided_at=self._connection.now(),
            justification=self._justification,
        )


def _decision(stage: Stage | None) -> dict[str, Any]:
    if stage is None or stage.decision is None:
        return {"decision": None, "decided_by": None, "decided_at": None}
    return {
        "decision": stage.decision,
        "decided_by": {"id": stage.decided_by_id, "name": stage.decided_by_name},
        "decided_at": format_time(stage.decided_at),
    }


def _diff(stage: Stage) -> dict[str, Any]:
    return {"decision": stage.decision, "justification": stage.justification if stage.decision else None}


OPERATION = Operation("pim_approval", spec, run)
