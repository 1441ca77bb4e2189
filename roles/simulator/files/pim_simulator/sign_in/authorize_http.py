# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``/authorize``: the sign-in page, and what becomes of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pim_simulator.call_log import note_caller, note_detail
from pim_simulator.sign_in import authorize_page
from pim_simulator.sign_in.authorization import NotForThePerson, ReturnAddress
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.http_forms import NO_STORE, read_form, read_query
from pim_simulator.sign_in.redirects import with_answer
from pim_simulator.sign_in.tenants import check_tenant
from pim_simulator.world import World

# what a person adds to the fields of the request
_OF_THE_PERSON = ("username", "password", "decision")


class AuthorizeEndpoint:
    """The request comes by GET or POST; with a ``decision`` it is the page coming back."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def respond(self, request: Request) -> Response:
        try:
            check_tenant(request.path_params["tenant"], self._world.tenant)
            form = read_query(request) if request.method == "GET" else await read_form(request)
            login = self._world.sign_in.browser_login
            client, back = login.return_address(form)
        except SignInError as error:
            return self._page(request, authorize_page.refusal(self._world.tenant.name, error.told), error)
        user = self._world.directory.find_user(form.get("username", ""))
        note_caller(request, user.username if user else None, client.client_id)
        try:
            asked = login.read(form, client, back)
            if "decision" in form and request.method == "POST":
                answer = login.decide(asked, form)
                note_detail(request, "signed in")
                return _return(back, answer)
        except NotForThePerson as error:
            note_detail(request, f"{error.error} {error.refusal.code}")
            return _return(back, {"error": error.error, "error_description": self._description(error.refusal)})
        except SignInError as error:
            return self._page(request, self._sign_in_page(request, form, client.name, error.told), error)
        return HTMLResponse(self._sign_in_page(request, form, client.name), headers=NO_STORE)

    def _sign_in_page(self, request: Request, form: Mapping[str, str], client_name: str, notice: str = "") -> str:
        fields = {name: value for name, value in form.items() if name not in _OF_THE_PERSON}
        username = form.get("username") or form.get("login_hint") or ""
        return authorize_page.sign_in(self._world.tenant.name, client_name, request.url.path, fields, username, notice)

    def _page(self, request: Request, page: str, error: SignInError) -> Response:
        note_detail(request, error.code)
        return HTMLResponse(page, status_code=error.status, headers=NO_STORE)

    def _description(self, refusal: SignInError) -> str:
        return str(refusal.body(self._world.clock.now(), "", str(uuid.uuid4()))["error_description"])


def _return(back: ReturnAddress, answer: Mapping[str, str]) -> Response:
    fields = dict(answer) if back.state is None else {**answer, "state": back.state}
    if back.mode == "form_post":
        return HTMLResponse(authorize_page.form_post(back.redirect_uri, fields), headers=NO_STORE)
    return RedirectResponse(with_answer(back.redirect_uri, back.mode, fields), status_code=302, headers=NO_STORE)
