# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant segment of an address."""

from __future__ import annotations

from pim_simulator.sign_in.errors import SignInError
from pim_simulator.tenant.models import TenantFile

# Names that stand for "whichever tenant the account is in".
ANY_TENANT = ("common", "organizations")


def check_tenant(segment: str, tenant: TenantFile) -> None:
    """Raises SignInError for a tenant that is not this one."""
    if segment.lower() not in (*ANY_TENANT, tenant.tenant_id, *tenant.domains):
        raise SignInError(
            90002,
            "invalid_request",
            f"Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud.",
        )
