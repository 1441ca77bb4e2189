# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: ours alone, never through a link, never half written. Private to the collection.

Every failure is `session_unusable`, and names the path and what is wrong with it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator

from ..errors import PimError, readable
from ..times import Clock

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_POLL = 0.05
# Of a path, in a message.
_LONGEST_SHOWN = 500
# A session is a few kilobytes, a journal is pruned far below this.
LARGEST = 16 * 1024 * 1024


def unusable(path: str, reason: str) -> PimError:
    return PimError("session_unusable", f"{readable(path, _LONGEST_SHOWN)} cannot be used: {reason}")


def check_directory(path: str, *, create: bool) -> bool:
    """True where the directory is there and ours; made (0700) where `create`. Others must not be able to write to it."""
    if create:
        try:
            os.makedirs(path, 0o700, exist_ok=True)
        except FileExistsError:
            raise unusable(path, "it is not a directory") from None
        except OSError as error:
            raise unusable(path, f"it cannot be made ({os.strerror(error.errno or 0)})") from None
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, os.strerror(error.errno or 0)) from None
    if stat.S_ISLNK(found.st_mode):
        raise unusable(path, "it is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise unusable(path, "it is not a directory")
    if found.st_uid != os.geteuid():
        raise unusable(path, "it belongs to another user")
    if create and not os.access(path, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise unusable(path, "it cannot be written to")
    if found.st_mode & _OTHERS_WRITE:
        # A place for everybody's temporary files is not to be closed.
        advice = "name one of your own" if found.st_mode & stat.S_ISVTX else "run chmod 700 on it"
        raise unusable(path, f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o}); {advice}")
    return True


def read(path: str) -> bytes | None:
    """The bytes of a private file, None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _open_failure(path, error) from None
    try:
        found = os.fstat(descriptor)
        _check_private(path, found)
        if found.st_size > LARGEST:
            raise unusable(path, f"it is larger than {LARGEST >> 20} MB, which no file of entra.pim is")
        return _read_all(descriptor, found.st_size)
    except OSError as error:
        raise unusable(path, f"it cannot be read ({os.strerror(error.errno or 0)})") from None
    finally:
        os.close(descriptor)


def _read_all(descriptor: int, size: int) -> bytes:
    chunks = []
    while chunk := os.read(descriptor, max(size, 65536)):
        chunks.append(chunk)
    return b"".join(chunks)


def write(path: str, content: bytes) -> None:
    """Replaces a private file (0600) in one step: a reader, or a crash, sees the old or the new content."""
    directory, name = os.path.split(path)
    if os.path.islink(path):
        raise unusable(path, "it is a symbolic link")
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=directory)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise unusable(path, f"it cannot be written ({os.strerror(error.errno or 0)})") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def append(path: str, content: bytes) -> None:
    """Adds to a private file and waits until it is on the disk."""
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600
        )
    except OSError as error:
        raise _open_failure(path, error) from None
    try:
        found = os.fstat(descriptor)
        _check_private(path, found)
        _write_all(path, descriptor, content, found.st_size)
    finally:
        os.close(descriptor)


def _write_all(path: str, descriptor: int, content: bytes, length: int) -> None:
    """Writes the whole, or nothing: on a full disk the file gets its old `length` back."""
    left = memoryview(content)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, length)
        raise unusable(path, f"it cannot be written ({os.strerror(error.errno or 0)})") from None


def remove(path: str) -> bool:
    """True where there was something; a link is removed, not what it points to."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unusable(path, f"it cannot be removed ({os.strerror(error.errno or 0)})") from None
    return True


def names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError as error:
        raise unusable(directory, os.strerror(error.errno or 0)) from None


@contextlib.contextmanager
def locked(path: str, clock: Clock, timeout: float) -> Iterator[None]:
    """Holds the lock file `path` for this process; `session_busy` after `timeout` seconds.

    The lock is the kernel's and ends with the process. A lock file that was removed meanwhile is not the lock any more: try again.
    """
    end = clock.monotonic() + timeout
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _open_failure(path, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same_file(path, descriptor):
                break
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EINTR):
                os.close(descriptor)
                raise unusable(path, f"it cannot be locked ({os.strerror(error.errno or 0)})") from None
        os.close(descriptor)
        if clock.monotonic() >= end:
            raise PimError("session_busy", f"Another process has held {path} for {timeout:g} s")
        clock.sleep(_POLL)
    try:
        yield
    finally:
        os.close(descriptor)


def _same_file(path: str, descriptor: int) -> bool:
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _check_private(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise unusable(path, "it is not a regular file")
    if found.st_uid != os.geteuid():
        raise unusable(path, "it belongs to another user")
    if found.st_mode & _OTHERS:
        raise unusable(
            path,
            f"others may read it (mode {stat.S_IMODE(found.st_mode):04o}); its secrets may be known: remove it and sign in again",
        )


def _open_failure(path: str, error: OSError) -> PimError:
    if error.errno == errno.ELOOP:
        return unusable(path, "it is a symbolic link")
    return unusable(path, f"it cannot be opened ({os.strerror(error.errno or 0)})")
