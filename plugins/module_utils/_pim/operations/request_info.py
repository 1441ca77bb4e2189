# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests there are: an account's own, or those it may decide. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PimError, invalid_option, printable
from ..models import PENDING, WAITING, Request
from ..providers.registry import PROVIDERS
from ..providers.requests import STATUS_NAMES
from .connection import NOT_SIGNED_IN, Connection, open_connection
from .connection_options import connection_options, connection_spec, named_providers
from .context import Context
from .operation import Operation
from .provider_status import nobody, told, warn_of_failures
from .requests import read_approvers, read_requests

APPROVER = "approver"
# A word of ours for several of the service's.
_PENDING = "pending"


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "as": {"type": "str", "choices": ["requestor", APPROVER], "default": "requestor"},
            "providers": {"type": "list", "elements": "str", "choices": list(PROVIDERS), "default": ["entra_roles"]},
            "status": {"type": "list", "elements": "str"},
        },
        "supports_check_mode": True,
    }


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    providers, statuses = named_providers(params), _statuses(params)
    options = connection_options(params, context.environ)
    approver = params["as"] == APPROVER
    # Only a single status of the service is a filter that is documented.
    single = STATUS_NAMES.get(statuses[0]) if len(statuses) == 1 else None
    try:
        connection = open_connection(options, context, providers)
        found = read_requests(connection, providers, approver=approver, status=single)
        warn_of_failures(found, context)
    except PimError as error:
        if context.check_mode and error.code in NOT_SIGNED_IN:
            return nobody("requests", providers, error, context)
        raise
    kept = {
        name: _newest_first([one for one in own if _wanted(one, statuses, approver=approver)])
        for name, own in found.items()
        if not isinstance(own, PimError)
    }
    approvers, unread = read_approvers(connection, kept)
    for code in sorted({error.code for error in unread}):
        context.warn(
            f"The approvers of {sum(error.code == code for error in unread)} requests could not be read ({code})."
        )
    requests = [one.as_result(name, approvers.get(one.request_id)) for name in providers for one in kept.get(name, [])]
    result: dict[str, Any] = {
        "changed": False,
        "requests": requests,
        "providers": {name: told(found[name], len(kept.get(name, []))) for name in providers},
    }
    if not requests:
        result["msg"] = printable(_nothing_found(connection, params, providers))
    return result


def _statuses(params: Mapping[str, Any]) -> list[str]:
    """The option `status`, in lower case and each once; empty for all."""
    given = params.get("status") or []
    for one in given:
        if one.strip().lower() not in (_PENDING, *STATUS_NAMES):
            raise invalid_option(
                "status", one, f"it must be {_PENDING}, or one of {', '.join(sorted(STATUS_NAMES.values()))}"
            )
    return list(dict.fromkeys(one.strip().lower() for one in given))


def _wanted(request: Request, statuses: Sequence[str], *, approver: bool) -> bool:
    """An approver's request is pending while it waits for a decision, an own one until it is in force or has ended."""
    pending = (WAITING,) if approver else PENDING
    return not statuses or request.status.lower() in statuses or (_PENDING in statuses and request.phase in pending)


def _newest_first(requests: Sequence[Request]) -> list[Request]:
    return sorted(requests, key=lambda one: one.created_at.timestamp() if one.created_at else 0.0, reverse=True)


def _nothing_found(connection: Connection, params: Mapping[str, Any], providers: Sequence[str]) -> str:
    session = connection.session
    who = session.username or session.object_id
    what = "that it may decide" if params["as"] == APPROVER else "for roles of its own"
    statuses = ", ".join(params.get("status") or ["any"])
    return (
        f"No requests found for {who} in tenant {session.tenant_id} {what} ({', '.join(providers)}; status {statuses})."
    )


OPERATION = Operation("pim_request_info", spec, run)
