# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the user's screen now and then which roles wait for an approver. Private to the collection."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from ..errors import PimError, readable
from ..models import WAITING, Policy
from ..times import spoken_duration
from .connection import Connection
from .context import Context
from .holdings import read_policies
from .work import Work

# Seconds from the first line to each that follows, and between those after them.
_LINES = (60.0, 300.0, 900.0, 1800.0)
_LAST_PAUSE = 1800.0
# So many approvers are named for each role, and so much is shown of a name.
_NAMED = 5
_NAME_LIMIT = 60


class Notices:
    """Nothing is asked of the service where nobody sees a screen, or nothing waits."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self._connection = connection
        self._clock = context.clock
        self._show = context.show
        self._began = 0.0
        self._lines = _lines()
        self._next_line = 0.0
        # By work: who can approve, empty where that is not known.
        self._approvers: dict[int, str] = {}

    def tell(self, works: Sequence[Work]) -> None:
        """A line, where it is time for one."""
        waiting = [work for work in works if work.request is not None and work.request.phase == WAITING]
        if self._show is None or not waiting:
            return
        if not self._approvers:
            self._began = self._clock.monotonic()
        new = [work for work in waiting if id(work) not in self._approvers]
        waited = self._clock.monotonic() - self._began
        if waited < self._next_line and not new:
            return
        while self._next_line <= waited:
            self._next_line = next(self._lines)
        self._approvers.update(zip(map(id, new), self._who_can_approve(new)))
        self._show(f"Waiting for an approver: {', '.join(self._told(work, waited) for work in waiting)}")

    def _told(self, work: Work, waited: float) -> str:
        created = work.request.created_at if work.request is not None else None
        if created is not None:
            # Perhaps by an earlier task.
            waited = (self._connection.now() - created).total_seconds()
        minutes = f"for {spoken_duration(waited // 60 * 60)}" if waited >= 60 else ""
        more = "; ".join(filter(None, (minutes, self._approvers[id(work)])))
        return f"{work.name} ({more})" if more else work.name

    def _who_can_approve(self, works: Sequence[Work]) -> list[str]:
        """Of each; all the policies that the plan did not need are read in one go."""
        unread = [work for work in works if work.policy is None]
        try:
            read = read_policies(self._connection, [work.row for work in unread])
        except PimError:
            # The line does without.
            read = []
        found = {id(work): policy for work, policy in zip(unread, read) if isinstance(policy, Policy)}
        return [_names(work.policy or found.get(id(work))) for work in works]


def _names(policy: Policy | None) -> str:
    """Those whom a policy names. Where it names nobody, administrators decide (Microsoft Entra documentation,
    "pim-how-to-change-default-settings")."""
    if policy is None or not policy.requires_approval:
        return ""
    names = [
        f"{'group ' if one.type == 'group' else ''}{readable(one.name or one.id, _NAME_LIMIT)}"
        for one in policy.approvers
        if one.name or one.id
    ]
    if len(names) > _NAMED:
        names = [*names[:_NAMED], f"{len(names) - _NAMED} more"]
    return f"approvers: {', '.join(names) or 'administrators'}"


def _lines() -> Iterator[float]:
    yield from _LINES
    yield from itertools.count(_LINES[-1] + _LAST_PAUSE, _LAST_PAUSE)
