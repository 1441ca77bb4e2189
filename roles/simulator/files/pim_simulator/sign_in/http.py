# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service's addresses."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pim_simulator.call_log import note_caller, note_detail
from pim_simulator.sign_in import device_page
from pim_simulator.sign_in.authorize_http import AuthorizeEndpoint
from pim_simulator.sign_in.errors import SignInError, malformed
from pim_simulator.sign_in.federation import http as federation
from pim_simulator.sign_in.http_forms import NO_STORE, read_form
from pim_simulator.sign_in.service import SignInService
from pim_simulator.sign_in.tenants import ANY_TENANT, check_tenant
from pim_simulator.world import World, base_url_of

# Of Microsoft's service in the public cloud: the name that is called, the one that caches use, two older ones.
PUBLIC_NAMES = ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net")


def routes(world: World) -> list[Route]:
    """Everything of the sign-in service, over the world's present tenant."""
    endpoints = _Endpoints(world)
    return [
        Route("/common/discovery/instance", endpoints.instances, methods=["GET"]),
        Route("/{tenant}/v2.0/.well-known/openid-configuration", endpoints.discovery, methods=["GET"]),
        Route("/{tenant}/discovery/v2.0/keys", endpoints.keys, methods=["GET"]),
        Route("/{tenant}/oauth2/v2.0/authorize", AuthorizeEndpoint(world).respond, methods=["GET", "POST"]),
        Route("/{tenant}/oauth2/v2.0/devicecode", endpoints.device_code, methods=["POST"]),
        Route("/{tenant}/oauth2/v2.0/token", endpoints.token, methods=["POST"]),
        Route("/common/userrealm/{username}", endpoints.user_realm, methods=["GET"]),
        *federation.routes(world),
        Route("/devicelogin", endpoints.device_login, methods=["GET", "POST"]),
    ]


class _Endpoints:
    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def _service(self) -> SignInService:
        return self._world.sign_in

    def _refuse(self, request: Request, error: SignInError) -> JSONResponse:
        body = error.body(self._world.clock.now(), base_url_of(request), request.headers.get("client-request-id"))
        note_detail(request, error.code)
        return JSONResponse(body, status_code=error.status, headers=NO_STORE)

    async def discovery(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        try:
            check_tenant(tenant, self._world.tenant)
        except SignInError as error:
            return self._refuse(request, error)
        return JSONResponse(_configuration(base_url_of(request), tenant, self._world.tenant.tenant_id))

    async def instances(self, request: Request) -> Response:
        """Which names are one and the same sign-in service: what msal asks before it looks into a cache of its own."""
        asked = urlsplit(request.query_params.get("authorization_endpoint", ""))
        if asked.netloc not in (request.url.netloc, *PUBLIC_NAMES):
            return self._refuse(request, SignInError(50049, "invalid_instance", "Unknown or invalid instance."))
        tenant = asked.path.strip("/").partition("/")[0]
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{base_url_of(request)}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {
                        "preferred_network": PUBLIC_NAMES[0],
                        "preferred_cache": PUBLIC_NAMES[1],
                        "aliases": list(PUBLIC_NAMES),
                    }
                ],
            }
        )

    async def keys(self, request: Request) -> Response:
        try:
            check_tenant(request.path_params["tenant"], self._world.tenant)
        except SignInError as error:
            return self._refuse(request, error)
        return JSONResponse(self._world.signing_key.jwk_set())

    async def device_code(self, request: Request) -> Response:
        try:
            check_tenant(request.path_params["tenant"], self._world.tenant)
            form = await read_form(request)
            self._note(request, form)
            return JSONResponse(self._service.device_login.start(form, base_url_of(request)), headers=NO_STORE)
        except SignInError as error:
            return self._refuse(request, error)

    async def token(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        try:
            check_tenant(tenant, self._world.tenant)
            form = await read_form(request)
            grant = form.get("grant_type")
            note_detail(request, f"grant_type={grant if grant in self._service.grants else 'unknown'}")
            self._note(request, form)
            return JSONResponse(self._service.token(form, tenant, base_url_of(request)), headers=NO_STORE)
        except SignInError as error:
            return self._refuse(request, error)

    def _note(self, request: Request, form: dict[str, str]) -> None:
        """Names that the tenant knows, and no others: a client may put anything into a field."""
        directory = self._service.directory
        user = directory.find_user(form.get("username", ""))
        client_id = form.get("client_id", "")
        known = directory.client(client_id) or directory.app(client_id)
        note_caller(request, user.username if user else None, known.client_id if known else None)

    async def user_realm(self, request: Request) -> Response:
        if request.query_params.get("api-version") != "1.0":
            return self._refuse(request, malformed("api-version"))
        base_url = base_url_of(request)
        return JSONResponse(
            self._service.accounts.realm(
                request.path_params["username"],
                base_url + federation.METADATA_PATH,
                base_url + federation.TRUST_PATH,
            )
        )

    async def device_login(self, request: Request) -> Response:
        name = self._world.tenant.name
        if request.method == "GET":
            return HTMLResponse(device_page.render(name, user_code=request.query_params.get("user_code", "")))
        try:
            form = await read_form(request)
            notice = self._decide(form)
        except SignInError as error:
            return HTMLResponse(device_page.render(name, error.told), status_code=error.status)
        return HTMLResponse(device_page.render(name, notice))

    def _decide(self, form: dict[str, str]) -> str:
        service = self._service
        code = service.device_login.codes.by_user_code(form.get("user_code", ""))
        if code is None or code.status(self._world.clock.now()) != "pending":
            raise SignInError(None, "invalid_request", "That code does not work. Check it and try again.")
        decision = form.get("decision")
        if decision not in ("approve", "decline"):
            raise malformed("decision")
        user = service.accounts.authenticate(form.get("username", ""), form.get("password", ""))
        service.device_login.decide(code, user, approve=decision == "approve")
        if decision == "approve":
            return "You have signed in on your device. You may close this page."
        return "The sign-in was declined. You may close this page."


def _configuration(base_url: str, tenant: str, tenant_id: str) -> dict[str, Any]:
    """OpenID Connect discovery: of the tenant, or of "any tenant", whose issuer has a placeholder."""
    general = tenant.lower() in ANY_TENANT
    segment = tenant.lower() if general else tenant_id
    root = f"{base_url}/{segment}"
    return {
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base_url}/{'{tenantid}' if general else tenant_id}/v2.0",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "oid",
            "ver",
        ],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }
