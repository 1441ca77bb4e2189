# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redirect URIs: which one a client may name, and how it is answered there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

from pim_simulator.sign_in.errors import SignInError
from pim_simulator.tenant.models import Client
from pim_simulator.tenant.sign_in_checks import LOOPBACK


def check_redirect(uri: str, client: Client) -> None:
    """Raises SignInError for an address that is not registered. A registered loopback address stands for all its ports
    (RFC 8252, 7.3)."""
    try:
        known = _comparable(uri) in {_comparable(registered) for registered in client.redirect_uris}
    except ValueError:
        # no address at all
        known = False
    if not known:
        raise SignInError(
            50011,
            "invalid_request",
            f"The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the "
            f"application '{client.client_id}'. Make sure the redirect URI sent in the request matches one added to your "
            "application.",
        )


def with_answer(uri: str, mode: str, answer: Mapping[str, str]) -> str:
    """The redirect URI with the answer in its query, or in its fragment."""
    if mode == "fragment":
        return f"{uri}#{urlencode(answer)}"
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(answer)}"


def _comparable(uri: str) -> Iterable[str]:
    parts = urlsplit(uri)
    host = parts.netloc.lower()
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        host = parts.hostname
    return parts.scheme, host, parts.path or "/", parts.query, parts.fragment
