# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SAML 1.1 bearer assertion (after RFC 7522): a federation server says who was there. Nobody is there to be asked for more."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.account_states import check_can_sign_in
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.federation.assertions import Assertions
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.sign_ins import SignIn


class SamlAssertionGrant:
    """Of one tenant."""

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        applications: Applications,
        assertions: Assertions,
        answers: Answers,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._applications = applications
        self._assertions = assertions
        self._answers = answers

    def token(self, form: Form, _tenant: str, base_url: str) -> dict[str, Any]:
        client = self._applications.public(form)
        demands = read_demands(form.get("claims"))
        asked = self._answers.asked(required(form, "scope"))
        username = self._assertions.username(_decoded(required(form, "assertion")), self._clock.now())
        user = self._directory.find_user(username)
        if user is None:
            raise SignInError(51004, "invalid_grant", "The user account does not exist in the directory.")
        check_can_sign_in(user, self._directory.tenant)
        start = SignIn(user, client.client_id, self._clock.now())
        return self._answers.for_user(client, start, asked, demands, form, base_url, silent=False)


def _decoded(assertion: str) -> str:
    """From base64url, with padding or without. Raises SignInError."""
    try:
        return base64.b64decode(assertion + "=" * (-len(assertion) % 4), altchars=b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise SignInError(50008, "invalid_grant", "SAML token is invalid.") from error
