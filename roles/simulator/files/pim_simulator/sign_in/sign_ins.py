# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One finished sign-in of a person: how strong it was. Refresh tokens carry it on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from pim_simulator.sign_in.demands import Demands
from pim_simulator.sign_in.errors import SignInError, step_up_needed
from pim_simulator.tenant.models import User


@dataclass(frozen=True)
class SignIn:
    """``at`` is when the person (or the password) was there."""

    user: User
    client_id: str
    at: datetime
    mfa: bool = False
    contexts: frozenset[str] = field(default_factory=frozenset)

    @property
    def amr(self) -> list[str]:
        return ["pwd", "mfa"] if self.mfa else ["pwd"]


def with_person(user: User, client_id: str, now: datetime, demands: Demands) -> SignIn:
    """A person sits in front of it: gives what is asked and what this person can give. Raises SignInError."""
    wants_mfa = demands.mfa or user.mfa == "required"
    if wants_mfa and user.mfa == "none":
        raise step_up_needed(50079, claims=demands.raw, silent=False)
    if demands.contexts - set(user.authentication_contexts):
        raise SignInError(
            53003,
            "invalid_grant",
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
            suberror="message_only",
        )
    return SignIn(user, client_id, now, mfa=wants_mfa, contexts=demands.contexts)


def without_person(sign_in: SignIn, demands: Demands, *, silent: bool) -> SignIn:
    """Nobody can be asked (password grant, refresh): either the sign-in satisfies the demands already, or the user's
    sign-ins are trusted to step up silently, or it fails. Raises SignInError."""
    user = sign_in.user
    lacks_mfa = (demands.mfa or user.mfa == "required") and not sign_in.mfa
    lacks = demands.contexts - sign_in.contexts
    if not lacks_mfa and not lacks:
        return sign_in
    can = user.silent_step_up and (user.mfa != "none" or not lacks_mfa) and lacks <= set(user.authentication_contexts)
    if not can:
        raise step_up_needed(50076, claims=demands.raw, silent=silent)
    return replace(sign_in, mfa=sign_in.mfa or lacks_mfa, contexts=sign_in.contexts | demands.contexts)
