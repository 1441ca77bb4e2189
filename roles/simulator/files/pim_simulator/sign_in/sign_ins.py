# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One finished sign-in of a person: how strong it was. Refresh tokens carry it on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from pim_simulator.clock import Clock
from pim_simulator.directory import Directory
from pim_simulator.sign_in.account_states import check_can_sign_in, check_known
from pim_simulator.sign_in.conditional_access import (
    ConditionalAccess,
    Policies,
    claims_of_refusal,
    refuse_outright,
)
from pim_simulator.sign_in.demands import AZURE_MFA, Demands
from pim_simulator.sign_in.errors import SignInError, blocked, sign_in_too_old, step_up_needed
from pim_simulator.sign_in.resources import Asked
from pim_simulator.tenant.models import User

# A user's mfa: the number that says why this one cannot use it.
_NO_FACTOR = {"none": 50079, "unregistered": 50072}


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


class SignIns:
    """Sign-ins of one tenant against what it demands of them at that moment."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self.policies = ConditionalAccess(directory.tenant.conditional_access)

    def with_person(self, user: User, client_id: str, asked: Asked, demands: Demands) -> SignIn:
        """A person sits in front of it: gives what is asked and what this person can give. Raises SignInError."""
        check_can_sign_in(user, self._directory.tenant)
        self._check_not_before(demands)
        policies = self.policies.applying(user, client_id, asked.resource, demands)
        refuse_outright(policies)
        wants_mfa = _wants_mfa(user, demands, policies)
        if wants_mfa and user.mfa in _NO_FACTOR:
            claims = claims_of_refusal(demands, _asking_mfa(policies))
            raise step_up_needed(_NO_FACTOR[user.mfa], claims=claims, silent=False)
        if demands.contexts - self._satisfiable(user, policies):
            raise blocked()
        return SignIn(user, client_id, self._clock.now(), mfa=wants_mfa, contexts=demands.contexts)

    def without_person(self, sign_in: SignIn, asked: Asked, demands: Demands, *, silent: bool) -> SignIn:
        """Nobody can be asked (password grant, refresh): either the sign-in satisfies the demands already, or the user's
        sign-ins are trusted to step up silently, or it fails. Raises SignInError."""
        user = self._directory.find_user(sign_in.user.id or "") or sign_in.user
        check_known(user, self._directory.tenant)
        self._check_not_before(demands)
        policies = self.policies.applying(user, sign_in.client_id, asked.resource, demands)
        refuse_outright(policies)
        self._check_age(sign_in, user, demands, policies)
        lacks_mfa = _wants_mfa(user, demands, policies) and not sign_in.mfa
        lacks = demands.contexts - sign_in.contexts
        if sign_in.mfa:
            lacks -= {AZURE_MFA}
        if lacks_mfa or lacks:
            if lacks_mfa and user.mfa in _NO_FACTOR:
                number = _NO_FACTOR[user.mfa]
            elif user.silent_step_up and lacks <= self._satisfiable(user, policies):
                number = None
            else:
                number = 50076
            if number is not None:
                claims = claims_of_refusal(demands, _asking_mfa(policies))
                raise step_up_needed(number, claims=claims, silent=silent)
        return replace(sign_in, user=user, mfa=sign_in.mfa or lacks_mfa, contexts=sign_in.contexts | demands.contexts)

    def _check_not_before(self, demands: Demands) -> None:
        """Each token is made anew, so only a moment to come is more than it can be. Raises SignInError."""
        if demands.not_before > self._clock.now().timestamp():
            raise SignInError(50173, "invalid_grant", "A token cannot be newer than now, which the claims ask for.")

    @staticmethod
    def _satisfiable(user: User, policies: Policies) -> set[str]:
        """The contexts this user satisfies: its own, and those whose policies say what they ask."""
        governed = {policy.authentication_context for policy in policies if policy.authentication_context}
        return {AZURE_MFA, *user.authentication_contexts, *governed}

    def _check_age(self, sign_in: SignIn, user: User, demands: Demands, policies: Policies) -> None:
        """Raises SignInError where a policy wants a newer sign-in: of a context as its second factor's end, else as the
        sign-in's."""
        age = self._clock.now() - sign_in.at
        for policy in policies:
            if policy.sign_in_frequency is None or age < policy.sign_in_frequency:
                continue
            if policy.authentication_context is None:
                raise sign_in_too_old(sign_in.at, policy.sign_in_frequency)
            if not user.silent_step_up:
                raise step_up_needed(50078, claims=claims_of_refusal(demands, (policy,)), silent=True)


def _wants_mfa(user: User, demands: Demands, policies: Policies) -> bool:
    return demands.mfa or user.mfa == "required" or bool(_asking_mfa(policies))


def _asking_mfa(policies: Policies) -> Policies:
    return tuple(policy for policy in policies if policy.require == "mfa")
