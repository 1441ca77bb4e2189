# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAML 1.1 assertions: made and signed by the federation server, read and checked by the sign-in service.

They are written in canonical form (C14N, exclusive), so that what is signed is what is sent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from datetime import datetime, timedelta
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pim_simulator.sign_in.errors import SignInError
from pim_simulator.times import parse_time

ISSUER = "http://federation.simulator/adfs/services/trust/"
AUDIENCE = "urn:federation:MicrosoftOnline"
LIFETIME = timedelta(hours=1)

_SAML = "urn:oasis:names:tc:SAML:1.0:assertion"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_METHOD = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_NAMES = {"saml": _SAML, "ds": _DS}
# r and s of the signature, each (RFC 6931, 2.3.6)
_HALF = 32

_ASSERTION = (
    '<saml:Assertion xmlns:saml="{saml}" AssertionID="{id}" IssueInstant="{now}" Issuer="{issuer}" MajorVersion="1" '
    'MinorVersion="1"><saml:Conditions NotBefore="{now}" NotOnOrAfter="{end}"><saml:AudienceRestrictionCondition>'
    "<saml:Audience>{audience}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>"
    "<saml:AttributeStatement>{subject}"
    '<saml:Attribute AttributeName="UPN" AttributeNamespace="http://schemas.xmlsoap.org/claims">'
    "<saml:AttributeValue>{username}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
    '<saml:AuthenticationStatement AuthenticationInstant="{now}" '
    'AuthenticationMethod="urn:oasis:names:tc:SAML:1.0:am:password">{subject}</saml:AuthenticationStatement>'
    "{signature}</saml:Assertion>"
)
_SUBJECT = (
    '<saml:Subject><saml:NameIdentifier Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">{name}'
    "</saml:NameIdentifier><saml:SubjectConfirmation><saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer"
    "</saml:ConfirmationMethod></saml:SubjectConfirmation></saml:Subject>"
)
_SIGNED_INFO = (
    '<ds:SignedInfo xmlns:ds="{ds}"><ds:CanonicalizationMethod Algorithm="{c14n}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="{method}"></ds:SignatureMethod><ds:Reference URI="#{id}"><ds:Transforms>'
    '<ds:Transform Algorithm="{ds}enveloped-signature"></ds:Transform><ds:Transform Algorithm="{c14n}"></ds:Transform>'
    '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_SIGNATURE = '<ds:Signature xmlns:ds="{ds}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'


class Assertions:
    """Of one federation server, with its key, which is never written anywhere."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def issue(self, username: str, immutable_id: str, now: datetime) -> str:
        """The XML."""
        assertion_id = f"_{uuid.uuid4()}"
        fields = {
            "saml": _SAML,
            "id": assertion_id,
            "now": timestamp(now),
            "end": timestamp(now + LIFETIME),
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "username": escape(username),
            "subject": _SUBJECT.format(name=base64.b64encode(uuid.UUID(immutable_id).bytes_le).decode()),
        }
        digest = _digest(_ASSERTION.format(signature="", **fields))
        info = _SIGNED_INFO.format(ds=_DS, c14n=_C14N, method=_METHOD, id=assertion_id, digest=digest)
        r, s = decode_dss_signature(self._key.sign(info.encode(), ec.ECDSA(SHA256())))
        value = base64.b64encode(r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")).decode()
        return _ASSERTION.format(signature=_SIGNATURE.format(ds=_DS, info=info, value=value), **fields)

    def username(self, text: str, now: datetime) -> str:
        """Who was there. Raises SignInError for what is no assertion of this server, or no longer one."""
        # entities and the like have no place in an assertion
        if "<!" in text:
            raise _unreadable()
        try:
            assertion = ElementTree.fromstring(text)  # noqa: S314 - without a document type nothing is expanded
        except ElementTree.ParseError as error:
            raise _unreadable() from error
        if assertion.tag != f"{{{_SAML}}}Assertion":
            raise _unreadable()
        issuer = assertion.get("Issuer", "")
        if issuer != ISSUER:
            raise SignInError(
                50107, "invalid_request", f"The requested federation realm object '{issuer[:200]}' does not exist."
            )
        self._check_signature(text, assertion)
        conditions = assertion.find("saml:Conditions", _NAMES)
        name = assertion.findtext("saml:AttributeStatement/saml:Attribute/saml:AttributeValue", None, _NAMES)
        if conditions is None or name is None:
            raise _unreadable()
        if not parse_time(conditions.get("NotBefore", "")) <= now < parse_time(conditions.get("NotOnOrAfter", "")):
            raise SignInError(50013, "invalid_grant", "Assertion is invalid: it is not within its valid time range.")
        return name

    def _check_signature(self, text: str, assertion: ElementTree.Element) -> None:
        signed = re.findall(r"<ds:SignedInfo .*?</ds:SignedInfo>", text, re.DOTALL)
        value = assertion.findtext("ds:Signature/ds:SignatureValue", None, _NAMES)
        if len(signed) != 1 or value is None:
            raise _wrong_signature()
        whole = ElementTree.canonicalize(text, exclude_tags=[f"{{{_DS}}}Signature"])
        try:
            raw = base64.b64decode(value, validate=True)
            signature = encode_dss_signature(int.from_bytes(raw[:_HALF], "big"), int.from_bytes(raw[_HALF:], "big"))
            self._key.public_key().verify(signature, signed[0].encode(), ec.ECDSA(SHA256()))
        except (ValueError, InvalidSignature) as error:
            raise _wrong_signature() from error
        # of the text that is signed: elsewhere in the assertion there may be others of this name
        info = ElementTree.fromstring(signed[0])  # noqa: S314 - text of this server, as its signature says
        digest = info.findtext("ds:Reference/ds:DigestValue", "", _NAMES)
        if not hmac.compare_digest(_digest(whole), digest):
            raise _wrong_signature()


def timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _unreadable() -> SignInError:
    return SignInError(50008, "invalid_grant", "SAML token is invalid.")


def _wrong_signature() -> SignInError:
    return SignInError(
        50013,
        "invalid_grant",
        "Assertion failed signature validation. [Reason - The provided signature value did not match the expected signature "
        "value.]",
    )
