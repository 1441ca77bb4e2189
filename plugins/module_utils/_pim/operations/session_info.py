# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sessions there are. Makes no network call. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import PimError
from ..providers.registry import PROVIDERS
from ..state.sessions import Session, Sessions
from ..times import format_time, from_timestamp
from .connection_options import connection_options, connection_spec
from .context import Context
from .leftovers import told_leftovers
from .operation import Operation
from .scopes import scopes_of


def spec() -> dict[str, Any]:
    return {"argument_spec": connection_spec(), "supports_check_mode": True}


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    options = connection_options(params, context.environ)
    sessions = Sessions(options.session_dir, context.clock)
    named = sessions.load(options.session)
    shown = []
    for name in sessions.names():
        try:
            session = named if name == options.session else sessions.load(name)
        except PimError as error:
            context.warn(error.sentence)
            continue
        if session is not None:
            shown.append(describe(session))
    return {
        "changed": False,
        "connected": named is not None and named.alive(context.clock.time()),
        "sessions": shown,
        "leftovers": told_leftovers(named, options.session_dir, context),
    }


def describe(session: Session) -> dict[str, Any]:
    """The session as a result shows it: no token."""
    ends = {api: session.tokens[api].expires_at for api in session.scopes if api in session.tokens}
    return {
        "name": session.name,
        "tenant_id": session.tenant_id,
        "username": session.username,
        "object_id": session.object_id,
        "principal_type": session.principal_type,
        "auth_method": session.auth_method,
        "client_id": session.client_id,
        "cloud": session.cloud,
        "endpoints": {
            "authority_url": session.authority_url,
            "graph_url": session.graph_url,
            "arm_url": session.arm_url,
        },
        "mfa": session.mfa,
        "authentication_contexts": session.authentication_contexts,
        # A refresh token tells nobody how long it lasts.
        "expires_at": None if session.can_refresh or not ends else format_time(from_timestamp(min(ends.values()))),
        "providers": {
            name: {
                "scopes": session.tokens[provider.api].scopes,
                "expires_at": format_time(from_timestamp(ends[provider.api])),
            }
            for name, provider in PROVIDERS.items()
            if provider.api in ends and set(scopes_of(session.cloud, [provider])) <= set(session.scopes[provider.api])
        },
        "can_refresh": session.can_refresh,
    }


OPERATION = Operation("pim_session_info", spec, run)
