# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application: sign-in service, Graph, ARM and control API under one address."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from pim_simulator.arm import http as arm
from pim_simulator.control import http as control
from pim_simulator.graph import http as graph
from pim_simulator.observation import Observation
from pim_simulator.sign_in import http as sign_in
from pim_simulator.sign_in import platform_http as platform
from pim_simulator.world import World


def make_app(world: World, control_key: str) -> ASGIApp:
    """Everything, observed."""
    return _observed(
        world, [*control.routes(world, control_key), *graph.routes(world), *arm.routes(world), *sign_in.routes(world)]
    )


def make_platform_app(world: World, identity_header: str) -> ASGIApp:
    """What the platform that a client runs on offers it, observed like the rest."""
    return _observed(world, platform.routes(world, identity_header))


def _observed(world: World, routes: Sequence[BaseRoute]) -> ASGIApp:
    app = Starlette(routes=routes, exception_handlers={404: _refused, 405: _refused})
    # an address with a slash too many is another address, no reason for a redirect
    app.router.redirect_slashes = False
    return Observation(app, world)


async def _refused(_request: Request, error: Exception) -> Response:
    """An address that is none: never a page, never a silent success."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    text = "This method is not allowed here." if status == 405 else "There is nothing at this address."
    return JSONResponse(
        {"error": {"code": "ResourceNotFound" if status == 404 else "BadRequest", "message": text}}, status
    )
