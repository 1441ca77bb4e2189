# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The XML that the federation server sends: its metadata (WS-MetadataExchange), answers and faults."""

from __future__ import annotations

from xml.sax.saxutils import escape

_ISSUE = "http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue"

_METADATA = """<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions name="SecurityTokenService" targetNamespace="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice"
 xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"
 xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" xmlns:wsa10="http://www.w3.org/2005/08/addressing"
 xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
 xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"
 xmlns:tns="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice">
<wsp:Policy wsu:Id="UserNameWSTrustBinding_IWSTrust13Async_policy"><wsp:ExactlyOne><wsp:All>
<sp:TransportBinding><wsp:Policy><sp:TransportToken><wsp:Policy><sp:HttpsToken><wsp:Policy/></sp:HttpsToken></wsp:Policy>
</sp:TransportToken><sp:IncludeTimestamp/></wsp:Policy></sp:TransportBinding>
<sp:SignedEncryptedSupportingTokens><wsp:Policy><sp:UsernameToken><wsp:Policy><sp:WssUsernameToken10/></wsp:Policy>
</sp:UsernameToken></wsp:Policy></sp:SignedEncryptedSupportingTokens>
</wsp:All></wsp:ExactlyOne></wsp:Policy>
<wsdl:binding name="UserNameWSTrustBinding_IWSTrust13Async" type="tns:IWSTrust13Async">
<wsp:PolicyReference URI="#UserNameWSTrustBinding_IWSTrust13Async_policy"/>
<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="Trust13IssueAsync"><soap12:operation soapAction="{action}" style="document"/></wsdl:operation>
</wsdl:binding>
<wsdl:service name="SecurityTokenService">
<wsdl:port name="UserNameWSTrustBinding_IWSTrust13Async" binding="tns:UserNameWSTrustBinding_IWSTrust13Async">
<soap12:address location="{address}"/>
<wsa10:EndpointReference><wsa10:Address>{address}</wsa10:Address></wsa10:EndpointReference>
</wsdl:port></wsdl:service>
</wsdl:definitions>
"""

_ANSWER = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing" '
    'xmlns:u="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"><s:Header>'
    '<a:Action s:mustUnderstand="1">http://docs.oasis-open.org/ws-sx/ws-trust/200512/RSTRC/IssueFinal</a:Action>'
    "</s:Header><s:Body><trust:RequestSecurityTokenResponseCollection "
    'xmlns:trust="http://docs.oasis-open.org/ws-sx/ws-trust/200512"><trust:RequestSecurityTokenResponse><trust:Lifetime>'
    "<u:Created>{created}</u:Created><u:Expires>{expires}</u:Expires></trust:Lifetime>"
    '<wsp:AppliesTo xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy"><a:EndpointReference>'
    "<a:Address>{audience}</a:Address></a:EndpointReference></wsp:AppliesTo>"
    "<trust:RequestedSecurityToken>{assertion}</trust:RequestedSecurityToken>"
    "<trust:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</trust:TokenType>"
    "<trust:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Issue</trust:RequestType>"
    "<trust:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Bearer</trust:KeyType>"
    "</trust:RequestSecurityTokenResponse></trust:RequestSecurityTokenResponseCollection></s:Body></s:Envelope>"
)

_FAULT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">'
    '<s:Header><a:Action s:mustUnderstand="1">http://www.w3.org/2005/08/addressing/soap/fault</a:Action></s:Header>'
    "<s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode>"
    '<s:Value xmlns:a="{namespace}">a:{code}</s:Value></s:Subcode></s:Code>'
    '<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
)


def metadata(address: str) -> str:
    """That a user name and a password are taken at an address."""
    return _METADATA.format(address=escape(address, {'"': "&quot;"}), action=_ISSUE)


def answer(assertion: str, audience: str, created: str, expires: str) -> str:
    return _ANSWER.format(assertion=assertion, audience=audience, created=created, expires=expires)


def fault(namespace: str, code: str, reason: str) -> str:
    return _FAULT.format(namespace=namespace, code=code, reason=escape(reason))
