# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of our own for each run, and the server's certificate from it (trustme)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


def make_server_context(further: Sequence[str] = ()) -> tuple[ssl.SSLContext, bytes]:
    """The server's TLS context, and the CA certificate (PEM) that clients are to trust.

    ``further`` are names that the server shows beside its own.

    The CA's key lives in this call only, the server's key in the context only.
    """
    authority = trustme.CA(organization_name="entra.pim simulator", organization_unit_name="local tests only")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert(*NAMES, *further).configure_cert(context)
    return context, authority.cert_pem.bytes()
