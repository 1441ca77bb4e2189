# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in server of an organisation: metadata, and tokens by WS-Trust."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from unit.https_server import reply

NAMES = (
    'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
    'xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" '
    'xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702" '
    'xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:wsa10="http://www.w3.org/2005/08/addressing"'
)
ISSUE = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue"
ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'
TOKEN = (
    '<t:RequestSecurityTokenResponse xmlns:t="http://docs.oasis-open.org/ws-sx/ws-trust/200512">'
    "<t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>"
    "<t:RequestedSecurityToken><saml>assertion-of-operator</saml></t:RequestedSecurityToken>"
    "</t:RequestSecurityTokenResponse>"
)
FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:{}</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en-US">{}</s:Text></s:Reason></s:Fault>'
)


def metadata(endpoint):
    return f"""<wsdl:definitions {NAMES}>
      <wsp:Policy wsu:Id="password"><wsp:ExactlyOne><wsp:All>
        <sp:TransportBinding/>
        <sp:SignedEncryptedSupportingTokens><wsp:Policy><sp:UsernameToken><wsp:Policy>
          <sp:WssUsernameToken10/>
        </wsp:Policy></sp:UsernameToken></wsp:Policy></sp:SignedEncryptedSupportingTokens>
      </wsp:All></wsp:ExactlyOne></wsp:Policy>
      <wsdl:binding name="b"><wsp:PolicyReference URI="#password"/>
        <soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
        <wsdl:operation name="o"><soap12:operation soapAction="{ISSUE}"/></wsdl:operation>
      </wsdl:binding>
      <wsdl:service name="s"><wsdl:port name="p" binding="x:b">
        <wsa10:EndpointReference><wsa10:Address>{endpoint}</wsa10:Address></wsa10:EndpointReference>
      </wsdl:port></wsdl:service>
    </wsdl:definitions>""".encode()


class Organisation:
    """Its sign-in server: ``metadata`` and ``answer`` are what it says; ``asked`` the passwords it was given."""

    def __init__(self, server, name="localhost"):
        self._server = server
        self.url = f"https://{name}:{server.port}"
        self.endpoint = f"{self.url}/trust/13/usernamemixed"
        self.metadata = None
        self.answer = reply(200, ENVELOPE.format(TOKEN).encode())
        server.respond = self._respond

    @property
    def calls(self):
        return [(request.method, urlsplit(request.target).path) for request in self._server.requests]

    @property
    def bodies(self):
        return [request.body.decode() for request in self._server.requests if request.method == "POST"]

    def _respond(self, request):
        if request.method == "GET":
            return self.metadata or reply(200, metadata(self.endpoint), Content_Type="application/soap+xml")
        return self.answer

    @property
    def realm(self) -> dict[str, Any]:
        """What the sign-in service says of its accounts."""
        return {
            "account_type": "Federated",
            "federation_metadata_url": f"{self.url}/mex",
            "federation_active_auth_url": f"{self.url}/trust/2005/usernamemixed",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
