# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions on the disk: kept whole, private, and refused where they are not what this program wrote."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.session_info import describe
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import NAME, Sessions
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import START, FakeClock
from unit.state.saved import session

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PREAMBLE = """
import sys, time
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
from unit.state.saved import session
sessions = Sessions(sys.argv[1], Clock(time.time, time.monotonic, time.sleep))
"""


@pytest.fixture
def sessions(tmp_path) -> Sessions:
    return Sessions(str(tmp_path / "state"), FakeClock().clock)


def python(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PREAMBLE + textwrap.dedent(program), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)


def refused(call, *arguments) -> PimError:
    with pytest.raises(PimError) as caught:
        call(*arguments)
    assert caught.value.code == "session_unusable"
    return caught.value


def test_a_session_is_kept(sessions):
    saved = session()
    sessions.save(saved)
    assert sessions.load("default") == saved
    assert sessions.names() == ["default"]


def test_directory_and_file_are_for_their_owner_alone(sessions):
    before = os.umask(0)
    try:
        sessions.save(session())
        with sessions.locked("default"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(sessions.directory).st_mode) == 0o700
    for name in os.listdir(sessions.directory):
        assert stat.S_IMODE(os.stat(os.path.join(sessions.directory, name)).st_mode) == 0o600


def test_no_session_is_none_and_makes_nothing(sessions):
    assert sessions.load("default") is None
    assert sessions.names() == []
    assert sessions.exists("default") is False
    assert sessions.remove("default") is False
    assert not os.path.exists(sessions.directory)


def test_tokens_do_not_show_in_a_representation():
    shown = repr(session())
    assert "an-access-token" not in shown
    assert "a-refresh-token" not in shown


def test_removing_leaves_no_trace(sessions):
    sessions.save(session("one"))
    sessions.save(session("one.two"))
    left = Path(sessions.directory) / ".one.json.abc.tmp"
    left.write_bytes(b"half a session")
    with sessions.locked("one"):
        pass
    assert sessions.remove("one") is True
    assert sessions.remove("one") is False
    assert [name for name in os.listdir(sessions.directory) if "two" not in name] == []
    assert sessions.load("one.two") is not None


def test_a_damaged_session_can_be_removed(sessions):
    sessions.save(session())
    path = Path(sessions.path("default"))
    path.write_bytes(b"\x00")
    path.chmod(0o644)
    assert sessions.remove("default") is True
    assert sessions.load("default") is None


@pytest.mark.parametrize("name", ["default", "a", "A.b-c_9", "x" * 64])
def test_names(name):
    assert NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", ".", "..", ".a", "-a", "a/b", "../a", "a b", "x" * 65, "é", "a\n", "a\x00"])
def test_what_is_no_name(name):
    assert not NAME.fullmatch(name)


def test_other_files_are_no_sessions(sessions):
    sessions.save(session())
    for name in ("journal.jsonl", "journal.jsonl.lock", ".hidden.json", "b c.json", "default.json.bak"):
        (Path(sessions.directory) / name).touch(mode=0o600)
    assert sessions.names() == ["default"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        b'{"format": 1}',
        b'{"format": 99}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_damaged_content_is_refused(sessions, content):
    sessions.save(session())
    Path(sessions.path("default")).write_bytes(content)
    error = refused(sessions.load, "default")
    assert "default.json" in error.message


def test_a_session_under_another_name_is_refused(sessions):
    sessions.save(session())
    os.rename(sessions.path("default"), sessions.path("other"))
    refused(sessions.load, "other")


def test_a_directory_in_place_of_a_session_is_refused(sessions):
    sessions.save(session("other"))
    os.mkdir(sessions.path("default"), 0o700)
    refused(sessions.load, "default")


def _used(sessions: Sessions, content: bytes) -> None:
    """Reads a file with that content the way a task does."""
    Path(sessions.path("default")).write_bytes(content)
    found = sessions.load("default")
    assert found is not None
    describe(found)
    found.alive(START)
    sessions.save(found)


_SAVED = json.loads(json.dumps({"format": 1, **vars(session()), "tokens": {"graph": vars(session().tokens["graph"])}}))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=5)
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.binary(max_size=60) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_session_or_refused(content):
    with tempfile.TemporaryDirectory() as directory:
        sessions = Sessions(os.path.join(directory, "s"), FakeClock().clock)
        sessions.save(session())
        Path(sessions.path("default")).write_bytes(content)
        refused(sessions.load, "default")


@given(st.sampled_from(sorted(_SAVED)), _JSON)
def test_any_value_in_a_session_is_usable_or_refused(key, value):
    with tempfile.TemporaryDirectory() as directory:
        sessions = Sessions(os.path.join(directory, "s"), FakeClock().clock)
        sessions.save(session())
        try:
            _used(sessions, json.dumps({**_SAVED, key: value}).encode())
        except PimError as error:
            assert error.code == "session_unusable"  # noqa: PT017  # both ends are right


@given(st.sampled_from(sorted(_SAVED["tokens"]["graph"])), _JSON)
def test_any_value_in_a_token_is_usable_or_refused(key, value):
    with tempfile.TemporaryDirectory() as directory:
        sessions = Sessions(os.path.join(directory, "s"), FakeClock().clock)
        sessions.save(session())
        token = {**_SAVED["tokens"]["graph"], key: value}
        try:
            _used(sessions, json.dumps({**_SAVED, "tokens": {"graph": token}}).encode())
        except PimError as error:
            assert error.code == "session_unusable"  # noqa: PT017  # both ends are right


@pytest.mark.parametrize("key", sorted(_SAVED))
def test_a_session_that_lacks_something_is_refused_unless_it_has_a_default(sessions, key):
    sessions.save(session())
    lacking = {name: value for name, value in _SAVED.items() if name != key}
    Path(sessions.path("default")).write_bytes(json.dumps(lacking).encode())
    if key in ("refresh_token", "activated_at", "ended", "renews_with"):
        assert sessions.load("default") is not None
    else:
        refused(sessions.load, "default")


@pytest.mark.parametrize("claims", ["", "{", "[]", '"text"', "[" * 100_000])
def test_claims_that_are_no_claims_are_refused(sessions, claims):
    sessions.save(session(claims=claims))
    refused(sessions.load, "default")


def test_a_cloud_nobody_knows_is_refused(sessions):
    sessions.save(session(cloud="mars"))
    refused(sessions.load, "default")


def test_no_change_of_parallel_writers_is_lost(tmp_path):
    """Each of ten processes adds its own token, under the lock, to what is there."""
    sessions = Sessions(str(tmp_path / "state"), FakeClock().clock)
    sessions.save(session(tokens={}))
    program = """
    with sessions.locked("default"):
        found = sessions.load("default")
        found.tokens[sys.argv[2]] = Token("t", 1.0, 2.0)
        sessions.save(found)
    """
    writers = [python(program, sessions.directory, f"r{number}") for number in range(10)]
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(lambda writer: writer.wait(60), writers)) == [0] * 10
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    found = sessions.load("default")
    assert found is not None
    assert sorted(found.tokens) == [f"r{number}" for number in range(10)]


def test_a_killed_writer_leaves_a_whole_session(tmp_path):
    """SIGKILL at random moments of saving: always the session before or the one after, and all of it removable."""
    sessions = Sessions(str(tmp_path / "state"), FakeClock().clock)
    program = """
    number = 0
    while True:
        number += 1
        with sessions.locked("default"):
            sessions.save(session(activated_at=float(number), refresh_token="r" * 20000))
        if number == 1:
            print("writing", flush=True)
    """
    draw = random.Random(7)  # noqa: S311  # no secret
    for _round in range(8):
        with python(program, sessions.directory) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"writing\n"
            time.sleep(draw.uniform(0.0, 0.03))
            writer.kill()
        found = sessions.load("default")
        assert found is not None
        assert found.refresh_token == "r" * 20000
    # The lock of the killed is free, and what they left half written goes with the session.
    assert sessions.remove("default") is True
    assert [name for name in os.listdir(sessions.directory) if "default" in name] == []
