# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run holds: noted before an activation is sent, settled when its fate is known. Private to the collection.

Everything is decided under the journal's lock. While somebody gives a role back (a claim), nobody takes a part in it: who comes then
waits, looks again, and activates it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import PimError
from ..models import RoleRow
from ..plans.activation import ACTIVATE, DEACTIVATE, RENEW, REPLACE
from ..plans.leases import Alive, Key, Lease, Shared, key_in, key_of, leases_of, shared_roles
from ..plans.rows import switched_off
from ..state import runs
from ..state.runs import Run
from .activation_options import ActivationOptions
from .connection import Connection
from .context import Context
from .leftovers import is_of
from .work import Work

# Seconds that another run has to give a role back in, once it has begun to: two calls with all their repeats.
_PATIENCE = 150.0
_POLL = 0.2


def alive_in(connection: Connection) -> Alive:
    """Tells of a run whether it lives."""
    return partial(runs.alive, connection.session_dir)


def intend(connection: Connection, entries: Sequence[dict[str, Any]]) -> list[str]:
    """The journal's entries of writes about to be sent. With a lease, not while somebody gives that role back."""
    keys = {key for entry in entries if entry.get("lease") and (key := key_in(entry)) is not None}
    if not keys:
        return connection.journal.intend(entries)
    alive, clock = alive_in(connection), connection.clock

    def nobody_claims(lines: list[dict[str, Any]]) -> bool:
        shared = shared_roles(lines)
        return not any(shared[key].claimed(alive) for key in keys if key in shared)

    end = clock.monotonic() + _PATIENCE
    while (numbers := connection.journal.intend_if(nobody_claims, entries)) is None:
        if clock.monotonic() >= end:
            raise PimError("session_busy", f"Another run has been giving back the same role for {_PATIENCE:g} s")
        clock.sleep(_POLL)
    return numbers


class Leases:
    """What one task of a run that holds its roles writes of them."""

    def __init__(self, connection: Connection, run: Run) -> None:
        self._connection = connection
        self._run = run.id
        # Those it did not hold before.
        self.taken = False

    @classmethod
    def of(cls, connection: Connection, options: ActivationOptions, context: Context) -> Leases | None:
        """None where nothing is to be held. The run lives from now on, before anything is written."""
        if not (options.active and context.leasing) or context.check_mode:
            return None
        if context.run is None:
            context.warn(
                "No lease is held on these roles: the task does not run on the controller, where a run is known to have ended."
            )
            return None
        runs.keep_alive(connection.session_dir, context.run, context.environ, context.clock)
        return cls(connection, context.run)

    def at_work(self) -> AbstractContextManager[None]:
        """While it activates and until that is settled: the run may be killed, and this fork of it go on."""
        return runs.at_work(self._connection.session_dir, self._run, self._connection.clock)

    def prepare(self, works: Sequence[Work], options: ActivationOptions) -> None:
        """Marks the works whose activations the run will hold."""
        if options.start is not None and options.start > self._connection.now():
            # It was asked for a time when this run may be long over.
            return
        held = shared_roles(self._connection.journal.lines()) if any(_renews(work) for work in works) else {}
        for work in works:
            # A role that nobody held was active before: renewed or not, it stays.
            run = self._run if work.step.action in (ACTIVATE, REPLACE) else None
            run = self._holder(work, held) if _renews(work) else run
            if run is not None:
                work.lease = {"lease": True, "run": run, "session": self._connection.session.name}

    def settle(self, works: Sequence[Work], since: float) -> list[Work]:
        """Notes what came of the works, and takes a part in what was active already and other live runs hold.

        `since`: before the roles were looked at, in seconds since 1970. Gives the works whose role somebody has ended, or may have ended,
        after that look: they have to be looked at again.
        """
        stale: list[Work] = []

        def lines_for(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
            shared = shared_roles(lines)
            return [
                line
                for work in works
                for line in self._lines_for(work, shared.get(self._key(work.row), Shared()), since, stale)
            ]

        self._connection.journal.decide(lines_for)
        return stale

    def held(self) -> list[Lease]:
        """What the run now holds for this account."""
        session, now = self._connection.session, self._connection.now()
        found = leases_of(self._run, shared_roles(self._connection.journal.lines()))
        return [one for one in found if is_of(one, session) and not one.over(now)]

    def _key(self, row: RoleRow) -> Key:
        return key_of(self._connection.session.tenant_id, row)

    def _holder(self, work: Work, shared: Mapping[Key, Shared]) -> str | None:
        """In whose name an activation is renewed: this run's, where a live one holds it. A leftover goes on being one: of the run that is gone."""
        found = shared.get(self._key(work.row))
        if found is None or not found.began(work.row):
            return None
        living = [lease.decided for lease in found.others(None, alive_in(self._connection))]
        gone = list(found.leases) if not living else []
        return self._run if any(living) else next(iter(gone), None)

    def _lines_for(self, work: Work, shared: Shared, since: float, stale: list[Work]) -> list[dict[str, Any]]:
        run = self._run if work.lease is None else str(work.lease["run"])
        if work.switched_on:
            self.taken = self.taken or (work.lease is not None and run == self._run)
            # What is listed may still be the activation before it.
            seen = work.row.active and not work.is_the_old_one(work.row)
            row = work.row if seen else switched_off(work.row)
            return [replace(self._lease(row), run=run).line()] if work.lease is not None else []
        own = shared.leases.get(run)
        # What was denied, withdrawn or refused in the end is not held.
        ended = [number for number in work.entries if own is not None and number in own.entries]
        lines: list[dict[str, Any]] = [{"event": "outcome", "entry": number, "outcome": "ended"} for number in ended]
        if own is not None and ended:
            own.entries = {number: told for number, told in own.entries.items() if number not in ended}
        if work.error is None and work.row.active:
            lines += self._joined(work, shared, since, stale)
        return lines

    def _joined(self, work: Work, shared: Shared, since: float, stale: list[Work]) -> list[dict[str, Any]]:
        """The line that takes a part in an activation of other runs; none where the role was active before them, or has to be looked at again."""
        alive, now = alive_in(self._connection), self._connection.now()
        # The journal has whole seconds.
        ended = shared.ending_at is not None and shared.ending_at.timestamp() >= int(since)
        own = shared.held_by(self._run, now)
        holders = [own] if own is not None and (own.decided or own.entries) else []
        holders += shared.others(self._run, alive)
        decided = any(lease.decided for lease in holders)
        if ended or shared.claimed(alive) or (holders and not decided):
            stale.append(work)
            return []
        if not decided or not shared.began(work.row):
            return []
        self.taken = self.taken or own is None
        return [self._lease(work.row).line()]

    def _lease(self, row: RoleRow) -> Lease:
        session = self._connection.session
        return Lease(
            run=self._run,
            tenant_id=session.tenant_id,
            principal_id=str(row.principal_id),
            provider=row.provider,
            role=str(row.role),
            role_id=str(row.role_id),
            scope=str(row.scope),
            scope_name=row.scope_name,
            session=session.name,
            asked_at=self._connection.now(),
            active_since=row.active_since,
            expires_at=row.expires_at,
            native=row.native,
        )


def warn_of_holders(connection: Connection, works: Sequence[Work], context: Context) -> None:
    """Where a plain task is about to end what another live run holds."""
    ending = [work for work in works if work.step.action == DEACTIVATE]
    if not ending:
        return
    shared = shared_roles(connection.journal.lines())
    own = context.run.id if context.run is not None else None
    for work in ending:
        found = shared.get(key_of(connection.session.tenant_id, work.row))
        if found is not None and found.others(own, alive_in(connection)):
            context.warn(f"{work.name} is held by another run that is still at work: it loses the role.")


def _renews(work: Work) -> bool:
    return work.step.action == RENEW
