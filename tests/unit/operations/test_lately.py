# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles to be switched on while the service's lists tell of a moment ago: one that ended is listed still, one that began not yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError

from unit.operations.azure import Azure
from unit.operations.directory import Directory, Role, error
from unit.operations.world import World, active, role_of, world_of

LAG = 20.0


@pytest.fixture(params=[Directory, Azure])
def world(tmp_path, request):
    def make(role: Role) -> World:
        return world_of(str(tmp_path / "state"), role_of(request.param, role), kind=request.param)

    return make


def list_as_now(here: World, seconds: float = LAG) -> None:
    """So long from now on, the list of what is active goes on telling what it tells now."""
    stale = {"value": [here.directory._active_line(role) for role in here.directory.roles if role.active]}
    until, handle = here.fake.now + seconds, here.directory._handle

    def handled(method, path, body):
        listed = method == "GET" and "roleAssignmentScheduleInstances" in path
        return (200, stale) if listed and here.fake.now < until else handle(method, path, body)

    here.directory._handle = handled


def actions(here: World) -> list[str]:
    return [write[0] for write in here.directory.writes]


def test_one_that_was_ended_a_moment_ago_is_switched_on_anew(world):
    here = world(active())
    list_as_now(here)
    assert here.run(role="Reader", state="inactive", wait=False)["changed"] is True
    here.fake.advance(3)
    began = here.fake.now
    result = here.run(role="Reader", duration="2h")
    assert "failed" not in result
    assert actions(here) == ["selfDeactivate", "selfActivate"]
    (row,) = result["roles"]
    assert (result["changed"], len(result["activated"]), row["active"]) == (True, 1, True)
    # The row of the ended one was not taken for it.
    assert here.fake.now - began >= LAG - 3
    assert row["expires_at"] == "2030-03-17T19:46:43Z"
    assert len(here.directory.state()) == 1


def test_one_that_is_still_being_taken_down_is_asked_for_until_it_is_gone(world):
    here = world(active())
    list_as_now(here)
    here.run(role="Reader", state="inactive", wait=False)
    request, until = here.directory._request, here.fake.now + 9
    here.directory._request = lambda body: (
        request(body) if here.fake.now >= until else (400, error("RoleAssignmentExists"))
    )
    result = here.run(role="Reader")
    assert "failed" not in result
    assert (result["changed"], len(result["activated"]), result["roles"][0]["active"]) == (True, 1, True)


def test_the_service_saying_that_the_ended_one_is_there_does_not_make_it_active(world):
    here = world(active())
    list_as_now(here, 120)
    here.run(role="Reader", state="inactive", wait=False)
    here.directory._request = lambda _body: (400, error("RoleAssignmentExists"))
    result = here.run(role="Reader", wait_timeout=90)
    assert result["failure"]["service_code"] == "RoleAssignmentExists"
    assert "off now" in result["msg"]
    assert (result["changed"], result["activated"], result["roles"][0]["active"]) == (False, [], False)


def test_check_mode_tells_that_it_would_be_switched_on_anew(world):
    here = world(active())
    list_as_now(here)
    here.run(role="Reader", state="inactive", wait=False)
    told = here.run(check_mode=True, role="Reader")
    assert (told["changed"], len(told["activated"])) == (True, 1)
    assert actions(here) == ["selfDeactivate"]


def test_one_that_others_switched_on_since_is_active(world):
    here = world(active())
    assert here.run(role="Reader", state="inactive", wait=False)["changed"] is True
    here.fake.advance(30)
    role = here.directory.roles[0]
    role.active, role.start, role.end = True, here.fake.clock.now(), here.fake.clock.now() + timedelta(hours=1)
    here.fake.advance(10)
    result = here.run(role="Reader")
    assert (result["changed"], result["activated"], result["roles"][0]["active"]) == (False, [], True)
    assert actions(here) == ["selfDeactivate"]


def test_one_that_could_not_be_ended_is_active(world):
    here = world(active())
    here.directory._refusal = lambda _role, _body: "InvalidRequest"
    assert here.run(role="Reader", state="inactive", wait=False)["failed"] is True
    result = here.run(role="Reader")
    assert (result["changed"], result["roles"][0]["active"]) == (False, True)
    assert actions(here) == ["selfDeactivate"]


def test_the_end_of_long_ago_says_nothing_of_what_is_listed_now(world):
    here = world(active())
    here.run(role="Reader", state="inactive")
    here.fake.advance(400)
    assert here.run(role="Reader")["changed"] is True
    assert here.run(role="Reader")["changed"] is False
    assert actions(here) == ["selfDeactivate", "selfActivate"]


def test_one_that_was_switched_on_a_moment_ago_is_waited_for(world):
    here = world(Role("Reader"))
    list_as_now(here)
    assert here.run(role="Reader", wait=False)["changed"] is True
    here.fake.advance(3)
    began = here.fake.now
    result = here.run(role="Reader")
    assert "failed" not in result
    assert (result["changed"], result["activated"], result["roles"][0]["active"]) == (False, [], True)
    assert LAG - 3 <= here.fake.now - began < 2 * LAG
    # Azure's requests are not read before: there the service itself says that it is there.
    assert here.directory.changes == [("selfActivate", here.directory.roles[0].id, here.directory.roles[0].scope)]
    assert len(here.directory.writes) <= (2 if isinstance(here.directory, Azure) else 1)


def test_one_that_was_switched_on_a_moment_ago_and_is_not_waited_for(world):
    here = world(Role("Reader"))
    list_as_now(here)
    here.run(role="Reader", wait=False)
    result = here.run(role="Reader", wait=False)
    assert "failed" not in result
    assert (result["changed"], result["activated"], sum(here.fake.slept)) == (False, [], 0)
    assert len(here.directory.changes) == 1


def test_a_stale_row_does_not_settle_a_lost_answer(world):
    """The write never arrived, and what the list shows is what was ended before it."""
    here = world(active())
    list_as_now(here, 60)
    here.run(role="Reader", state="inactive", wait=False)
    here.fake.advance(3)
    request, lost = here.directory._request, []

    def dropped(body):
        if body["action"] == "selfActivate" and not lost:
            lost.append(body)
            raise PimError("network", "the connection was closed", uncertain=True)
        return request(body)

    here.directory._request = dropped
    result = here.run(role="Reader", wait_timeout=120)
    assert "failed" not in result
    assert (result["changed"], len(result["activated"]), len(here.directory.state())) == (True, 1, 1)
    assert actions(here) == ["selfDeactivate", "selfActivate"]
