# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the token endpoint answers when all is well."""

from __future__ import annotations

import base64
import json
from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory, home_ids
from pim_simulator.sign_in.access_tokens import AccessTokens
from pim_simulator.sign_in.demands import Demands
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.forms import Form
from pim_simulator.sign_in.refresh_tokens import RefreshTokens
from pim_simulator.sign_in.resources import ARM, Asked, read_scopes
from pim_simulator.sign_in.sign_ins import SignIn, SignIns
from pim_simulator.tenant.models import Client, ServicePrincipal, User


class Answers:
    """Of one tenant."""

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        sign_ins: SignIns,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._sign_ins = sign_ins
        self._tokens = tokens
        self._refresh_tokens = refresh_tokens

    def asked(self, scope: str) -> Asked:
        """What a ``scope`` parameter asks for. Raises SignInError."""
        return read_scopes(scope, self._directory.tenant.cloud)

    def for_app(self, app: ServicePrincipal, asked: Asked, demands: Demands) -> dict[str, Any]:
        """No refresh token: the application has its credential."""
        if asked.resource == ARM:
            # no application roles there: rights come from role assignments of Azure
            app = ServicePrincipal(app.client_id, app.name, app.id)
        lifetime = int(self._directory.tenant.tokens.access_lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.for_app(app, asked, demands),
        }

    def for_user(
        self,
        client: Client,
        made: SignIn,
        asked: Asked,
        demands: Demands,
        form: Form,
        base_url: str,
        *,
        silent: bool,
        nonce: str | None = None,
    ) -> dict[str, Any]:
        """From the sign-in that was made, be it a moment ago; now there is nobody to ask (``silent``: nor was there a
        password). Raises SignInError where it does not satisfy the demands, or the client may not have what it asks for."""
        sign_in = self._sign_ins.without_person(made, asked, demands, silent=silent)
        granted = self.granted(client, sign_in.user, asked)
        # scopes come back as they were spelled, and whatever else the client was granted: clients find tokens by them
        prefix = f"{asked.audience}/" if any("/" in scope for scope in asked.as_written) else ""
        told = dict.fromkeys(asked.as_written)
        told.update(dict.fromkeys(prefix + permission for permission in granted))
        told.update(dict.fromkeys(scope for scope in ("openid", "profile", "email") if scope in asked.oidc))
        lifetime = int(self._directory.tenant.tokens.access_lifetime.total_seconds())
        answer = {
            "token_type": "Bearer",
            "scope": " ".join(told),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._tokens.for_user(sign_in, asked, granted, demands),
        }
        if "offline_access" in asked.oidc:
            answer["refresh_token"] = self._refresh_tokens.issue(sign_in, self._clock.now())
        if "openid" in asked.oidc:
            answer["id_token"] = self._tokens.id_token(sign_in, base_url, nonce)
        if form.get("client_info") == "1":
            # a guest's account is known to clients by where it is at home, not by its object here
            home_id, home_tenant = home_ids(sign_in.user, self._directory.tenant.tenant_id)
            info = {"uid": home_id, "utid": home_tenant}
            answer["client_info"] = base64.urlsafe_b64encode(json.dumps(info).encode()).rstrip(b"=").decode()
        return answer

    def granted(self, client: Client, user: User, asked: Asked) -> tuple[str, ...]:
        """The permissions the token gets: all that the client was granted for the resource. Raises SignInError."""
        if client.allowed_users is not None and user.username.casefold() not in {
            name.casefold() for name in client.allowed_users
        }:
            raise SignInError(
                50105,
                "invalid_grant",
                f"Your administrator has configured the application {client.name} to block users unless they are "
                "specifically granted access to the application.",
            )
        consented = client.azure_permissions if asked.resource == ARM else client.graph_permissions
        if not consented and client.first_party:
            raise SignInError(
                65002,
                "invalid_grant",
                f"Consent between first party application '{client.client_id}' and first party resource "
                f"'{asked.audience}' must be configured via preauthorization.",
            )
        known = {permission.lower() for permission in consented}
        lacking = [p for p in asked.permissions if p != ".default" and p.lower() not in known]
        if lacking or not consented:
            raise SignInError(
                65001,
                "invalid_grant",
                f"The user or administrator has not consented to use the application with ID '{client.client_id}' named "
                f"'{client.name}'. Send an interactive authorization request for this user and resource.",
                suberror="consent_required",
            )
        return consented
