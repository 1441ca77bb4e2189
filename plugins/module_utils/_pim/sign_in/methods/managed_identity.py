# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in as the managed identity of the machine. Private to the collection.

Which platform it is, and how it is asked, is msal's knowledge: Service Fabric, App Service, Machine Learning, Arc, virtual machines.
"""

from __future__ import annotations

from typing import Any

from ...times import Clock
from ..client import SignInClient
from ..request import SignInRequest


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    """The identity with this client id, or the system-assigned one where none is named."""
    return client.token_of_machine(request.resource, request.client_id or None)
