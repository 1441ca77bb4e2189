# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application that a request names: it must be the tenant's, and of the right kind."""

from __future__ import annotations

import hmac

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.client_assertions import check_assertion
from pim_simulator.sign_in.errors import SignInError, malformed
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.tenant.models import Client, ServicePrincipal


class Applications:
    """Of one tenant."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        # what relative times of the tenant file count from
        self._started = clock.now()

    def public(self, form: Form) -> Client:
        """The one that somebody signs in with. Raises SignInError."""
        client_id = required(form, "client_id")
        client = self._directory.client(client_id)
        if client is None and self._directory.app(client_id) is None:
            raise self._unknown(client_id)
        if client is not None:
            _check_enabled(client)
        if client is None or not client.public:
            if not form.get("client_secret"):
                raise _no_credential()
            raise SignInError(7000215, "invalid_client", "Invalid client secret provided.", status=401)
        if form.get("client_secret"):
            raise SignInError(
                700025,
                "invalid_client",
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                status=401,
            )
        return client

    def with_page(self, form: Form) -> Client:
        """The one that somebody signs in for at the page: public or not, its credential is for the code. Raises
        SignInError."""
        client_id = required(form, "client_id")
        client = self._directory.client(client_id)
        if client is None:
            raise self._unknown(client_id)
        _check_enabled(client)
        return client

    def confidential(self, form: Form, tenant: str, base_url: str) -> ServicePrincipal:
        """The one that signs in for itself, its credential checked; ``tenant`` and ``base_url`` as for a grant. Raises
        SignInError."""
        client_id = required(form, "client_id")
        app = self._directory.app(client_id)
        if app is None:
            if self._directory.client(client_id) is None:
                raise self._unknown(client_id)
            raise _no_credential()
        _check_enabled(app)
        if form.get("client_assertion"):
            if form.get("client_secret"):
                raise malformed("both 'client_assertion' and 'client_secret'")
            check_assertion(form, app, self._names_of_the_service(tenant, base_url))
            return app
        given = form.get("client_secret")
        if not given:
            raise _no_credential()
        self._check_secret(app, given)
        return app

    def _check_secret(self, app: ServicePrincipal, given: str) -> None:
        match = next((s for s in app.secrets if hmac.compare_digest(s.value.encode(), given.encode())), None)
        if match is None:
            raise SignInError(
                7000215,
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
                f"not the client secret ID, for a secret added to app '{app.client_id}'.",
                status=401,
            )
        if match.expires is not None and match.expires.at(self._started) <= self._clock.now():
            raise SignInError(
                7000222,
                "invalid_client",
                f"The provided client secret keys for app '{app.client_id}' are expired.",
                status=401,
            )

    def _names_of_the_service(self, tenant: str, base_url: str) -> frozenset[str]:
        """The audiences of assertions that are meant for it: token endpoint, old and new, and issuer."""
        return frozenset(
            f"{base_url}/{segment}/{path}"
            for segment in (tenant, self._directory.tenant.tenant_id, *self._directory.tenant.domains)
            for path in ("oauth2/v2.0/token", "oauth2/token", "v2.0")
        )

    def _unknown(self, client_id: str) -> SignInError:
        return SignInError(
            700016,
            "unauthorized_client",
            f"Application with identifier '{client_id}' was not found in the directory "
            f"'{self._directory.tenant.name}'.",
        )


def _check_enabled(application: Client | ServicePrincipal) -> None:
    if not application.enabled:
        raise SignInError(
            7000112,
            "unauthorized_client",
            f"Application '{application.client_id}'({application.name}) is disabled.",
        )


def _no_credential() -> SignInError:
    return SignInError(
        7000218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        status=401,
    )
