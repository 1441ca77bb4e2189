# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: what has room goes through, the rest is told when there will be."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pim_simulator.throttling import Throttling

from simulator.arm_client import AUTHORIZATION, MINE, PRODUCTION, ArmClient
from simulator.service_client import VIEWER, Client, error_of
from simulator_process import Simulator

ARM_LIST = f"{AUTHORIZATION}/roleEligibilityScheduleInstances?{MINE}"


def _limit(simulator: Simulator, **order: Any) -> None:
    simulator.control("POST", "throttling", {"kind": "reads", **order})


def test_a_bucket_fills_again() -> None:
    now = [100.0]
    throttling = Throttling(lambda: now[0])
    throttling.order({"api": "arm", "kind": "reads", "bucket": 2, "per_second": 0.5})
    assert [throttling.take("arm", "GET", "one") for _number in range(4)] == [None, None, 2, 2]
    assert throttling.take("arm", "GET", "another") is None
    assert throttling.take("arm", "PUT", "one") is None
    assert throttling.take("graph", "GET", "one") is None
    now[0] += 1
    assert throttling.take("arm", "GET", "one") == 1
    now[0] += 1
    assert [throttling.take("arm", "GET", "one") for _number in range(2)] == [None, 2]
    # more than the bucket holds is not saved up
    now[0] += 1000
    assert [throttling.take("arm", "GET", "one") for _number in range(3)] == [None, None, 2]


def test_graph_counts_each_item_of_a_batch(simulator: Simulator, client: Client) -> None:
    token = client.token()
    _limit(simulator, api="graph", bucket=3, per_second=0.1)
    items = [{"id": str(number), "method": "GET", "url": "/me"} for number in range(5)]
    answer = client.graph("POST", "$batch", token, json={"requests": items})
    assert answer.status_code == 200
    by_id = {item["id"]: item for item in answer.json()["responses"]}
    assert [by_id[item["id"]]["status"] for item in items] == [200, 200, 200, 429, 429]
    assert by_id["4"]["body"]["error"]["code"] == "TooManyRequests"
    assert by_id["4"]["headers"]["Retry-After"] == "10"
    single = client.graph("GET", "me", token)
    assert error_of(single) == (429, "TooManyRequests")
    assert single.headers["Retry-After"] == "10"


def test_graph_counts_for_each_application(simulator: Simulator, client: Client) -> None:
    mine, others = client.token(), client.token(client_id=VIEWER)
    _limit(simulator, api="graph", bucket=1, per_second=0.1)
    assert [client.graph("GET", "me", token).status_code for token in (mine, mine, others)] == [200, 429, 200]


def test_azure_counts_in_each_subscription(simulator: Simulator, arm: ArmClient) -> None:
    token = arm.arm_token()
    _limit(simulator, api="arm", bucket=1, per_second=0.1)
    scopes = ("", "", PRODUCTION, PRODUCTION)
    answers = [arm.call("GET", f"{scope}{ARM_LIST}", token) for scope in scopes]
    assert [answer.status_code for answer in answers] == [200, 429, 200, 429]
    assert error_of(answers[1]) == (429, "TooManyRequests")
    assert answers[1].headers["Retry-After"] == "10"


def test_a_client_that_waits_as_told_gets_through(simulator: Simulator, client: Client) -> None:
    token = client.token()
    _limit(simulator, api="graph", bucket=1, per_second=2)
    assert client.graph("GET", "me", token).status_code == 200
    refused = client.graph("GET", "me", token)
    assert refused.status_code == 429
    time.sleep(int(refused.headers["Retry-After"]))
    assert client.graph("GET", "me", token).status_code == 200


def test_taken_back(simulator: Simulator) -> None:
    for take_back in (
        lambda: _limit(simulator, api="graph", bucket=0),
        lambda: simulator.control("POST", "reset"),
    ):
        _limit(simulator, api="graph", bucket=1, per_second=0.1)
        assert simulator.control("GET", "throttling")["limits"] == [
            {"api": "graph", "kind": "reads", "bucket": 1, "per_second": 0.1}
        ]
        take_back()
        assert simulator.control("GET", "throttling") == {"limits": []}


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"api": "sign_in", "kind": "reads", "bucket": 1, "per_second": 1}, "api"),
        ({"api": "graph", "kind": "all", "bucket": 1, "per_second": 1}, "kind"),
        ({"api": "graph", "kind": "reads", "bucket": -1, "per_second": 1}, "bucket"),
        ({"api": "graph", "kind": "reads", "bucket": True, "per_second": 1}, "bucket"),
        ({"api": "graph", "kind": "reads", "bucket": 1}, "per_second"),
        ({"api": "graph", "kind": "reads", "bucket": 1, "per_second": 0}, "per_second"),
        ({"api": "graph", "kind": "reads", "bucket": 1, "per_second": 1, "more": 1}, "more"),
    ],
)
def test_refused(simulator: Simulator, order: dict[str, Any], named: str) -> None:
    status, body = simulator.control_raw("POST", "throttling", order)
    assert status == 400
    assert named in body["error"]
    assert simulator.control("GET", "throttling") == {"limits": []}
