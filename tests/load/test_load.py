# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""200 hosts, 50 at a time, with one session whose token ends every few seconds, against services that throttle."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pim_simulator.times import parse_time

from contract.home import USER, Home
from integration import leaks, runs
from simulator_process import Simulator, read_tenant

HERE = Path(__file__).resolve().parent
FORKS = 50
# How many hosts do what, and how many of them over the module edge.
HOSTS = {"read": (80, 6), "activate": (95, 8), "give_back": (25, 4)}
# A task wants a minute to be left of a token: each token serves for a quarter of one.
TENANT = {"minimum_active": "PT0S", "tokens": {"access_lifetime": "PT75S", "refresh_grace": "PT0S"}}
LIMITS = (
    {"api": "graph", "kind": "reads", "bucket": 30, "per_second": 25},
    {"api": "graph", "kind": "writes", "bucket": 2, "per_second": 3},
    {"api": "arm", "kind": "reads", "bucket": 5, "per_second": 8},
    {"api": "arm", "kind": "writes", "bucket": 1, "per_second": 1},
)


def _roles(provider: str) -> list[str]:
    found = read_tenant()["eligibilities"]
    return [one["role"] for one in found if one["principal"] == USER and one.get("provider", "entra_roles") == provider]


DIRECTORY, AZURE = _roles("entra_roles"), _roles("azure_resources")
GIVEN_BACK = DIRECTORY[:5]
# Ten roles of a host each, and eight that many hosts want.
SHARED = [("entra_roles", role) for role in DIRECTORY[5:10]] + [("azure_resources", role) for role in AZURE[:3]]
OWN = [("entra_roles", role) for role in DIRECTORY[10:20]] + [("azure_resources", role) for role in AZURE[3:8]]


def _activations() -> list[tuple[str, str]]:
    """Provider and role, one for each host that activates."""
    return [*OWN, *(SHARED * HOSTS["activate"][0])][: HOSTS["activate"][0]]


def _inventory(all_roles: list[str]) -> dict[str, Any]:
    """Hosts in turn: what they do is mixed, and so are the edges."""
    hosts: dict[str, dict[str, Any]] = {}
    given = [("entra_roles", role) for role in GIVEN_BACK] * HOSTS["give_back"][0]
    for work, roles in (("read", None), ("activate", _activations()), ("give_back", given)):
        count, modules = HOSTS[work]
        for number in range(count):
            name = f"host-{number / count:.4f}-{work}"
            hosts[name] = {"work": work, "ansible_connection": "loop" if number % count < modules else "local"}
            if roles is not None:
                hosts[name] |= {"provider": roles[number][0], "role": roles[number][1]}
    variables = {"ansible_python_interpreter": sys.executable, "all_roles": all_roles}
    return {"all": {"vars": variables, "hosts": dict(sorted(hosts.items()))}}


@dataclass
class Load:
    """What the run left, and what the simulator knows of it."""

    home: Home
    directory: Path
    status: int
    output: str
    records: list[dict[str, Any]]
    secrets: set[str]
    calls: list[dict[str, Any]]
    requests: list[dict[str, Any]]

    def changed(self, key: str) -> Counter[str]:
        """Role -> how many tasks say that they switched it."""
        return Counter(row["role"] for record in self.records for row in record["result"].get(key, []))


@pytest.fixture(scope="module")
def load(tmp_path_factory) -> Iterator[Load]:
    directory = tmp_path_factory.mktemp("load")
    with Simulator(changes=TENANT) as simulator:
        home = Home(simulator, directory)
        both = ["entra_roles", "azure_resources"]
        assert home.one("connect", **{**home.connect_azure()[1], "providers": both})["changed"]
        before = home.one("activation", roles=[{"role": role} for role in GIVEN_BACK], justification="Load")
        assert len(before["activated"]) == len(GIVEN_BACK)
        eligible = home.one("role_info", providers=both, status="eligible")["roles"]
        all_roles = sorted(row["role"] for row in eligible)
        assert {*DIRECTORY, *AZURE} <= set(all_roles)
        for limit in LIMITS:
            simulator.control("POST", "throttling", limit)
        simulator.control("DELETE", "calls")
        variables = runs.environment(simulator, directory, {})
        inventory = directory / "inventory.json"
        inventory.write_text(json.dumps(_inventory(all_roles)), encoding="utf-8")
        ended = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                str(HERE / "load.yml"),
                *("-i", str(inventory), "--forks", str(FORKS), "-vvv", "-e", f"session_dir={home.directory}"),
            ],
            cwd=directory,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=600,
            check=False,
        )
        yield Load(
            home,
            directory,
            ended.returncode,
            ended.stdout,
            [one for one in runs.records(directory) if one["action"].startswith("entra.pim.")],
            {*runs.passwords_in(variables), *runs.recorded_tokens(directory)},
            simulator.calls(),
            simulator.control("GET", "requests")["requests"],
        )


def test_each_host_has_its_result(load):
    bad = [one["result"].get("failure") or one["result"].get("msg") for one in load.records if one["status"] != "ok"]
    assert bad == []
    assert load.status == 0, re.findall(r"^\[ERROR\].*|^fatal: .*", load.output, re.MULTILINE)[:10]
    done = Counter(record["action"] for record in load.records)
    readers = HOSTS["read"][0]
    assert done == {"entra.pim.pim_role_info": readers, "entra.pim.pim_role_activation": 200 - readers}


def test_the_services_did_throttle(load):
    single = sum(call["status"] == 429 for call in load.calls)
    items = sum(item["status"] == 429 for call in load.calls for item in call["batch"])
    assert single > 10
    assert items > 10


def test_no_refresh_token_was_redeemed_twice(load):
    """A second redemption would have been refused: the tenant has no grace for it."""
    sign_ins = [call for call in load.calls if call["path"].endswith("/token")]
    assert {call["detail"] for call in sign_ins} == {"grant_type=refresh_token"}
    assert {call["status"] for call in sign_ins} == {200}
    # Both APIs have a token of their own; with 50 tasks at once, each would have redeemed it otherwise.
    seconds = (parse_time(load.calls[-1]["time"]) - parse_time(load.calls[0]["time"])).total_seconds()
    assert 2 <= len(sign_ins) <= 2 * (seconds / 15 + 1)


def test_each_role_was_switched_once(load):
    wanted = {role for _provider, role in (*SHARED, *OWN)}
    accepted = [one for one in load.requests if one["status"] in ("Provisioned", "Revoked")]
    activations = Counter(one["role"] for one in accepted if one["action"] == "selfActivate")
    assert activations == dict.fromkeys([*GIVEN_BACK, *wanted], 1)
    assert Counter(one["role"] for one in accepted if one["action"] == "selfDeactivate") == dict.fromkeys(GIVEN_BACK, 1)
    # Graph's requests bear no id of ours: who was turned away and then finds the role switched cannot tell that it was another.
    assert load.changed("activated").keys() == wanted
    assert load.changed("deactivated").keys() == set(GIVEN_BACK)
    azure = {role: count for role, count in load.changed("activated").items() if role in AZURE}
    assert azure == dict.fromkeys(azure, 1)


def test_the_journal_is_true(load):
    """Each request that the service accepted is there, and no other is said to have been."""
    lines = load.home.journal()
    assert Counter(line["entry"] for line in lines) == dict.fromkeys({line["entry"] for line in lines}, 2)
    told = Counter(line["outcome"] for line in lines if line["event"] == "outcome")
    accepted = [one for one in load.requests if one["status"] in ("Provisioned", "Revoked")]
    assert told["accepted"] == len(accepted)
    assert told.keys() <= {"accepted", "refused", "unknown"}
    load.home.check_files("default")


def test_what_was_made_again_is_told(load):
    assert "answered with HTTP 429; trying again in" in load.output
    assert "were answered with HTTP 429; trying again in" in load.output


def test_no_secret_is_shown(load):
    assert len(load.secrets) > 10
    assert leaks.leaks(load.output.encode(), load.secrets) == []
    assert leaks.leaks_below(load.directory, load.secrets) == []


def test_calls_are_bounded(load):
    """Of those that were answered: Azure's two lists for a reader, three lists and some looks for others; for Graph, three lists at most."""
    calls = [call for call in load.calls if call["status"] != 429]
    arm = Counter(call["method"] for call in calls if call["path"].startswith("/providers/"))
    azure = sum(provider == "azure_resources" for provider, _role in _activations())
    assert arm["GET"] <= 2 * HOSTS["read"][0] + 6 * azure
    # Items that were turned away are asked for again without those that were answered.
    items = [item for call in calls for item in call["batch"] if item["status"] != 429]
    assert sum(item["method"] == "GET" for item in items) <= 3 * 200


def test_all_is_given_back_in_the_end(load):
    """Last, because it ends what the other tests look at."""
    wanted = [{"provider": provider, "role": role} for provider, role in (*SHARED, *OWN)]
    result = load.home.one("activation", roles=wanted, state="inactive")
    assert len(result["deactivated"]) == len(wanted)
    assert not [one for one in load.home.simulator.control("GET", "state")["active"] if one["type"] == "Activated"]


def test_fifty_tasks_find_the_token_ended(tmp_path):
    with Simulator(changes=TENANT) as simulator:
        home = Home(simulator, tmp_path)
        assert home.one("connect", **home.connect()[1])["changed"]
        home.end_token()
        before = home.last_call()
        results = home.all(*[("role_info", {})] * FORKS)
        assert {len(result.get("roles", ())) for result in results} == {len(DIRECTORY)}
        assert home.redemptions(before) == 1
        home.check_files("default")
