# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refresh: an earlier sign-in is carried on."""

from __future__ import annotations

from typing import Any

from pim_simulator.clock import Clock
from pim_simulator.sign_in.answers import Answers
from pim_simulator.sign_in.applications import Applications
from pim_simulator.sign_in.demands import read_demands
from pim_simulator.sign_in.forms import Form, required
from pim_simulator.sign_in.refresh_tokens import RefreshTokens


class RefreshGrant:
    """Of one tenant."""

    def __init__(
        self,
        clock: Clock,
        applications: Applications,
        refresh_tokens: RefreshTokens,
        answers: Answers,
    ) -> None:
        self._clock = clock
        self._applications = applications
        self._refresh_tokens = refresh_tokens
        self._answers = answers

    def token(self, form: Form, _tenant: str, base_url: str) -> dict[str, Any]:
        client = self._applications.public(form)
        demands = read_demands(form.get("claims"))
        asked = self._answers.asked(required(form, "scope"))
        token, now = required(form, "refresh_token"), self._clock.now()
        old = self._refresh_tokens.look_up(token, client.client_id, now)
        answer = self._answers.for_user(client, old, asked, demands, form, base_url, silent=True)
        self._refresh_tokens.spend(token, now)
        return answer
