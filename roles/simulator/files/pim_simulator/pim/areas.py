# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The areas that PIM protects (Entra roles, groups, Azure resources): the questions that each answers in its own way.

Schedules, requests, approvals and policies are the same in all of them and know an area through this class only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pim_simulator.directory import Directory
from pim_simulator.pim.errors import PimRefusal, role_assignment_does_not_exist, role_assignment_exists
from pim_simulator.pim.memberships import Memberships
from pim_simulator.pim.records import Key, Schedule
from pim_simulator.tenant.models import AreaLag, PolicySettings

if TYPE_CHECKING:
    from pim_simulator.pim.store import Store


class Area(ABC):
    """``name`` is the provider's name in the tenant file; ``operations`` is how rules of its policies write theirs."""

    name: str
    operations: str = "all"

    def __init__(self, directory: Directory, memberships: Memberships, stores: Mapping[str, Store]) -> None:
        self.directory = directory
        self.memberships = memberships
        # of all areas: one may decide by what somebody holds in another
        self.stores = stores

    @property
    @abstractmethod
    def lag(self) -> AreaLag:
        """How late the service shows here what it did."""

    @property
    def deactivation_blind(self) -> timedelta:
        """So long after its start an activation cannot be found by whoever wants to end it."""
        return timedelta()

    @property
    def rule_messages(self) -> str:
        """How failed policy rules are told: ``text`` or ``list``."""
        return self.directory.tenant.behaviour.rule_messages

    @abstractmethod
    def covering(self, scope: str) -> Sequence[str]:
        """The scopes at which an eligibility lets its holder activate at ``scope``, that one first."""

    @abstractmethod
    def policy_scope(self, scope: str) -> str:
        """The scope whose policy counts for a role at ``scope``."""

    @abstractmethod
    def policy_settings(self, role_id: str, scope: str) -> PolicySettings:
        """What the tenant file sets for a role at a scope that has policies."""

    @abstractmethod
    def may_read_all(self, object_id: str, scope: str, now: datetime) -> bool:
        """Whether somebody may read what others hold at a scope."""

    @abstractmethod
    def may_administer(self, object_id: str, scope: str, now: datetime) -> bool:
        """Whether somebody may assign and remove at a scope, and decides where a policy names no approver."""

    @abstractmethod
    def role_name(self, key: Key) -> str | None:
        """Display name of the role, for people."""

    def already_held(self, key: Key) -> PimRefusal | None:
        """The refusal of an activation of what the principal has outside PIM."""
        return None

    def exists(self) -> PimRefusal:
        """The refusal of what is active already."""
        return role_assignment_exists()

    def gone_but_listed(self) -> PimRefusal:
        """The refusal of a deactivation of what was just given back, and is still listed."""
        return role_assignment_does_not_exist()

    def must_stay(self, schedule: Schedule, now: datetime) -> PimRefusal | None:
        """The refusal of the end of an assignment that may not end."""
        return None

    def outlives(self, schedule: Schedule, now: datetime) -> bool:
        """Whether an assignment whose end has come goes on all the same."""
        return False
