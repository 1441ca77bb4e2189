# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ARM spells ids: two forms of a subscription in one object, whole paths, sometimes upper-case GUIDs."""

from __future__ import annotations

import re
import uuid
from typing import Any

from pim_simulator.pim.records import Schedule
from pim_simulator.tenant.azure import Azure
from pim_simulator.tenant.azure_scopes import MANAGEMENT_GROUPS

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_AUTHORIZATION = "/providers/Microsoft.Authorization"
# leaves version and variant of a GUID as they are; applied twice it gives the first GUID again
_INSTANCE_MASK = 0x5C1E7A3900D20F410B96E2C47D8A135F


class Ids:
    """Of one tenant."""

    def __init__(self, azure: Azure) -> None:
        self._mixed = azure.subscription_spelling == "mixed"
        self._upper = azure.upper_case_ids

    def long(self, path: str) -> str:
        """As ids of PIM's objects begin."""
        aliased = self._mixed and path.startswith("/subscriptions/")
        return f"/providers/Microsoft.Subscription{path}" if aliased else path

    def of(self, scope: str, type_name: str, name: str) -> str:
        """The id of one of PIM's objects."""
        return f"{self.long(scope)}{_AUTHORIZATION}/{type_name}/{name}"

    def shown(self, value: Any) -> Any:
        """A row as it is listed."""
        if not self._upper:
            return value
        if isinstance(value, str):
            return _GUID.sub(lambda match: match[0].upper(), value)
        if isinstance(value, dict):
            return {name: self.shown(one) for name, one in value.items()}
        return [self.shown(one) for one in value] if isinstance(value, list) else value


def role_definition_id(scope: str, role_id: str) -> str:
    """Within a subscription it begins with it; at a management group it has the form of the tenant."""
    place = "" if scope.startswith(MANAGEMENT_GROUPS) else "/".join(scope.split("/")[:3])
    return f"{place}{_AUTHORIZATION}/roleDefinitions/{role_id}"


def origin_id(schedule: Schedule) -> str:
    """The role assignment behind an active row."""
    return f"{schedule.key.scope}{_AUTHORIZATION}/roleAssignments/{instance_name(schedule)}"


def instance_name(schedule: Schedule) -> str:
    """Of an assignment that of the role assignment behind it. An eligibility's is often that of its schedule and not always:
    here it differs for what has an end, so that both kinds are there."""
    if schedule.kind == "eligibility" and schedule.end is None:
        return schedule.id
    return masked(schedule.id)


def masked(guid: str) -> str:
    """Another GUID, from which this function leads back."""
    return str(uuid.UUID(int=uuid.UUID(guid).int ^ _INSTANCE_MASK))
