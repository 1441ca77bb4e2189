# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds which role, as the lines of the journal tell. Pure. Private to the collection.

A lease begins with the line that is written before an activation is sent (`lease`, `run`), or with one that says that a run takes part
in the activation of another (`event` lease). It ends with the activation: when the service accepted its end, when it has expired, or
when the run gives up its part (`event` released). A claim says that somebody is about to give the role back; it counts while who made it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ..models import SHORTEST_ACTIVATION, Request, RoleRow
from ..times import format_time, later, parse_time

# Tenant, account, provider, role id, scope: services compare them without case.
Key = tuple[str, str, str, str, str]
Alive = Callable[[str], bool]

# Services round, and the start of an activation lies a little after its request.
_BEFORE = timedelta(seconds=5)
_AFTER = timedelta(minutes=2)
# One that was accepted may be in no list for as long as lists lag.
_AFTER_ACCEPTED = timedelta(seconds=2 * SHORTEST_ACTIVATION)
# How long a request may wait for its approver, and the longest activation: so long a lease may last whose activation nobody has seen.
_LONGEST = timedelta(days=2)
# So long after it was sent, a request that the service does not know has not reached it.
ARRIVAL = timedelta(minutes=1)
# What may be looked at for its own sake, whoever holds the role: what was asked for, or ended, a moment ago.
_FRESH = timedelta(hours=1)
# Far longer than anything can be on or wait, whatever is wrong with clocks.
_KEPT = timedelta(days=5)


@dataclass(frozen=True)
class Ask:
    """A request of a run. `request_id` is None where the service gives it, and its answer is not known."""

    asked_at: datetime
    request_id: str | None

    def made(self, request: Request) -> bool:
        if self.request_id is not None:
            return request.request_id.lower() == self.request_id.lower()
        return request.created_at is None or self.asked_at - _BEFORE <= request.created_at <= self.asked_at + _AFTER


@dataclass
class Lease:
    """The part of one run in the activation of one role. `asked_at`: when the activation was asked for, by the service's clock.

    `entries`: what became of the requests of this run, by entry, and `asks`: the requests; `settled`: the run has looked, and the role
    was active (or may be).
    `native`: as a row has it; to end an activation takes it, also where no list shows a row.
    """

    run: str
    tenant_id: str
    principal_id: str
    provider: str
    role: str
    role_id: str
    scope: str
    scope_name: str | None
    session: str | None
    asked_at: datetime
    entries: dict[str, str] = field(default_factory=dict)
    asks: dict[str, Ask] = field(default_factory=dict)
    settled: bool = False
    # Whether the request had to be approved when it was accepted.
    waiting: bool = False
    active_since: datetime | None = None
    expires_at: datetime | None = None
    native: Mapping[str, str] = field(default_factory=dict)
    # Of the last line that speaks for it.
    place: int = 0

    @property
    def key(self) -> Key:
        return _key(self.tenant_id, self.principal_id, self.provider, self.role_id, self.scope)

    @property
    def decided(self) -> bool:
        """Whether it is known that the run has a part, and not only asked for it."""
        return self.settled or "accepted" in self.entries.values()

    def over(self, now: datetime) -> bool:
        """Whether the activation has ended by itself."""
        return (self.expires_at or self.asked_at + _LONGEST) <= now

    def address(self) -> dict[str, Any]:
        return {"provider": self.provider, "role": self.role, "role_id": self.role_id, "scope": self.scope}

    def row(self) -> RoleRow:
        """As far as it is known, where the service lists none."""
        return RoleRow(
            self.provider,
            self.role,
            self.role_id,
            self.scope,
            self.scope_name,
            principal_id=self.principal_id,
            native=self.native,
        )

    def as_leftover(self) -> dict[str, Any]:
        return {**self.address(), **self._times()}

    def line(self) -> dict[str, Any]:
        """What makes the journal know it."""
        told = {"scope_name": self.scope_name, "session": self.session, "native": dict(self.native)}
        return {**self.mark("lease", self.run), **told, "asked_at": format_time(self.asked_at), **self._times()}

    def mark(self, event: str, run: str) -> dict[str, Any]:
        """That a run gives its part in the same role up (`released`), or is about to give the role back (`claim`)."""
        whose = {"tenant_id": self.tenant_id, "principal_id": self.principal_id}
        return {"event": event, "run": run, **whose, **self.address()}

    def _times(self) -> dict[str, Any]:
        return {"active_since": format_time(self.active_since), "expires_at": format_time(self.expires_at)}


@dataclass(frozen=True)
class Window:
    """An activation began within it, as the line at `place` tells."""

    first: datetime
    last: datetime
    place: int


@dataclass
class Shared:
    """What all runs have to do with one role of one account. `starts`: when activations of theirs began, earliest and latest, by what
    tells so."""

    leases: dict[str, Lease] = field(default_factory=dict)
    # Who is about to give it back, or was: nobody claims what a living one has claimed.
    claim: str | None = None
    starts: dict[str, Window] = field(default_factory=dict)
    # Runs that have asked for it themselves: their requests tell of `starts` also after they have given their part up.
    asking: set[str] = field(default_factory=set)
    # When somebody last meant to end it, by this machine's clock.
    ending_at: datetime | None = None
    # The place of the last line after which nobody had a part in it.
    unheld: int = -1

    def held_by(self, run: str, now: datetime) -> Lease | None:
        lease = self.leases.get(run)
        return None if lease is None or lease.over(now) else lease

    def others(self, run: str | None, alive: Alive) -> list[Lease]:
        """The parts of other runs that live."""
        return [one for one in self.leases.values() if one.run != run and alive(one.run)]

    def claimed(self, alive: Alive) -> bool:
        return self.claim is not None and alive(self.claim)

    def seen(self, place: int) -> None:
        """After the line at `place`."""
        if not self.leases:
            self.unheld = place

    def rests_on(self, line: Mapping[str, Any], place: int) -> bool:
        """Whether something is held of which the line tells. A claim says nothing any more, and neither does the part of a run that took
        one in the activation of another and has given it up. All lines of a run that has asked stand together."""
        event, run = line.get("event"), line.get("run")
        gone = event == "claim" or (event in ("lease", "released") and run not in self.asking)
        return place > self.unheld and (run in self.leases or not gone)

    def began(self, row: RoleRow, done: Request | None = None) -> bool:
        """Whether the row's activation is one that a run with a lease began, and not somebody else's since.

        `done`: the last request that changed something. A run that was killed may not have noted that its own had to be approved, which
        may have come much later.
        """
        if row.assignment_type != "activated":
            return False
        since = row.active_since
        if since is None or any(start.first <= since <= start.last for start in self.starts.values()):
            return True
        ours = done is not None and any(asked_for(lease, done) for lease in self.leases.values())
        return ours and done is not None and done.action == "activate"


def key_of(tenant_id: str, row: RoleRow) -> Key:
    return _key(tenant_id, str(row.principal_id), row.provider, str(row.role_id), str(row.scope))


def key_in(line: Mapping[str, Any]) -> Key | None:
    """Which role a line of the journal is about; None where it tells of none."""
    texts = [line.get(name) for name in ("tenant_id", "principal_id", "provider", "role_id", "scope")]
    return _key(*map(str, texts)) if all(isinstance(text, str) and text for text in texts) else None


def shared_roles(lines: Iterable[Mapping[str, Any]]) -> dict[Key, Shared]:
    """By role: everything the journal tells. A line that says nothing of leases, or nothing readable, is passed over."""
    found: dict[Key, Shared] = {}
    entries: dict[str, tuple[Key, Mapping[str, Any], int]] = {}
    lines = list(lines)
    refused = _refused(lines)
    for place, line in enumerate(lines):
        event, number = line.get("event"), str(line.get("entry"))
        if event == "outcome":
            if number in entries:
                whose, entry, begun = entries[number]
                _conclude(found[whose], number, entry, line, begun)
                found[whose].seen(place)
            continue
        key = key_in(line)
        if key is None:
            continue
        shared = found.setdefault(key, Shared())
        run = line.get("run")
        if event == "submitting":
            entries[number] = (key, line, place)
            if number not in refused:
                _begin(shared, number, line, place)
        elif not isinstance(run, str):
            continue
        elif event == "lease":
            lease = shared.leases.setdefault(run, _lease(run, line))
            lease.settled, lease.place = True, place
            lease.active_since, lease.expires_at = _time(line.get("active_since")), _time(line.get("expires_at"))
            if lease.active_since is not None:
                moment = lease.active_since
                shared.starts[str(moment)] = Window(moment - _BEFORE, moment + _BEFORE, place)
        elif event == "released":
            shared.leases.pop(run, None)
        elif event == "claim":
            shared.claim = run
            shared.ending_at = _time(line.get("at"))
        shared.seen(place)
    return found


def _refused(lines: Sequence[Mapping[str, Any]]) -> set[str]:
    """The entries of activations that the service refused: what was held before them is held as if they had not been asked for."""
    open_, found = set(), set()
    for line in lines:
        number = str(line.get("entry"))
        if line.get("event") == "submitting" and line.get("action") == "activate":
            open_.add(number)
            found.discard(number)
        elif line.get("event") == "outcome" and number in open_ and line.get("outcome") == "refused":
            found.add(number)
    return found


def needed(lines: Sequence[dict[str, Any]], now: datetime, alive: Alive) -> list[dict[str, Any]]:
    """Those of a journal's lines, oldest first, that can still tell something: what live runs hold is never left out."""
    shared = shared_roles(lines)
    whose = {str(line.get("entry")): key_in(line) for line in lines if line.get("event") == "submitting"}
    found = []
    for place, line in enumerate(lines):
        age = now - parse_time(line["at"])
        key = whose.get(str(line.get("entry"))) if line.get("event") == "outcome" else key_in(line)
        one = None if key is None else shared.get(key)
        if age < _FRESH or (one is not None and one.rests_on(line, place) and (age < _KEPT or one.others(None, alive))):
            found.append(line)
    return found


def leases_of(run: str | None, shared: Mapping[Key, Shared]) -> list[Lease]:
    """What a run holds, oldest first; also what has ended by itself, by whatever clock: the service knows better."""
    held = [one.leases[run] for one in shared.values() if run in one.leases]
    return sorted(held, key=lambda lease: lease.asked_at)


def leftovers(shared: Mapping[Key, Shared], now: datetime, alive: Alive) -> list[Lease]:
    """One lease of each role that runs took which are gone, and that no live run has a part in."""
    found = []
    for one in shared.values():
        left = [lease for lease in one.leases.values() if not lease.over(now)]
        if left and not any(alive(lease.run) for lease in left):
            # The one that knows most of the activation.
            found.append(max(left, key=lambda lease: (lease.settled, lease.active_since is not None, lease.asked_at)))
    return sorted(found, key=lambda lease: lease.asked_at)


def _begin(shared: Shared, number: str, line: Mapping[str, Any], place: int) -> None:
    run = line.get("run")
    if line.get("action") in ("deactivate", "cancel"):
        shared.ending_at = _time(line.get("at"))
    elif line.get("action") == "activate" and line.get("lease") is True and isinstance(run, str):
        # The role is not active, so whatever the run had a part in before is over; but an earlier request of it may wait still.
        fresh, before = _lease(run, line), shared.leases.get(run)
        fresh.entries = {**(before.entries if before is not None else {}), number: "open"}
        ask = Ask(fresh.asked_at, _text(line.get("request_id")))
        fresh.asks = {**(before.asks if before is not None else {}), number: ask}
        fresh.waiting = before is not None and before.waiting
        fresh.place = place
        shared.leases[run] = fresh
        shared.asking.add(run)
        shared.starts[number] = _window(fresh.asked_at, _AFTER, place)


def _conclude(shared: Shared, number: str, entry: Mapping[str, Any], line: Mapping[str, Any], begun: int) -> None:
    outcome = line.get("outcome")
    if entry.get("action") in ("deactivate", "cancel"):
        shared.ending_at = _time(line.get("at")) or shared.ending_at
        # What is ended to be renewed goes on being held.
        if outcome == "accepted" and entry.get("renewal") is not True:
            # What was asked for after it is another activation.
            shared.leases = {run: lease for run, lease in shared.leases.items() if lease.place > begun}
            shared.starts = {name: start for name, start in shared.starts.items() if start.place > begun}
        return
    if outcome == "accepted" and entry.get("renewal") is not True:
        # The service activates what is not active: what was held of an earlier activation is over.
        shared.leases = {
            run: lease for run, lease in shared.leases.items() if lease.place >= begun or not lease.decided
        }
    lease = shared.leases.get(str(entry.get("run")))
    if lease is None or number not in lease.entries:
        return
    if outcome in ("refused", "ended"):
        del lease.entries[number], lease.asks[number]
        shared.starts.pop(number, None)
        if not lease.entries and not lease.settled:
            del shared.leases[lease.run]
        return
    if outcome == "accepted":
        lease.entries[number] = "accepted"
        ask = lease.asks[number]
        lease.asks[number] = replace(ask, request_id=_text(line.get("request_id")) or ask.request_id)
        # After an approval it begins whenever the approver comes.
        lease.waiting = line.get("waiting") is True
        after = _LONGEST if lease.waiting else _AFTER_ACCEPTED
        shared.starts[number] = _window(ask.asked_at, after, begun)
        if entry.get("renewal") is True:
            for one in shared.leases.values():
                one.asked_at, one.active_since, one.expires_at = lease.asked_at, None, None


def _lease(run: str, line: Mapping[str, Any]) -> Lease:
    asked_at = _time(line.get("asked_at")) or parse_time(str(line["at"]))
    return Lease(
        run=run,
        tenant_id=str(line["tenant_id"]),
        principal_id=str(line["principal_id"]),
        provider=str(line["provider"]),
        role_id=str(line["role_id"]),
        scope=str(line["scope"]),
        scope_name=_text(line.get("scope_name")),
        role=str(line.get("role") or line["role_id"]),
        session=_text(line.get("session")),
        asked_at=asked_at,
        native=_texts(line.get("native")),
    )


def asked_for(lease: Lease, pending: Request) -> bool:
    """Whether a request is one that this lease came of."""
    return any(ask.made(pending) for ask in lease.asks.values())


def _window(asked_at: datetime, after: timedelta, place: int) -> Window:
    return Window(asked_at - _BEFORE, later(asked_at, after.total_seconds()), place)


def _key(tenant_id: str, principal_id: str, provider: str, role_id: str, scope: str) -> Key:
    return (tenant_id.lower(), principal_id.lower(), provider.lower(), role_id.lower(), scope.lower())


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> dict[str, str]:
    found = value.items() if isinstance(value, dict) else ()
    return {name: text for name, text in found if isinstance(text, str)}


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None
