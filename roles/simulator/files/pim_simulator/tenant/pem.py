# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and public keys of a tenant file: PEM text, or the path of a file with it. Private keys have no place
there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from pim_simulator.tenant.models import ServicePrincipal, TenantFile
from pim_simulator.tenant.reading import TenantError


def with_pem(tenant: TenantFile, folder: Path) -> TenantFile:
    """The tenant with texts where it has paths, which count from ``folder``. Raises TenantError, also for what is neither a
    certificate nor a public key of RSA."""
    return dataclasses.replace(
        tenant, service_principals=tuple(_with_pem(app, folder) for app in tenant.service_principals)
    )


def _with_pem(app: ServicePrincipal, folder: Path) -> ServicePrincipal:
    certificates = []
    for entry in app.certificates:
        where = f"a certificate of {app.name}"
        text = _text(entry, folder, where)
        _check_certificate(text, where)
        certificates.append(text)
    federated = []
    for credential in app.federated_credentials:
        where = f"the public_key of {credential.issuer} of {app.name}"
        text = _text(credential.public_key, folder, where)
        _check_public_key(text, where)
        federated.append(dataclasses.replace(credential, public_key=text))
    return dataclasses.replace(app, certificates=tuple(certificates), federated_credentials=tuple(federated))


def _text(entry: str, folder: Path, where: str) -> str:
    text = entry
    if "-----BEGIN " not in entry:
        try:
            text = (folder / entry).read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise TenantError(f"{where}: {entry[:200]!r} is neither PEM nor a file with it") from error
    if "PRIVATE KEY" in text:
        raise TenantError(f"{where} holds a private key: give its public part only")
    return text


def _check_certificate(text: str, where: str) -> None:
    try:
        key = load_pem_x509_certificate(text.encode()).public_key()
    except ValueError as error:
        raise TenantError(f"{where} is no certificate in PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise TenantError(f"{where} is not one of an RSA key")


def _check_public_key(text: str, where: str) -> None:
    try:
        key = load_pem_public_key(text.encode())
    except ValueError as error:
        raise TenantError(f"{where} is no public key in PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise TenantError(f"{where} is not one of RSA")
