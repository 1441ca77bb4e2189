# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At the end of a run, however it ends: gives back what it holds, and says what became of it. Private to the collection.

`v2_playbook_on_stats` is not called after Ctrl-C, a signal, or a fatal error, `atexit` is not after a signal that nobody handles, and
neither is after SIGKILL. So this is called by the first two, and handles the signals that would end the process without it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Optional

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError, printable
from ansible_collections.entra.pim.plugins.module_utils._pim.models import SHORTEST_ACTIVATION
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.leases import Key, Lease, leases_of, shared_roles
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.credentials import secrets_in
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import Journal
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock, format_time
from ansible_collections.entra.pim.plugins.plugin_utils._controller import this_run
from ansible_collections.entra.pim.plugins.plugin_utils._controller.became import LEFT, NO_TIME, WATCHED, became

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_POLL = 0.1
# Seconds: starting a small Python, on a busy machine.
_START = 15.0
# Seconds in which a request that was under way when its task was killed is carried out by the service.
_UNDER_WAY = 2.0
# Share of the whole time that one HTTP call may take, so that it can be repeated.
_ONE_CALL = 0.25
_LONGEST_CALL = 30.0
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "giving_back.py")
# .../ansible_collections/entra/pim/plugins/plugin_utils/_controller/giving_back.py
_COLLECTIONS = os.path.abspath(os.path.join(os.path.dirname(_PROGRAM), *[os.pardir] * 5))
_HEAD = ("Role", "Scope", "From", "Until", "Given back")

Show = Callable[[str], None]
# Session directory and session: one account.
Group = tuple[str, Optional[str]]
# Session directory and role.
Place = tuple[str, Key]
# The cells of the table.
Row = tuple[str, ...]


@dataclass(frozen=True)
class Held:
    """A lease, and the session directory it is in."""

    directory: str
    lease: Lease

    @property
    def place(self) -> Place:
        return (self.directory, self.lease.key)

    @property
    def group(self) -> Group:
        """What is given back in one go."""
        return (self.directory, self.lease.session)


class SafetyNet:
    """`too_early`: leave, wait or watch. `timeout`: seconds that giving back may take, the five minutes of `wait` apart."""

    def __init__(self, too_early: str, timeout: float, show: Show) -> None:
        self._too_early = too_early
        self._timeout = timeout
        self._show = show
        self._pid = os.getpid()
        self._clock = Clock(time.time, time.monotonic, time.sleep)
        self._busy = False
        # The signal that came while it was giving back.
        self._asked: int | None = None
        self._told: set[tuple[Place, datetime]] = set()
        self._elsewhere: dict[tuple[str, ...], dict[str, Any]] = {}

    def guard(self) -> None:
        """In the controller, before the first task."""
        this_run.guard()
        atexit.register(self.end, last=True)
        if threading.current_thread() is not threading.main_thread():
            # Python lets no other thread handle signals.
            return
        for number in _SIGNALS:
            # One that is ignored (nohup, a job in the background) goes on being ignored.
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def saw(self, host: str, task: str, result: Mapping[str, Any]) -> None:
        """The result of a task. What it activated over the module edge is in no journal that can be read here."""
        results = result.get("results")
        for one in results if isinstance(results, list) else [result]:
            if not isinstance(one, Mapping) or not (one.get("activated") or one.get("deactivated")):
                continue
            # Other modules may have such a key, too.
            if {"elsewhere": [task, host]} not in this_run.told():
                continue
            for address in one.get("deactivated") or []:
                self._elsewhere.pop(_address_on(host, address), None)
            for address in one.get("activated") or []:
                row: Mapping[str, Any] = next((row for row in one.get("roles") or [] if _same(row, address)), {})
                self._elsewhere[_address_on(host, address)] = {**address, **row, "host": host}

    def end(self, last: bool = False) -> None:
        """Gives back what the run holds now, and tells of it. Does nothing twice, and never fails."""
        if os.getpid() != self._pid or self._busy:
            return
        self._busy = True
        try:
            rows = self._give_back()
        except PimError as error:
            rows = [_unknown(error.sentence)]
        except Exception as error:  # noqa: BLE001  # a run that is ending has to end as it would; its text may hold anything
            rows = [_unknown(f"the safety net met a fault of its own ({type(error).__name__})")]
        if rows:
            # Nobody may be there any more to see it.
            with contextlib.suppress(OSError, ValueError):
                self._show(_table(rows))
        self._busy = False
        asked, self._asked = self._asked, None
        if asked is not None and not last:
            self._end_by(asked)

    def _on_signal(self, number: int, frame: Any) -> None:
        if os.getpid() != self._pid:
            # A fork of a task: as if there were no safety net.
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif self._busy:
            self._asked = number
        else:
            # They are process groups of their own, which the signal does not reach.
            for worker in multiprocessing.active_children():
                worker.terminate()
            self._end_by(number)

    def _end_by(self, number: int) -> None:
        """As Ansible ends by Ctrl-C, and as a shell tells of the other signals."""
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    def _give_back(self) -> list[Row]:
        """The rows of the table."""
        held = self._held()
        told: dict[Place, str] = {}
        if {_mark(one) for one in held} - self._told:
            end = self._clock.monotonic() + self._timeout
            told.update(self._round(held, "leave", end))
            undecided = [one for one in self._held() if not one.lease.decided]
            if undecided:
                self._clock.sleep(_UNDER_WAY)
                told.update(self._round(undecided, "leave", end))
            young = [one for one in held if told[one.place] == LEFT]
            if young and self._too_early == "wait":
                told.update(self._waited_for(young))
            elif young and self._too_early == "watch":
                told.update(self._watched(young))
            self._told = {_mark(one) for one in self._held()}
        rows = [_row(one.lease, told[one.place]) for one in held if one.place in told]
        rows += [_row_elsewhere(one) for one in self._elsewhere.values()]
        self._elsewhere.clear()
        return rows

    def _held(self) -> list[Held]:
        """What the run holds, in every session directory that a task of it has used."""
        if this_run.RUN is None:
            return []
        directories = dict.fromkeys(fact["directory"] for fact in this_run.told() if "directory" in fact)
        found = []
        for directory in directories:
            leases = leases_of(this_run.RUN.id, shared_roles(Journal(directory, self._clock).lines()))
            found += [Held(directory, lease) for lease in leases]
        return sorted(found, key=lambda one: one.lease.asked_at)

    def _round(self, held: Sequence[Held], too_early: str, end: float) -> dict[Place, str]:
        """Gives back, each account in a process of its own, until `end` (monotonic). Gives what became of each."""
        groups = list(dict.fromkeys(one.group for one in held))
        try:
            running = [self._start(group, too_early) for group in groups]
        except OSError as error:
            return {
                one.place: f"no: no process could be started for it ({os.strerror(error.errno or 0)})" for one in held
            }
        results = {group: self._result(one, end, too_early == "wait") for group, one in zip(groups, running)}
        still = {one.place for one in self._held()}
        return {one.place: became(one.lease, results[one.group], one.place in still) for one in held}

    def _waited_for(self, young: Sequence[Held]) -> dict[Place, str]:
        names = ", ".join(f"{one.lease.role} at {one.lease.scope}" for one in young)
        with contextlib.suppress(OSError, ValueError):
            self._show(
                printable(
                    f"Entra keeps an activation for five minutes: waiting to give back {names}. Ctrl-C leaves them to expire."
                )
            )
        found = self._round(young, "wait", self._clock.monotonic() + SHORTEST_ACTIVATION + self._timeout)
        return {place: LEFT if told == NO_TIME else told for place, told in found.items()}

    def _watched(self, young: Sequence[Held]) -> dict[Place, str]:
        """Starts a watcher for each account. Returns when they are at their posts: the run must not be gone before."""
        found = {}
        for group in dict.fromkeys(one.group for one in young):
            process = self._start(group, "wait", watch=True)
            there = process.stdout is not None and select.select([process.stdout], [], [], _START)[0]
            if there and process.stdout is not None and process.stdout.read(1):
                told = WATCHED
            else:
                process.kill()
                told = f"{LEFT}, because no watcher could be started"
            # It outlives this process, which does not wait for it.
            process.returncode = 0
            found.update({one.place: told for one in young if one.group == group})
        return found

    def _start(self, group: Group, too_early: str, watch: bool = False) -> subprocess.Popen[bytes]:
        directory, session = group
        options = {
            "session": session,
            "session_dir": directory,
            "too_early": too_early,
            "wait": False,
            "http_timeout": min(_LONGEST_CALL, self._timeout * _ONE_CALL),
        }
        run = this_run.RUN.id if this_run.RUN is not None else None
        order = {"run": run, "watch": watch, "options": options, "path": sys.path, "collections": _COLLECTIONS}
        # Until it has a session of its own, the second Ctrl-C of somebody impatient is sent to it, too: it comes with these blocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process = subprocess.Popen(
                # -I: what else it needs it finds where this process does.
                [sys.executable, "-I", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # Ctrl-C and the end of the terminal are not meant for it.
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(order).encode())
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdin = None
        return process

    def _result(self, process: subprocess.Popen[bytes], end: float, may_be_ended: bool) -> dict[str, Any] | None:
        """What the process found; None where it was not done by `end`, or somebody did not want to wait for it."""
        output = b""
        while process.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, _errors = process.communicate(timeout=_POLL)
                break
            if self._clock.monotonic() >= end or (may_be_ended and self._asked is not None):
                process.kill()
        with contextlib.suppress(ValueError):
            found: dict[str, Any] = json.loads(output)
            return found
        return None


def _mark(one: Held) -> tuple[Place, datetime]:
    """That this very activation has been told of."""
    return one.place, one.lease.asked_at


def _unknown(reason: str) -> Row:
    return ("-", "-", "-", "-", f"not known: {reason}")


def _same(row: Mapping[str, Any], address: Mapping[str, Any]) -> bool:
    names = [str(name).casefold() for name in (row.get("role"), row.get("role_id"))]
    same_place = row.get("provider") == address.get("provider") and row.get("scope") == address.get("scope")
    return same_place and str(address.get("role")).casefold() in names


def _address_on(host: str, address: Mapping[str, Any]) -> tuple[str, ...]:
    return (host, *(str(address.get(name)).casefold() for name in ("provider", "role", "scope")))


def _row(lease: Lease, told: str) -> Row:
    return (
        lease.role,
        lease.scope,
        format_time(lease.active_since) or "-",
        format_time(lease.expires_at) or "-",
        told,
    )


def _row_elsewhere(one: Mapping[str, Any]) -> Row:
    times = (one.get("active_since") or "-", one.get("expires_at") or "-")
    return (
        str(one.get("role")),
        str(one.get("scope")),
        *map(str, times),
        f"no: taken as a module on {one['host']}, which has to give it back",
    )


def _table(rows: Sequence[Row]) -> str:
    """Lines fit for a terminal. What a service tells may hold anything, a secret of the environment too."""
    secrets = secrets_in({}, os.environ)
    texts = [tuple(printable(str(remove_values(cell, secrets))) for cell in row) for row in (_HEAD, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(_HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in texts]
    return "\n".join(["PIM SAFETY NET: what this run took and nobody gave back", *lines])
