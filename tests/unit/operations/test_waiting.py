# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While an approver is waited for: what the screen shows and when, what it costs, and how a denial is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest

from unit.clocks import START
from unit.operations.azure import Azure
from unit.operations.directory import Directory, Role, error, reply
from unit.operations.world import World, role_of, world_of

_ANNA = {"@odata.type": "#microsoft.graph.singleUser", "userType": "User", "userId": "u1", "description": "Anna"}
_BOARD = {"@odata.type": "#microsoft.graph.groupMembers", "userType": "Group", "groupId": "g1", "description": None}


@dataclass
class Approval:
    """A world where roles need approval. ``screen``: (seconds after the start, line); ``asked``: paths of policies and stages."""

    world: World
    approvers: list[dict] | None = None
    # After so many seconds all requests have this status.
    after: float = 0.0
    status: str = "PendingApproval"
    stage: dict | None = None
    screen: list[tuple[float, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        directory = self.world.directory
        send, handle, rules = directory.send, directory._handle, directory._rules

        def sent(method, url, **options):
            path = unquote(url)
            if "Approvals/" not in path:
                return send(method, url, **options)
            self.asked.append(path)
            if self.stage is None:
                return reply(403, error("AccessDenied"))
            row = {"name": "s1", "properties": self.stage} if "Microsoft.Auth" in path else {"id": "s1", **self.stage}
            return reply(200, {"value": [row]})

        def handled(method, path, body):
            if "olicies" in path or "PolicyAssignments" in path:
                self.asked.append(path)
                if self.approvers is None:
                    return 403, error("AccessDenied")
            if self.world.fake.now >= START + self.after:
                for one in directory.requests:
                    one["status"] = self.status
            return handle(method, path, body)

        def with_approvers(role_id):
            found = rules(role_id)
            found[-1]["setting"]["approvalStages"] = [{"primaryApprovers": self.approvers}]
            return found

        directory.send, directory._handle, directory._rules = sent, handled, with_approvers

    def run(self, *, seen=True, **options):
        roles = [{"provider": self.world.provider, "role": role.name} for role in self.world.directory.roles]

        def show(line):
            self.screen.append((self.world.fake.now - START, line))

        return self.world.run(show=show if seen else None, roles=roles, **options)


@pytest.fixture(params=[Directory, Azure])
def kind(request):
    return request.param


@pytest.fixture
def approval(tmp_path, kind):
    def make(*names, **changes):
        roles = [role_of(kind, Role(name, approval=True)) for name in names or ("Reader",)]
        return Approval(world_of(str(tmp_path / "state"), *roles, kind=kind), **changes)

    return make


def test_lines_come_now_and_then(approval):
    here = approval(approvers=[_ANNA, _BOARD])
    here.run(wait_timeout=10000)
    due = [minutes * 60 for minutes in (0, 1, 5, 15, 30, 60, 90, 120, 150)]
    times = [seconds for seconds, _line in here.screen]
    assert len(times) == len(due)
    assert all(0 <= seconds - wanted < 15 for seconds, wanted in zip(times, due))
    scope = here.world.directory.roles[0].scope
    lines = [line for _seconds, line in here.screen]
    assert lines[0] == f"Waiting for an approver: Reader at {scope} (approvers: Anna, group g1)"
    assert lines[1] == f"Waiting for an approver: Reader at {scope} (for 1 min; approvers: Anna, group g1)"
    assert "(for 2 h 30 min;" in lines[-1]
    assert len(here.asked) == 1


def test_all_roles_stand_in_one_line_and_their_policies_were_read_already(approval):
    here = approval("Reader", "Writer", approvers=[])
    here.run(wait_timeout=30)
    (line,) = [line for _seconds, line in here.screen]
    assert line.count("(approvers: administrators)") == 2
    # Those that the plan of several roles needs.
    assert len(here.asked) == 2


def test_an_earlier_request_is_told_with_its_age(approval):
    here = approval(approvers=[_ANNA])
    here.run(wait=False)
    here.world.fake.advance(3600)
    here.run(wait_timeout=10)
    (line,) = [line for _seconds, line in here.screen]
    assert "(for 1 h; approvers: Anna)" in line


def test_many_approvers_with_long_names_fit_into_a_line(approval):
    many = [{**_ANNA, "description": f"{number}\x1b[2J" + "x" * 200} for number in range(9)]
    here = approval(approvers=many)
    here.run(wait_timeout=10)
    (line,) = [line for _seconds, line in here.screen]
    assert line.endswith(", 4 more)")
    assert "\x1b" not in line
    assert len(line) < 600


def test_approvers_that_cannot_be_read_are_left_out(approval):
    here = approval()
    result = here.run(wait_timeout=90)
    scope = here.world.directory.roles[0].scope
    assert [line.partition(scope)[2] for _seconds, line in here.screen] == ["", " (for 1 min)"]
    assert result["failure"]["code"] == "wait_timeout"
    assert result["warnings"] == []
    assert len(here.asked) == 1


@pytest.mark.parametrize("options", [{"wait": False}, {"seen": False}])
def test_nothing_is_asked_where_nobody_waits_or_sees(approval, options):
    here = approval(approvers=[_ANNA])
    here.run(wait_timeout=30, **options)
    assert here.screen == here.asked == []


def test_nothing_is_shown_where_nothing_waits(approval):
    here = approval(approvers=[_ANNA])
    here.world.directory.roles[0].approval = False
    here.status = "Provisioned"
    assert here.run()["roles"][0]["active"]
    assert here.screen == here.asked == []


def _denied(kind, words):
    reviewer = (
        {"id": "u1", "displayName": "Anna"} if kind is Directory else {"principalId": "u1", "principalName": "Anna"}
    )
    return {"status": "Completed", "reviewResult": "Deny", "reviewedBy": reviewer, "justification": words}


@pytest.mark.parametrize("status", ["Denied", "AdminDenied"])
def test_a_denial_says_who_and_why(approval, kind, status):
    here = approval(stage=_denied(kind, "Not\x1b[31m without a ticket"), after=100, status=status)
    result = here.run(seen=False)
    assert result["failure"]["code"] == "approval_denied"
    assert result["failure"]["request_id"] == result["roles"][0]["request_id"]
    assert " was denied by Anna (u1), who wrote: Not [31m without a ticket. Ask the approver" in result["msg"]
    assert (result["changed"], result["activated"]) == (False, [])
    assert len(here.asked) == 1


def test_words_are_cut_and_never_a_token(approval, kind):
    here = approval(stage=_denied(kind, "eyJhbGciOiJub25lIn0.e30.x " + "y" * 5000), status="Denied", after=5)
    message = here.run()["msg"]
    assert "(token) yyy" in message
    assert len(message) < 800


def test_a_denial_without_words(approval, kind):
    here = approval(stage=_denied(kind, ""), after=100, status="Denied")
    assert " was denied by Anna (u1). Ask the approver" in here.run(seen=False)["msg"]


@pytest.mark.parametrize("stage", [None, {"status": "Completed", "reviewResult": "NotReviewed"}])
def test_a_denial_that_nobody_tells_more_of(approval, stage):
    here = approval(stage=stage, after=100, status="Denied")
    result = here.run(seen=False)
    assert result["failure"]["code"] == "approval_denied"
    assert " was not approved (Denied). " in result["msg"]


def test_a_request_that_nobody_decided(approval):
    here = approval(after=4000, status="TimedOut")
    result = here.run(seen=False, wait_timeout=10000)
    assert result["failure"]["code"] == "approval_denied"
    assert result["msg"].startswith("Nobody decided the request for Reader at ")
    assert " in time (TimedOut). " in result["msg"]
    assert here.asked == []
    assert here.world.fake.now - START < 4020
