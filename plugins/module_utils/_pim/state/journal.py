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
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..times import Clock, format_time, parse_time
from . import files

FILE = "journal.jsonl"
LOCK_TIMEOUT = 10.0
# Bytes. What tells nothing any more is dropped when the file has grown past this size.
PRUNED_ABOVE = 256 * 1024
# Nothing more is activated with a journal that is larger. The rest is for what has to be told of what is on.
FULL = 12 * 1024 * 1024

Lines = list[dict[str, Any]]


class Journal:
    """`needed`: of its lines, oldest first, those that can still tell something. A journal without it drops none."""

    def __init__(self, directory: str, clock: Clock, needed: Callable[[Lines], Lines] | None = None) -> None:
        self._path = os.path.join(directory, FILE)
        self._directory = directory
        self._clock = clock
        self._needed = needed

    def intend(self, entries: Sequence[dict[str, Any]]) -> list[str]:
        """Writes one line for each write that is about to be sent, and gives the number of each entry.

        An entry: `action` (activate, deactivate, cancel), `tenant_id`, `principal_id`, `provider`, `role`, `role_id`, `scope`; one that
        takes a lease also has what `plans.leases` reads.
        """
        lines = _intents(entries)
        self.note(lines)
        return [line["entry"] for line in lines]

    def intend_if(
        self, may: Callable[[list[dict[str, Any]]], bool], entries: Sequence[dict[str, Any]]
    ) -> list[str] | None:
        """The same, unless `may` says no to the lines that are there: then None, and nothing is written."""
        lines = _intents(entries)
        return [line["entry"] for line in lines] if self.decide(lambda present: lines if may(present) else []) else None

    def conclude(self, outcomes: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Writes what came of entries: `outcome` (accepted, refused, unknown, ended), `status`, `request_id`."""
        self.note([{"entry": number, "event": "outcome", **outcome} for number, outcome in outcomes])

    def decide(self, decision: Callable[[list[dict[str, Any]]], Sequence[dict[str, Any]]]) -> bool:
        """Writes the lines that `decision` makes of those that are there, oldest first, and nobody writes in between. True where it made any."""
        made: list[dict[str, Any]] = []

        def lines_of(content: bytes) -> list[dict[str, Any]]:
            made.extend(decision(_readable(content)))
            return made

        self._change(lines_of)
        return bool(made)

    def lines(self) -> list[dict[str, Any]]:
        """Every readable line, oldest first."""
        if not files.check_directory(self._directory, create=False):
            return []
        return _readable(files.read(self._path) or b"")

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

    def note(self, lines: Sequence[dict[str, Any]]) -> None:
        """Adds lines; none are none."""
        if lines:
            self._change(lambda _content: lines)

    def _change(self, lines_of: Callable[[bytes], Sequence[dict[str, Any]]]) -> None:
        """Adds the lines that are made of the content."""
        files.check_directory(self._directory, create=True)
        with files.locked(f"{self._path}.lock", self._clock, LOCK_TIMEOUT):
            present = files.read(self._path) or b""
            lines = lines_of(present)
            if not lines:
                return
            present = self._pruned(present)
            now = format_time(self._clock.now())
            content = _written({"at": now, **line} for line in lines)
            activating = any(line.get("action") == "activate" for line in lines)
            if (activating and len(present) > FULL) or len(present) + len(content) > files.LARGEST:
                reason = f"it has grown to {len(present) >> 20} MB with what runs hold; give that back first"
                raise files.unusable(self._path, reason)
            files.append(self._path, (b"\n" if present and not present.endswith(b"\n") else b"") + content)

    def _pruned(self, present: bytes) -> bytes:
        """The content of the file, which is written anew only where that makes it half as long."""
        if self._needed is None or len(present) <= PRUNED_ABOVE:
            return present
        shorter = _written(self._needed(_readable(present)))
        if len(shorter) > len(present) // 2:
            return present
        files.write(self._path, shorter)
        return shorter


def _intents(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"entry": str(uuid.uuid4()), "event": "submitting", **entry} for entry in entries]


def _written(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in lines)


def _readable(content: bytes) -> list[dict[str, Any]]:
    return [line for line in map(_parse, content.split(b"\n")) if line is not None]


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
        parse_time(line["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return line if isinstance(line, dict) else None
