# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service of one tenant, put together."""

from __future__ import annotations

from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.access_tokens import AccessTokens, RevocationReason
from pim_simulator.sign_in.accounts import Accounts
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.federation.server import FederationServer
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.grants import Grant
from pim_simulator.sign_in.grants.authorization_code import AuthorizationCodeGrant
from pim_simulator.sign_in.grants.client_credentials import ClientCredentialsGrant
from pim_simulator.sign_in.grants.device_code import DeviceCodeGrant
from pim_simulator.sign_in.grants.password import PasswordGrant
from pim_simulator.sign_in.grants.refresh_token import RefreshGrant
from pim_simulator.sign_in.grants.saml_assertion import SamlAssertionGrant
from pim_simulator.sign_in.managed_identities import ManagedIdentities
from pim_simulator.sign_in.refresh_tokens import RefreshTokens
from pim_simulator.sign_in.sign_ins import SignIns
from pim_simulator.tenant.models import User


class SignInService:
    """What its addresses and the control API reach."""

    def __init__(self, directory: Directory, clock: Clock, tokens: AccessTokens) -> None:
        self.directory = directory
        self.tokens = tokens
        self._clock = clock
        self._refresh_tokens = RefreshTokens(directory.tenant.tokens, directory.tenant.behaviour.expired_refresh)
        self.accounts = Accounts(directory)
        self.sign_ins = SignIns(directory, clock)
        applications = Applications(directory, clock)
        answers = Answers(directory, clock, self.sign_ins, tokens, self._refresh_tokens)
        self.device_login = DeviceCodeGrant(directory, clock, applications, self.sign_ins, answers)
        self.browser_login = AuthorizationCodeGrant(clock, applications, self.accounts, self.sign_ins, answers)
        self.federation = FederationServer(directory, clock, self.accounts)
        self.managed_identities = ManagedIdentities(directory, answers)
        self.grants: dict[str, Grant] = {
            "urn:ietf:params:oauth:grant-type:device_code": self.device_login,
            "device_code": self.device_login,
            "authorization_code": self.browser_login,
            "password": PasswordGrant(clock, applications, self.accounts, answers),
            "urn:ietf:params:oauth:grant-type:saml1_1-bearer": SamlAssertionGrant(
                directory, clock, applications, self.federation.assertions, answers
            ),
            "refresh_token": RefreshGrant(clock, applications, self._refresh_tokens, answers),
            "client_credentials": ClientCredentialsGrant(applications, answers),
        }

    def token(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        """``/token``. Raises SignInError."""
        name = required(form, "grant_type")
        grant = self.grants.get(name)
        if grant is None:
            raise SignInError(
                70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{name[:80]}'."
            )
        return grant.token(form, tenant, base_url)

    def revoke(
        self,
        user: User,
        *,
        access: bool,
        refresh: bool,
        reason: RevocationReason = "TokenIssuedBeforeRevocationTimestamp",
    ) -> None:
        """End what the user's earlier sign-ins gave; ``reason`` is what the refusals of access tokens tell."""
        if access:
            self.tokens.revoke(user, reason)
        if refresh:
            self._refresh_tokens.revoke(user, self._clock.now())
