# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for Azure CLI: answers `account get-access-token` as Azure CLI 2.91 does in the situation that AZ_SITUATION names."""

import json
import os
import sys
import time

REFUSALS = {
    "wrong_credential": "ERROR: Please run 'az login' to setup account.",
    "needs_mfa": (
        "ERROR: AADSTS50076: Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access '797f4846-ba00-4fd7-ba43-dac1f8f63013'. Trace ID: 0 Correlation ID: 0\n"
        "Interactive authentication is needed. Please run:\naz login --scope https://management.azure.com/.default"
    ),
    "needs_consent": (
        "ERROR: AADSTS65001: The user or administrator has not consented to use the application with ID "
        "'04b07795-8ddb-461a-bbee-02f9e1bf7b46' named 'Microsoft Azure CLI'. Send an interactive authorization request for this "
        "user and resource. Trace ID: 0 Correlation ID: 0"
    ),
    "network_down": (
        "ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: "
        "/organizations/v2.0/.well-known/openid-configuration (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection "
        "object at 0x7f>: Failed to establish a new connection: [Errno 111] Connection refused'))"
    ),
    "throttled_for_ever": "ERROR: Too many requests. Please try again later.",
}

assert sys.argv[1:3] == ["account", "get-access-token"], sys.argv
situation = os.environ["AZ_SITUATION"]
if situation in REFUSALS:
    sys.exit(REFUSALS[situation])
if situation in ("slow", "too_slow"):
    time.sleep(1)
print(
    json.dumps(
        {"accessToken": os.environ["TOKEN_OF_ARM"], "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    )
)
