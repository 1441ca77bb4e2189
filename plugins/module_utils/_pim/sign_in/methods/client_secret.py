# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in of an application with its secret. Private to the collection."""

from __future__ import annotations

from typing import Any

from ...times import Clock
from ..client import SignInClient
from ..request import SignInRequest


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    return client.token_of_application(request.secret, request.default_scopes, request.claims)
