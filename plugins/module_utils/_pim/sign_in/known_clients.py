# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of Microsoft's own that cannot get what an API of PIM needs, whoever consents. Private to the collection.

Known before anybody signs in, and so told before: the sign-in service would say AADSTS65002 only afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import PimError
from .clouds import API_NAMES
from .credentials import GRAPH_COMMAND_LINE_TOOLS

# Client id -> its name, and the APIs for which it gets no token, or none with the permissions of PIM.
_KNOWN = {
    GRAPH_COMMAND_LINE_TOOLS: ("Microsoft Graph Command Line Tools", ("arm",)),
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": ("Azure CLI", ("graph",)),
    "1950a258-227b-4e31-a9cf-717495945fc2": ("Azure PowerShell", ("graph",)),
}


def is_known_without(client_id: str | None, api: str) -> bool:
    """Whether this client is known to get no usable token for the API."""
    return api in _KNOWN.get(str(client_id).lower(), ("", ()))[1]


def refuse_known_client(client_id: str | None, api: str) -> None:
    """`consent_required` in that case."""
    if is_known_without(client_id, api):
        raise PimError(
            "consent_required",
            f"{_KNOWN[str(client_id).lower()][0]} (client_id {client_id}) cannot get the permissions of PIM on {API_NAMES[api]}",
            advice="Use an app registration of your own as client_id; the guide on app registrations names its permissions.",
        )


def serves(method: str, apis: Iterable[str]) -> bool:
    """Whether this way to sign in serves these APIs, whatever its client was granted elsewhere."""
    return method != "azure_cli" or all(api == "arm" for api in apis)


def refuse_method(method: str, apis: Iterable[str]) -> None:
    """`invalid_option` where it does not."""
    if not serves(method, apis):
        raise PimError(
            "invalid_option",
            f"auth_method={method} cannot be used: it serves the provider azure_resources only, and another one is asked for",
            advice="Name providers [azure_resources], or sign in by another auth_method.",
        )
