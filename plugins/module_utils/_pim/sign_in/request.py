# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sign-in is asked for: plain data between the operations and the methods. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .clouds import CLOUDS, Cloud
from .credentials import GIVEN_BY_OTHERS


@dataclass(frozen=True)
class SignInRequest:
    """`audience` is what the token is kept as: an API (`graph`, `arm`) or a resource's URL; `resource` is that URL.

    `scopes` are the permissions asked for; `tenant` is None where the account decides it; `secret` is empty where a person is asked, and
    the certificate's password for a certificate; `client_id` is empty for a managed identity that is the machine's own, for Azure
    CLI, and for a ready token of which nobody said whose it is; `path` is the file of a certificate or of a federated token; `login_timeout` is seconds.
    `show` and `browse` reach the person at the screen; None where there is none.
    """

    method: str
    audience: str
    resource: str
    scopes: list[str]
    tenant: str | None
    client_id: str
    username: str | None
    secret: str = field(repr=False)
    path: str | None
    cloud_name: str
    endpoints: dict[str, str]
    ca_path: str | None
    require_mfa: bool
    authentication_contexts: list[str]
    claims: str | None
    login_timeout: float
    show: Callable[[str], None] | None
    browse: Callable[[str], None] | None = None

    @property
    def cloud(self) -> Cloud:
        return CLOUDS[self.cloud_name]

    @property
    def default_scopes(self) -> list[str]:
        """An application gets what it was granted for the resource, all of it."""
        return [f"{self.resource}/.default"]

    @property
    def client_is_ours(self) -> bool:
        """Whether `client_id` gets the token from the sign-in service; else somebody else does, or did."""
        return self.method not in GIVEN_BY_OTHERS

    @property
    def known_client(self) -> str | None:
        """The client that gets the token; None where somebody else gets it."""
        return self.client_id if self.client_is_ours else None
