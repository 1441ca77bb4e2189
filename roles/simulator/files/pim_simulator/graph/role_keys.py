# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom and which role a request on Entra roles is about."""

from __future__ import annotations

from typing import Any

from pim_simulator.directory import Directory
from pim_simulator.pim.errors import PimRefusal, invalid_request
from pim_simulator.pim.records import Key
from pim_simulator.pim.submission import INVALID


def role_key(directory: Directory, body: dict[str, Any]) -> Key:
    """Raises PimRefusal for what is missing or not there."""
    principal_id, role_id = body.get("principalId"), body.get("roleDefinitionId")
    scope = body.get("directoryScopeId")
    if body.get("appScopeId") is not None or not (principal_id and role_id and scope):
        raise invalid_request(INVALID)
    principal = directory.principal(principal_id)
    if principal is None:
        raise PimRefusal(404, "SubjectNotFound", "The subject is not found.")
    role = directory.role(role_id)
    if role is None:
        raise PimRefusal(404, "RoleNotFound", "The role is not found.")
    canonical = directory.canonical_scope(scope)
    if canonical is None:
        raise PimRefusal(
            404,
            "Request_ResourceNotFound",
            f"Resource '{scope}' does not exist or one of its queried reference-property objects are not present.",
        )
    if not role.enabled:
        raise invalid_request(INVALID)
    return Key(principal.id or "", role.id or "", canonical)
