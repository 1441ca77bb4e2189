# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in which group at a moment: the members that the tenant file names, and those whose membership is active in PIM.

What a group holds is in force for each of them, and what it is eligible for is theirs to activate.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pim_simulator.directory import Directory

if TYPE_CHECKING:
    from pim_simulator.pim.store import Store

MEMBER = "member"
OWNER = "owner"


class Memberships:
    """``stores`` is filled while the areas are made; it is looked into only later."""

    def __init__(self, directory: Directory, stores: Mapping[str, Store]) -> None:
        self._directory = directory
        self._stores = stores

    def groups_of(self, object_id: str, now: datetime) -> list[str]:
        """Ids of the groups that a principal is in, directly or through a group that is in a group."""
        found: dict[str, None] = {}
        waiting = [object_id]
        while waiting:
            for group_id in self._direct(waiting.pop(), now):
                if group_id not in found:
                    found[group_id] = None
                    waiting.append(group_id)
        return list(found)

    def _direct(self, object_id: str, now: datetime) -> list[str]:
        groups = list(self._directory.groups_of(object_id))
        for schedule in self._stores["groups"].of_principal("assignment", object_id):
            if schedule.key.role_id == MEMBER and schedule.in_force(now):
                groups.append(schedule.key.scope)
        return groups

    def members_of(self, group_id: str, now: datetime) -> list[str]:
        """Ids of all who are in a group, groups in it not among them but what they contain."""
        found: dict[str, None] = {}
        waiting = [group_id]
        seen = {group_id}
        while waiting:
            for member_id in self._direct_members(waiting.pop(), now):
                if not self._directory.is_group(member_id):
                    found[member_id] = None
                elif member_id not in seen:
                    seen.add(member_id)
                    waiting.append(member_id)
        return list(found)

    def _direct_members(self, group_id: str, now: datetime) -> list[str]:
        members = list(self._directory.members_of(group_id))
        for schedule in self._stores["groups"].at_scope("assignment", group_id):
            if schedule.key.role_id == MEMBER and schedule.in_force(now):
                members.append(schedule.key.principal_id)
        return members
