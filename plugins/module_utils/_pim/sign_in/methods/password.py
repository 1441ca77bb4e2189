# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with user name and password, for accounts that need no second factor. Private to the collection.

Accounts of a federated domain have their password checked by the organisation's own server, to which msal sends it.
"""

from __future__ import annotations

import warnings
from typing import Any

from ...times import Clock
from ..client import SignInClient, sign_in_failure
from ..federation import unusable
from ..names import home_name
from ..request import SignInRequest


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    application = client.public()
    # A guest signs in with the name of home: `#` would even end the address msal asks about it.
    # msal calls this flow deprecated at each use; our documentation says when it fits.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            result = application.acquire_token_by_username_password(
                home_name(request.username or ""), request.secret, request.scopes, claims_challenge=request.claims
            )
        except (AttributeError, RuntimeError, ValueError):
            # What msal makes of answers of that server which it does not expect; its texts may hold what was sent.
            raise unusable() from None
    if "access_token" not in result:
        raise sign_in_failure(result)
    return dict(result)
