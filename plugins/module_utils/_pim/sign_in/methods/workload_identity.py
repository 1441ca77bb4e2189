# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in of an application with a token that another issuer put into a file (workload identity federation). Private to the collection."""

from __future__ import annotations

import os
from typing import Any

from ...errors import invalid_option
from ...times import Clock
from ..client import SignInClient
from ..request import SignInRequest

# Tokens of GitHub, Azure DevOps and Kubernetes have 1 to 4 KB.
_LARGEST = 64 * 1024
_SOMETHING_ELSE = "it holds something else than one token"


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    """Reads the file each time, because whoever writes it puts a fresh token there before the old one ends."""
    assertion = _token_in(str(request.path))
    # msal wants to be able to ask for it; it asks once.
    return client.token_of_application({"client_assertion": lambda: assertion}, request.default_scopes, request.claims)


def _token_in(path: str) -> str:
    if not os.path.isfile(path):
        raise invalid_option("federated_token_file", path, "there is no such file")
    try:
        with open(path, encoding="ascii") as file:
            content = file.read(_LARGEST + 1).strip()
    except OSError:
        raise invalid_option("federated_token_file", path, "it cannot be read") from None
    except UnicodeDecodeError:
        raise invalid_option("federated_token_file", path, _SOMETHING_ELSE) from None
    if not content:
        raise invalid_option("federated_token_file", path, "it is empty")
    if len(content) > _LARGEST or len(content.split()) > 1:
        raise invalid_option("federated_token_file", path, _SOMETHING_ELSE)
    return content
