# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed identities as platforms hand them out, over plain HTTP on the machine itself: App Service (``/msi/token``) and the
Instance Metadata Service of virtual machines (``/metadata/identity/oauth2/token``)."""

from __future__ import annotations

import hmac
import re
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pim_simulator.call_log import note_caller, note_detail
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.managed_identities import ManagedIdentities
from pim_simulator.tenant.models import ServicePrincipal
from pim_simulator.world import World

APP_SERVICE_PATH = "/msi/token"
METADATA_PATH = "/metadata/identity/oauth2/token"

# the first version that knows managed identities
_FIRST_METADATA_VERSION = "2018-02-01"


def routes(world: World, header: str) -> list[Route]:
    """``header`` is the secret that App Service gives its applications as IDENTITY_HEADER."""
    endpoints = _Endpoints(world, header)
    return [
        Route(APP_SERVICE_PATH, endpoints.app_service, methods=["GET"]),
        Route(METADATA_PATH, endpoints.metadata, methods=["GET"]),
    ]


class _Endpoints:
    def __init__(self, world: World, header: str) -> None:
        self._world = world
        self._header = header

    @property
    def _identities(self) -> ManagedIdentities:
        return self._world.sign_in.managed_identities

    def _found(self, request: Request) -> ServicePrincipal | None:
        app = self._identities.named(request.query_params)
        note_caller(request, None, app.client_id if app else None)
        return app

    async def app_service(self, request: Request) -> Response:
        """Version 2019-08-01 (Microsoft, "How to use managed identities for App Service", REST endpoint reference)."""
        given = request.headers.get("x-identity-header", "")
        if not hmac.compare_digest(given.encode(), self._header.encode()):
            return _app_service_refusal(request, 401, "Unauthorized")
        query = request.query_params
        if query.get("api-version") != "2019-08-01":
            return _app_service_refusal(request, 400, "The api-version is missing or not supported: 2019-08-01 is.")
        if not query.get("resource"):
            return _app_service_refusal(request, 400, "The parameter 'resource' is missing.")
        app = self._found(request)
        if app is None:
            named = len(query) > 2
            text = (
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
                if named
                else "Unable to load the proper Managed Identity."
            )
            return _app_service_refusal(request, 400, text)
        try:
            answer = self._identities.token(app, query["resource"])
        except SignInError:
            # seen: it does not tell what was wrong
            return _app_service_refusal(request, 500, "An unexpected error occured while fetching the AAD Token.")
        return JSONResponse(
            {
                "access_token": answer["access_token"],
                "expires_on": str(self._ends(answer["expires_in"])),
                "resource": query["resource"],
                "token_type": "Bearer",
                "client_id": app.client_id,
            }
        )

    async def metadata(self, request: Request) -> Response:
        """Microsoft, "How to use managed identities on a virtual machine to acquire an access token"."""
        query = request.query_params
        if request.headers.get("metadata", "").lower() != "true" or "x-forwarded-for" in request.headers:
            return _metadata_refusal(request, "bad_request_102", "Required metadata header not specified")
        version = query.get("api-version", "")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", version) or version < _FIRST_METADATA_VERSION:
            return _metadata_refusal(request, "invalid_request", "Required query variable 'api-version' is missing")
        if not query.get("resource"):
            return _metadata_refusal(request, "invalid_request", "Required query variable 'resource' is missing")
        app = self._found(request)
        if app is None:
            return _metadata_refusal(request, "invalid_request", "Identity not found")
        try:
            answer = self._identities.token(app, query["resource"])
        except SignInError as error:
            return _metadata_refusal(request, error.error, error.told)
        lifetime = answer["expires_in"]
        return JSONResponse(
            {
                "access_token": answer["access_token"],
                "client_id": app.client_id,
                "expires_in": str(lifetime),
                "expires_on": str(self._ends(lifetime)),
                "ext_expires_in": str(lifetime),
                "not_before": str(self._ends(0)),
                "resource": query["resource"],
                "token_type": "Bearer",
            }
        )

    def _ends(self, seconds: int) -> int:
        return int(self._world.clock.now().timestamp()) + seconds


def _app_service_refusal(request: Request, status: int, message: str) -> Response:
    note_detail(request, message)
    return JSONResponse({"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}, status)


def _metadata_refusal(request: Request, error: str, description: str) -> Response:
    note_detail(request, error)
    return JSONResponse({"error": error, "error_description": description}, 400)
