# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads requests for roles: one's own, and those that one may decide. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..api.calls import Answer, Call
from ..errors import PimError
from ..models import WAITING, Approver, Policy, Request, RoleRow, Stage
from ..providers.registry import PROVIDERS
from . import by_provider
from .connection import Connection
from .holdings import read_policies


def read_requests(
    connection: Connection, providers: Sequence[str], *, approver: bool, status: str | None = None
) -> dict[str, list[Request] | PimError]:
    """By provider: the requests for the account's own roles, or those it may decide (`approver`), or why they could not be read.

    `status`: one in the service's spelling; a service that cannot narrow its list gives others, too.
    """
    wanted = {name: [PROVIDERS[name].requests_call(approver=approver, status=status)] for name in providers}
    found: dict[str, list[Request] | PimError] = {}
    for name, (told,) in by_provider.answers(connection, wanted).items():
        try:
            found[name] = _read(connection, name, told)
        except PimError as error:
            error.provider = name
            found[name] = error
    named = by_provider.named(connection, {name: told for name, told in found.items() if isinstance(told, list)})
    return {name: told if isinstance(told, PimError) else named[name] for name, told in found.items()}


def _read(connection: Connection, provider: str, told: Answer | PimError) -> list[Request]:
    if isinstance(told, PimError):
        raise told
    return PROVIDERS[provider].read_requests(told, connection.now())


def read_approvers(
    connection: Connection, requests: Mapping[str, Sequence[Request]]
) -> tuple[dict[str, tuple[Approver, ...]], list[PimError]]:
    """By request id, for those that wait: whom the role's policy names; and the failures of policies that could not be read."""
    waiting = [(name, one) for name, own in requests.items() for one in own if one.phase == WAITING]
    policies = read_policies(connection, [_row(name, one) for name, one in waiting])
    approvers = {
        one.request_id: told.approvers for (_name, one), told in zip(waiting, policies) if isinstance(told, Policy)
    }
    return approvers, [told for told in policies if isinstance(told, PimError)]


def read_stages(connection: Connection, provider: str, approval_id: str) -> tuple[Call, list[Stage]]:
    """The stages of an approval, and the call that found them. Raises what the service says where it knows of none."""
    failures = []
    for call in PROVIDERS[provider].stages_calls(approval_id):
        outcome = connection.run([call])[0]
        if isinstance(outcome, Answer):
            return call, PROVIDERS[provider].read_stages(outcome)
        failures.append(outcome)
        if outcome.status not in (400, 404):
            break
    raise next((one for one in failures if one.status == 404), failures[-1])


def _row(provider: str, request: Request) -> RoleRow:
    return RoleRow(provider, request.role, request.role_id, request.scope, request.scope_name, native=request.native)
