# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cell may end, and when: the table of the faults, and what a story makes of it."""

from __future__ import annotations

from collections.abc import Sequence

from faults.kinds import FROM_HERE, LOOK, OK, ONCE, PATIENCE, READ, SIGN_IN
from faults.matrix import Cell

# Seconds that one call may take beyond its own time-out, with all its repeats (interface, section 4), and what looks take beside.
_BUDGET = 60.0
_LOOKS = 10.0
# Of a call, and of the wait for a role: the defaults of the options.
_HTTP_TIMEOUT = 30.0
_WAIT_TIMEOUT = 300.0
# Those that report what they could not read.
_TELL = ("pim_role_info", "pim_request_info")


def allowed(cell: Cell, warnings: Sequence[str]) -> frozenset[str]:
    """Codes, or OK, for a task that gave these warnings."""
    story, point = cell.story, cell.point
    if point is None:
        return frozenset({story.ends})
    ends = cell.fault.ends_at(point.kind)
    more = set()
    if story.ends != OK:
        ends, more = ends - {OK}, {story.ends}
    if point.refused:
        # What is lost then is a refusal; the client cannot know, and must not ask again where it may have been carried out.
        more |= {"network", "invalid_response"}
    if story.redeems and point.kind == SIGN_IN and cell.fault.carried_out:
        # A code that was redeemed is not taken again, and its answer is lost.
        more |= {"login_failed", "login_expired"}
    if story.operation.name == "pim_give_back" and point.kind == READ:
        # Where not all can be looked at, each provider is tried apart.
        more.add(OK)
    if point.of_policies and (warnings or "step-up" in story.name):
        # Without a policy the service decides, which is a warning, but for one that was to explain what the service has refused.
        more.add(OK)
    if story.operation.name in _TELL and warnings:
        # Of several providers, or of several parts, the one that failed is told of, and the others are shown.
        more.add(OK)
    if _side_by_side(cell):
        more.add("wait_timeout")
    return ends | more


def limit(cell: Cell, plain: float) -> float:
    """Seconds. A call that waits, or is asked again, takes its budget; what waits for a role takes its own time-out, and a role that
    was ended to be renewed is tried to be switched on again for as long. ``plain``: what the story takes without a fault."""
    waits = _side_by_side(cell) or (cell.point is not None and (cell.point.kind == LOOK or cell.story.renews))
    call = PATIENCE if cell.fault.impatient else _HTTP_TIMEOUT
    # What lasts meets the call that follows as well: the look whether it was carried out, the withdrawal, the second try apart.
    calls = 1 if cell.fault.span == ONCE else 2
    return plain + calls * (call + _BUDGET) + _LOOKS + (_WAIT_TIMEOUT if waits else 0.0)


def _side_by_side(cell: Cell) -> bool:
    """The APIs are called side by side: what the other one was asked may be done when everything ends."""
    return cell.fault.span == FROM_HERE and len(cell.story.apis) > 1
