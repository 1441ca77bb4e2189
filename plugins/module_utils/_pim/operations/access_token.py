# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token for the privileged work itself: the one deliberate door. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import invalid_option
from ..providers.registry import PROVIDERS
from ..sign_in.clouds import checked_url
from .connection import open_connection
from .connection_options import connection_options, connection_spec
from .context import Context
from .operation import Operation


def spec() -> dict[str, Any]:
    return {"argument_spec": {**connection_spec(), "resource": {"type": "str", "required": True}}}


def run(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """`access_token`: for the resource, never older than the session's last activation."""
    resource = str(params["resource"]).rstrip("/")
    if not resource.startswith(("https://", "api://")):
        raise invalid_option("resource", resource, "it must be a resource's URL, such as https://graph.microsoft.com")
    if resource.startswith("https://"):
        resource = checked_url("resource", resource)
    connection = open_connection(connection_options(params, context.environ), context, list(PROVIDERS), resource)
    return {"access_token": connection.access.resource_token(resource).access_token}


OPERATION = Operation("access_token", spec, run)
