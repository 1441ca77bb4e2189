# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what was about to be asked of a service, written before it was asked, and what came of it. Private to the collection.

One JSON object a line in `journal.jsonl` of the session directory, 0600, appended and forced to the disk. No token, no secret. A line
that a crash cut short is passed over by the reader and closed off by the next writer.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..times import Clock, format_time, parse_time
from . import files

FILE = "journal.jsonl"
LOCK_TIMEOUT = 10.0
# Longer than any activation lasts; older lines are dropped when the file has grown past this size.
KEPT = timedelta(days=45)
PRUNED_ABOVE = 256 * 1024


class Journal:
    def __init__(self, directory: str, clock: Clock) -> None:
        self._path = os.path.join(directory, FILE)
        self._directory = directory
        self._clock = clock

    def intend(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        """Writes one line for each write that is about to be sent, and gives the number of each entry.

        An entry: `action` (activate, deactivate, cancel), `tenant_id`, `principal_id`, `provider`, `role`, `role_id`, `scope`.
        """
        numbers = [str(uuid.uuid4()) for _entry in entries]
        self._append([{"entry": number, "event": "submitting", **entry} for number, entry in zip(numbers, entries)])
        return numbers

    def conclude(self, outcomes: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Writes what came of entries: `outcome` (accepted, refused, unknown, already), `status`, `request_id`."""
        self._append([{"entry": number, "event": "outcome", **outcome} for number, outcome in outcomes])

    def lines(self) -> list[dict[str, Any]]:
        """Every readable line, oldest first."""
        if not files.check_directory(self._directory, create=False):
            return []
        return [line for line in map(_parse, (files.read(self._path) or b"").split(b"\n")) if line is not None]

    def recent(self, within: timedelta) -> list[dict[str, Any]]:
        """The readable lines that were written within this time, oldest first; what is older is not even read through."""
        if not files.check_directory(self._directory, create=False):
            return []
        found: list[dict[str, Any]] = []
        for raw in reversed((files.read(self._path) or b"").split(b"\n")):
            line = _parse(raw)
            if line is not None and self.age(line) > within:
                break
            found += [line] if line is not None else []
        return found[::-1]

    def age(self, line: Mapping[str, Any]) -> timedelta:
        """How long ago a line was written, by this machine's clock."""
        return self._clock.now() - parse_time(line["at"])

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        if not lines:
            return
        files.check_directory(self._directory, create=True)
        now = format_time(self._clock.now())
        content = b"".join(json.dumps({"at": now, **line}, sort_keys=True).encode() + b"\n" for line in lines)
        with files.locked(f"{self._path}.lock", self._clock, LOCK_TIMEOUT):
            present = files.read(self._path) or b""
            if len(present) > PRUNED_ABOVE:
                present = self._pruned(present)
                files.write(self._path, present)
            files.append(self._path, (b"\n" if present and not present.endswith(b"\n") else b"") + content)

    def _pruned(self, content: bytes) -> bytes:
        oldest = self._clock.now() - KEPT
        kept = [
            raw
            for raw in content.split(b"\n")
            if (line := _parse(raw)) is not None and parse_time(line["at"]) >= oldest
        ]
        return b"".join(raw + b"\n" for raw in kept)


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
        parse_time(line["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
