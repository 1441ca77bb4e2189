# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison works: each program that is installed here does its work, cut down to one role and a short list.

Times are not asserted. What people need npm or further packages for, ``make bench`` runs alone.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from bench import measured
from bench.comparison import LIST, ONE, PEERS, Comparison, Run, compare
from bench.connect_proxy import ConnectProxy
from bench.peers.base import Failed, Peer
from bench.peers.microsoft import AzRest, AzureMgmt, MsGraph
from bench.peers.playbooks import Collection, Uri
from bench.performance import BEGIN, DOCUMENT, END, TITLES, label, page, write
from bench.stage import of_lists
from bench.verified import Verified, verified
from tools.clients import AZURE_CLI, AZURE_MGMT, MSGRAPH

ROWS = 60
OURS, MODULE, URI, GRAPH, AZ, AZURE = PEERS_HERE = (
    Collection("controller"),
    Collection("module"),
    Uri(),
    MsGraph(),
    AzRest(),
    AzureMgmt(),
)


class _Broken(Peer):
    """``how``: it is not installed, cannot sign in, or does not do its work."""

    def __init__(self, how: str) -> None:
        self.name = f"a peer that {how}"
        self._how = how

    def versions(self) -> str:
        if self._how == "is missing":
            raise Failed("not installed")
        return "broken 1"

    def sign_in(self, stage, home):
        if self._how == "cannot sign in":
            self.run(stage, home, [sys.executable, "-c", "raise SystemExit('no such user')"])

    def command(self, stage, home, work, roles):
        if self._how == "is not there":
            return [str(home / "nothing")]
        ending = "raise SystemExit('out of order')" if self._how == "fails" else "pass"
        return [sys.executable, "-c", ending]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Comparison:
    for client in (MSGRAPH, AZURE_CLI, AZURE_MGMT):
        if not (client.venv / "entra-pim-stamp").exists():
            pytest.skip(f"{client.name} is not installed: make lanes")
    directory = tmp_path_factory.mktemp("comparison")
    return compare(directory, PEERS_HERE, (ONE, LIST), (0,), 1, lambda: of_lists(ROWS, 50))


def _run(found: Comparison, peer: Peer, work) -> Run:
    cell = found.cell(peer, work, 0)
    assert cell is not None
    assert cell.failed is None
    return cell.runs[0]


def test_every_peer_does_its_work(found):
    assert found.failures == []
    assert found.versions.keys() == set(PEERS_HERE)
    for cell in found.cells:
        (run,) = cell.runs
        assert run.seconds > 0.05
        assert 0 < run.cpu < 60
        assert run.memory > 10 << 20


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (OURS, "state, in force"),
        (MODULE, "state, in force"),
        (URI, "request"),
        (GRAPH, "in force"),
        (AZ, "in force"),
        (AZURE, "in force"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_is_verified_for_one_role(found, peer, told):
    assert _run(found, peer, ONE).verified.told() == told


def test_calls_are_counted(found):
    assert [_run(found, peer, ONE).calls for peer in (OURS, MODULE, URI)] == [3, 3, 4]
    # a batch with the first page, and the second page
    assert _run(found, OURS, LIST).calls == 2


def test_every_row_of_the_list_is_told(found):
    assert {peer.name: _run(found, peer, LIST).rows for peer in PEERS_HERE} == {peer.name: ROWS for peer in PEERS_HERE}


def test_a_peer_that_fails_is_told_and_the_others_go_on(tmp_path):
    broken = [_Broken(how) for how in ("is missing", "cannot sign in", "is not there", "fails", "does nothing")]
    found = compare(tmp_path, broken, (ONE,), (0,), 1)
    not_there = f"FileNotFoundError: [Errno 2] No such file or directory: '{tmp_path}/home-2-0/nothing'"
    assert found.failures == [
        "a peer that is missing: not installed",
        "a peer that cannot sign in: no such user",
        f"a peer that is not there, 1 role, 0 ms: {not_there}",
        "a peer that fails, 1 role, 0 ms: exit status 1: out of order",
        "a peer that does nothing, 1 role, 0 ms: not in force at its end: Application Administrator",
    ]
    shown = page(found, [], plotted=False)
    assert "| a peer that is missing | | | | | failed: not installed |" in shown
    assert "| a peer that fails | | | | | failed: exit status 1: out of order |" in shown


def _call(method: str, path: str, status: int = 200, batch: tuple = ()) -> dict:
    return {"method": method, "path": path, "status": status, "batch": list(batch)}


LISTS = "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances/filterByCurrentUser(on='principal')"
REQUESTS = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests"
POLICIES = "/v1.0/policies/roleManagementPolicyAssignments"


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], Verified(False, False, False, False, 0, 0)),
        ([_call("GET", LISTS)], Verified(True, False, False, False, 0, 0)),
        (
            [_call("GET", LISTS), _call("GET", POLICIES), _call("POST", REQUESTS, 201), _call("GET", LISTS)],
            Verified(True, True, True, False, 1, 0),
        ),
        # refused reads tell nothing
        (
            [_call("GET", LISTS, 403), _call("POST", REQUESTS, 201), _call("GET", LISTS, 403)],
            Verified(False, False, False, False, 1, 0),
        ),
        ([_call("POST", REQUESTS, 201), _call("GET", f"{REQUESTS}/1")], Verified(False, False, False, True, 1, 0)),
        # what is read between two requests is neither before nor after
        (
            [_call("POST", REQUESTS, 201), _call("GET", LISTS), _call("POST", REQUESTS, 201)],
            Verified(False, False, False, False, 2, 0),
        ),
        ([_call("POST", REQUESTS, 400), _call("GET", LISTS)], Verified(False, False, True, False, 1, 1)),
        # what is in the batch of a request is not read before it
        (
            [
                _call(
                    "POST",
                    "/v1.0/$batch",
                    200,
                    (
                        {"method": "GET", "url": LISTS, "status": 200},
                        {"method": "POST", "url": REQUESTS, "status": 201},
                    ),
                )
            ],
            Verified(False, False, False, False, 1, 0),
        ),
    ],
)
def test_verified_is_read_off_the_record(calls, expected):
    assert verified(calls) == expected


def _measured(tmp_path, seconds: float, code: str) -> dict:
    result = tmp_path / "result.json"
    measured.main(str(result), seconds, [sys.executable, "-c", code])
    return json.loads(result.read_text())


def test_a_program_is_measured_with_its_children(tmp_path):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(200 << 20); sum(range(8_000_000))'])"
    program = [
        sys.executable,
        "-I",
        "-S",
        measured.__file__,
        str(tmp_path / "result.json"),
        "30",
        sys.executable,
        "-c",
        code,
    ]
    subprocess.run(program, check=True)
    told = json.loads((tmp_path / "result.json").read_text())
    assert told["status"] == 0
    assert told["memory"] > 200 << 20
    assert told["cpu"] > 0.05


def test_a_program_that_does_not_end_is_ended(tmp_path):
    told = _measured(tmp_path, 0.3, "import time; time.sleep(60)")
    assert told["status"] is None
    assert told["seconds"] < 20


def test_the_proxy_leads_nowhere_else():
    with ConnectProxy(9) as proxy:
        address = urlsplit(proxy.url)
        with socket.create_connection((address.hostname, address.port), 10) as connection:
            connection.sendall(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 403 ")
        assert proxy.refused == {"example.com"}


def test_the_guide_has_every_peer_in_the_table_of_every_work():
    text = DOCUMENT.read_text(encoding="utf-8")
    made = text[text.index(BEGIN) : text.index(END)]
    for title in TITLES.values():
        table = made.partition(f"### {title}\n")[2].partition("\n###")[0]
        for peer in PEERS:
            assert table.count(f"| {label(peer)} |") == 1, (title, label(peer))


def test_only_what_is_between_the_marks_is_written(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write("new", document)
    assert document.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    document.write_text("a guide without marks\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        write("new", document)
