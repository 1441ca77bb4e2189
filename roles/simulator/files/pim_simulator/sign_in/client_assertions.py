# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client assertions (RFC 7523): a JWT that an application signs with the key of its certificate, or that another issuer
signed for it (workload identity federation). Keys are of RSA: the tenant file takes no others.

Their times are compared with the machine's clock, not with the tenant's: they come from clocks that the tenant's time does
not move.
"""

from __future__ import annotations

import base64
import binascii
import time
from datetime import datetime, timezone
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate

from pim_simulator.sign_in.errors import SignInError, malformed
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.tenant.models import FederatedCredential, ServicePrincipal

_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ["RS256", "PS256"]
# how far the client's clock may be ahead (the service: five minutes)
_LEEWAY = 300
_GUIDE = "https://learn.microsoft.com/entra/identity-platform/certificate-credentials"
_FEDERATION_GUIDE = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


def check_assertion(form: Form, app: ServicePrincipal, audiences: frozenset[str]) -> None:
    """``audiences``: what the service calls itself. Raises SignInError."""
    if required(form, "client_assertion_type") != _TYPE:
        raise malformed("client_assertion_type")
    token = required(form, "client_assertion")
    header, claims = _read(token)
    if claims["iss"] == app.client_id:
        _check_own(token, header, claims, app, audiences)
    else:
        _check_federated(token, claims, app)


def _read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, not yet believed."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise _invalid("JWT token is invalid or malformed.") from error
    if header.get("alg") not in _ALGORITHMS:
        raise _invalid(f"Invalid JWT token. Supported signing algorithms are: {', '.join(_ALGORITHMS)}.")
    for name in ("iss", "sub", "aud"):
        if not isinstance(claims.get(name), str):
            raise _invalid(f"Invalid JWT token. The token lacks the claim '{name}'.")
    return header, claims


def _check_own(
    token: str, header: dict[str, Any], claims: dict[str, Any], app: ServicePrincipal, audiences: frozenset[str]
) -> None:
    """Signed with the key of a certificate that is registered."""
    if claims["sub"] != app.client_id:
        raise _refused(
            700021,
            "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at "
            f"{_GUIDE} .",
        )
    if claims["aud"] not in audiences:
        raise _refused(
            700023,
            f"Client assertion audience claim does not match Realm issuer. Review the documentation at {_GUIDE} .",
        )
    _check_times(claims)
    certificate = _registered(header, app)
    if not _is_signed_by(token, cast(RSAPublicKey, certificate.public_key())):
        reason = "The provided signature value did not match the expected signature value."
        raise _not_registered(app, reason, certificate)
    if not certificate.not_valid_before_utc <= datetime.now(timezone.utc) < certificate.not_valid_after_utc:
        raise _not_registered(app, "The key used is expired.", certificate)


def _registered(header: dict[str, Any], app: ServicePrincipal) -> Certificate:
    """The certificate that the header names, by either thumbprint."""
    # msal writes them with padding
    given = [header[name].rstrip("=") for name in ("x5t#S256", "x5t", "kid") if isinstance(header.get(name), str)]
    if not given:
        raise _invalid("Invalid JWT token. No certificate thumbprint specified in token header.")
    for pem in app.certificates:
        certificate = load_pem_x509_certificate(pem.encode())
        if any(name in _names(certificate) for name in given):
            return certificate
    raise _not_registered(app, "The key was not found.", None, given[0])


def _names(certificate: Certificate) -> set[str]:
    sha1 = certificate.fingerprint(hashes.SHA1())  # noqa: S303 - a name of the certificate that clients use, no protection
    sha256 = certificate.fingerprint(hashes.SHA256())
    return {_base64url(sha1), _base64url(sha256), sha1.hex().upper()}


def _check_federated(token: str, claims: dict[str, Any], app: ServicePrincipal) -> None:
    """Signed by an issuer that the application trusts, for this subject and audience."""
    if not app.federated_credentials:
        raise _refused(
            70025, f"The client '{app.client_id}'({app.name}) has no configured federated identity credentials."
        )
    found: tuple[FederatedCredential, ...] = app.federated_credentials
    # compared as they are written: case counts
    for number, what, claim in ((700211, "issuer", "iss"), (700213, "subject", "sub"), (700212, "audience", "aud")):
        found = tuple(credential for credential in found if getattr(credential, what) == claims[claim])
        if not found:
            raise _refused(
                number,
                f"No matching federated identity record found for presented assertion {what} '{claims[claim]}'. Check your "
                "federated identity credential Subject, Audience and Issuer against the presented assertion. "
                f"{_FEDERATION_GUIDE}",
            )
    _check_times(claims)
    # two credentials may differ in their key only, as while an issuer changes its key
    keys = [cast(RSAPublicKey, load_pem_public_key(credential.public_key.encode())) for credential in found]
    if not any(_is_signed_by(token, key) for key in keys):
        raise _invalid("Invalid JWT token. The token from the external issuer failed signature verification.")


def _is_signed_by(token: str, key: RSAPublicKey) -> bool:
    try:
        # audience and times are checked here, in the service's words
        unchecked: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        jwt.decode(token, key, algorithms=_ALGORITHMS, options=unchecked)
    except jwt.InvalidSignatureError:
        return False
    except jwt.PyJWTError as error:
        raise _invalid("JWT token is invalid or malformed.") from error
    return True


def _check_times(claims: dict[str, Any]) -> None:
    now = time.time()
    begin = claims.get("nbf", 0)
    end = claims.get("exp", 0)
    if not all(isinstance(value, (int, float)) for value in (begin, end)):
        raise _invalid("Invalid JWT token. A time is no number.")
    if not begin - _LEEWAY <= now < end:
        raise _refused(
            700024,
            f"Client assertion is not within its valid time range. Current time: {_time(now)}, assertion valid from "
            f"{_time(begin)}, expiry time of assertion {_time(end)}. Review the documentation at {_GUIDE} .",
        )


def _not_registered(
    app: ServicePrincipal, reason: str, found: Certificate | None, thumbprint: str | None = None
) -> SignInError:
    if found is not None:
        thumbprint = found.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - as above
        start, end = (f"{when:%m/%d/%Y %H:%M:%S}" for when in (found.not_valid_before_utc, found.not_valid_after_utc))
        known = f" Found key 'Start={start}, End={end}',"
    else:
        thumbprint = _as_hex(thumbprint or "")
        known = ""
    return _refused(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        f"[Reason - {reason}, Thumbprint of key used by client: '{thumbprint}',{known} Please visit the Azure Portal, Graph "
        f"Explorer or directly use MS Graph to see configured keys for app Id '{app.client_id}'. Review the documentation "
        "at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint].",
    )


def _refused(number: int, text: str) -> SignInError:
    return SignInError(number, "invalid_client", text, status=401)


def _invalid(text: str) -> SignInError:
    return SignInError(50027, "invalid_request", text)


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    except (OverflowError, ValueError, OSError):
        return "9999-12-31T23:59:59.0000000Z"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _as_hex(thumbprint: str) -> str:
    """As the service tells it. What is no thumbprint stays as it is, cut."""
    try:
        return base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4)).hex().upper()[:64]
    except (binascii.Error, ValueError):
        return thumbprint[:64]
