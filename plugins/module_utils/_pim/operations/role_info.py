# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles an account holds, eligible and active, and until when. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PimError, printable, readable
from ..models import RoleRow
from ..plans.resolve import at, bears
from ..providers import principals
from ..providers.registry import PROVIDERS
from ..sign_in.credentials import check_text
from ..sign_in.names import is_guid, same_account
from .connection import NOT_SIGNED_IN, Connection, open_connection
from .connection_options import connection_options, connection_spec, named_providers
from .context import Context
from .holdings import Found, read_rows, with_policies
from .operation import Operation
from .provider_status import nobody, told, warn_of_failures


def spec() -> dict[str, Any]:
    return {
        "argument_spec": {
            **connection_spec(),
            "providers": {"type": "list", "elements": "str", "choices": list(PROVIDERS), "default": ["entra_roles"]},
            "roles": {"type": "list", "elements": "str"},
            "scope": {"type": "str"},
            "status": {"type": "str", "choices": ["all", "eligible", "active"], "default": "all"},
            "include_policy": {"type": "bool", "default": False},
            "principal": {"type": "str"},
        },
        "supports_check_mode": True,
    }


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    providers = named_providers(params)
    check_text("principal", params.get("principal"))
    options = connection_options(params, context.environ)
    try:
        connection = open_connection(options, context, providers)
        principal = _principal(connection, params.get("principal"))
        found = read_rows(connection, providers, principal)
        warn_of_failures(found, context)
    except PimError as error:
        if context.check_mode and error.code in NOT_SIGNED_IN:
            return nobody("roles", providers, error, context)
        raise
    rows = [row for name in providers for row in _kept(found[name], params)]
    if params["include_policy"]:
        rows, unread = with_policies(connection, rows)
        for code in sorted({error.code for error in unread}):
            context.warn(f"{sum(error.code == code for error in unread)} policies could not be read ({code}).")
    result: dict[str, Any] = {
        "changed": False,
        "roles": [row.as_result() for row in rows],
        "providers": {name: told(found[name], sum(row.provider == name for row in rows)) for name in providers},
    }
    if not rows:
        result["msg"] = printable(_nothing_found(connection, params, providers))
    return result


def _principal(connection: Connection, name: str | None) -> str | None:
    """The object id of somebody else, None for the caller."""
    session = connection.session
    if (
        not name
        or name.lower() == session.object_id.lower()
        or (session.username and same_account(name, session.username))
    ):
        return None
    if is_guid(name):
        return name.lower()
    try:
        return principals.read(connection.one(principals.call(name)))
    except PimError as error:
        if error.status == 404:
            raise PimError(
                "invalid_option",
                f"principal={readable(name, 120)!r} cannot be used: the tenant has no such account",
                status=404,
                advice="",
            ) from None
        raise


def _kept(found: Found | PimError, params: Mapping[str, Any]) -> list[RoleRow]:
    if isinstance(found, PimError):
        return []
    names, scope, status = params.get("roles"), params.get("scope"), params["status"]
    return [
        row
        for row in found.rows
        if (not names or any(bears(row, PROVIDERS[row.provider].canonical_role(name)) for name in names))
        and (not scope or at(row, PROVIDERS[row.provider].canonical_scope(scope)))
        and (status == "all" or (row.eligible if status == "eligible" else row.active))
    ]


def _nothing_found(connection: Connection, params: Mapping[str, Any], providers: Sequence[str]) -> str:
    session = connection.session
    filters = [f"status {params['status']}"]
    if params.get("roles"):
        filters.append(f"roles {', '.join(params['roles'])}")
    if params.get("scope"):
        filters.append(f"scope {params['scope']}")
    who = params.get("principal") or session.username or session.object_id
    return f"No roles found for {who} in tenant {session.tenant_id} ({', '.join(providers)}; {'; '.join(filters)})."


OPERATION = Operation("pim_role_info", spec, run)
