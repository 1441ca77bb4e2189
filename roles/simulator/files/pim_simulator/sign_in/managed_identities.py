# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of managed identities: which identity the platform takes, and for which API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pim_simulator.directory import Directory
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.demands import Demands
from pim_simulator.tenant.models import ServicePrincipal

# the ways to name a user-assigned identity; this simulator has no resource ids of identities
SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id", "msi_res_id")


class ManagedIdentities:
    """Of one tenant, all of them assigned to the one machine that the simulator stands for."""

    def __init__(self, directory: Directory, answers: Answers) -> None:
        self._directory = directory
        self._answers = answers

    def named(self, query: Mapping[str, str]) -> ServicePrincipal | None:
        """The one that the query names; without a name the system-assigned one. None where there is no such identity."""
        given = {name: query[name].lower() for name in SELECTORS if name in query}
        for identity in self._directory.tenant.managed_identities:
            app = self._directory.app(identity.client_id)
            if app is None:
                continue
            known = {"client_id": app.client_id, "object_id": app.id, "principal_id": app.id}
            wanted = identity.system_assigned if not given else all(known.get(n) == v for n, v in given.items())
            if wanted:
                return app
        return None

    def token(self, app: ServicePrincipal, resource: str) -> dict[str, Any]:
        """As the token endpoint would answer the application itself. Raises SignInError for an API that the tenant does not
        know."""
        # no scope has a blank in it, and a resource with one must not become two
        asked = self._answers.asked(f"{resource.replace(' ', '%20')}/.default")
        return self._answers.for_app(app, asked, Demands())
