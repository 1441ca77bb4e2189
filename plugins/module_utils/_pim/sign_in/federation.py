# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in server of an organisation (AD FS and the like), which alone checks the passwords of its accounts. Private to the collection.

The user realm of an account names it, and so Microsoft does; msal asks it by WS-Trust 1.3, in XML.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..errors import PimError, readable
from ..transport import Reply

_URLS = ("federation_metadata_url", "federation_active_auth_url")
_IN_A_BROWSER = "With auth_method device_code or interactive the account signs in at that server in a browser."


class Federation:
    """Which addresses may be called beside the authority's, and what their answers mean."""

    def __init__(self) -> None:
        self._places: set[tuple[str | None, int]] = set()
        self._metadata_url: str | None = None

    def learn(self, realm: Mapping[str, Any]) -> None:
        """`realm` is the user realm as the authority told it; an account that is not federated names no server."""
        if realm.get("account_type") != "Federated":
            return
        urls = [url for url in (realm.get(key) for key in _URLS) if isinstance(url, str) and url.startswith("https://")]
        self._places = {_place(url) for url in urls}
        self._metadata_url = str(realm.get("federation_metadata_url"))

    def describes_itself_at(self, url: str) -> bool:
        return url == self._metadata_url

    def check_address(self, url: str) -> None:
        """The metadata says where the password goes: only to a server that the authority named."""
        if _place(url) not in self._places:
            raise PimError(
                "login_failed",
                f"The sign-in would go to another host ({_host(url)}); nothing was sent there",
                advice=_IN_A_BROWSER,
            )

    def check_metadata(self, url: str, reply: Reply) -> None:
        if reply.status >= 400 or _parsed(reply) is None:
            raise _failed(url, reply)

    def check_token(self, url: str, reply: Reply) -> None:
        """A refusal is a SOAP fault, and comes with HTTP 500."""
        envelope = _parsed(reply)
        fault = None if envelope is None else envelope.find(".//{*}Body/{*}Fault")
        if fault is not None:
            raise _refused(url, fault)
        if reply.status >= 400 or envelope is None:
            raise _failed(url, reply)


def unusable() -> PimError:
    """For what msal cannot make a sign-in of; its own words are for programmers."""
    return PimError(
        "login_failed",
        "The organisation's own sign-in server offers no sign-in with user name and password that can be used (WS-Trust)",
        advice=_IN_A_BROWSER,
    )


def _refused(url: str, fault: ET.Element) -> PimError:
    # SOAP 1.2, and 1.1.
    code = fault.findtext("{*}Code/{*}Subcode/{*}Value") or fault.findtext("faultcode") or ""
    reason = fault.findtext("{*}Reason/{*}Text") or fault.findtext("faultstring")
    service_code = readable(code.rpartition(":")[2], 80) or None
    what = "user name and password" if service_code == "FailedAuthentication" else "the sign-in"
    return PimError(
        "login_failed",
        f"The organisation's own sign-in server ({_host(url)}) refused {what}",
        service_code=service_code,
        service_message=reason,
        advice=f"Check username and password. {_IN_A_BROWSER}",
    )


def _failed(url: str, reply: Reply) -> PimError:
    server = f"The organisation's own sign-in server ({_host(url)})"
    if reply.status == 429:
        return PimError("throttled", f"{server} is throttling", status=429, retry_after=reply.retry_after)
    if reply.status >= 500:
        return PimError("service_unavailable", f"{server} failed (HTTP {reply.status})", status=reply.status)
    return PimError(
        "invalid_response",
        f"{server} answered (HTTP {reply.status}) with something that is none of its answers",
        status=reply.status,
    )


def _parsed(reply: Reply) -> ET.Element | None:
    try:
        return ET.fromstring(reply.body)  # noqa: S314  # expat refuses what grows without bound; the server is one Microsoft named
    except ET.ParseError:
        return None


def _place(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or 443


def _host(url: str) -> str:
    return readable(urlsplit(url).hostname, 80)
