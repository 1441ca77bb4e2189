# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tenant file says about applications and how they sign in, checked."""

from __future__ import annotations

from urllib.parse import urlsplit

from pim_simulator.tenant.models import TenantFile
from pim_simulator.tenant.reading import TenantError

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def check_sign_in(tenant: TenantFile) -> None:
    """Raises TenantError."""
    for domain in tenant.federated_domains:
        if domain not in tenant.domains:
            raise TenantError(f"federated_domains: {domain!r} is none of the tenant's domains")
    for client in tenant.clients:
        for uri in client.redirect_uris:
            if not _is_redirect(uri):
                raise TenantError(
                    f"client {client.name}: the redirect URI {uri!r} is none: it needs a scheme and no fragment, and http "
                    "is for loopback addresses only"
                )
    if sum(identity.system_assigned for identity in tenant.managed_identities) > 1:
        raise TenantError("managed_identities: one of them at most can be system_assigned")


def _is_redirect(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        loopback = parts.hostname in LOOPBACK
    except ValueError:
        return False
    return bool(parts.scheme) and not parts.fragment and (parts.scheme != "http" or loopback)
