# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: on the disk before a write is sent, whole lines only, nothing lost by writers that are killed."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import Lease, leases_of, needed, shared_roles
from ansible_collections.entra.pim.plugins.module_utils._pim.state import files
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import FILE, FULL, PRUNED_ABOVE, Journal
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import FakeClock

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PREAMBLE = """
import sys, time
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import Lease, leases_of, needed, shared_roles
from ansible_collections.entra.pim.plugins.module_utils._pim.state import files
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import Journal
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
journal = Journal(sys.argv[1], Clock(time.time, time.monotonic, time.sleep))
"""


@pytest.fixture
def journal(tmp_path, fake) -> Journal:
    return Journal(str(tmp_path / "state"), fake.clock)


def path_of(tmp_path) -> Path:
    return tmp_path / "state" / FILE


def python(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(program), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)


def test_intent_and_outcome(journal):
    (first, second) = journal.intend([{"action": "activate", "role": "Reader"}, {"action": "cancel", "role": "Writer"}])
    assert first != second
    journal.conclude([(first, {"outcome": "accepted", "request_id": "r1"})])
    lines = journal.lines()
    assert [(line["entry"], line["event"]) for line in lines] == [
        *[(first, "submitting"), (second, "submitting"), (first, "outcome")]
    ]
    assert (lines[0]["action"], lines[0]["role"]) == ("activate", "Reader")
    assert (lines[2]["outcome"], lines[2]["request_id"]) == ("accepted", "r1")
    assert {line["at"] for line in lines} == {"2030-03-17T17:46:40Z"}


def test_it_is_for_its_owner_alone(journal, tmp_path):
    before = os.umask(0)
    try:
        journal.intend([{"action": "activate"}])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for file in (tmp_path / "state").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_no_line_and_makes_nothing(journal, tmp_path):
    assert journal.intend([]) == []
    journal.conclude([])
    assert journal.lines() == []
    assert not (tmp_path / "state").exists()


def test_a_line_cut_short_is_passed_over_and_closed_off(journal, tmp_path):
    journal.intend([{"action": "activate"}])
    with path_of(tmp_path).open("ab") as stream:
        stream.write(b'{"at": "2030-03-17T17:46:40Z", "entry": "cut')
    assert len(journal.lines()) == 1
    journal.intend([{"action": "cancel"}])
    assert [line["action"] for line in journal.lines()] == ["activate", "cancel"]


def test_a_link_is_refused(journal, tmp_path):
    (tmp_path / "state").mkdir(mode=0o700)
    target = tmp_path / "target"
    target.touch(mode=0o600)
    path_of(tmp_path).symlink_to(target)
    with pytest.raises(PimError) as caught:
        journal.intend([{"action": "activate"}])
    assert caught.value.code == "session_unusable"
    assert target.read_bytes() == b""


def test_what_tells_nothing_any_more_goes_when_it_has_grown_long(tmp_path, fake):
    journal = Journal(str(tmp_path / "state"), fake.clock, lambda lines: [one for one in lines if one["role"] != "old"])
    for _number in range(2):
        journal.intend([{"action": "cancel", "role": "old"}, {"action": "cancel", "role": "young"}])
    assert [line["role"] for line in journal.lines()] == ["old", "young"] * 2
    journal.intend([{"action": "cancel", "role": "old", "more": "x" * PRUNED_ABOVE}])
    journal.intend([{"action": "cancel", "role": "new"}])
    assert [line["role"] for line in journal.lines()] == ["young", "young", "new"]
    assert stat.S_IMODE(path_of(tmp_path).stat().st_mode) == 0o600


def test_it_is_not_written_anew_for_little(tmp_path, fake):
    """Each time a line has grown old, that is."""
    journal = Journal(str(tmp_path / "state"), fake.clock, lambda lines: lines[1:])
    journal.intend([{"action": "cancel", "more": "x" * (PRUNED_ABOVE // 3)} for _number in range(4)])
    inode = path_of(tmp_path).stat().st_ino
    journal.intend([{"action": "cancel"}])
    assert len(journal.lines()) == 5
    assert path_of(tmp_path).stat().st_ino == inode


def test_one_that_is_full_takes_no_activation_and_goes_on_with_the_rest(tmp_path, fake):
    """Nothing that is on is forgotten: what is there can be read, ended, and told of."""
    journal = Journal(str(tmp_path / "state"), fake.clock, lambda lines: lines)
    (number,) = journal.intend([{"action": "activate", "more": "x" * FULL}])
    with pytest.raises(PimError) as caught:
        journal.intend([{"action": "deactivate"}, {"action": "activate"}])
    assert caught.value.code == "session_unusable"
    assert FILE in caught.value.message
    journal.conclude([(number, {"outcome": "accepted"})])
    journal.intend([{"action": "deactivate"}])
    assert [line.get("action") for line in journal.lines()] == ["activate", None, "deactivate"]
    with pytest.raises(PimError):
        journal.note([{"more": "x" * (files.LARGEST - FULL)}])
    assert len(journal.lines()) == 3


@given(
    st.lists(st.binary(max_size=40) | st.just(b'{"at": "2030-03-17T17:46:40Z"}') | st.just(b'{"at": 7}'), max_size=6)
)
def test_any_bytes_are_lines_or_passed_over(pieces):
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(os.path.join(directory, "s"), FakeClock().clock)
        journal.intend([{"action": "activate"}])
        path = Path(directory) / "s" / FILE
        with path.open("ab") as stream:
            stream.write(b"\n".join(pieces))
        before = journal.lines()
        assert all(isinstance(line, dict) for line in before)
        assert before[0]["action"] == "activate"
        journal.intend([{"action": "cancel"}])
        after = journal.lines()
        assert after[: len(before)] == before
        assert after[-1]["action"] == "cancel"


def test_no_line_of_parallel_writers_is_lost(tmp_path, journal):
    program = """
    for number in range(20):
        (entry,) = journal.intend([{"action": "activate", "role": f"{sys.argv[2]}-{number}"}])
        journal.conclude([(entry, {"outcome": "accepted"})])
    """
    writers = [python(program, str(tmp_path / "state"), str(number)) for number in range(5)]
    for writer in writers:
        with writer:
            assert writer.wait(60) == 0
    lines = journal.lines()
    assert len(lines) == 200
    wanted = {f"{writer}-{number}" for writer in range(5) for number in range(20)}
    assert {line["role"] for line in lines if line["event"] == "submitting"} == wanted
    # Of each writer, in its own order.
    for writer in range(5):
        own = [line["role"] for line in lines if str(line.get("role")).startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(20)]


def test_what_was_written_before_a_kill_is_there(tmp_path, journal):
    """SIGKILL at random moments: each entry whose writing was reported is read afterwards, and the next writer goes on."""
    program = """
    while True:
        (entry,) = journal.intend([{"action": "activate", "role": "x" * 2000}])
        print(entry, flush=True)
    """
    draw = random.Random(11)  # noqa: S311  # no secret
    reported: set[str] = set()
    for _round in range(8):
        with python(program, str(tmp_path / "state")) as writer:
            assert writer.stdout is not None
            reported.add(writer.stdout.readline().decode().strip())
            time.sleep(draw.uniform(0.0, 0.03))
            writer.kill()
            # The last line may have been cut short on its way to us.
            reported.update(line.decode().strip() for line in writer.stdout if line.endswith(b"\n"))
    assert reported <= {line["entry"] for line in journal.lines()}
    journal.intend([{"action": "cancel"}])
    assert journal.lines()[-1]["action"] == "cancel"


def test_a_busy_role_keeps_it_short(tmp_path, fake):
    """Hundreds of runs a day, each of which takes its part before the one before it gives its own up."""
    journal = Journal(str(tmp_path / "state"), fake.clock, lambda lines: needed(lines, fake.clock.now(), bool))
    roles = [f"role {number}" for number in range(10)]
    leases = [Lease("0", "T", "me", "entra_roles", role, role, "/", None, None, fake.clock.now()) for role in roles]
    entry = {"action": "activate", "lease": True, "run": "0", "asked_at": "2030-03-17T17:46:40Z"}
    numbers = journal.intend([{**lease.mark("submitting", "0"), **entry} for lease in leases])
    journal.conclude([(number, {"outcome": "accepted"}) for number in numbers])
    for number in range(1, 500):
        fake.advance(300)
        journal.note([replace(lease, run=str(number)).line() for lease in leases])
        journal.note([lease.mark("released", str(number - 1)) for lease in leases])
        assert path_of(tmp_path).stat().st_size < 3 * PRUNED_ABOVE
    assert len(leases_of("499", shared_roles(journal.lines()))) == 10
