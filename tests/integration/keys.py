# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of an application for one run: certificates as files, and tokens of an issuer that the tenant trusts."""

from __future__ import annotations

import datetime
import secrets
import time
from pathlib import Path

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

ISSUER = "https://issuer.example"
SUBJECT = "repo:contoso/infrastructure"


def _certificate(key: rsa.RSAPrivateKey, days: int) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Contoso reporting")])
    now = datetime.datetime.now(datetime.timezone.utc)
    since, until = now - datetime.timedelta(days=60), now + datetime.timedelta(days=days)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), since, until)
    return builder.sign(key, hashes.SHA256())


def write(directory: Path) -> dict[str, str]:
    """Variables for the run and for its tenant file.

    ``KEYS`` is the directory: ``plain.pem``, ``encrypted.pem``, ``app.pfx`` (these two with ``SECRET_OF_CERTIFICATE``),
    ``expired.pem``, ``unknown.pem``, and ``token``, ``other_subject`` of the issuer.
    """
    directory.mkdir(parents=True)
    key, unknown, issuer = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _number in range(3))
    certificate, password = _certificate(key, 30), f"certificate-{secrets.token_hex(8)}"
    encryption = BestAvailableEncryption(password.encode())

    def text(of: rsa.RSAPrivateKey, its: x509.Certificate, how=NoEncryption()) -> bytes:  # noqa: B008  # it holds nothing
        return of.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how) + its.public_bytes(Encoding.PEM)

    def token(**changes: str) -> bytes:
        claims = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "exp": int(time.time()) + 3600}
        return jwt.encode({**claims, **changes}, issuer, algorithm="RS256").encode()

    files = {
        "plain.pem": text(key, certificate),
        "encrypted.pem": text(key, certificate, encryption),
        "app.pfx": pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, encryption),
        "expired.pem": text(key, _certificate(key, -1)),
        "unknown.pem": text(unknown, _certificate(unknown, 30)),
        "token": token(),
        "other_subject": token(sub="repo:fabrikam/infrastructure"),
    }
    for name, content in files.items():
        (directory / name).touch(mode=0o600)
        (directory / name).write_bytes(content)
    public = issuer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "KEYS": str(directory),
        "SECRET_OF_CERTIFICATE": password,
        "CERTIFICATE": certificate.public_bytes(Encoding.PEM).decode(),
        "ISSUER_KEY": public.decode(),
    }
