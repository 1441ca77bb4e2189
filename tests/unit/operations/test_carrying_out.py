# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task finds out only when it writes: a request under way, and an activation so young that the service denies it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.times import format_time
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply

from unit.clocks import NOW
from unit.operations.azure import SUBSCRIPTION, Azure, AzureRole
from unit.operations.directory import Directory, Role, error, reply
from unit.operations.world import World, active, role_of, world_of


def under_way(directory: Directory, status: str = "PendingApproval", start: float | None = None) -> dict:
    """An own request that was made before, or by somebody else's task in this moment; it starts in so many minutes."""
    role = directory.roles[0]
    moment = None if start is None else format_time(NOW + timedelta(minutes=start))
    made = {
        "id": "of-another-task",
        "action": "selfActivate",
        "roleDefinitionId": role.id,
        "directoryScopeId": role.scope,
        "status": status,
        "createdDateTime": format_time(NOW - timedelta(minutes=10)),
        "scheduleInfo": {"startDateTime": moment},
    }
    directory.requests.append(made)
    return made


def at_the_first_write(here, happen: Callable[[], object]) -> None:
    """Something that happens between what the task has read and what it writes."""
    handle, happened = here.directory._handle, []

    def handled(method, path, body):
        if method != "GET" and not happened:
            happened.append(True)
            happen()
        return handle(method, path, body)

    here.directory._handle = handled


def a_world(tmp_path, kind: type[Directory], *roles: Role) -> World:
    return world_of(str(tmp_path / "state"), *(role_of(kind, role) for role in roles), kind=kind)


@pytest.fixture(params=[Directory, Azure])
def kind(request) -> type[Directory]:
    """The directory's requests are read before, Azure's are not: what comes in between is found by the write alone."""
    return request.param


@pytest.fixture
def late(tmp_path, kind):
    """A world where an own request is found only by the write."""
    here = a_world(tmp_path, kind, Role("Reader"))

    def make(status: str = "PendingApproval", start: float | None = None):
        at_the_first_write(here, lambda: under_way(here.directory, status, start))
        return here

    return make


def test_a_request_under_way_is_told_and_not_made_again(late):
    here = late()
    result = here.run(role="Reader", wait=False)
    assert "failed" not in result
    row = result["roles"][0]
    assert (result["changed"], row["changed"], row["status"]) == (False, False, "PendingApproval")
    assert (row["request_id"], row["pending"]["request_id"]) == ("of-another-task", "of-another-task")
    assert result["activated"] == []
    assert [write[0] for write in here.directory.writes] == ["selfActivate"]
    assert len(here.directory.requests) == 1


def test_a_request_under_way_is_waited_for(late):
    here = late()
    role = here.directory.roles[0]
    expire = here.directory._expire

    def approve() -> None:
        expire()
        if here.fake.now >= NOW.timestamp() + 20:
            role.active, role.start, role.end = True, NOW + timedelta(seconds=20), NOW + timedelta(hours=1)
            here.directory.requests[0]["status"] = "Provisioned"

    here.directory._expire = approve
    result = here.run(role="Reader")
    assert "failed" not in result
    assert (result["changed"], result["activated"], result["roles"][0]["active"]) == (False, [], True)
    assert 20 <= sum(here.fake.slept) < 60


def test_a_request_of_another_task_is_not_withdrawn(late):
    here = late()
    result = here.run(role="Reader", wait_timeout=30)
    assert (result["failure"]["code"], result["changed"], result["activated"]) == ("wait_timeout", False, [])
    assert "goes on waiting" in result["msg"]
    assert here.directory.requests[0]["status"] == "PendingApproval"


def test_a_request_for_later_is_replaced(late):
    here = late("Granted", start=300)
    result = here.run(role="Reader")
    assert "failed" not in result
    assert (result["changed"], result["roles"][0]["active"], len(result["activated"])) == (True, True, 1)
    assert [one["status"] for one in here.directory.requests] == ["Canceled", "Provisioned"]
    assert result["roles"][0]["request_id"] == here.directory.requests[1]["id"]
    assert [write[0] for write in here.directory.writes] == ["selfActivate", "cancel", "selfActivate"]
    if isinstance(here.directory, Azure):
        # The name of a request that was refused may be taken.
        assert len(set(here.directory.names)) == 2
    actions = [line["action"] for line in here.journal() if line["event"] == "submitting"]
    assert actions == ["activate", "cancel", "activate"]


def test_a_request_for_later_that_cannot_be_withdrawn_is_told(late):
    here = late("Granted", start=300)
    here.directory._cancel = lambda _number: (400, error("InvalidRequest"))
    result = here.run(role="Reader")
    assert (result["failed"], result["changed"], result["activated"]) == (True, False, [])
    assert here.directory.requests[0]["status"] == "Granted"
    assert [write[0] for write in here.directory.writes] == ["selfActivate"]


def test_azures_requests_are_read_before_where_a_start_is_asked_for(tmp_path):
    here = world_of(str(tmp_path / "state"), AzureRole("Reader"), kind=Azure)
    under_way(here.directory, "Granted", start=100)
    result = here.run(role="Reader", start_time=format_time(NOW + timedelta(minutes=120)))
    assert (result["changed"], result["roles"][0]["pending"]["request_id"]) == (False, "of-another-task")
    assert here.directory.writes == []


def test_a_request_under_way_that_cannot_be_looked_at_is_told(late):
    here = late()
    handle = here.directory._handle

    def handled(method, path, body):
        if method == "GET" and here.directory.writes and "roleEligibility" in path:
            return 500, error("Busy")
        return handle(method, path, body)

    here.directory._handle = handled
    result = here.run(role="Reader")
    assert (result["failure"]["code"], result["changed"]) == ("service_unavailable", False)
    assert "is active or asked for already, but cannot be looked at" in result["msg"]


def test_of_several_only_what_is_under_way_is_joined(tmp_path):
    here = world_of(str(tmp_path / "state"), *map(AzureRole, ("A", "B", "C")), kind=Azure)
    under_way(here.directory, "Granted", start=300)
    result = here.run(roles=[{"role": name, "provider": "azure_resources"} for name in "ABC"])
    assert "failed" not in result
    assert [row["changed"] for row in result["roles"]] == [True] * 3
    assert [one["role"] for one in result["activated"]] == ["A", "B", "C"]
    assert sorted(one["status"] for one in here.directory.requests) == ["Canceled", *["Provisioned"] * 3]


# A request that is found after an answer was lost is this task's own.


def first_answer(here, turn_into: Callable[[Reply], Reply], unlisted: int = 0) -> None:
    """What becomes of the answer to the first write; so many lists after it do not tell of the request that it made."""
    send, handle, lists = here.directory.send, here.directory._handle, []

    def sent(method, url, *, json_body=None, **options):
        writes = len(here.directory.writes)
        told = send(method, url, json_body=json_body, **options)
        return turn_into(told) if len(here.directory.writes) == 1 and not writes else told

    def handled(method, path, body):
        if here.directory.writes and method == "GET" and re.search(r"Requests(/filter|\?)", path):
            lists.append(path)
            if len(lists) <= unlisted:
                return 200, {"value": []}
        return handle(method, path, body)

    here.directory.send, here.directory._handle = sent, handled


def gone(_told: Reply) -> Reply:
    raise PimError("network", "the connection was closed", uncertain=True)


def test_a_request_found_after_a_lost_answer_is_this_tasks_own(tmp_path, kind):
    here = a_world(tmp_path, kind, Role("Reader", approval=True))
    first_answer(here, gone)
    result = here.run(role="Reader", wait_timeout=30)
    assert (result["failure"]["code"], result["changed"], result["activated"]) == ("wait_timeout", False, [])
    assert "this task's request was withdrawn" in result["msg"]
    assert [one["status"] for one in here.directory.requests] == ["Canceled"]
    assert [write[0] for write in here.directory.writes] == ["selfActivate", "cancel"]


def test_a_request_found_by_the_second_try_of_a_lost_write_is_this_tasks_own(tmp_path, kind):
    here = a_world(tmp_path, kind, Role("Reader", approval=True))
    # It is looked for three times.
    first_answer(here, gone, unlisted=3)
    result = here.run(role="Reader", wait=False)
    assert "failed" not in result
    assert (result["changed"], len(result["activated"]), len(here.directory.requests)) == (True, 1, 1)
    assert result["roles"][0]["pending"]["request_id"] == here.directory.requests[0]["id"]


def test_a_request_found_by_a_repeated_write_is_this_tasks_own(tmp_path):
    """The transport sends a write of Azure again by itself: the service then says that there is such a request."""
    here = a_world(tmp_path, Azure, Role("Reader", approval=True))
    first_answer(here, lambda _told: replace(reply(400, error("RoleAssignmentRequestExists")), unsure=True))
    result = here.run(role="Reader", wait_timeout=30)
    assert (result["failure"]["code"], result["changed"], result["activated"]) == ("wait_timeout", False, [])
    assert [one["status"] for one in here.directory.requests] == ["Canceled"]


# Azure says for a minute or more that a young activation does not exist.


def young(tmp_path, since: float = 0.2, unknown_for: float = 1.5):
    """An Azure role that was activated so many minutes ago; so long the service denies it."""
    here = world_of(str(tmp_path / "state"), active(kind=AzureRole, since=since), kind=Azure)
    here.directory.unknown_for = timedelta(minutes=unknown_for)
    return here


def test_a_young_activation_that_is_denied_is_waited_out(tmp_path):
    here = young(tmp_path)
    result = here.run(role="Reader", state="inactive")
    assert "failed" not in result
    assert (result["changed"], result["roles"][0]["active"]) == (True, False)
    assert result["deactivated"] == [{"provider": "azure_resources", "role": "Reader", "scope": SUBSCRIPTION}]
    assert 280 <= sum(here.fake.slept) <= 330


def test_a_young_activation_that_is_denied_may_be_left(tmp_path):
    here = young(tmp_path)
    result = here.run(role="Reader", state="inactive", too_early="leave")
    assert "failed" not in result
    row = result["roles"][0]
    assert (result["changed"], result["deactivated"]) == (False, [])
    assert (row["status"], row["active"]) == ("left_to_expire", True)
    assert any("left to expire" in warning for warning in result["warnings"])


def test_a_young_activation_that_is_denied_may_fail_the_task(tmp_path):
    here = young(tmp_path)
    result = here.run(role="Reader", state="inactive", too_early="fail")
    failure = result["failure"]
    assert (failure["code"], failure["service_code"]) == ("too_early", "RoleAssignmentDoesNotExist")
    assert (result["changed"], result["deactivated"], failure["role"]) == (False, [], "Reader")
    assert "a moment ago" in result["msg"]
    assert "five minutes" in failure["advice"]


def test_one_that_was_accepted_a_moment_ago_and_is_not_listed_is_too_young_still(tmp_path):
    here = world_of(str(tmp_path / "state"), AzureRole("Reader"), kind=Azure)
    here.directory.unknown_for = timedelta(seconds=90)
    assert here.run(role="Reader", wait=False)["changed"] is True
    handle = here.directory._handle

    def handled(method, path, body):
        return (200, {"value": []}) if "roleAssignmentScheduleInstances" in path else handle(method, path, body)

    # The lists have not heard of it.
    here.directory._handle = handled
    result = here.run(role="Reader", state="inactive", too_early="fail")
    assert (result["failure"]["code"], result["changed"]) == ("too_early", False)
    assert len(here.directory.state()) == 1


def test_one_that_has_ended_meanwhile_is_no_failure(tmp_path):
    here = young(tmp_path, unknown_for=0)

    def end() -> None:
        here.directory.roles[0].active = False

    at_the_first_write(here, end)
    result = here.run(role="Reader", state="inactive", too_early="fail")
    assert "failed" not in result
    assert (result["changed"], result["deactivated"], result["roles"][0]["active"]) == (False, [], False)


def test_an_old_activation_that_is_denied_is_not_taken_for_young(tmp_path):
    here = young(tmp_path, since=2.6, unknown_for=600)
    result = here.run(role="Reader", state="inactive", wait_timeout=20)
    assert (result["failure"]["code"], result["changed"], result["deactivated"]) == ("wait_timeout", False, [])
    assert len(here.directory.writes) == 1


def test_waiting_for_a_young_activation_ends(tmp_path):
    here = young(tmp_path, unknown_for=2)
    here.directory._refusal = lambda _role, _body: "ActiveDurationTooShort"
    result = here.run(role="Reader", state="inactive")
    assert (result["failure"]["code"], result["changed"]) == ("too_early", False)
    assert sum(here.fake.slept) < 400


# What a failure tells of the state, and of running again.


def test_a_withdrawal_whose_answer_was_lost_is_looked_for(tmp_path, kind):
    here = a_world(tmp_path, kind, Role("Reader", approval=True))
    cancel = here.directory._cancel

    def cancelled(number):
        cancel(number)
        raise PimError("network", "the connection was closed", uncertain=True)

    here.directory._cancel = cancelled
    result = here.run(role="Reader", wait_timeout=30)
    assert (result["failure"]["code"], result["changed"], result["activated"]) == ("wait_timeout", False, [])
    assert "this task's request was withdrawn" in result["msg"]


def test_a_withdrawal_that_got_lost_is_asked_for_again(tmp_path, kind):
    here = a_world(tmp_path, kind, Role("Reader", approval=True))
    here.run(role="Reader", wait=False)
    cancel, tries = here.directory._cancel, []

    def cancelled(number):
        tries.append(number)
        if len(tries) == 1:
            raise PimError("network", "the connection was closed", uncertain=True)
        return cancel(number)

    here.directory._cancel = cancelled
    result = here.run(role="Reader", state="inactive")
    assert ("failed" in result, result["changed"], len(tries)) == (False, True, 2)
    assert [one["status"] for one in here.directory.requests] == ["Canceled"]


@pytest.mark.parametrize("answered", [True, False], ids=["refused", "lost"])
def test_a_write_that_failed_tells_what_is_so_now(tmp_path, kind, answered):
    here = a_world(tmp_path, kind, Role("Reader"))
    handle = here.directory._handle

    def handled(method, path, body):
        if method != "GET":
            if answered:
                return 429, error("TooManyRequests")
            raise PimError("network", "the connection was closed", uncertain=True)
        if not answered and here.directory.calls > 3:
            raise PimError("network", "the service is gone")
        return handle(method, path, body)

    here.directory._handle = handled
    result = here.run(role="Reader")
    assert result["failure"]["code"] == ("throttled" if answered else "network")
    assert ("is not active now" if answered else "state is unknown") in result["msg"]
    assert "unning again is safe" in result["msg"]


def test_an_activation_found_after_a_lost_answer_is_shown_as_active_without_waiting(tmp_path, kind):
    here = a_world(tmp_path, kind, Role("Reader"))
    first_answer(here, gone)
    result = here.run(role="Reader", wait=False)
    assert (result["changed"], result["roles"][0]["active"]) == (True, True)
    assert result["roles"][0]["expires_at"] is not None


def test_what_is_still_active_tells_what_the_service_said_last(tmp_path, kind):
    here = world_of(str(tmp_path / "state"), active(kind=AzureRole if kind is Azure else Role), kind=kind)
    handle = here.directory._handle
    here.directory._handle = lambda method, path, body: (
        handle(method, path, body) if method == "GET" else (504, error("GatewayTimeout"))
    )
    result = here.run(role="Reader", state="inactive")
    assert result["failure"]["code"] == "service_unavailable"
    assert "is still active" in result["msg"]
    assert "unning again is safe" in result["msg"]
