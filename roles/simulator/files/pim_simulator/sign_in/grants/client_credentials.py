# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client credentials: an application signs in for itself."""

from __future__ import annotations

from typing import Any

from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.tenants import ANY_TENANT


class ClientCredentialsGrant:
    """Of one tenant."""

    def __init__(self, applications: Applications, answers: Answers) -> None:
        self._applications = applications
        self._answers = answers

    def token(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        if tenant.lower() in ANY_TENANT:
            raise SignInError(
                9001023,
                "invalid_grant",
                "The grant type is not supported over the /common or /consumers endpoints. Please use a tenant-specific "
                "endpoint.",
            )
        app = self._applications.confidential(form, tenant, base_url)
        asked = self._answers.asked(required(form, "scope"))
        if asked.permissions != (".default",) or asked.oidc:
            raise SignInError(
                1002012,
                "invalid_scope",
                "The provided value for scope is not valid. Client credential flows must have a scope value with "
                "/.default suffixed to the resource identifier (application ID URI).",
            )
        return self._answers.for_app(app, asked, read_demands(form.get("claims")))
