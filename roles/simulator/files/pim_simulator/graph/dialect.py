# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an area of PIM is spelled on Graph: addresses, properties, permissions, and who may read whose rows.

What the addresses do is the same for each and lies in ``schedules``, ``requests`` and ``approvals``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pim_simulator.graph.errors import denied
from pim_simulator.graph.messages import GraphCall
from pim_simulator.graph.options import Options
from pim_simulator.graph.shapes import Shape
from pim_simulator.graph.views import Row
from pim_simulator.pim.records import Key, Kind, Request, Schedule
from pim_simulator.pim.store import Store
from pim_simulator.world import World


@dataclass(frozen=True)
class ScheduleCollection:
    """``instances``: of what holds now; else of the schedules behind, future ones as well."""

    kind: Kind
    name: str
    shape: Shape
    permissions: tuple[str, ...]
    instances: bool


@dataclass(frozen=True)
class RequestCollection:
    kind: Kind
    name: str
    shape: Shape
    read: tuple[str, ...]
    write: tuple[str, ...]
    body: dict[str, Any]


class Dialect(ABC):
    """``root`` is the address below which all is; ``held_through_group`` the memberType of such a row."""

    provider: str
    root: str
    schedules: tuple[ScheduleCollection, ...]
    requests: tuple[RequestCollection, ...]
    approvals: str
    decide: tuple[str, ...]
    # versions in which there are approvals, and what each calls their parts
    approval_parts: Mapping[str, tuple[str, ...]]
    held_through_group: str
    # what the list of everybody's requests cannot be filtered by
    unfilterable: frozenset[str] = frozenset()

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def store(self) -> Store:
        return self.world.stores[self.provider]

    # everybody's rows

    @abstractmethod
    def check_everybodys(self, call: GraphCall, options: Options) -> None:
        """Whether the caller may list what others have, with this filter. Raises GraphError."""

    @abstractmethod
    def candidates(self, kind: Kind, options: Options) -> Sequence[Schedule]:
        """The fewest schedules among which all are that the filter lets through."""

    @abstractmethod
    def may_read(self, call: GraphCall, key: Key) -> bool:
        """Whether the caller may read what somebody else has."""

    def require_read(self, call: GraphCall, key: Key) -> None:
        """Raises GraphError."""
        if not self.may_read(call, key):
            raise denied()

    # rows

    def row(self, collection: ScheduleCollection, schedule: Schedule) -> Row:
        return self.instance_row(schedule) if collection.instances else self.schedule_row(schedule)

    @abstractmethod
    def instance_row(self, schedule: Schedule) -> Row:
        """What holds now, as the wire has it."""

    @abstractmethod
    def schedule_row(self, schedule: Schedule) -> Row:
        """The standing rule, as the wire has it."""

    @abstractmethod
    def request_row(self, request: Request, version: str, digits: int = 3) -> Row:
        """``digits`` 7 in the answer of the POST."""

    @abstractmethod
    def find(self, collection: ScheduleCollection, row_id: str) -> Schedule | None:
        """The schedule whose row has this id."""

    @abstractmethod
    def expand(self, row: Row, name: str) -> Any:
        """What lies behind a navigation property."""

    # requests

    @abstractmethod
    def key(self, body: dict[str, Any]) -> Key:
        """Whom and what a request is about. Raises PimRefusal for what is missing or not there."""
