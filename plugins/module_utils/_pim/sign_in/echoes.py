# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals that repeat what was sent, as gateways in between do: what they say is shown, and so the secrets leave it. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus

from ..transport import Reply

# Of token requests (RFC 6749, 7521, 7636 and 8628), and headers that the endpoints of managed identities want.
_FIELDS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "password",
        "refresh_token",
    }
)
_HEADERS = frozenset({"authorization", "secret", "x-identity-header"})
# What is shorter is part of many words.
_SHORTEST = 6


def without_secrets(reply: Reply, sent: Mapping[str, str | bytes]) -> Reply:
    """The same answer; `sent` are the fields or headers of the request."""
    body = reply.body
    for name, value in sent.items():
        if name.lower() in _FIELDS | _HEADERS and len(value) >= _SHORTEST:
            # msal makes the assertion of a certificate in bytes.
            text = value.decode() if isinstance(value, bytes) else value
            for spelling in (text, json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text)):
                body = body.replace(spelling.encode(), b"(secret)")
    return replace(reply, body=body)
