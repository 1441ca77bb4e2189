# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays one cell from its beginning to the moment when nothing is left on."""

from __future__ import annotations

from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import activation
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions

from faults import checks, ends
from faults.kinds import FROM_HERE, NOTHING, OK, ONCE, PATIENCE
from faults.matrix import OF_THE_BROWSER, Cell, Point
from faults.network import Trap
from faults.stage import OPERATOR, Stage, Told
from faults.stories import Story
from faults.truth import Truth

# How long an activation has to be in force before it can be given back.
_FIVE_MINUTES = 310.0


def begin(stage: Stage, story: Story, skew: float = 0.0) -> None:
    """Everything is as the story wants it, and no call of it has been made."""
    stage.begin(skew)
    if story.session is not None:
        stage.sign_in(story.user, story.session, client_id=story.client)
    if story.leases:
        stage.begin_run()
    story.prepare(stage)
    stage.time.slept = (lambda: story.person(stage)) if story.person is not None else (lambda: None)
    stage.control("DELETE", "calls")
    stage.network.forget()


def perform(stage: Stage, story: Story, **more: Any) -> Told:
    return stage.perform(story.operation, {**story.options(stage), **more}, story.environ(stage), **story.edge(stage))


def play(stage: Stage, cell: Cell, plain: Told, secrets: set[str]) -> None:
    """``plain``: what the story tells without a fault."""
    story, fault = cell.story, cell.fault
    begin(stage, story, fault.skew)
    options = story.options(stage)
    more = {"http_timeout": PATIENCE} if fault.impatient else {}
    before, since = _truth(stage, story), len(stage.journal())
    _arm(stage, cell)
    told = stage.perform(story.operation, {**options, **more}, story.environ(stage), **story.edge(stage))
    assert _struck(stage, cell), "the fault met nothing"
    writes = len(stage.network.writes)
    stage.control("DELETE", "faults")
    visitors = stage.network.visitors
    stage.network.forget()
    after = _truth(stage, story)

    checks.check_end(told, ends.allowed(cell, told.warnings), ends.limit(cell, plain.seconds))
    if "location" in fault.order:
        assert not visitors, "the redirect was followed"
    checks.check_secrets(stage, told, secrets | _tokens(stage), door=story.operation.name == "access_token")
    checks.check_activations(story.keys, before, after)
    checks.check_journal(stage, since, before, after)
    checks.check_message(cell, told, before, after, writes)
    checks.check_changed(cell, told, before, after)
    checks.check_rows(cell, told, after)
    checks.check_held(cell, told, after)
    if cell.fault is not NOTHING and checks.outcome(told) == checks.outcome(plain) == OK:
        # That this gives back what is on is seen where nothing befalls the story.
        checks.check_activated(told, plain)
        return
    again = [] if checks.outcome(told) == OK else [_again(stage, cell, options, before, after)]
    _give_back(stage, story, [told, *again])


def _truth(stage: Stage, story: Story) -> Truth:
    return Truth.of(stage.state(), _whose(story))


def _whose(story: Story) -> str:
    return OPERATOR if story.operation.name == "pim_approval" else story.user


def _arm(stage: Stage, cell: Cell) -> None:
    fault, point = cell.fault, cell.point
    if point is None:
        return
    there = where(fault.span, point)
    if fault.detour is not None:
        stage.network.trap = Trap(detour=fault.detour, **there)
    elif fault.revokes:
        revoked = {"username": cell.story.user}
        stage.network.trap = Trap(before=lambda: stage.control("POST", "tokens/revoke", revoked), **there)
    else:
        order = {name: _filled(stage, value) for name, value in fault.order.items()}
        stage.control("POST", "faults", {**order, **there, **({"batch_item": True} if fault.item else {})})


def _struck(stage: Stage, cell: Cell) -> bool:
    """Whether what was to meet the fault came."""
    if cell.point is None:
        return True
    if stage.network.trap is not None:
        return stage.network.trap.hits > stage.network.trap.skip
    (order,) = stage.control("GET", "faults")["faults"]
    return bool(order["hits"] > order["skip"])


def _filled(stage: Stage, value: Any) -> Any:
    return stage.network.elsewhere if value == "$ELSEWHERE" else value


def where(span: str, point: Point) -> dict[str, Any]:
    """The calls that a fault of this span strikes, in the words of the simulator and of a trap."""
    if span == FROM_HERE:
        return {"path": rf"^(?!.*{OF_THE_BROWSER}(\?|$))", "method": None, "skip": point.place, "times": None}
    times = 1 if span == ONCE else None
    return {"path": point.path, "method": point.method, "skip": point.earlier, "times": times}


def _tokens(stage: Stage) -> set[str]:
    """Those that the sessions hold now."""
    sessions = Sessions(str(stage.directory), stage.time.clock)
    found: set[str] = set()
    for name in sessions.names():
        session = sessions.load(name)
        assert session is not None
        found |= {token.access_token for token in session.tokens.values()}
        found |= {session.refresh_token} if session.refresh_token else set()
    return found


def _again(stage: Stage, cell: Cell, options: Any, before: Truth, between: Truth) -> Told:
    """The same task once more, without the fault."""
    story = cell.story
    if cell.fault.revokes:
        stage.sign_in(story.user, story.session or (), client_id=story.client)
    if story.later is not None:
        stage.time.slept = lambda: story.later(stage)
    told = stage.perform(story.operation, options, story.environ(stage), **story.edge(stage))
    assert checks.outcome(told) == OK, f"running again failed: {told.code} {told.message}"
    after = _truth(stage, story)
    checks.check_activations(story.keys, before, after)
    checks.check_changed(cell, told, between, after)
    checks.check_rows(cell, told, after)
    checks.check_held(cell, told, after)
    return told


def _give_back(stage: Stage, story: Story, tasks: list[Told]) -> None:
    """Whatever the story was, nothing of it is left on when what its tasks named is given back."""
    if story.on and any(key in _truth(stage, story).active for key in story.keys):
        stage.time.slept = lambda: None
        stage.pass_time(_FIVE_MINUTES)
        if story.operation is activation.OPERATION:
            told = stage.perform(activation.OPERATION, {"state": "inactive", "roles": checks.given_back(tasks)})
            assert checks.outcome(told) == OK, f"giving back failed: {told.code} {told.message}"
    if story.operation.name != "pim_approval":
        left = _truth(stage, story).active & set(story.keys)
        assert not left, f"left on: {sorted(left)}"
