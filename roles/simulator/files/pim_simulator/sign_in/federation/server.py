# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the federation server answers a client that has a user name and a password (WS-Trust 1.3)."""

from __future__ import annotations

import hmac
from xml.etree import ElementTree

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.accounts import Accounts
from pim_simulator.sign_in.federation import envelopes
from pim_simulator.sign_in.federation.assertions import AUDIENCE, LIFETIME, Assertions, timestamp

_NAMES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsp": "http://schemas.xmlsoap.org/ws/2004/09/policy",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wst": "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
}
_USER = "s:Header/wsse:Security/wsse:UsernameToken/"
_REQUEST = "s:Body/wst:RequestSecurityToken"


class Fault(Exception):
    """A SOAP fault: its subcode, with the namespace that it is from."""

    def __init__(self, namespace: str, code: str, reason: str) -> None:
        super().__init__(code)
        self.namespace = namespace
        self.code = code
        self.reason = reason


class FederationServer:
    """For the federated domains of one tenant."""

    def __init__(self, directory: Directory, clock: Clock, accounts: Accounts) -> None:
        self._directory = directory
        self._clock = clock
        self._accounts = accounts
        self.assertions = Assertions()

    def issue(self, body: bytes) -> str:
        """The answer to a request for a security token. Raises Fault."""
        request = _parsed(body)
        wanted = request.find(_REQUEST, _NAMES)
        if wanted is None or wanted.findtext("wst:RequestType", None, _NAMES) != f"{_NAMES['wst']}/Issue":
            raise _not_valid()
        audience = wanted.findtext("wsp:AppliesTo/wsa:EndpointReference/wsa:Address", None, _NAMES)
        if audience != AUDIENCE:
            raise Fault(_NAMES["wst"], "InvalidScope", "ID3082: The request scope is not valid or is unsupported.")
        username = request.findtext(f"{_USER}wsse:Username", "", _NAMES)
        password = request.findtext(f"{_USER}wsse:Password", "", _NAMES)
        user = self._directory.find_user(username)
        # whatever is wrong, the same is told
        if (
            user is None
            or not self._accounts.federated(user.username)
            or user.password is None
            or not hmac.compare_digest(user.password.encode(), password.encode())
            or not user.enabled
        ):
            raise Fault(
                _NAMES["wsse"],
                "FailedAuthentication",
                "ID3242: The security token could not be authenticated or authorized.",
            )
        now = self._clock.now()
        assertion = self.assertions.issue(user.username, user.id or "", now)
        return envelopes.answer(assertion, AUDIENCE, timestamp(now), timestamp(now + LIFETIME))


def caller_of(body: bytes) -> str:
    """The user name of a request, for the record; empty where it has none."""
    try:
        return _parsed(body).findtext(f"{_USER}wsse:Username", "", _NAMES)
    except Fault:
        return ""


def _parsed(body: bytes) -> ElementTree.Element:
    try:
        text = body.decode("utf-8")
        # SOAP has no document types, and entities of one could grow without bound
        if "<!" in text:
            raise _not_valid()
        return ElementTree.fromstring(text)  # noqa: S314 - without a document type nothing is expanded
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise _not_valid() from error


def _not_valid() -> Fault:
    return Fault(_NAMES["wst"], "InvalidRequest", "ID3035: The request was not valid or is not supported.")
