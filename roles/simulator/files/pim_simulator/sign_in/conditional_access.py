# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditional access: the policies that stand now, which of them hold for a sign-in, and what their refusals say."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pim_simulator.sign_in.demands import Demands
from pim_simulator.sign_in.errors import SignInError, blocked
from pim_simulator.sign_in.resources import GRAPH
from pim_simulator.tenant.models import ConditionalAccessPolicy, User

Policies = tuple[ConditionalAccessPolicy, ...]

_OF_DEVICES = {
    "compliant_device": (
        53000,
        "Device is not in required device state: unmanaged. Conditional Access policy requires a compliant device, and the "
        "device is not compliant. The user must enroll their device with an approved MDM provider like Intune.",
    ),
    "joined_device": (
        53001,
        "Device is not in required device state: unmanaged. Conditional Access policy requires a domain joined device, and "
        "the device is not domain joined.",
    ),
}


class ConditionalAccess:
    """The standing policies of one tenant, by their names."""

    def __init__(self, policies: Iterable[ConditionalAccessPolicy]) -> None:
        self._policies = {policy.name.casefold(): policy for policy in policies}

    def all(self) -> list[ConditionalAccessPolicy]:
        return list(self._policies.values())

    def put(self, policy: ConditionalAccessPolicy) -> None:
        """In the place of the one with this name, if there is one."""
        self._policies[policy.name.casefold()] = policy

    def remove(self, name: str) -> bool:
        return self._policies.pop(name.casefold(), None) is not None

    def applying(self, user: User, client_id: str, resource: str, demands: Demands) -> Policies:
        """Those that hold for this sign-in."""
        api = "graph" if resource == GRAPH else "azure"
        names = {name.casefold() for name in (user.username, user.home_username) if name}
        return tuple(
            policy
            for policy in self._policies.values()
            if _among(names, policy.users)
            and _among({client_id.casefold()}, policy.clients)
            and _among({api}, policy.resources)
            and policy.authentication_context in (None, *demands.contexts)
        )


def _among(names: set[str], wanted: tuple[str, ...] | None) -> bool:
    return wanted is None or not names.isdisjoint(name.casefold() for name in wanted)


def refuse_outright(policies: Policies) -> None:
    """What no person can do anything about here: nobody signs in from a managed device. Raises SignInError."""
    for require in ("block", *_OF_DEVICES):
        asking = tuple(policy for policy in policies if policy.require == require)
        if asking:
            # seen live: the policies are named also where nothing can be done about them
            claims = claims_of_refusal(Demands(), asking)
            if require == "block":
                raise blocked(claims)
            number, text = _OF_DEVICES[require]
            raise SignInError(number, "invalid_grant", text, claims=claims)


def claims_of_refusal(demands: Demands, policies: Policies) -> str | None:
    """What a client should ask for to be asked for more: its own demands, and the policies by their ids."""
    if not policies:
        return demands.raw
    claims = json.loads(demands.raw) if demands.raw else {}
    asked = {"essential": True, "values": [policy.id for policy in policies]}
    # a member may be there and null (OpenID Connect Core, 5.5)
    claims["access_token"] = {**(claims.get("access_token") or {}), "capolids": asked}
    return json.dumps(claims, separators=(",", ":"))
