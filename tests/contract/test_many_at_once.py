# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty processes with one session directory: nothing is lost, one refresh token is redeemed once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from contract.home import USER, Home
from contract.recording import roles_of
from simulator_process import Simulator

AT_ONCE = 20


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def home(simulator, tmp_path) -> Home:
    simulator.control("POST", "reset")
    return Home(simulator, tmp_path)


def _none_failed(results: list[dict[str, Any]]) -> None:
    assert [result.get("failure") or result["msg"] for result in results if result.get("failed")] == []
    assert len(results) == AT_ONCE


def test_signing_in_to_one_session(home):
    results = home.all(*[home.connect() for _number in range(AT_ONCE)])
    _none_failed(results)
    assert any(result["changed"] for result in results)
    assert {result["session"]["username"] for result in results} == {USER}
    home.check_files("default")
    assert len(home.one("role_info")["roles"]) == 25


def test_signing_in_to_sessions_of_their_own(home):
    names = [f"run-{number}" for number in range(AT_ONCE)]
    _none_failed(home.all(*[home.connect(session=name) for name in names]))
    home.check_files(*names)
    listed = home.one("session_info")["sessions"]
    assert sorted(session["name"] for session in listed) == sorted(names)


def test_reading_when_the_token_has_ended(home):
    assert home.one("connect", **home.connect()[1])["changed"]
    home.end_token()
    before = home.last_call()
    results = home.all(*[("role_info", {}) for _number in range(AT_ONCE)])
    _none_failed(results)
    assert {len(result["roles"]) for result in results} == {25}
    assert home.redemptions(before) == 1
    home.check_files("default")


def test_reading_when_the_service_refuses_the_token(home):
    assert home.one("connect", **home.connect()[1])["changed"]
    home.simulator.control("POST", "tokens/revoke", {"username": USER, "refresh": False})
    home.simulator.advance("PT2S")
    before = home.last_call()
    _none_failed(home.all(*[("role_info", {}) for _number in range(AT_ONCE)]))
    assert home.redemptions(before) == 1
    home.check_files("default")


def test_activating_a_role_each(home):
    assert home.one("connect", **home.connect()[1])["changed"]
    roles = roles_of(USER)[:AT_ONCE]
    results = home.all(*[("activation", {"role": role, "justification": "Test"}) for role in roles])
    _none_failed(results)
    assert [result["activated"][0]["role"] for result in results] == roles
    # The journal has every write, before and after, each on a line of its own.
    lines = [json.loads(line) for line in (home.directory / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    assert Counter(line["event"] for line in lines) == {"submitting": AT_ONCE, "outcome": AT_ONCE}
    assert {line["role"] for line in lines if line["event"] == "submitting"} == set(roles)
    assert {line["outcome"] for line in lines if line["event"] == "outcome"} == {"accepted"}
    assert len({line["entry"] for line in lines}) == AT_ONCE
    # No later write of the session file has lost that roles were switched on.
    assert home.session()["activated_at"] > 0
    home.check_files("default")


def test_activating_one_azure_role(home):
    """Each with a name of its own for the request: the service takes one, and the others find the role active."""
    assert home.one(*home.connect_azure()[:1], **home.connect_azure()[1])["changed"]
    order = {"provider": "azure_resources", "role": "Tag Contributor", "justification": "Test"}
    results = home.all(*[("activation", order) for _number in range(AT_ONCE)])
    _none_failed(results)
    assert [len(result["activated"]) for result in results if result["changed"]] == [1]
    assert all(result["roles"][0]["active"] for result in results)
    requests = home.simulator.control("GET", "requests")["requests"]
    active = home.simulator.control("GET", "state")["active"]
    assert [(one["action"], one["status"]) for one in requests] == [("selfActivate", "Provisioned")], requests
    assert [one["role"] for one in active if one["type"] == "Activated"] == ["Tag Contributor"]
    # Whoever wrote has said so before, and what came of it: accepted once.
    outcomes = Counter(line["outcome"] for line in home.journal() if line["event"] == "outcome")
    assert outcomes["accepted"] == 1, outcomes
    home.check_files("default")


def test_all_of_it_together(home):
    """Somebody signs in anew while others refresh, read, and activate."""
    assert home.one("connect", **home.connect()[1])["changed"]
    home.end_token()
    roles = roles_of(USER)
    orders = []
    for number in range(AT_ONCE // 5):
        orders += [
            home.connect(force=True),
            home.connect(session=f"run-{number}"),
            ("role_info", {}),
            ("session_info", {}),
            ("activation", {"role": roles[number], "justification": "Test"}),
        ]
    _none_failed(home.all(*orders))
    home.check_files("default", *[f"run-{number}" for number in range(AT_ONCE // 5)])
    rows = {row["role"]: row["active"] for row in home.one("role_info")["roles"]}
    assert [role for role, active in rows.items() if active] == sorted(roles[: AT_ONCE // 5], key=list(rows).index)
