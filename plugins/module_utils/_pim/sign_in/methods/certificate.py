# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in of an application with its certificate. Private to the collection.

The file is read and judged before any call: the sign-in service would only say that the signature is not what it expected.
cryptography comes with msal; like msal it is loaded where a token has to be fetched only.
"""

from __future__ import annotations

import os
import re
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ...errors import PimError, invalid_option
from ...times import Clock, format_time
from ..client import SignInClient, require_msal
from ..request import SignInRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

_LARGEST = 1024 * 1024
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


def acquire(client: SignInClient, request: SignInRequest, clock: Clock) -> dict[str, Any]:
    path = str(request.path)
    try:
        key, certificates = _read(path, request.secret)
    except ImportError:
        raise PimError(
            "missing_dependency",
            f"{sys.executable} lacks the Python package cryptography, which a certificate needs",
            advice="Install it for the named interpreter.",
        ) from None
    certificate = _certificate_of(path, key, certificates)
    _check_in_force(path, certificate, clock)
    # Older ones make no thumbprint.
    require_msal((1, 35), "a certificate")
    return client.token_of_application(_for_msal(key, certificate), request.default_scopes, request.claims)


def _read(path: str, password: str) -> tuple[RSAPrivateKey, list[Certificate]]:
    """Key and certificates in a file, PEM or PKCS#12 as its content says."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    content = _content(path)
    key, certificates = (_from_pem if b"-----BEGIN " in content else _from_pfx)(
        path, content, password.encode() or None
    )
    if key is None:
        raise invalid_option("certificate_path", path, "it holds no private key")
    if not isinstance(key, RSAPrivateKey):
        raise invalid_option("certificate_path", path, "its key is not RSA, and Entra takes no other")
    return key, certificates


def _content(path: str) -> bytes:
    if not os.path.isfile(path):
        raise invalid_option("certificate_path", path, "there is no such file")
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError:
        raise invalid_option("certificate_path", path, "it cannot be read") from None
    if not content or len(content) > _LARGEST:
        raise invalid_option("certificate_path", path, "it holds no certificate with its key, in PEM or PKCS#12 (PFX)")
    return content


def _from_pem(path: str, content: bytes, password: bytes | None) -> tuple[Any, list[Certificate]]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    blocks = [(found.group(1).decode(), found.group(0)) for found in _PEM.finditer(content)]
    try:
        certificates = [x509.load_pem_x509_certificate(block) for label, block in blocks if label == "CERTIFICATE"]
    except ValueError:
        raise invalid_option("certificate_path", path, "a certificate in it cannot be read") from None
    keys = [(label, block) for label, block in blocks if label.endswith("PRIVATE KEY")]
    if not keys:
        return None, certificates
    label, block = keys[0]
    encrypted = label == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block
    if encrypted and password is None:
        raise _needs_password(path)
    try:
        # A password for a key that needs none does no harm.
        return load_pem_private_key(block, password if encrypted else None), certificates
    except Exception:  # noqa: BLE001  # cryptography has many kinds of failure here, and their texts say nothing to a user
        raise _unreadable_key(path, encrypted) from None


def _from_pfx(path: str, content: bytes, password: bytes | None) -> tuple[Any, list[Certificate]]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    if content[:1] != b"\x30":
        raise invalid_option("certificate_path", path, "it is neither PEM nor PKCS#12 (PFX)")
    try:
        key, certificate, others = load_key_and_certificates(content, password)
    except Exception:  # noqa: BLE001  # as above; a wrong password and a damaged file look alike
        if password is None:
            raise _needs_password(path) from None
        raise _unreadable_key(path, True) from None
    return key, [*([certificate] if certificate else []), *others]


def _needs_password(path: str) -> PimError:
    return PimError(
        "invalid_option",
        f"certificate_path={path!r} cannot be used: its key is encrypted, and no certificate_password is given",
        advice="Give certificate_password too.",
    )


def _unreadable_key(path: str, encrypted: bool) -> PimError:
    what = "certificate_password does not open its key" if encrypted else "its key cannot be read"
    return PimError("invalid_option", f"certificate_path={path!r} cannot be used: {what}", advice="")


def _certificate_of(path: str, key: RSAPrivateKey, certificates: list[Certificate]) -> Certificate:
    """The certificate of this key, wherever it stands among those that signed it."""
    numbers = key.public_key().public_numbers()
    for certificate in certificates:
        public_key: Any = certificate.public_key()
        if hasattr(public_key, "public_numbers") and public_key.public_numbers() == numbers:
            return certificate
    raise invalid_option("certificate_path", path, "it holds no certificate that belongs to its key")


def _check_in_force(path: str, certificate: Certificate, clock: Clock) -> None:
    since, until = (_utc(certificate, name) for name in ("not_valid_before", "not_valid_after"))
    if clock.now() > until:
        raise invalid_option("certificate_path", path, f"its certificate expired at {format_time(until)}")
    if clock.now() < since:
        raise invalid_option("certificate_path", path, f"its certificate is valid from {format_time(since)} only")


def _utc(certificate: Certificate, name: str) -> datetime:
    # cryptography before 42 has this without a time zone only.
    moment: datetime = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    return moment.replace(tzinfo=timezone.utc)


def _for_msal(key: RSAPrivateKey, certificate: Certificate) -> dict[str, str]:
    """msal makes the thumbprint and `x5c` out of the certificate."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return {
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "public_certificate": certificate.public_bytes(Encoding.PEM).decode(),
    }
