# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization code: a person signs in at a page, the client gets a code at its address and redeems it."""

from __future__ import annotations

import uuid
from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.sign_in.accounts import Accounts
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.authorization import (
    AuthorizationCodes,
    AuthorizationRequest,
    NotForThePerson,
    ReturnAddress,
    read_request,
    return_address,
)
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.errors import SignInError, malformed
from pim_simulator.sign_in.forms import Form
from pim_simulator.sign_in.sign_ins import SignIns
from pim_simulator.tenant.models import Client


class AuthorizationCodeGrant:
    """Of one tenant."""

    def __init__(
        self,
        clock: Clock,
        applications: Applications,
        accounts: Accounts,
        sign_ins: SignIns,
        answers: Answers,
    ) -> None:
        self._clock = clock
        self._applications = applications
        self._accounts = accounts
        self._sign_ins = sign_ins
        self._answers = answers
        self._codes = AuthorizationCodes()

    def return_address(self, form: Form) -> tuple[Client, ReturnAddress]:
        """Of an authorization request. Raises SignInError, to be shown to the person."""
        client = self._applications.with_page(form)
        return client, return_address(form, client)

    def read(self, form: Form, client: Client, back: ReturnAddress) -> AuthorizationRequest:
        """Raises NotForThePerson."""
        return read_request(form, client, back, self._answers)

    def decide(self, request: AuthorizationRequest, form: Form) -> dict[str, str]:
        """A person has filled the page in: what goes to the redirect URI. Raises SignInError where the person may try again,
        NotForThePerson where the client has to know."""
        decision = form.get("decision")
        if decision not in ("approve", "decline"):
            raise malformed("decision")
        if decision == "decline":
            # no name and no password is needed to say no
            declined = SignInError(65004, "access_denied", "User declined to consent to access the app.")
            raise NotForThePerson("access_denied", declined)
        user = self._accounts.authenticate(form.get("username", ""), form.get("password", ""))
        sign_in = self._sign_ins.with_person(user, request.client.client_id, request.asked, request.demands)
        try:
            self._answers.granted(request.client, user, request.asked)
        except SignInError as refusal:
            # there is no consent to be had on this page: an administrator gives it, in the tenant file
            error = "consent_required" if refusal.suberror == "consent_required" else "access_denied"
            raise NotForThePerson(error, refusal) from refusal
        return {
            "code": self._codes.issue(request, sign_in, self._clock.now()),
            "session_state": str(uuid.uuid4()),
        }

    def token(self, form: Form, _tenant: str, base_url: str) -> dict[str, Any]:
        client = self._applications.public(form)
        demands = read_demands(form.get("claims"))
        request, signed_in = self._codes.redeem(form, client, self._clock.now())
        asked = self._answers.asked(form["scope"]) if form.get("scope") else request.asked
        # claims of this request that the person was not asked for are a step-up with nobody there
        return self._answers.for_user(
            client, signed_in, asked, demands, form, base_url, silent=True, nonce=request.nonce
        )
