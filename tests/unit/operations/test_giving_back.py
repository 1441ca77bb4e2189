# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving back what runs hold, before a directory that lags, refuses, and is looked at by others meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import giving_back, session_info
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.leasing import Leases
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.waiting import wait_for
from ansible_collections.entra.pim.plugins.module_utils._pim.providers.registry import PROVIDERS
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply

from unit.operations.azure import Azure, AzureRole
from unit.operations.directory import Directory, Role, error
from unit.operations.players import Player
from unit.operations.test_killed_runs import approved
from unit.operations.test_lately import list_as_now
from unit.operations.world import World, role_of, world_of

KINDS = [Directory, Azure]


@pytest.fixture
def players() -> Iterator[Callable[[World], Player]]:
    """Makes runs, and ends those that are left."""
    made: list[Player] = []

    def begin(here: World) -> Player:
        made.append(Player(here))
        return made[-1]

    yield begin
    for one in made:
        one.end()


def world(tmp_path, kind: type[Directory], *names: str) -> World:
    """Where what was activated can be ended at once."""
    here = world_of(str(tmp_path / "state"), *[role_of(kind, Role(name)) for name in names], kind=kind)
    here.directory.shortest = timedelta(0)
    return here


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_list_shows(tmp_path, players, kind):
    """As below the scope of an eligibility, where lists lag. Azure names a role by the path of its definition, which rows have."""
    here = world(tmp_path, kind, "Reader", "Writer")
    one = players(here)
    list_as_now(here)
    assert one.elevate("Reader", "Writer", wait=False)["changed"]
    for role in here.directory.roles:
        role.eligible = False
    result = one.give_back(wait=False)
    assert "failed" not in result, result["msg"]
    assert {row["role"] for row in result["deactivated"]} == {"Reader", "Writer"}
    assert here.directory.state() == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_with_one_role_does_not_keep_the_others(tmp_path, players, kind):
    here = world(tmp_path, kind, "Reader", "Writer", "Owner")
    one = players(here)
    assert one.elevate("Reader", "Writer", "Owner")["changed"]
    provider = PROVIDERS[here.provider]
    call = type(provider).deactivate_call

    def broken(self, row, *others):
        if row.role == "Writer":
            raise KeyError("roleDefinitionId")
        return call(self, row, *others)

    with mock.patch.object(type(provider), "deactivate_call", broken):
        result = one.give_back()
    assert {row["role"] for row in result["deactivated"]} == {"Reader", "Owner"}
    assert (result["failed"], result["changed"], result["failure"]["code"]) == (True, True, "unexpected")
    assert result["failure"]["role"] == "Writer"
    assert len(here.directory.state()) == 1
    assert [write[0] for write in here.directory.changes].count("selfDeactivate") == 2
    # It is held still.
    assert {row["role"] for row in one.give_back()["deactivated"]} == {"Writer"}


class Both:
    """Entra roles and Azure roles behind one transport."""

    def __init__(self, entra: Directory, azure: Azure) -> None:
        self._entra, self._azure = entra, azure

    def send(self, method: str, url: str, **options: Any) -> Reply:
        return (self._entra if "/v1.0" in url else self._azure).send(method, url, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entra, name)


@pytest.mark.parametrize("broken", ["entra", "azure"])
def test_a_provider_that_cannot_be_read_does_not_keep_the_others(tmp_path, players, broken):
    here = world(tmp_path, Directory, "Reader")
    places = {"entra": here.directory, "azure": Azure(here.fake, [AzureRole("Owner")], shortest=timedelta(0))}
    here.directory = Both(places["entra"], places["azure"])
    one = players(here)
    roles = [{"role": "Reader"}, {"role": "Owner", "provider": "azure_resources"}]
    assert len(one.elevate(roles=roles)["held"]) == 2
    sound = places.keys() - {broken}
    with mock.patch.object(places[broken], "_handle", return_value=(503, error("ServiceUnavailable"))):
        result = one.give_back()
    assert (result["failed"], result["changed"]) == (True, True)
    assert (result["failure"]["code"], len(result["deactivated"])) == ("service_unavailable", 1)
    assert [places[name].state() for name in sound] == [set()]
    assert len(places[broken].state()) == 1
    assert len(one.give_back()["deactivated"]) == 1
    assert places[broken].state() == set()


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_goes_on_after_its_end_was_accepted_is_held_still(tmp_path, players, kind):
    """Also where the run that took it was gone before it had seen it active."""
    here = world(tmp_path, kind, "Reader")
    one = players(here)
    with mock.patch.object(Leases, "settle", side_effect=PimError("session_busy", "The journal is busy")):
        assert one.elevate("Reader")["changed"]
    one.end()
    other = players(here)
    (role,) = here.directory.roles
    request = here.directory._request

    def accepted(body):
        told = request(body)
        role.active = True
        return told

    with mock.patch.object(here.directory, "_request", accepted):
        result = other.give_back(leftovers=True, wait_timeout=5)
    assert result["failure"]["code"] == "wait_timeout"
    here.fake.advance(600)
    (row,) = other.give_back(leftovers=True)["deactivated"]
    assert (row["role"], here.directory.state()) == ("Reader", set())


def test_what_somebody_ended_while_it_was_waited_for_is_no_failure(tmp_path, players):
    here = world(tmp_path, Directory, "Reader", "Writer")
    here.directory.shortest = timedelta(minutes=5)
    one = players(here)
    assert one.elevate("Reader", "Writer")["changed"]

    def meanwhile(_message: str) -> None:
        here.fake.advance(300)
        assert here.run(role="Reader", state="inactive")["changed"]

    one.edge["show"] = meanwhile
    result = one.give_back(too_early="wait")
    assert "failed" not in result
    assert [row["role"] for row in result["deactivated"]] == ["Writer"]
    assert [(row["role"], row.get("failure")) for row in result["roles"]] == [("Writer", None)]


TOLD = ("changed", "deactivated", "left_to_expire", "held_by_others", "failed", "diff", "warnings")
# What only an answer of the service has.
ANSWERED = ("status", "request_id", "failure")


def told(result: dict[str, Any]) -> dict[str, Any]:
    """What check mode has to know."""
    rows = [{**row, **dict.fromkeys(ANSWERED)} for row in result["roles"]]
    return {**{key: result.get(key) for key in TOLD}, "roles": rows, "code": result.get("failure", {}).get("code")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("minutes", "shared", "waiting", "options"),
    [
        (6, False, False, {}),
        (6, True, False, {}),
        (1, False, False, {"too_early": "leave"}),
        (1, False, False, {"too_early": "fail"}),
        (1, True, False, {"too_early": "fail"}),
        (1, False, True, {}),
    ],
)
def test_check_mode_foretells_the_run(tmp_path, players, kind, minutes, shared, waiting, options):
    here = world(tmp_path, kind, "Reader", "Writer")
    here.directory.shortest = timedelta(minutes=5)
    for role in here.directory.roles:
        role.approval = waiting
    one, other = players(here), players(here)
    one.elevate("Reader", "Writer", wait=not waiting)
    if shared:
        assert other.elevate("Reader")["lease_taken"]
    here.fake.advance(60 * minutes)
    before, lines = list(here.directory.writes), here.journal()
    foretold = one.give_back(check_mode=True, **options)
    assert (here.directory.writes, here.journal()) == (before, lines)
    assert told(foretold) == told(one.give_back(**options))


def test_check_mode_before_anybody_has_signed_in(tmp_path, players):
    """As in check mode of a whole playbook."""
    here = world(tmp_path, Directory, "Reader")
    gone = players(here)
    assert gone.elevate("Reader")["changed"]
    gone.end()
    one = players(here)
    params = {"leftovers": True, "session": "other"}
    result = one.give_back(check_mode=True, **params)
    assert (result.get("failed"), result["changed"], result["roles"]) == (None, False, [])
    assert [warning.partition(":")[0] for warning in result["warnings"]] == [
        "Nothing could be checked, because nobody is signed in yet"
    ]
    assert one.give_back(**params)["failure"]["code"] == "not_connected"


class Twin(Role):
    """Another role, of the same name."""

    @property
    def id(self) -> str:
        return "id-twin"


def test_roles_of_one_name_are_told_by_id(tmp_path, players):
    """So that what a result gives can be fed back."""
    here = world_of(str(tmp_path / "state"), Role("Reader"), Twin("Reader"), Role("Writer"))
    here.directory.shortest = timedelta(0)
    one, other = players(here), players(here)
    roles = [{"role": "id-reader"}, {"role": "id-twin"}, {"role": "Writer"}]
    for run in (one, other):
        assert [row["role"] for row in run.elevate(roles=roles)["held"]] == ["id-reader", "id-twin", "Writer"]
    assert [row["role"] for row in one.give_back()["held_by_others"]] == ["id-reader", "id-twin", "Writer"]
    result = other.give_back(roles=roles[1:])
    assert [row["role"] for row in result["deactivated"]] == ["id-twin", "Writer"]
    assert here.directory.state() == {("id-reader", "/")}
    # Known now by the list alone.
    assert [row["role"] for row in other.give_back()["deactivated"]] == ["id-reader"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_run_activates_anew_is_not_waited_for(tmp_path, players, kind):
    """Right after its end was accepted; it is the other run's alone."""
    here = world(tmp_path, kind, "Reader")
    one, other = players(here), players(here)
    assert one.elevate("Reader")["changed"]
    here.fake.advance(400)

    def meanwhile(*arguments):
        here.fake.advance(1)
        assert other.elevate("Reader")["lease_taken"]
        wait_for(*arguments)

    began = here.fake.now
    with mock.patch.object(giving_back, "wait_for", meanwhile):
        result = one.give_back()
    assert ("failed" in result, len(result["deactivated"])) == (False, 1)
    assert here.fake.now - began < 60
    assert len(other.give_back()["deactivated"]) == 1
    assert here.directory.state() == set()


def test_what_another_account_took_is_told(tmp_path, players):
    """It takes the session that it was taken with."""
    here = world(tmp_path, Directory, "Reader", "Writer")
    one = players(here)
    assert one.elevate("Reader")["changed"]
    sessions = Sessions(here.path, here.fake.clock)
    sessions.save(replace(sessions.load("default"), name="second", object_id="somebody-else"))
    here.directory.roles[0].active = False
    assert one.elevate("Writer", session="second")["changed"]
    here.directory.roles[0].active = True
    assert here.directory.state() == {("id-reader", "/"), ("id-writer", "/")}
    result = one.give_back()
    assert [row["role"] for row in result["deactivated"]] == ["Reader"]
    assert result["warnings"] == ["Writer at / is held by this run still: it was taken with the session second."]
    result = one.give_back(session="second")
    assert [row["role"] for row in result["deactivated"]] == ["Writer"]
    assert result["warnings"] == []


@pytest.mark.parametrize("first", ["az", "default"])
def test_what_the_session_cannot_serve_does_not_keep_the_rest(tmp_path, players, first):
    """The clients that need no registration get tokens for Azure alone, or for Entra alone."""
    here = world(tmp_path, Directory, "Reader")
    here.directory = Both(here.directory, Azure(here.fake, [AzureRole("Owner")], shortest=timedelta(0)))
    one = players(here)
    sessions = Sessions(here.path, here.fake.clock)
    known = sessions.load("default")
    sessions.save(replace(known, name="az", auth_method="azure_cli"))
    sessions.save(replace(known, tokens={"graph": known.tokens["graph"]}, scopes={"graph": []}))
    assert one.elevate(roles=[{"role": "Reader"}])["changed"]
    assert one.elevate(roles=[{"role": "Owner", "provider": "azure_resources"}], session="az")["changed"]
    told = {"az": "Owner", "default": "Reader"}
    (other,) = told.keys() - {first}
    result = one.give_back(session=first)
    assert [row["role"] for row in result["deactivated"]] == [told[first]]
    (warning,) = result["warnings"]
    assert warning.startswith(told[other])
    assert warning.endswith(f"is held by this run still: it was taken with the session {other}.")
    result = one.give_back(session=other)
    assert ([row["role"] for row in result["deactivated"]], result["warnings"]) == ([told[other]], [])


@pytest.mark.parametrize("kind", KINDS)
def test_a_leftover_that_is_renewed_is_one_still(tmp_path, players, kind):
    """It was there before the run that renews it, which leaves it; but nobody has asked for it by hand."""
    here = world(tmp_path, kind, "Reader")
    gone, one = players(here), players(here)
    assert gone.elevate("Reader")["changed"]
    gone.end()
    here.fake.advance(1800)
    result = one.elevate("Reader", minimum_remaining="45m")
    assert (len(result["activated"]), result["held"], result["lease_taken"]) == (1, [], False)
    assert one.give_back()["changed"] is False
    assert len(here.directory.state()) == 1
    (left,) = here.do(session_info.OPERATION, {}, {})["leftovers"]
    assert left["expires_at"] == result["roles"][0]["expires_at"]
    here.fake.advance(1200)
    assert len(one.give_back(leftovers=True)["deactivated"]) == 1
    assert here.directory.state() == set()


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_was_approved_a_moment_ago_and_is_not_listed_yet(tmp_path, players, kind):
    here = world(tmp_path, kind, "Reader")
    (role,) = here.directory.roles
    role.approval = True
    one = players(here)
    assert one.elevate("Reader", wait=False)["held"]
    here.fake.advance(3600)
    list_as_now(here)
    approved(here, here.directory.requests[-1])
    here.fake.advance(2)
    assert len(one.give_back(wait=False)["deactivated"]) == 1
    assert here.directory.state() == set()


@pytest.mark.parametrize("kind", KINDS)
def test_one_that_is_renewed_is_not_held_until_the_end_of_the_old_one(tmp_path, players, kind):
    """Which the service lists still."""
    here = world(tmp_path, kind, "Reader")
    one = players(here)
    assert one.elevate("Reader")["changed"]
    here.fake.advance(1800)
    list_as_now(here, 60)
    assert one.elevate("Reader", minimum_remaining="45m", wait_timeout=5)["failure"]["code"] == "wait_timeout"
    one.end()
    here.fake.advance(2400)
    assert len(here.directory.state()) == 1
    assert len(here.do(session_info.OPERATION, {}, {})["leftovers"]) == 1
