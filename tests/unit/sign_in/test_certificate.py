# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in with a certificate: every form people keep one in, and what is wrong with it told before any call."""

from __future__ import annotations

import base64
import hashlib
import json
import sys

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from unit.clocks import NOW
from unit.sign_in.certificates import DAY, EC_KEY, OTHER_RSA_KEY, RSA_KEY, certificate_for, key_pem, pem, pfx
from unit.sign_in.sts import APP
from unit.state.saved import TENANT

PASSWORD = "Key-word-1"
CERTIFICATE = certificate_for(RSA_KEY)
ISSUER = certificate_for(OTHER_RSA_KEY)
TRADITIONAL = PrivateFormat.TraditionalOpenSSL


def decoded(part: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture
def signed_in(connected, tmp_path):
    """Signs in with a file of this content."""

    def sign_in(content: bytes | None, password: str | None = None, **given):
        path = tmp_path / "reporting"
        if content is not None:
            path.write_bytes(content)
        options = {"tenant": TENANT, "client_id": APP, "certificate_path": str(path), "certificate_password": password}
        return connected({}, **{**options, **given})

    return sign_in


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (key_pem(RSA_KEY) + pem(CERTIFICATE), None),
        (pem(CERTIFICATE) + key_pem(RSA_KEY), None),
        (key_pem(RSA_KEY, form=TRADITIONAL) + pem(CERTIFICATE), None),
        (key_pem(RSA_KEY, PASSWORD) + pem(CERTIFICATE), PASSWORD),
        (key_pem(RSA_KEY, PASSWORD, TRADITIONAL) + pem(CERTIFICATE), PASSWORD),
        # as openssl pkcs12 -nodes and Windows write it
        ((b"Bag Attributes\n    localKeyID: 01\n" + key_pem(RSA_KEY) + pem(CERTIFICATE)).replace(b"\n", b"\r\n"), None),
        # with the certificate that signed it before it
        (pem(ISSUER) + pem(CERTIFICATE) + key_pem(RSA_KEY), None),
        # a password that the key does not need
        (key_pem(RSA_KEY) + pem(CERTIFICATE), PASSWORD),
        (pfx(RSA_KEY, CERTIFICATE), None),
        (pfx(RSA_KEY, CERTIFICATE, PASSWORD), PASSWORD),
        (pfx(RSA_KEY, CERTIFICATE, "Pässword €", [ISSUER]), "Pässword €"),
    ],
)
def test_every_form_signs_in(signed_in, service, content, password):
    session = signed_in(content, password).session
    assert (session.auth_method, session.principal_type) == ("certificate", "service_principal")
    (form,) = service.asked
    assert (form["grant_type"], form["client_id"]) == ("client_credentials", APP)
    assert form["scope"] == "https://graph.microsoft.com/.default"
    head, claims, signature = form["client_assertion"].split(".")
    der = CERTIFICATE.public_bytes(Encoding.DER)
    header = decoded(head)
    assert base64.urlsafe_b64decode(header["x5t#S256"] + "=") == hashlib.sha256(der).digest()
    assert base64.b64decode(header["x5c"][0]) == der
    assert decoded(claims)["iss"] == decoded(claims)["sub"] == APP
    assert decoded(claims)["aud"] == f"{service.url}/{TENANT}/oauth2/v2.0/token"
    RSA_KEY.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{head}.{claims}".encode(),
        padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH),
        SHA256(),
    )


@pytest.mark.parametrize(
    ("content", "password", "told"),
    [
        (None, None, "there is no such file"),
        (b"", None, "it holds no certificate"),
        (b"certificate", None, "neither PEM nor PKCS#12"),
        (b"\x30\x80junk", PASSWORD, "does not open its key"),
        (pem(CERTIFICATE), None, "it holds no private key"),
        (pfx(None, CERTIFICATE), None, "it holds no private key"),
        (key_pem(RSA_KEY), None, "no certificate that belongs to its key"),
        (key_pem(RSA_KEY) + pem(ISSUER), None, "no certificate that belongs to its key"),
        (key_pem(EC_KEY) + pem(certificate_for(EC_KEY)), None, "not RSA"),
        (pfx(EC_KEY, certificate_for(EC_KEY)), None, "not RSA"),
        (key_pem(RSA_KEY, PASSWORD) + pem(CERTIFICATE), None, "no certificate_password is given"),
        (key_pem(RSA_KEY, PASSWORD, TRADITIONAL) + pem(CERTIFICATE), None, "no certificate_password is given"),
        (pfx(RSA_KEY, CERTIFICATE, PASSWORD), None, "no certificate_password is given"),
        (key_pem(RSA_KEY, PASSWORD) + pem(CERTIFICATE), "Wrong-word-1", "certificate_password does not open its key"),
        (pfx(RSA_KEY, CERTIFICATE, PASSWORD), "Wrong-word-1", "certificate_password does not open its key"),
        (key_pem(RSA_KEY).replace(b"MII", b"XXX") + pem(CERTIFICATE), None, "its key cannot be read"),
        (key_pem(RSA_KEY) + pem(CERTIFICATE).replace(b"MII", b"XXX"), None, "a certificate in it cannot be read"),
        (
            key_pem(RSA_KEY) + pem(certificate_for(RSA_KEY, NOW - 2 * DAY, NOW - DAY)),
            None,
            "expired at 2030-03-16T17:46:40Z",
        ),
        (
            key_pem(RSA_KEY) + pem(certificate_for(RSA_KEY, NOW + DAY, NOW + 2 * DAY)),
            None,
            "valid from 2030-03-18T17:46:40Z only",
        ),
    ],
)
def test_what_cannot_be_used_is_told_before_any_call(signed_in, server, content, password, told):
    with pytest.raises(PimError) as caught:
        signed_in(content, password)
    assert caught.value.code == "invalid_option"
    assert "certificate_path" in caught.value.message
    assert told in caught.value.message
    assert not any(word in caught.value.sentence for word in (PASSWORD, "Wrong-word-1"))
    assert server.requests == []


def test_without_cryptography_the_interpreter_is_named(signed_in, server, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.rsa", None)
    with pytest.raises(PimError) as caught:
        signed_in(key_pem(RSA_KEY) + pem(CERTIFICATE))
    assert caught.value.code == "missing_dependency"
    assert sys.executable in caught.value.message
    assert server.requests == []


def test_no_key_and_no_password_is_kept(signed_in):
    session = signed_in(pfx(RSA_KEY, CERTIFICATE, PASSWORD), PASSWORD).session
    assert PASSWORD not in repr(vars(session))
    assert "PRIVATE KEY" not in repr(vars(session))
    assert not session.can_refresh


def test_a_refusal_that_repeats_the_assertion_is_told_without_it(signed_in, service):
    asked = []

    def refuse(form):
        asked.append(form)
        return {"error": "invalid_client", "error_description": f"AADSTS700027: {form['client_assertion']}"}

    service.refuses = refuse
    with pytest.raises(PimError) as caught:
        signed_in(key_pem(RSA_KEY) + pem(CERTIFICATE))
    assert caught.value.service_code == "AADSTS700027"
    assert "(secret)" in caught.value.sentence
    assert asked[0]["client_assertion"][-40:] not in caught.value.sentence
