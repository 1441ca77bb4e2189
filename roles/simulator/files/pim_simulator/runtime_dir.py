# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of one running simulator: what it holds, who may read it, and how to tell that the simulator runs.

The server holds a lock on one file as long as it lives. That is how others know, and whoever holds the lock wrote the
process id: no other process can be taken for ours.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from pim_simulator.errors import SimulatorError

CA = "ca.pem"
CONTROL_KEY = "control.key"
IDENTITY_HEADER = "identity.header"
DESCRIPTION = "simulator.json"
LOG = "simulator.log"
LOCK = "simulator.lock"


class RuntimeDirError(SimulatorError):
    """The directory cannot be used; the text says why."""


class RuntimeDir:
    """``path`` is made absolute: a detached server has another working directory."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))
        self._lock: int | None = None

    def file(self, name: str) -> Path:
        return self.path / name

    def prepare(self) -> None:
        """Make it, for its owner alone. Raises RuntimeDirError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                raise RuntimeDirError(f"{self.path} is not a directory")
            if status.st_uid != os.getuid():
                raise RuntimeDirError(f"{self.path} belongs to another user")
            self.path.chmod(0o700)
        except OSError as error:
            raise RuntimeDirError(f"{self.path} cannot be used: {error}") from error

    def take_lock(self) -> None:
        """Hold the lock until this process ends. Raises RuntimeDirError where another simulator has it."""
        # O_NOFOLLOW: a link put there by somebody else is not followed
        self._lock = os.open(self.file(LOCK), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeDirError(f"a simulator runs in {self.path} already") from error

    def running(self) -> bool:
        """Whether a simulator holds the lock."""
        try:
            descriptor = os.open(self.file(LOCK), os.O_RDONLY | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def write(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Atomically: a reader sees all of it or nothing."""
        descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix=f".{name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.chmod(temporary, mode)
            os.replace(temporary, self.file(name))
        except BaseException:
            os.unlink(temporary)
            raise

    def description(self) -> dict[str, Any] | None:
        """What the running simulator says of itself; None before it listens."""
        try:
            content = json.loads(self.file(DESCRIPTION).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return content if isinstance(content, dict) else None

    def clean(self) -> None:
        """Remove keys, certificates, records and the log; the directory itself stays."""
        for name in (DESCRIPTION, CONTROL_KEY, IDENTITY_HEADER, CA, LOG, LOCK):
            self.file(name).unlink(missing_ok=True)
