# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of each cell. A failed check is an AssertionError that says what was told and what is so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from faults.kinds import OK
from faults.matrix import Cell
from faults.stage import Stage, Told
from faults.truth import OFF, ON, WAITS, Key, Truth, action, activations, deactivations, decided, made, withdrawn
from integration.leaks import leaks

# What a message may say of the state of the role, or of the request, that it is about.
UNKNOWN = "unknown"
STATES = {
    UNKNOWN: re.compile(r"\bstate (?:of .+ )?is unknown\b|\bis decided is unknown\b", re.IGNORECASE),
    ON: re.compile(r"(?<!not )\bactive now\b|\bis still active\b", re.IGNORECASE),
    OFF: re.compile(r"\bis not active now\b|\bis off now\b|\brequest was withdrawn\b", re.IGNORECASE),
    WAITS: re.compile(r"\bstill waits\b|\bgoes on\b", re.IGNORECASE),
}
_SAFE = "unning again is safe"


def outcome(told: Told) -> str:
    return (told.code or "unexpected") if told.result.get("failed") else OK


def check_end(told: Told, allowed: Iterable[str], limit: float) -> None:
    """It ended as is true of the fault, in time."""
    assert outcome(told) in set(allowed), f"ended as {outcome(told)}, not as one of {sorted(allowed)}: {told.message}"
    assert told.seconds <= limit, f"took {told.seconds:.0f} s, more than {limit:.0f}"


def check_activations(keys: Sequence[Key], before: Truth, after: Truth) -> None:
    for key in keys:
        found = activations(made(before, after), key)
        assert len(found) <= 1, f"{key} was activated {len(found)} times: {[one['id'] for one in found]}"


def check_changed(cell: Cell, told: Told, before: Truth, after: Truth) -> None:
    """``changed`` is what the service did for this task; where its state is said to be unknown, it may be said to be so."""
    story = cell.story
    if story.operation.name not in ("pim_role_activation", "pim_approval", "pim_give_back"):
        return
    new = made(before, after)
    done = decided if story.operation.name == "pim_approval" else withdrawn
    real = any(activations(new, key) or deactivations(new, key) for key in story.keys) or bool(done(before, after))
    changed = told.result["changed"]
    if not real and changed and told.result.get("failed"):
        assert UNKNOWN in said(told.message), f"changed is said, and nothing was: {told.message}"
        return
    assert changed == real, f"changed is {changed}, and what was done is {real}: {told.message}"


def check_rows(cell: Cell, told: Told, after: Truth) -> None:
    """The rows of a task that succeeded say what is so."""
    for row in told.result.get("roles") or []:
        key = (row["provider"], row["role"])
        if key in cell.story.keys and outcome(told) == OK and row["pending"] is None:
            assert row["active"] == (key in after.active), f"{key} is told as active={row['active']}"


def said(message: str) -> set[str]:
    """What a message says of the state."""
    return {state for state, pattern in STATES.items() if pattern.search(message)}


def check_message(cell: Cell, told: Told, before: Truth, after: Truth, writes: int) -> None:
    """Where a write was sent and the task failed, its message says what is so now, and that running again is safe."""
    if outcome(told) == OK or not writes:
        return
    failure = told.result["failure"]
    claimed = said(told.message)
    assert claimed, f"nothing is said of the state: {told.message}"
    assert _SAFE in told.message, f"nothing is said of running again: {told.message}"
    key = (failure["provider"], failure["role"])
    if cell.story.operation.name == "pim_approval":
        state = OFF if decided(before, after) else WAITS
    else:
        assert key in cell.story.keys, f"the failure is of no role of the task: {failure}"
        state = after.state_of(key)
    if UNKNOWN not in claimed:
        assert claimed == {state}, f"{key} is said to be {sorted(claimed)}, and is {state}: {told.message}"


def check_journal(stage: Stage, since: int, before: Truth, after: Truth) -> None:
    """Each request that the service took is in the journal, and none is claimed that it did not take."""
    lines = stage.journal()[since:]
    entries = {line["entry"]: dict(line) for line in lines if line.get("event") == "submitting"}
    for line in lines:
        if line.get("event") == "outcome" and line["entry"] in entries:
            entries[line["entry"]].update(outcome=line.get("outcome"), told=line.get("request_id"))
    new = {one["id"].lower(): one for one in made(before, after)}
    unclaimed = dict(new)
    for entry in entries.values():
        if entry.get("outcome") == "accepted" and entry.get("told"):
            assert entry["told"].lower() in new, f"the journal has a request that there is not: {entry}"
            unclaimed.pop(entry["told"].lower(), None)
    for request in unclaimed.values():
        fitting = [
            entry
            for entry in entries.values()
            if (entry["provider"], entry["role"], entry["action"])
            == (request["provider"], request["role"], action(request))
        ]
        open_ones = [entry for entry in fitting if entry.get("outcome") != "refused"]
        assert open_ones, f"the journal does not know of {request['action']} {request['role']}: {fitting}"


def check_held(cell: Cell, told: Told, after: Truth) -> None:
    """What a run holds is what is on."""
    if not cell.story.leases:
        return
    held = {(one["provider"], one["role"]) for one in told.result.get("held", [])}
    on = {key for key in cell.story.keys if key in after.active}
    assert on <= held, f"on, and not held: {on - held}"


def check_secrets(stage: Stage, told: Told, secrets: set[str], *, door: bool) -> None:
    """``door``: the task's result is a token, deliberately."""
    result = {name: value for name, value in told.result.items() if not (door and name == "access_token")}
    for where, content in (
        ("result", result),
        ("warnings", told.warnings),
        ("screen", told.shown),
        ("journal", stage.journal()),
    ):
        found = leaks(json.dumps(content, default=str).encode(), secrets)
        assert not found, f"{where}: {found}"


def check_activated(told: Told, plain: Told) -> None:
    """What is to be given back is named as without a fault."""
    named, usual = (sorted(map(str, given_back([one]))) for one in (told, plain))
    assert named == usual, f"named to be given back: {named}, and not {usual}"


def given_back(told: Iterable[Told]) -> list[dict[str, Any]]:
    """What these tasks say that they switched on, in the form that ``roles`` takes, each once."""
    rows = [row for one in told for row in one.result.get("activated", [])]
    return list({json.dumps(row, sort_keys=True): row for row in rows}.values())
