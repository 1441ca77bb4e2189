# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The federation server's addresses, as AD FS has them. It is another server in truth; here it shares the simulator's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pim_simulator.call_log import note_caller, note_detail
from pim_simulator.sign_in.federation import envelopes
from pim_simulator.sign_in.federation.server import Fault, caller_of
from pim_simulator.world import World, base_url_of

METADATA_PATH = "/adfs/services/trust/mex"
TRUST_PATH = "/adfs/services/trust/13/usernamemixed"

_SOAP = "application/soap+xml; charset=utf-8"


def routes(world: World) -> list[Route]:
    async def metadata(request: Request) -> Response:
        return Response(envelopes.metadata(base_url_of(request) + TRUST_PATH), media_type=_SOAP)

    async def password(request: Request) -> Response:
        body = await request.body()
        user = world.directory.find_user(caller_of(body))
        note_caller(request, user.username if user else None, None)
        try:
            return Response(world.sign_in.federation.issue(body), media_type=_SOAP)
        except Fault as fault:
            note_detail(request, fault.code)
            # as AD FS: the fault of a client, too, has the status of the server's
            content = envelopes.fault(fault.namespace, fault.code, fault.reason)
            return Response(content, status_code=500, media_type=_SOAP)

    return [
        Route(METADATA_PATH, metadata, methods=["GET"]),
        Route(TRUST_PATH, password, methods=["POST"]),
    ]
