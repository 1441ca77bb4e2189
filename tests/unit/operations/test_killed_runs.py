# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that ends on the spot, before and after each line it writes and each call it makes: what it left on is known, and given back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import session_info
from ansible_collections.entra.pim.plugins.module_utils._pim.state import files

from unit.operations.azure import Azure
from unit.operations.directory import Directory, Role, error
from unit.operations.players import Player
from unit.operations.world import World, role_of, world_of


class Killed(BaseException):
    """Nothing is done after it."""


class Moments:
    """Counts the moments of a run, and ends it at one of them."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.passed = 0

    def around(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._one()
            told = done(*args, **kwargs)
            self._one()
            return told

        return call

    def _one(self) -> None:
        self.passed += 1
        if self.passed >= self._at:
            raise Killed


def there(tmp_path, kind: type[Directory], approval: bool) -> World:
    roles = [
        role_of(kind, Role(name, approval=approval and name == "Writer")) for name in ("Reader", "Writer", "Before")
    ]
    here = world_of(str(tmp_path), *roles, kind=kind)
    here.directory.shortest = timedelta(0)
    # By hand, before the run.
    here.run(role="Before", duration="8h")
    here.fake.advance(400)
    return here


def elevate(here: World, one: Player, _other: Player) -> None:
    one.elevate("Reader", "Writer", "Before", wait=False)


def give_back(here: World, one: Player, _other: Player) -> None:
    one.elevate("Reader", "Writer", "Before", wait=False)
    here.fake.advance(30)
    one.give_back()


def renew(here: World, one: Player, other: Player) -> None:
    """What another run took, and gives back before this one ends."""
    other.elevate("Reader", duration="30m")
    here.fake.advance(60)
    one.elevate("Reader", minimum_remaining="45m")
    other.give_back()


STORIES = [(elevate, False), (elevate, True), (give_back, False), (give_back, True), (renew, False)]


@pytest.mark.parametrize("kind", [Directory, Azure])
@pytest.mark.parametrize(("story", "approval"), STORIES)
def test_killed_at_each_moment(tmp_path, kind, story, approval):
    number, alive = 0, True
    while alive:
        number += 1
        here = there(tmp_path / str(number), kind, approval)
        (before,) = here.directory.state()
        one, other, moments = Player(here), Player(here), Moments(number)
        with (
            mock.patch.object(files, "append", moments.around(files.append)),
            mock.patch.object(here.directory, "send", moments.around(here.directory.send)),
        ):
            try:
                story(here, one, other)
                alive = False
            except Killed:
                assert moments.passed >= number
        one.end()
        other.end()
        # What waits is approved when nobody is there any more.
        here.fake.advance(400)
        for request in here.directory.requests:
            if request["status"] == "PendingApproval":
                approved(here, request)
        left = here.do(session_info.OPERATION, {}, {})["leftovers"]
        on = here.directory.state() - {before}
        assert {role_id for role_id, _scope in on} <= {one["role_id"] for one in left}, number
        cleaner = Player(here)
        result = cleaner.give_back(leftovers=True)
        cleaner.end()
        assert "failed" not in result, (number, result["msg"])
        assert here.directory.state() == {before}, number
        assert here.do(session_info.OPERATION, {}, {})["leftovers"] == [], number
    assert number > 10


def approved(here: World, request: dict[str, Any]) -> None:
    (role,) = [one for one in here.directory.roles if one.id == request["roleDefinitionId"]]
    request["status"] = "Provisioned"
    role.active, role.start = True, here.fake.clock.now()
    role.end = role.start + timedelta(hours=1)


@pytest.mark.parametrize("kind", [Directory, Azure])
def test_a_request_that_nobody_may_see_is_not_forgotten(tmp_path, kind):
    """It may be approved whenever the approver comes."""
    here = there(tmp_path, kind, approval=True)
    (before,) = here.directory.state()
    one, other = Player(here), Player(here)
    one.elevate("Writer", wait=False)
    one.end()
    here.fake.advance(3600)
    handle = here.directory._handle

    def handled(method, path, body):
        refused = method == "GET" and "roleAssignmentScheduleRequests" in path
        return (403, error("Forbidden")) if refused else handle(method, path, body)

    with mock.patch.object(here.directory, "_handle", handled):
        assert other.give_back(leftovers=True)["changed"] is False
        assert len(here.do(session_info.OPERATION, {}, {})["leftovers"]) == 1
        approved(here, here.directory.requests[-1])
        assert len(other.give_back(leftovers=True)["deactivated"]) == 1
    other.end()
    assert here.directory.state() == {before}
