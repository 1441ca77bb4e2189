# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource owner password credentials: nobody is there to be asked for more."""

from __future__ import annotations

from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.sign_in.accounts import Accounts
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.sign_ins import SignIn


class PasswordGrant:
    """Of one tenant."""

    def __init__(self, clock: Clock, applications: Applications, accounts: Accounts, answers: Answers) -> None:
        self._clock = clock
        self._applications = applications
        self._accounts = accounts
        self._answers = answers

    def token(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        if tenant.lower() == "common":
            raise SignInError(
                9001023,
                "invalid_grant",
                "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations "
                "or tenant-specific endpoint.",
            )
        client = self._applications.public(form)
        demands = read_demands(form.get("claims"))
        asked = self._answers.asked(required(form, "scope"))
        username = required(form, "username")
        self._accounts.check_password_is_here(username)
        user = self._accounts.authenticate(username, required(form, "password"))
        start = SignIn(user, client.client_id, self._clock.now())
        return self._answers.for_user(client, start, asked, demands, form, base_url, silent=False)
