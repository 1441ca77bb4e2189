# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Device code: a client asks for a code, a person enters it elsewhere, the client polls."""

from __future__ import annotations

from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.device_codes import DeviceCode, DeviceCodes
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.sign_ins import SignIns
from pim_simulator.tenant.models import User


class DeviceCodeGrant:
    """The codes of one tenant."""

    def __init__(
        self, directory: Directory, clock: Clock, applications: Applications, sign_ins: SignIns, answers: Answers
    ) -> None:
        self._directory = directory
        self._applications = applications
        self._sign_ins = sign_ins
        self._answers = answers
        self.codes = DeviceCodes(directory.tenant.device_login, clock)

    def start(self, form: Form, base_url: str) -> dict[str, Any]:
        """``/devicecode``. Raises SignInError."""
        client = self._applications.public(form)
        asked = self._answers.asked(required(form, "scope"))
        code = self.codes.start(client.client_id, asked, read_demands(form.get("claims")))
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

    def decide(self, code: DeviceCode, user: User, approve: bool) -> None:
        """A person answers. Raises SignInError where the person cannot sign in as the client demands."""
        if approve:
            code.sign_in = self._sign_ins.with_person(user, code.client_id, code.asked, code.demands)
        else:
            code.declined = True

    def token(self, form: Form, _tenant: str, base_url: str) -> dict[str, Any]:
        client = self._applications.public(form)
        demands = read_demands(form.get("claims"))
        device_code = required(form, "device_code")
        try:
            code = self.codes.poll(device_code, client.client_id)
        except SignInError as error:
            if error.error == "authorization_pending":
                self._unattended(device_code)
            raise
        if code.sign_in is None:
            raise SignInError(70000, "invalid_grant", "The device code stands for no sign-in.")
        # claims of this request that the person was not asked for are a step-up with nobody there
        return self._answers.for_user(client, code.sign_in, code.asked, demands, form, base_url, silent=True)

    def _unattended(self, device_code: str) -> None:
        """The tenant file may name a user who approves by itself, after some polls."""
        settings = self._directory.tenant.device_login
        code = next(code for code in self.codes.all() if code.device_code == device_code)
        if settings.approve_as is not None and code.polls >= settings.after_polls:
            self.decide(code, self._directory.user_named(settings.approve_as), approve=True)
