# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret in records, state, log or files; many clients at once."""

from __future__ import annotations

import http.client
import ssl
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from simulator.service_client import ADMINISTRATOR, CLI, DIRECTORY, MINE, OPERATOR, Client, passwords
from simulator_process import Simulator

SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"


def test_nothing_secret_stays() -> None:
    """Everything that a client may send in a wrong place, and an error within the simulator, too."""
    with Simulator() as simulator:
        client = Client(simulator)
        secrets = {*passwords().values(), "Sim-reporting-secret-1", simulator.control_key}
        answer = client.password_answer(OPERATOR).json()
        secrets |= {answer["access_token"], answer["refresh_token"], answer["id_token"]}
        token = answer["access_token"]
        refreshed = client.token_answer(
            grant_type="refresh_token",
            client_id=CLI,
            refresh_token=answer["refresh_token"],
            scope="openid offline_access",
        ).json()
        secrets |= {refreshed["access_token"], refreshed["refresh_token"]}
        flow = client.device_start().json()
        secrets.add(flow["device_code"])
        client.device_poll(flow["device_code"])
        form = {"user_code": flow["user_code"], "username": ADMINISTRATOR, "password": passwords()[ADMINISTRATOR]}
        client.post_form("devicelogin", {**form, "decision": "approve"})
        client.device_poll(flow["device_code"])
        secrets.add(client.app_token("915d4fbe-60d8-4c71-8eaa-df4280b35e96", "Sim-reporting-secret-1"))
        client.session.get(f"{simulator.url}/devicelogin?user_code={flow['user_code']}&password={form['password']}")
        client.graph("GET", f"me?access_token={token}", token)
        client.graph("POST", f"{DIRECTORY}/roleAssignmentScheduleRequests", token, json={token: form["password"]})
        client.token_answer(grant_type=form["password"], client_id=form["password"] * 9)
        client.request(token, SECURITY_READER)
        kept = str(
            [simulator.control("GET", path) for path in ("calls", "state", "requests", "faults", "device_codes")]
        )
        files = "".join(p.read_text() for p in simulator.run_dir.iterdir() if p.name not in ("control.key", "ca.pem"))
        for place in (kept, simulator.log, files):
            found = [secret[:12] for secret in secrets if secret in place]
            assert not found
        assert "PRIVATE KEY" not in files


def test_fifty_clients_at_once(simulator: Simulator) -> None:
    token = Client(simulator).token()

    def work(_number: int) -> list[float]:
        client = Client(simulator)
        durations = []
        for _unused in range(10):
            started = time.monotonic()
            answer = client.graph("GET", f"{DIRECTORY}/roleEligibilityScheduleInstances/{MINE}", token)
            durations.append(time.monotonic() - started)
            assert answer.status_code == 200
            assert len(answer.json()["value"]) == 17
        return durations

    with ThreadPoolExecutor(50) as pool:
        durations = [duration for result in pool.map(work, range(50)) for duration in result]
    assert len(durations) == 500
    # generous: the clients share two cores with the server
    assert statistics.median(durations) < 5


def test_one_of_fifty_equal_requests_wins(simulator: Simulator) -> None:
    token = Client(simulator).token()

    def work(_number: int) -> int:
        return Client(simulator).request(token, SECURITY_READER).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = sorted(pool.map(work, range(50)))
    assert statuses == [201] + [400] * 49


def test_answers_are_not_held_back(simulator: Simulator) -> None:
    """Without TCP_NODELAY an answer over a kept-alive connection waits 40 ms for an acknowledgement."""
    client = Client(simulator)
    token = client.token()
    client.graph("GET", "me", token)
    durations = []
    for _unused in range(20):
        started = time.monotonic()
        client.graph("GET", "me", token)
        durations.append(time.monotonic() - started)
    assert min(durations) < 0.03


def test_connections_are_kept_alive(simulator: Simulator) -> None:
    context = ssl.create_default_context(cafile=simulator.ca_path)
    connection = http.client.HTTPSConnection("localhost", urlsplit(simulator.url).port, timeout=30, context=context)
    connection.connect()
    first = connection.sock
    for path in ("/contoso.example/v2.0/.well-known/openid-configuration", "/v1.0/me", "/nothing") * 3:
        connection.request("GET", path)
        connection.getresponse().read()
        assert connection.sock is first, path
    connection.close()
