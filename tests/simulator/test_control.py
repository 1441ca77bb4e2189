# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: time, records, faults, latency, decisions, state, reset."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from pim_simulator.times import parse_time

from simulator.service_client import DIRECTORY, MINE, OPERATOR, Client, error_of
from simulator_process import Simulator

SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"


def test_every_call_needs_the_key(simulator: Simulator) -> None:
    for method, path in (("GET", "time"), ("POST", "reset"), ("GET", "calls"), ("POST", "faults"), ("GET", "state")):
        for key in ("", "wrong", simulator.control_key[:-1]):
            status, body = simulator.control_raw(method, path, {}, key=key)
            assert status == 403
            assert "X-Simulator-Key" in body["error"]


def test_control_calls_are_no_part_of_the_record(simulator: Simulator) -> None:
    simulator.control("GET", "state")
    assert simulator.calls() == []


# time


def test_time(simulator: Simulator) -> None:
    before = parse_time(simulator.control("GET", "time")["now"])
    after = parse_time(simulator.control("POST", "time", {"advance": "P1DT5M"})["now"])
    assert 86700 <= (after - before).total_seconds() < 86760
    simulator.control("POST", "time", {"set": "2030-01-31T08:00:00+01:00"})
    assert simulator.control("GET", "time")["now"].startswith("2030-01-31T07:00:0")
    simulator.control("POST", "reset")
    assert parse_time(simulator.control("GET", "time")["now"]) < after


@pytest.mark.parametrize(
    "order",
    [{}, {"advance": "5m"}, {"set": "2030-01-31T08:00:00"}, {"advance": "PT1M", "set": "x"}, {"forward": "PT1M"}, []],
)
def test_time_refused(simulator: Simulator, order: Any) -> None:
    status, body = simulator.control_raw("POST", "time", order)
    assert status == 400
    assert body["error"]


def test_time_beyond_all_calendars(simulator: Simulator) -> None:
    status, _body = simulator.control_raw("POST", "time", {"advance": "P999999D"})
    assert status == 200
    status, _body = simulator.control_raw("POST", "time", {"advance": "P999999D"})
    assert status in (200, 400)
    for _attempt in range(8):
        status, _body = simulator.control_raw("POST", "time", {"advance": "P999999D"})
    assert status == 400
    assert simulator.control("GET", "time")["now"]
    simulator.control("POST", "reset")


# records


def test_calls(client: Client) -> None:
    token = client.token()
    client.graph("GET", "me?$select=id", token)
    client.graph("GET", "nonsense?code=abc", token)
    client.password_answer(OPERATOR, password="wrong")
    signing_in, me, nonsense, refused = client.simulator.calls()
    assert (me["method"], me["path"], me["query"], me["status"]) == ("GET", "/v1.0/me", "$select=id", 200)
    assert me["caller"] == OPERATOR
    assert me["app_id"].startswith("14d82eec")
    assert me["duration_ms"] > 0
    assert me["request_id"]
    assert nonsense["query"] == "code=***"
    assert signing_in["detail"] == "grant_type=password"
    assert "AADSTS50126" in refused["detail"]
    assert [call["sequence"] for call in (signing_in, me, nonsense, refused)] == [
        signing_in["sequence"] + n for n in range(4)
    ]
    assert [call["path"] for call in client.simulator.calls("^/v1.0/me$")] == ["/v1.0/me"]
    since = client.simulator.control("GET", f"calls?since={nonsense['sequence']}")["calls"]
    assert [call["sequence"] for call in since] == [refused["sequence"]]
    client.simulator.control("DELETE", "calls")
    assert client.simulator.calls() == []
    assert client.simulator.control_raw("GET", "calls?path=(")[0] == 400
    assert client.simulator.control_raw("GET", "calls?since=x")[0] == 400


# faults


def _fault(client: Client, **order: Any) -> None:
    client.simulator.control("POST", "faults", order)


def test_a_status(client: Client) -> None:
    token = client.token()
    _fault(client, path="^/v1.0/me", status=429, retry_after=7, times=2, skip=1)
    answers = [client.graph("GET", "me", token) for _unused in range(5)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 200, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert error_of(answers[1]) == (429, "TooManyRequests")
    assert client.simulator.control("GET", "faults")["faults"][0]["hits"] == 5
    client.simulator.control("DELETE", "faults")
    assert client.simulator.control("GET", "faults") == {"faults": [], "latencies": []}


def test_for_ever_and_for_one_method(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", method="get", status=503, times=None)
    assert [client.graph("GET", "me", token).status_code for _unused in range(3)] == [503] * 3
    assert client.graph("DELETE", "me", token).status_code == 405
    _fault(client, path="/token$", status=503)
    answer = client.password_answer(OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


def test_a_fault_by_query(client: Client) -> None:
    token = client.token()
    _fault(client, path=r"\$select=mail", status=500)
    assert client.graph("GET", "me?$select=id", token).status_code == 200
    assert client.graph("GET", "me?$select=mail", token).status_code == 500


def test_bodies(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", body="broken_json")
    broken = client.graph("GET", "me", token)
    assert broken.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        broken.json()
    _fault(client, path="/me", body="html", status=502)
    page = client.graph("GET", "me", token)
    assert (page.status_code, page.headers["Content-Type"].split(";")[0]) == (502, "text/html")
    _fault(client, path="/me", body="empty")
    assert client.graph("GET", "me", token).content == b""


def test_reset_before_and_after_processing(client: Client) -> None:
    token = client.token()
    client.graph("GET", "me", token)
    for reset, processed in (("before", False), ("after", True)):
        _fault(client, path="ScheduleRequests", method="POST", reset=reset)
        with pytest.raises(requests.exceptions.ConnectionError):
            client.request(token, SECURITY_READER)
        assert ((SECURITY_READER, "/") in client.active(token)) is processed
    last = client.simulator.calls("ScheduleRequests$")[-1]
    assert last["status"] is None, "no answer was sent"


def test_an_unreadable_answer_to_what_was_done(client: Client) -> None:
    token = client.token()
    _fault(client, path="ScheduleRequests", method="POST", status=504, processed=True)
    assert client.request(token, SECURITY_READER).status_code == 504
    assert (SECURITY_READER, "/") in client.active(token)


def test_hang(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", hang=True)
    started = time.monotonic()
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.session.get(
            f"{client.simulator.url}/v1.0/me", headers={"Authorization": f"Bearer {token}"}, timeout=(5, 0.5)
        )
    assert time.monotonic() - started < 5
    assert client.graph("GET", "me", token).status_code == 200


def test_delay_and_latency(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", delay_ms=300)
    durations = []
    for _unused in range(2):
        started = time.monotonic()
        assert client.graph("GET", "me", token).status_code == 200
        durations.append(time.monotonic() - started)
    assert durations[0] >= 0.3 > durations[1]
    client.simulator.control("POST", "latency", {"ms": 200, "path": "/users/"})
    started = time.monotonic()
    client.graph("GET", "me", token)
    assert time.monotonic() - started < 0.2
    client.graph("GET", "users/x", token)
    assert time.monotonic() - started >= 0.2
    client.simulator.control("POST", "latency", {"ms": 0, "path": "/users/"})
    assert client.simulator.control("GET", "faults")["latencies"] == []


def test_an_item_of_a_batch(client: Client) -> None:
    token = client.token()
    _fault(client, path="/users/", batch_item=True, status=429, retry_after=3)
    items = [{"id": str(n), "method": "GET", "url": url} for n, url in enumerate(("/me", f"/users/{OPERATOR}"))]
    for expected in (429, 200):
        answer = client.graph("POST", "$batch", token, json={"requests": items})
        assert answer.status_code == 200
        found = {item["id"]: item for item in answer.json()["responses"]}
        assert found["0"]["status"] == 200
        assert found["1"]["status"] == expected
        if expected == 429:
            assert found["1"]["headers"]["Retry-After"] == "3"


def test_a_wait_told_as_a_date(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", status=429, retry_after=90, retry_after_form="date")
    headers = client.graph("GET", "me", token).headers
    waits = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
    assert waits.total_seconds() == 90
    _fault(client, path="/me", batch_item=True, status=429, retry_after=90, retry_after_form="date")
    items = [{"id": "1", "method": "GET", "url": "/me"}]
    item = client.graph("POST", "$batch", token, json={"requests": items}).json()["responses"][0]
    assert item["status"] == 429
    assert parsedate_to_datetime(item["headers"]["Retry-After"]) > parsedate_to_datetime(item["headers"]["Date"])


def test_a_redirect(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", status=302, location="https://elsewhere.example/me")
    answer = client.graph("GET", "me", token, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example/me")


def test_another_media_type(client: Client) -> None:
    token = client.token()
    _fault(client, path="/me", content_type="text/html")
    for expected in ("text/html", "application/json"):
        answer = client.graph("GET", "me", token)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].split(";")[0] == expected
        assert answer.json()["userPrincipalName"] == OPERATOR


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"path": "x"},
        {"path": "x", "status": 429, "retry_after": 1, "retry_after_form": "words"},
        {"path": "x", "status": 429, "retry_after_form": "date"},
        {"path": "x", "status": 500, "location": "https://elsewhere.example"},
        {"path": "x", "status": 302, "location": "https://a\r\nb: c"},
        {"path": "x", "content_type": "text/html\r\na: b"},
        {"path": "x", "content_type": "text/html", "status": 500},
        {"path": "x", "content_type": "text/html", "batch_item": True},
        {"path": "(", "status": 500},
        {"path": "x", "status": 99},
        {"path": "x", "status": "500"},
        {"path": "x", "reset": "sometimes"},
        {"path": "x", "body": "nonsense"},
        {"path": "x", "status": 500, "times": -1},
        {"path": "x", "hang": 1},
        {"path": "x", "hang": True, "batch_item": True},
        {"path": "x", "status": 500, "nonsense": 1},
    ],
)
def test_faults_refused(simulator: Simulator, order: Any) -> None:
    status, body = simulator.control_raw("POST", "faults", order)
    assert status == 400
    assert body["error"]
    assert simulator.control("GET", "faults")["faults"] == []


# state, decisions, reset


def test_state_and_reset(client: Client) -> None:
    token = client.token()
    client.request(token, SECURITY_READER)
    state = client.simulator.control("GET", "state")
    row = next(r for r in state["active"] if r["role_id"] == SECURITY_READER)
    assert (row["principal"], row["role"], row["scope"], row["type"]) == (OPERATOR, "Security Reader", "/", "Activated")
    assert len(state["requests"]) == 1
    assert any(row["principal"] == "Licence Managers" for row in state["eligible"])
    _fault(client, path="x", status=500)
    client.simulator.control("POST", "reset")
    state = client.simulator.control("GET", "state")
    assert not any(row["role_id"] == SECURITY_READER for row in state["active"])
    assert state["requests"] == []
    assert client.simulator.calls() == []
    assert client.simulator.control("GET", "faults")["faults"] == []
    assert (
        client.graph("GET", f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}", client.token()).status_code == 200
    )


@pytest.mark.parametrize(
    ("path", "order", "status"),
    [
        ("requests/nonsense/decision", {"decision": "approve", "approver": OPERATOR}, 404),
        ("device_codes/NONSENSE", {"decision": "approve", "username": OPERATOR}, 404),
        ("tokens/revoke", {"username": "nobody@contoso.example"}, 404),
        ("tokens/revoke", {}, 400),
        ("tokens/revoke", {"username": OPERATOR, "access": "no"}, 400),
        ("latency", {"ms": -1}, 400),
        ("latency", {"ms": 5, "path": "("}, 400),
    ],
)
def test_orders_refused(simulator: Simulator, path: str, order: Any, status: int) -> None:
    assert simulator.control_raw("POST", path, order)[0] == status


def test_device_codes_are_listed_without_their_secret(client: Client) -> None:
    flow = client.device_start().json()
    listed = client.simulator.control("GET", "device_codes")["device_codes"]
    assert [code["user_code"] for code in listed] == [flow["user_code"]]
    assert listed[0]["status"] == "pending"
    assert flow["device_code"] not in str(listed)
    order = {"decision": "approve", "username": OPERATOR}
    client.simulator.control("POST", f"device_codes/{flow['user_code']}", order)
    assert client.simulator.control_raw("POST", f"device_codes/{flow['user_code']}", order)[0] == 409
