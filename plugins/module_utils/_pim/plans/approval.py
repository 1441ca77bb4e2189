# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to decide of an approval. Pure. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PimError
from ..models import APPROVE, DENY, Stage
from ..times import format_time

_PAST = {APPROVE: "approved", DENY: "denied"}


def current_stage(stages: Sequence[Stage]) -> Stage:
    """The one to decide: the first that waits, else the one assigned to the caller, else the first. There is one at least."""
    waiting = [stage for stage in stages if stage.in_progress]
    assigned = [stage for stage in stages if stage.assigned]
    return [*waiting, *assigned, *stages][0]


def has_to_be_decided(stage: Stage, decision: str, request: str) -> bool:
    """False where somebody has decided the same already; `already_decided` where the other way, `unknown_request` where nobody can any more.

    `request` is how messages name it.
    """
    if stage.decision == decision:
        return False
    if stage.decision is not None:
        when = f" at {format_time(stage.decided_at)}" if stage.decided_at else ""
        raise PimError(
            "already_decided",
            f"{request} was {_PAST[stage.decision]} already by {reviewer(stage)}{when}",
            advice="A decision stands. What was approved can be given back, what was denied can be asked for again.",
        )
    if stage.ended:
        raise PimError(
            "unknown_request",
            f"{request} does not wait for a decision any more: it was withdrawn, or nobody decided in time",
            advice="",
        )
    return True


def reviewer(stage: Stage) -> str:
    """Who decided, for messages."""
    if stage.decided_by_name and stage.decided_by_id:
        return f"{stage.decided_by_name} ({stage.decided_by_id})"
    return stage.decided_by_name or stage.decided_by_id or "somebody the service does not name"
