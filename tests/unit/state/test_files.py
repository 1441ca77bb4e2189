# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: ours alone, never through a link, never half written."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import textwrap
import threading

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.state import files

from unit.clocks import FakeClock

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to others")
NOT_AS_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def mode_of(path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def refused(call, *arguments, **options) -> str:
    with pytest.raises(PimError) as caught:
        call(*arguments, **options)
    assert caught.value.code == "session_unusable"
    return caught.value.message


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def open_umask():
    """The most careless umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_directory_is_made_for_its_owner_alone(tmp_path, open_umask):
    path = tmp_path / "a" / "b"
    assert files.check_directory(str(path), create=True) is True
    assert mode_of(path) == 0o700


def test_a_directory_that_is_not_there_is_not_made_unasked(tmp_path):
    assert files.check_directory(str(tmp_path / "none"), create=False) is False
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777, 0o722])
def test_a_directory_that_others_may_write_to_is_refused(directory, mode):
    directory.chmod(mode)
    for create in (True, False):
        message = refused(files.check_directory, str(directory), create=create)
        assert str(directory) in message


def test_a_link_to_a_directory_is_refused(directory, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(directory)
    for create in (True, False):
        assert "link" in refused(files.check_directory, str(link), create=create)


def test_a_file_is_no_directory(tmp_path):
    path = tmp_path / "file"
    path.touch()
    for create in (True, False):
        refused(files.check_directory, str(path), create=create)
        refused(files.check_directory, str(path / "below"), create=create)


@pytest.mark.parametrize(("mode", "advice"), [(0o777, "run chmod 700 on it"), (0o1777, "name one of your own")])
def test_a_place_for_everybody_is_not_to_be_closed(directory, mode, advice):
    directory.chmod(mode)
    assert advice in refused(files.check_directory, str(directory), create=True)


@AS_ROOT
def test_a_directory_of_somebody_else_is_refused(directory):
    os.chown(directory, 12345, 12345)
    assert "another user" in refused(files.check_directory, str(directory), create=True)


@NOT_AS_ROOT
def test_a_directory_that_cannot_be_made(directory):
    directory.chmod(0o500)
    refused(files.check_directory, str(directory / "below"), create=True)


@NOT_AS_ROOT
def test_a_directory_that_cannot_be_written_to_is_no_place_for_a_session(directory):
    directory.chmod(0o500)
    assert "written" in refused(files.check_directory, str(directory), create=True)
    assert files.check_directory(str(directory), create=False)


def test_what_is_written_is_read(directory, open_umask):
    path = directory / "x"
    for content in (b"one", b"\x00\xff" * 100_000, b""):
        files.write(str(path), content)
        assert files.read(str(path)) == content
        assert mode_of(path) == 0o600
    assert os.listdir(directory) == ["x"]


def test_what_is_not_there_is_none(directory):
    assert files.read(str(directory / "none")) is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_read_is_refused(directory, mode):
    path = directory / "x"
    files.write(str(path), b"secret")
    path.chmod(mode)
    message = refused(files.read, str(path))
    assert f"{mode:04o}" in message
    assert "secret" not in message.replace("its secrets", "")
    refused(files.append, str(path), b"more")


def test_links_are_refused(directory, tmp_path):
    target, link = tmp_path / "target", directory / "x"
    files.write(str(target), b"theirs")
    link.symlink_to(target)
    refused(files.read, str(link))
    refused(files.write, str(link), b"ours")
    refused(files.append, str(link), b"ours")
    with pytest.raises(PimError, match="link"), files.locked(str(link), FakeClock().clock, 1):
        pass
    assert target.read_bytes() == b"theirs"


def test_a_link_is_removed_not_its_target(directory, tmp_path):
    target, link = tmp_path / "target", directory / "x"
    target.touch()
    link.symlink_to(target)
    assert files.remove(str(link)) is True
    assert target.exists()
    assert files.remove(str(link)) is False


@AS_ROOT
def test_a_file_of_somebody_else_is_refused(directory):
    path = directory / "x"
    files.write(str(path), b"x")
    os.chown(path, 12345, 12345)
    assert "another user" in refused(files.read, str(path))
    refused(files.append, str(path), b"more")


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_what_is_no_file_is_refused(directory, kind):
    path = directory / "x"
    if kind == "directory":
        path.mkdir(mode=0o600)
    else:
        os.mkfifo(path, 0o600)
    before = len(os.listdir("/dev/fd"))
    refused(files.read, str(path))
    if kind == "directory":
        refused(files.append, str(path), b"x")
        refused(files.write, str(path), b"x")
        refused(files.remove, str(path))
    assert len(os.listdir("/dev/fd")) == before


def test_a_write_that_fails_leaves_nothing(directory):
    path = directory / "none" / "x"
    refused(files.write, str(path), b"x")
    assert os.listdir(directory) == []


def test_appending(directory, open_umask):
    path = directory / "x"
    for line in (b"one\n", b"two\n"):
        files.append(str(path), line)
    assert files.read(str(path)) == b"one\ntwo\n"
    assert mode_of(path) == 0o600


def test_names_of_a_directory_that_is_not_there(tmp_path):
    refused(files.names, str(tmp_path / "none"))


def test_a_lock_keeps_others_out_for_a_time(directory):
    path, fake = str(directory / "lock"), FakeClock()
    with files.locked(path, fake.clock, 5), pytest.raises(PimError) as caught, files.locked(path, fake.clock, 5):
        pytest.fail("two held one lock")
    assert caught.value.code == "session_busy"
    assert 5 <= sum(fake.slept) < 6
    with files.locked(path, fake.clock, 5):
        assert mode_of(path) == 0o600


def test_a_lock_is_given_back_after_a_failure(directory):
    path, fake = str(directory / "lock"), FakeClock()
    with pytest.raises(RuntimeError), files.locked(path, fake.clock, 5):
        raise RuntimeError
    with files.locked(path, fake.clock, 0):
        pass
    assert fake.slept == []


def test_a_lock_that_was_removed_is_no_lock(directory, real_clock):
    """Who waited for a lock file that its holder removed must not hold another lock than the next comer."""
    path = str(directory / "lock")
    inside: list[int] = []
    together: list[int] = []

    def work() -> None:
        for _number in range(30):
            with files.locked(path, real_clock, 30):
                inside.append(1)
                together.append(len(inside))
                inside.pop()
                # The last thing its holder does: from here on the next comer makes a lock of its own.
                files.remove(path)

    threads = [threading.Thread(target=work) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 120
    assert max(together) == 1


def test_the_lock_of_a_killed_process_is_free(directory, real_clock):
    path = str(directory / "lock")
    program = textwrap.dedent(
        """
        import sys, time
        from ansible_collections.entra.pim.plugins.module_utils._pim.state import files
        from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
        with files.locked(sys.argv[1], Clock(time.time, time.monotonic, time.sleep), 5):
            print("held", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(PimError), files.locked(path, real_clock, 0.1):
            pass
        process.kill()
        process.wait()
    with files.locked(path, real_clock, 1):
        pass


def test_a_file_far_too_large_is_not_read(directory):
    path = directory / "session.json"
    path.touch(0o600)
    os.truncate(path, files.LARGEST + 1)
    with pytest.raises(PimError, match="larger than 16 MB") as caught:
        files.read(str(path))
    assert caught.value.code == "session_unusable"


def test_a_full_disk_leaves_what_was_there(directory, monkeypatch):
    """A mock of the one fault that cannot be had without a file system of one's own: the disk is full half way."""
    path = directory / "journal.jsonl"
    files.append(str(path), b"first\n")
    real_write = os.write

    def half_way(descriptor: int, content: bytes) -> int:
        if len(content) < 7:
            raise OSError(errno.ENOSPC, "full")
        return real_write(descriptor, bytes(content)[:1])

    monkeypatch.setattr(os, "write", half_way)
    with pytest.raises(PimError, match="cannot be written") as caught:
        files.append(str(path), b"second\n")
    assert caught.value.code == "session_unusable"
    assert path.read_bytes() == b"first\n"
