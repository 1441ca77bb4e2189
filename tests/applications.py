# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What applications sign in with, made anew for each run: a key with its certificate, and tokens of another issuer."""

from __future__ import annotations

import datetime
import time
import uuid
from typing import Any

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
)
from cryptography.x509.oid import NameOID

# What Entra's documentation calls the recommended audience, of every issuer.
AUDIENCE = "api://AzureADTokenExchange"
GITHUB = "https://token.actions.githubusercontent.com"


class Key:
    """An RSA key, and a certificate for it in PEM: signed by itself, in force for so many days from now, or ended before."""

    def __init__(self, days: int = 1) -> None:
        self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(
            name, name, self._private.public_key(), x509.random_serial_number(), now - 2 * day, now + days * day
        )
        self._certificate = builder.sign(self._private, hashes.SHA256())
        self.certificate_pem = self._certificate.public_bytes(Encoding.PEM).decode()

    def thumbprint(self, algorithm: hashes.HashAlgorithm) -> bytes:
        """Of the certificate."""
        return self._certificate.fingerprint(algorithm)

    def private_pem(self, password: str | None = None) -> str:
        """PKCS#8, encrypted where there is a password."""
        encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()

    def private_body(self) -> set[str]:
        """The lines that nobody may see, of the key without encryption."""
        return set(self.private_pem().splitlines()[1:-2])

    def public_pem(self) -> str:
        return self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def token(self, issuer: str, subject: str, audience: str = AUDIENCE, seconds: float = 300.0) -> str:
        """A token of an issuer that has this key; it ends so many seconds from now."""
        now = time.time()
        claims: dict[str, Any] = {
            "iss": issuer, "sub": subject, "aud": audience, "jti": str(uuid.uuid4()),
            "iat": int(now) - 5, "nbf": int(now) - 5, "exp": int(now + seconds),
        }  # fmt: skip
        return self.signed(claims, "RS256", {"kid": "test"})

    def signed(self, claims: dict[str, Any], algorithm: str, headers: dict[str, Any]) -> str:
        """Any JWT."""
        return jwt.encode(claims, self._private, algorithm, headers)

    def trusted(self, issuer: str, subject: str) -> dict[str, str]:
        """The federated credential that trusts such tokens, as a tenant file of the simulator has it."""
        return {"issuer": issuer, "subject": subject, "public_key": self.public_pem()}
