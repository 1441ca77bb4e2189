# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grants of the token endpoint."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.access_tokens import AccessTokens
from pim_simulator.sign_in.demands import Demands, read_demands
from pim_simulator.sign_in.device_codes import DeviceCode, DeviceCodes
from pim_simulator.sign_in.errors import SignInError, missing_parameter
from pim_simulator.sign_in.refresh_tokens import RefreshTokens
from pim_simulator.sign_in.resources import ARM, Asked, read_scopes
from pim_simulator.sign_in.sign_ins import SignIn, with_person, without_person
from pim_simulator.tenant.models import Client, ServicePrincipal, User

# Names of a tenant segment that stand for "whichever tenant the account is in".
ANY_TENANT = ("common", "organizations")

DEVICE_GRANTS = ("urn:ietf:params:oauth:grant-type:device_code", "device_code")

GRANTS = (*DEVICE_GRANTS, "password", "refresh_token", "client_credentials")

Form = Mapping[str, str]


class SignInService:
    """One tenant's sign-in. ``base_url`` parameters are the address under which the client called."""

    def __init__(self, directory: Directory, clock: Clock, tokens: AccessTokens) -> None:
        self.directory = directory
        self.clock = clock
        # what relative times of the tenant file count from
        self.started = clock.now()
        self.tokens = tokens
        self.refresh_tokens = RefreshTokens(directory.tenant.tokens)
        self.device_codes = DeviceCodes(directory.tenant.device_login, clock)

    # tenants, clients, users

    def check_tenant(self, segment: str) -> None:
        """Raises SignInError for a tenant that is not this one."""
        name = segment.lower()
        if name not in (*ANY_TENANT, self.directory.tenant.tenant_id, *self.directory.tenant.domains):
            raise SignInError(
                90002,
                "invalid_request",
                f"Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into "
                "the correct cloud.",
            )

    def _public_client(self, form: Form) -> Client:
        """The application somebody signs in with."""
        client_id = _required(form, "client_id")
        client = self.directory.client(client_id)
        app = self.directory.app(client_id)
        if client is None and app is None:
            raise SignInError(
                700016,
                "unauthorized_client",
                f"Application with identifier '{client_id}' was not found in the directory "
                f"'{self.directory.tenant.name}'.",
            )
        if client is None or not client.public:
            if not form.get("client_secret"):
                raise SignInError(
                    7000218,
                    "invalid_client",
                    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                    status=401,
                )
            raise SignInError(7000215, "invalid_client", "Invalid client secret provided.", status=401)
        if form.get("client_secret"):
            raise SignInError(
                700025,
                "invalid_client",
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
                status=401,
            )
        return client

    def user_realm(self, username: str) -> dict[str, Any]:
        """How accounts of the name's domain sign in."""
        domain = username.rpartition("@")[2].lower()
        user = self.directory.find_user(username)
        if domain not in self.directory.tenant.domains and user is None:
            return {"ver": "1.0", "account_type": "Unknown", "cloud_instance_name": "microsoftonline.com"}
        return {
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": domain,
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }

    def authenticate(self, username: str, password: str) -> User:
        """Raises SignInError: unknown, wrong password, disabled."""
        user = self.directory.find_user(username)
        if user is None or "@" not in username:
            raise SignInError(
                50034,
                "invalid_grant",
                f"The user account {{EUII Hidden}} does not exist in the {self.directory.tenant.tenant_id} directory.",
            )
        if user.password is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            raise SignInError(
                50126, "invalid_grant", "Error validating credentials due to invalid username or password."
            )
        if not user.enabled:
            raise SignInError(50057, "invalid_grant", "The user account is disabled.")
        return user

    # grants

    def device_code(self, form: Form, base_url: str) -> dict[str, Any]:
        """``/devicecode``."""
        client = self._public_client(form)
        asked = self._asked(_required(form, "scope"))
        code = self.device_codes.start(client.client_id, asked, read_demands(form.get("claims")))
        url = f"{base_url}/devicelogin"
        return {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": url,
            "expires_in": int((code.expires - code.created).total_seconds()),
            "interval": code.interval,
            "message": f"To sign in, use a web browser to open the page {url} and enter the code {code.user_code} to "
            "authenticate.",
        }

    def decide_device_code(self, code: DeviceCode, user: User, approve: bool) -> None:
        """A person answers. Raises SignInError where the person cannot sign in as the client demands."""
        if approve:
            code.sign_in = with_person(user, code.client_id, self.clock.now(), code.demands)
        else:
            code.declined = True

    def token(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        """``/token``. Raises SignInError."""
        grant = _required(form, "grant_type")
        if grant in DEVICE_GRANTS:
            return self._device_grant(form, base_url)
        if grant == "password":
            return self._password_grant(form, tenant, base_url)
        if grant == "refresh_token":
            return self._refresh_grant(form, base_url)
        if grant == "client_credentials":
            return self._client_grant(form, tenant)
        raise SignInError(
            70003, "unsupported_grant_type", f"The app requested an unsupported grant type '{grant[:80]}'."
        )

    def _device_grant(self, form: Form, base_url: str) -> dict[str, Any]:
        client = self._public_client(form)
        demands = read_demands(form.get("claims"))
        device_code = _required(form, "device_code")
        try:
            code = self.device_codes.poll(device_code, client.client_id)
        except SignInError as error:
            if error.error == "authorization_pending":
                self._unattended(device_code)
            raise
        if code.sign_in is None:
            raise SignInError(70000, "invalid_grant", "The device code stands for no sign-in.")
        # claims of this request that the person was not asked for are a step-up with nobody there
        sign_in = without_person(code.sign_in, demands, silent=True)
        return self._answer(client, sign_in, code.asked, demands, form, base_url)

    def _unattended(self, device_code: str) -> None:
        """The tenant file may name a user who approves by itself, after some polls."""
        settings = self.directory.tenant.device_login
        code = next(code for code in self.device_codes.all() if code.device_code == device_code)
        if settings.approve_as is not None and code.polls >= settings.after_polls:
            self.decide_device_code(code, self.directory.user_named(settings.approve_as), approve=True)

    def _password_grant(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        if tenant.lower() == "common":
            raise SignInError(
                9001023,
                "invalid_grant",
                "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations "
                "or tenant-specific endpoint.",
            )
        client = self._public_client(form)
        demands = read_demands(form.get("claims"))
        asked = self._asked(_required(form, "scope"))
        user = self.authenticate(_required(form, "username"), _required(form, "password"))
        start = SignIn(user, client.client_id, self.clock.now())
        sign_in = without_person(start, demands, silent=False)
        return self._answer(client, sign_in, asked, demands, form, base_url)

    def _refresh_grant(self, form: Form, base_url: str) -> dict[str, Any]:
        client = self._public_client(form)
        demands = read_demands(form.get("claims"))
        asked = self._asked(_required(form, "scope"))
        old = self.refresh_tokens.redeem(_required(form, "refresh_token"), client.client_id, self.clock.now())
        if not old.user.enabled:
            raise SignInError(50057, "invalid_grant", "The user account is disabled.")
        sign_in = without_person(old, demands, silent=True)
        return self._answer(client, sign_in, asked, demands, form, base_url)

    def _client_grant(self, form: Form, tenant: str) -> dict[str, Any]:
        if tenant.lower() in ANY_TENANT:
            raise SignInError(
                9001023,
                "invalid_grant",
                "The grant type is not supported over the /common or /consumers endpoints. Please use a tenant-specific "
                "endpoint.",
            )
        app = self._confidential_client(form)
        asked = self._asked(_required(form, "scope"))
        if asked.permissions != (".default",) or asked.oidc:
            raise SignInError(
                1002012,
                "invalid_scope",
                "The provided value for scope is not valid. Client credential flows must have a scope value with "
                "/.default suffixed to the resource identifier (application ID URI).",
            )
        if asked.resource == ARM:
            # no application roles there: rights come from role assignments of Azure
            app = ServicePrincipal(app.client_id, app.name, app.id)
        lifetime = int(self.directory.tenant.tokens.access_lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.tokens.for_app(app, asked, read_demands(form.get("claims"))),
        }

    def _confidential_client(self, form: Form) -> ServicePrincipal:
        client_id = _required(form, "client_id")
        app = self.directory.app(client_id)
        if app is None:
            if self.directory.client(client_id) is None:
                raise SignInError(
                    700016,
                    "unauthorized_client",
                    f"Application with identifier '{client_id}' was not found in the directory "
                    f"'{self.directory.tenant.name}'.",
                )
            raise SignInError(
                7000218,
                "invalid_client",
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                status=401,
            )
        if form.get("client_assertion"):
            raise SignInError(
                700027,
                "invalid_client",
                "The certificate with identifier used to sign the client assertion is not registered on application.",
                status=401,
            )
        given = form.get("client_secret")
        if not given:
            raise SignInError(
                7000218,
                "invalid_client",
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
                status=401,
            )
        match = next((s for s in app.secrets if hmac.compare_digest(s.value.encode(), given.encode())), None)
        if match is None:
            raise SignInError(
                7000215,
                "invalid_client",
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
                f"not the client secret ID, for a secret added to app '{client_id}'.",
                status=401,
            )
        if match.expires is not None and match.expires.at(self.started) <= self.clock.now():
            raise SignInError(
                7000222,
                "invalid_client",
                f"The provided client secret keys for app '{client_id}' are expired.",
                status=401,
            )
        return app

    # answers

    def _asked(self, scope: str) -> Asked:
        return read_scopes(scope, self.directory.tenant.cloud)

    def _granted(self, client: Client, user: User, asked: Asked) -> tuple[str, ...]:
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

    def _answer(
        self, client: Client, sign_in: SignIn, asked: Asked, demands: Demands, form: Form, base_url: str
    ) -> dict[str, Any]:
        granted = self._granted(client, sign_in.user, asked)
        # scopes come back as they were spelled, and whatever else the client was granted: clients find tokens by them
        prefix = f"{asked.audience}/" if any("/" in scope for scope in asked.as_written) else ""
        told = dict.fromkeys(asked.as_written)
        told.update(dict.fromkeys(prefix + permission for permission in granted))
        told.update(dict.fromkeys(scope for scope in ("openid", "profile", "email") if scope in asked.oidc))
        lifetime = int(self.directory.tenant.tokens.access_lifetime.total_seconds())
        answer = {
            "token_type": "Bearer",
            "scope": " ".join(told),
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.tokens.for_user(sign_in, asked, granted, demands),
        }
        if "offline_access" in asked.oidc:
            answer["refresh_token"] = self.refresh_tokens.issue(sign_in, self.clock.now())
        if "openid" in asked.oidc:
            answer["id_token"] = self.tokens.id_token(sign_in, base_url)
        if form.get("client_info") == "1":
            info = {"uid": sign_in.user.id, "utid": self.directory.tenant.tenant_id}
            answer["client_info"] = base64.urlsafe_b64encode(json.dumps(info).encode()).rstrip(b"=").decode()
        return answer

    def revoke(self, user: User, *, access: bool, refresh: bool) -> None:
        """End what the user's earlier sign-ins gave."""
        if access:
            self.tokens.revoke(user)
        if refresh:
            self.refresh_tokens.revoke(user, self.clock.now())


def _required(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise missing_parameter(name)
    return value
