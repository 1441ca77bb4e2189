# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the forks of a process tell it. Private to the collection."""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any


class Facts:
    """A file without a name, one JSON object a line, made before the forks. No pipe: nobody has to read it for others to go on writing."""

    def __init__(self) -> None:
        # Appended to: every write goes to the end, whichever fork makes it.
        self._file = tempfile.TemporaryFile("ab+", buffering=0)  # noqa: SIM115  # it is open as long as this object lives

    def tell(self, fact: dict[str, Any]) -> None:
        self._file.write(json.dumps(fact).encode() + b"\n")

    def all(self) -> list[dict[str, Any]]:
        """Everything told so far, oldest first."""
        descriptor = self._file.fileno()
        lines = os.pread(descriptor, os.fstat(descriptor).st_size, 0).splitlines()
        return [json.loads(line) for line in lines]
