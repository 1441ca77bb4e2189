# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access policies as an author writes them, in the tenant file or to the control API: completed and checked."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pim_simulator.tenant.models import ConditionalAccessPolicy, TenantFile
from pim_simulator.tenant.reading import TenantError, build

CONTEXT = re.compile(r"c[1-9][0-9]?")


def completed_policy(tenant_id: str, policy: ConditionalAccessPolicy) -> ConditionalAccessPolicy:
    """With an id: the same at each start, for it is in what clients are told."""
    derived = uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant_id}/conditional access/{policy.name}")
    return dataclasses.replace(policy, id=(policy.id or str(derived)).lower())


def read_policy(tenant: TenantFile, order: Mapping[str, Any]) -> ConditionalAccessPolicy:
    """One policy that is ordered while the simulator runs. Raises TenantError."""
    policy: ConditionalAccessPolicy = completed_policy(
        tenant.tenant_id, build(ConditionalAccessPolicy, order, "the conditional access policy")
    )
    _check(tenant, policy)
    return policy


def check_policies(tenant: TenantFile) -> None:
    """Raises TenantError."""
    for policy in tenant.conditional_access:
        _check(tenant, policy)


def _check(tenant: TenantFile, policy: ConditionalAccessPolicy) -> None:
    where = f"conditional access policy {policy.name}"
    users = {name.casefold() for user in tenant.users for name in (user.username, user.home_username) if name}
    clients = {client.client_id for client in tenant.clients}
    for name in policy.users or ():
        if name.casefold() not in users:
            raise TenantError(f"{where} names {name!r}, which is no user of this tenant")
    for client_id in policy.clients or ():
        if client_id.lower() not in clients:
            raise TenantError(f"{where} names {client_id!r}, which is no client_id of this tenant's clients")
    if policy.authentication_context is not None and not CONTEXT.fullmatch(policy.authentication_context):
        raise TenantError(f"{where}: authentication_context must be c1 to c99, not {policy.authentication_context!r}")
    if policy.sign_in_frequency == timedelta():
        raise TenantError(f"{where}: sign_in_frequency must be longer than nothing, not PT0S")
    try:
        uuid.UUID(policy.id or "")
    except ValueError as error:
        raise TenantError(f"{where}: the id must be a GUID, not {policy.id!r}") from error
