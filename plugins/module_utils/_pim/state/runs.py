# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runs live: one locked file each in `runs` of the session directory. Private to the collection.

A run is one `ansible-playbook`. It lives as long as its lock is held, which the kernel sees to, also where containers share the
directory and process ids mean nothing. A task runs in a fork of the controller, which cannot make the controller hold a lock, so a
small process of its own holds it (`keeper.py`) until a pipe tells that the controller is gone. A fork that outlives a killed controller
may still be activating something: meanwhile it holds a lock of its own, and the run lives as long.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..errors import PimError
from ..times import Clock
from . import files

DIRECTORY = "runs"
_SUFFIX = ".lock"
_ID = re.compile(r"[0-9a-f-]{36}", re.ASCII)
_ID_LENGTH = 36
# Seconds: starting a small Python, on a busy machine.
_START = 30.0
_LOCK_TIMEOUT = 60.0
_POLL = 0.01
# What a Python may need to start at all. Nothing else of the environment, which may hold secrets.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class Run:
    """`ends`: the end to read from of a pipe, whose other end the controller holds and nobody else."""

    id: str
    ends: int


def alive(directory: str, run_id: str) -> bool:
    """Whether the run, or one of its tasks, holds a lock. Asking disturbs nobody: askers share them."""
    own = os.path.join(directory, DIRECTORY)
    if not _ID.fullmatch(run_id) or not files.check_directory(own, create=False):
        return False
    return any(_is_held(os.path.join(own, name)) for name in files.names(own) if name[:_ID_LENGTH] == run_id)


def _is_held(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise files.unusable(path, f"it cannot be opened ({os.strerror(error.errno or 0)})") from None
    try:
        return not _locked(path, descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def keep_alive(directory: str, run: Run, environ: Mapping[str, str], clock: Clock) -> None:
    """The run lives from now on until its end. Many tasks of it may ask for that at once; `session_unusable` where it cannot be."""
    with _starting(directory, clock):
        path = os.path.join(directory, DIRECTORY, f"{run.id}{_SUFFIX}")
        if _is_held(path):
            return
        _remove_dead(directory)
        descriptor = _take(path, clock)
        try:
            _start_keeper(path, descriptor, run, environ)
        finally:
            # The keeper has it too, and only its end lets the lock go.
            os.close(descriptor)


@contextlib.contextmanager
def at_work(directory: str, run_id: str, clock: Clock) -> Iterator[None]:
    """The run lives inside the `with`, whatever becomes of the rest of it: this very process holds the lock."""
    path = os.path.join(directory, DIRECTORY, f"{run_id}.{uuid.uuid4()}{_SUFFIX}")
    with _starting(directory, clock):
        descriptor = _take(path, clock)
    try:
        yield
    finally:
        files.remove(path)
        os.close(descriptor)


@contextlib.contextmanager
def _starting(directory: str, clock: Clock) -> Iterator[None]:
    """One at a time makes or removes lock files."""
    files.check_directory(directory, create=True)
    own = os.path.join(directory, DIRECTORY)
    files.check_directory(own, create=True)
    with files.locked(os.path.join(own, _SUFFIX), clock, _LOCK_TIMEOUT):
        yield


def _remove_dead(directory: str) -> None:
    """The files of those that were killed together with what held them."""
    own = os.path.join(directory, DIRECTORY)
    for name in files.names(own):
        path = os.path.join(own, name)
        if _ID.fullmatch(name[:_ID_LENGTH]) and not _is_held(path):
            files.remove(path)


def _take(path: str, clock: Clock) -> int:
    """The descriptor of the file, locked. Somebody may be asking just now, for a moment."""
    end = clock.monotonic() + _LOCK_TIMEOUT
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise files.unusable(path, f"it cannot be opened ({os.strerror(error.errno or 0)})") from None
    while not _locked(path, descriptor, fcntl.LOCK_EX):
        if clock.monotonic() >= end:
            os.close(descriptor)
            raise PimError("session_busy", f"Another process has held {path} for {_LOCK_TIMEOUT:g} s")
        clock.sleep(_POLL)
    return descriptor


def _locked(path: str, descriptor: int, kind: int) -> bool:
    """Whether the lock could be had."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EINTR):
            return False
        raise files.unusable(path, f"it cannot be locked ({os.strerror(error.errno or 0)})") from None
    return True


def _start_keeper(path: str, descriptor: int, run: Run, environ: Mapping[str, str]) -> None:
    """Returns when it is at its post. It has the lock and the pipe, and nothing else of this process."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keeper.py")
    try:
        # run_command would wait for its end, and there is no AnsibleModule in the controller.
        keeper = subprocess.Popen(  # pylint: disable=ansible-bad-function
            # -I and -S: nothing of the user's directories or packages is loaded.
            [sys.executable, "-I", "-S", program, path],
            env={name: environ[name] for name in _ENVIRONMENT if name in environ},
            cwd="/",
            stdin=run.ends,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
            # Ctrl-C and the end of the terminal are not meant for it.
            start_new_session=True,
        )
    except OSError as error:
        raise _no_keeper(path, os.strerror(error.errno or 0)) from None
    if keeper.stdout is None:
        raise _no_keeper(path, "it has no output")
    with keeper.stdout as output:
        ready = select.select([output], [], [], _START)[0] and output.read(1)
    if not ready:
        keeper.kill()
        keeper.wait()
        raise _no_keeper(path, f"{sys.executable} did not start")
    # It outlives this process, which does not wait for it.
    keeper.returncode = 0


def _no_keeper(path: str, reason: str) -> PimError:
    return files.unusable(path, f"no process could be started that holds it ({reason})")
