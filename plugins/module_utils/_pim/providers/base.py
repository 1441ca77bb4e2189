# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each provider answers: which calls to make, and what their answers mean. They make none. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from ..api.calls import Answer, Call
from ..errors import PimError
from ..models import APPROVE, DENY, Holding, Policy, Request, RoleRow, Stage
from ..times import parse_duration, parse_time

# A line of a list, which may lack the name of its scope.
Line = TypeVar("Line", Holding, Request)


@dataclass(frozen=True)
class Activation:
    """What a self-activation asks for: `duration` in seconds, `start` None for now."""

    duration: int
    start: datetime | None = None
    justification: str | None = None
    ticket_number: str | None = None
    ticket_system: str | None = None

    @property
    def ticket(self) -> dict[str, str]:
        """As all three services take it; empty where none is given."""
        given = {"ticketNumber": self.ticket_number, "ticketSystem": self.ticket_system}
        return {key: value for key, value in given.items() if value}


@dataclass(frozen=True)
class Listing:
    """Everything one account holds with one provider. `requests` is None where they may not be read."""

    holdings: list[Holding]
    requests: list[Request] | None


class Provider(Protocol):
    """The three providers answer the same questions in the same shapes; `principal` is an object id.

    `request_id`: a GUID made by us, for services that let the caller name a request; the others name it themselves.
    """

    name: str
    api: str
    # Permissions a user's token needs, in the words of the API; requested at sign-in, always the same ones.
    permissions: tuple[str, ...]
    default_scope: str | None
    # Whether own requests come with the other lists at no further call.
    requests_are_free: bool
    # Whether requests bear the ids that this task gives them.
    takes_our_ids: bool
    # Whether the service itself, whatever the policies say, may want a second factor of who changes something.
    wants_mfa_for_writes: bool

    def check_role(self, role: str) -> None:
        """`invalid_option` where no such role can exist."""

    def check_scope(self, scope: str | None) -> None:
        """`invalid_option` where no such scope can exist, or one must be named."""

    def canonical_role(self, role: str) -> str:
        """A name or id as rows have it: what is spelled otherwise but means the same becomes the same."""

    def canonical_scope(self, scope: str) -> str:
        """A name, id or path as rows have it."""

    def below(self, scope: str, outer: str) -> bool | None:
        """Whether a scope lies below another, so that an eligibility at that one covers it; None where its path does not tell."""

    def children_call(self, outer: str) -> Call:
        """Lists what lies below a scope, where paths do not tell."""

    def read_children(self, answer: Answer) -> list[str]:
        """The scopes below, as rows have them."""

    def list_calls(self, principal: str | None, *, requests: bool) -> list[Call]:
        """Eligible, active and (`requests`) own requests, in this order; `principal` None means the caller."""

    def read_lists(self, answers: Sequence[Answer | PimError], now: datetime) -> Listing:
        """Raises the failure of a list that could not be read."""

    def name_calls(self, lines: Sequence[Holding] | Sequence[Request]) -> list[Call]:
        """Asks for the display names that the lists left out; none where they are all there."""

    def with_names(self, lines: Sequence[Line], answers: Sequence[Answer | PimError]) -> list[Line]:
        """The same lines with the names found."""

    def active_call(self) -> Call:
        """Just the active ones of the caller: the look after a write."""

    def read_active(self, answer: Answer) -> list[Holding]:
        """What the look found."""

    def policy_call(self, row: RoleRow) -> Call:
        """Reads what the role asks of an activation."""

    def read_policy(self, answer: Answer, row: RoleRow) -> Policy:
        """Raises `invalid_response` where there is none."""

    def activate_call(
        self, row: RoleRow, principal: str, activation: Activation, request_id: str, *, validate_only: bool
    ) -> Call:
        """Asks for an activation, or only for the checks it would meet."""

    def deactivate_call(self, row: RoleRow, principal: str, justification: str | None, request_id: str) -> Call:
        """Ends an activation of the caller."""

    def cancel_call(self, row: RoleRow, request_id: str) -> Call:
        """Withdraws an own request that is not in force yet."""

    def request_call(self, row: RoleRow, request_id: str) -> Call:
        """Reads one own request."""

    def read_request(self, answer: Answer, now: datetime) -> Request:
        """Also the answer to a write."""

    def read_status(self, answer: Answer) -> str | None:
        """What the answer to a validation says would become of it, in the service's spelling."""

    def requests_call(self, *, approver: bool, status: str | None) -> Call:
        """The requests for the caller's own roles, or those that the caller may decide (`approver`), with names.

        `status`: one in the service's spelling, by which a service that can narrow its list does.
        """

    def read_requests(self, answer: Answer, now: datetime) -> list[Request]:
        """As the service lists them."""

    def stages_calls(self, approval_id: str) -> list[Call]:
        """Where the stages of an approval may be, the surest first: the next is asked where the service knows of none there."""

    def read_stages(self, answer: Answer) -> list[Stage]:
        """`invalid_response` where there is none."""

    def decide_call(self, stages: Call, stage_id: str, decision: str, justification: str | None) -> Call:
        """Decides a stage; `stages` is the call by which it was found."""


def text(body: Mapping[str, Any], key: str) -> str:
    """A text the service promises; `invalid_response` where it is missing."""
    value = maybe_text(body, key)
    if value is None:
        raise PimError("invalid_response", f"The service left out {key}")
    return value


def maybe_text(body: Mapping[str, Any], key: str) -> str | None:
    """A text, None where it is missing, empty, or cannot be written down (JSON can hold halves of characters)."""
    value = body.get(key)
    if not isinstance(value, str) or not value:
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value


def part(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object inside another, {} where it is missing or null."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def rows(answer: Answer) -> list[Mapping[str, Any]]:
    """The rows of a collection; `invalid_response` where it holds anything but objects."""
    value = answer.body.get("value")
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise PimError("invalid_response", "The service answered a list without its rows", request_id=answer.request_id)
    return value


def objects(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects of a list inside another object, [] where there is no list."""
    value = body.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def time(body: Mapping[str, Any], key: str) -> datetime | None:
    """A moment, None where it is missing; `invalid_response` for what is none."""
    value = maybe_text(body, key)
    if value is None:
        return None
    try:
        return parse_time(value)
    except ValueError:
        raise PimError("invalid_response", f"The service gave {key} as something that is no time") from None


def duration(schedule: Mapping[str, Any]) -> float | None:
    """Seconds that a `scheduleInfo` asks for, None where it has no end, names one without a start, or counts in years or weeks."""
    expiration = part(schedule, "expiration")
    value = maybe_text(expiration, "duration")
    if value is None:
        start, end = time(schedule, "startDateTime"), time(expiration, "endDateTime")
        return None if start is None or end is None else (end - start).total_seconds()
    try:
        return parse_duration(value)
    except ValueError:
        # Nobody activates for so long; of what an administrator assigned, a list is read all the same.
        return None


def stages_of(listed: Sequence[Stage], answer: Answer) -> list[Stage]:
    """The stages of an approval, which has one at least."""
    if not listed:
        raise PimError("invalid_response", "The service has an approval without a stage", request_id=answer.request_id)
    return list(listed)


def stage(body: Mapping[str, Any], stage_id: str, by: Mapping[str, Any], by_id: str, by_names: Sequence[str]) -> Stage:
    """A stage of an approval; all services spell it alike but for who decided (`by`, with its keys)."""
    status = (maybe_text(body, "status") or "").lower()
    assigned = body.get("assignedToMe")
    return Stage(
        stage_id=stage_id,
        in_progress=status == "inprogress",
        ended=status in ("completed", "expired"),
        assigned=assigned if isinstance(assigned, bool) else None,
        decision=_decision(maybe_text(body, "reviewResult") or ""),
        decided_by_id=maybe_text(by, by_id),
        decided_by_name=next(filter(None, (maybe_text(by, name) for name in by_names)), None),
        decided_at=time(body, "reviewedDateTime"),
        justification=maybe_text(body, "justification"),
    )


# As decisions are sent; documentation also prints Approved and Denied where they are read.
REVIEW_RESULTS = {APPROVE: "Approve", DENY: "Deny"}


def _decision(result: str) -> str | None:
    spelled = result.lower()
    return APPROVE if spelled in ("approve", "approved") else DENY if spelled in ("deny", "denied") else None


def literal(value: str) -> str:
    """An OData text literal; a quote inside it is doubled."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
