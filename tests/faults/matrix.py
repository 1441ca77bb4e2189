# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cells: each call that a story makes, times each fault that can meet such a call."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from faults.kinds import ASSERTION, FAULTS, LOOK, NOTHING, PLATFORM, READ, SIGN_IN, WRITE, Fault
from faults.network import is_sign_in
from faults.stories import Story

# Calls that the person's browser makes: what befalls them is a page in it, and the client waits.
OF_THE_BROWSER = "/authorize"
# Calls of a sign-in that are met otherwise than most.
_APART = {"/usernamemixed": ASSERTION, "/msi/token": PLATFORM}
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Point:
    """Where a fault strikes: the call at ``place`` in its story. ``path`` is a pattern, in which ids may be any, and ``earlier`` how
    many calls before it match as well. ``number``: of an item in its batch, from 1; 0 for a call, whose items are ``batch``.
    ``refused``: so the service answers it, until the client has done what it asks for."""

    place: int
    kind: str
    method: str
    path: str
    earlier: int
    number: int = 0
    refused: bool = False
    batch: tuple[str, ...] = ()

    @property
    def item(self) -> bool:
        return self.number > 0

    @property
    def of_policies(self) -> bool:
        return "olicyAssignments" in self.path or any("olicyAssignments" in one for one in self.batch)


@dataclass(frozen=True)
class Cell:
    story: Story
    fault: Fault
    point: Point | None = None

    def __str__(self) -> str:
        if self.point is None:
            return f"{self.story.name}: {self.fault.name}"
        what = f"item {self.point.number} of call" if self.point.item else "call"
        return f"{self.story.name}: {self.point.kind} {what} {self.point.place + 1}.{self.point.earlier}: {self.fault.name}"


def points(calls: Iterable[dict[str, Any]]) -> list[Point]:
    """Of the calls the simulator recorded. Calls of one kind that follow each other may have been made side by side, and are sorted,
    so that the cells are the same in each run."""
    found: list[Point] = []
    place = 0
    for kind, group in itertools.groupby(_by_kind(calls), key=lambda one: one[0]):
        for point, items in sorted(
            (_point(kind, call) for _kind, call in group), key=lambda one: one[0].method + one[0].path
        ):
            found.append(_counted(found, replace(point, place=place)))
            for item in items:
                found.append(_counted(found, replace(item, place=place)))
            place += 1
    return found


def _by_kind(calls: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each call of the client with its kind."""
    written = False
    for call in calls:
        if call["path"].endswith(OF_THE_BROWSER):
            continue
        sign_in = next((kind for path, kind in _APART.items() if path in call["path"]), SIGN_IN)
        writes = _writes(call)
        yield sign_in if is_sign_in(call["path"]) else WRITE if writes else LOOK if written else READ, call
        written = written or (writes and call["status"] < 400)


def _point(kind: str, call: dict[str, Any]) -> tuple[Point, list[Point]]:
    """A call, and the items of its batch."""
    refused = kind == WRITE and call["status"] >= 400
    batch = tuple(f"{item['method']} {_pattern(item['url'].partition('?')[0])}" for item in call["batch"])
    point = Point(0, kind, call["method"], _pattern(call["path"]), 0, refused=refused, batch=batch)
    items = []
    for number, item in enumerate(call["batch"], 1):
        path = f"/v1.0{item['url'].partition('?')[0]}"
        items_kind = kind if kind != WRITE or item["method"] != "GET" else READ
        items.append(Point(0, items_kind, item["method"], _pattern(path), 0, number))
    return point, items


def _writes(call: dict[str, Any]) -> bool:
    items = call["batch"] if call["path"].endswith("/$batch") else [call]
    return not is_sign_in(call["path"]) and any(item["method"] != "GET" for item in items)


def _pattern(path: str) -> str:
    return "^" + _GUID.sub("[0-9a-fA-F-]{36}", re.escape(path).replace(r"\-", "-")) + r"(\?|$)"


def _counted(before: list[Point], point: Point) -> Point:
    same = [one for one in before if (one.method, one.path, one.item) == (point.method, point.path, point.item)]
    return replace(point, earlier=len(same))


# How a call that changes nothing is repeated, and what its answer is worth, is the same code for all of them, and they are most
# of the calls: each meets a sixth of the faults in turn, and each fault a sixth of them. Writes meet all; those of a story that writes at
# both APIs side by side, each of which has stories of its own, every other one. ``--every-cell`` leaves out none.
_TURNS = 6
# They can meet few faults.
_TURNS_OF_ITEMS = 2
_TURNS_SIDE_BY_SIDE = 2


class Matrix:
    """Takes the stories one by one. What a cell would show that one of before shows already is left out; see ``_state``."""

    def __init__(self, *, every: bool = False) -> None:
        self.cells: list[Cell] = []
        self._every = every
        self._points = 0
        self._seen: set[tuple[str, ...]] = set()

    def add(self, story: Story, calls: Iterable[dict[str, Any]]) -> None:
        self.cells.append(Cell(story, NOTHING))
        for point in points(calls):
            state = _state(story, point)
            if state in self._seen:
                continue
            self._seen.add(state)
            self._points += 1
            turns = 1 if self._every else _turns(story, point)
            met = [fault for fault in FAULTS if _meets(fault, point)]
            self.cells += [
                Cell(story, fault, point) for turn, fault in enumerate(met, self._points) if turn % turns == 0
            ]
        self.cells += [Cell(story, fault) for fault in FAULTS if fault.skew or (fault.lags and story.lag)]


def _turns(story: Story, point: Point) -> int:
    if point.kind in (SIGN_IN, READ, LOOK):
        return _TURNS_OF_ITEMS if point.item else _TURNS
    return _TURNS_SIDE_BY_SIDE if len(story.apis) > 1 else 1


def _meets(fault: Fault, point: Point) -> bool:
    return bool(fault.ends_at(point.kind)) and fault.item == point.item


def _state(story: Story, point: Point) -> tuple[str, ...]:
    """What decides how a call ends, beside its fault. Points of the same state meet each fault once:

    - what the sign-in service tells of itself, once: it is asked for by each sign-in and each refresh;
    - what is read before anything was written, in the first story of an operation that reads it: nothing of what the later ones want
      has been used yet. A batch of reads is known by what it lists, of however many providers;
    - a story that is like another one, once: the roles it writes for are others of the same provider;
    - a look that is repeated until the role is in force, at its first time: the later ones are the same call in the same loop.
    """
    if point.kind == SIGN_IN and point.method == "GET":
        return (point.kind, point.path)
    if point.kind == READ:
        return (
            story.operation.name,
            point.kind,
            point.path,
            *sorted({_what(one) for one in point.batch}),
            str(point.item),
        )
    label = (story.like or story.name, point.kind, point.method, point.path, *point.batch, str(point.item))
    return label if point.kind == LOOK else (*label, str(point.earlier))


def _what(item: str) -> str:
    """What an item of a batch asks for, whichever provider's."""
    return re.sub(r"^.*?/(?:role)?(?=[a-z]*schedule|[a-z]*policy)", "", item.lower())
