# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: their argument spec, and their values out of task and environment. Private to the collection.

No default stands in the spec: an option that is given means more than the same value by default (interface, section 2).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import invalid_option
from ..providers.registry import PROVIDERS
from ..sign_in.clouds import CLOUDS, URL_OPTIONS, checked_url
from ..sign_in.credentials import METHODS, Credentials, gather, home, is_path, path_variable, variable
from ..sign_in.names import is_domain, is_guid
from ..state.sessions import NAME

DEFAULT_SESSION = "default"
DEFAULT_CLOUD = "public"
DEFAULT_HTTP_TIMEOUT = 30.0


def connection_spec() -> dict[str, dict[str, Any]]:
    return {
        "session": {"type": "str"},
        "session_dir": {"type": "path"},
        "auth_method": {"type": "str", "choices": list(METHODS)},
        "tenant": {"type": "str", "aliases": ["tenant_id"]},
        "client_id": {"type": "str"},
        "username": {"type": "str", "aliases": ["ad_user"]},
        "password": {"type": "str", "no_log": True},
        "client_secret": {"type": "str", "no_log": True, "aliases": ["secret"]},
        "certificate_path": {"type": "path"},
        "certificate_password": {"type": "str", "no_log": True},
        "federated_token_file": {"type": "path"},
        "access_token": {"type": "str", "no_log": True},
        "cloud": {"type": "str", "choices": list(CLOUDS)},
        "authority_url": {"type": "str"},
        "graph_url": {"type": "str"},
        "arm_url": {"type": "str"},
        "ca_path": {"type": "path"},
        "http_timeout": {"type": "float"},
    }


def named_providers(params: Mapping[str, Any]) -> list[str]:
    """The option `providers`, each once; `invalid_option` where it is empty."""
    providers = list(dict.fromkeys(params["providers"]))
    if not providers:
        raise invalid_option("providers", [], f"name at least one of {', '.join(PROVIDERS)}")
    return providers


@dataclass(frozen=True)
class ConnectionOptions:
    """`urls`, `cloud`, `tenant`: only what was given."""

    session: str
    session_dir: str
    credentials: Credentials
    tenant: str | None
    cloud: str | None
    urls: dict[str, str]
    # A CA for this task alone, and the one to fall back to where neither task nor session names one.
    ca_path: str | None
    other_ca_path: str | None
    http_timeout: float

    @property
    def cloud_name(self) -> str:
        """The cloud to sign in to."""
        return self.cloud or DEFAULT_CLOUD


def connection_options(
    params: Mapping[str, Any], environ: Mapping[str, str], *, makes_session: bool = False
) -> ConnectionOptions:
    """Raises `invalid_option` before any call. `makes_session`: the session is named to be made, not to be used."""
    session = params.get("session") or variable(environ, "ENTRA_PIM_SESSION")
    if session is not None and not NAME.fullmatch(session):
        raise invalid_option(
            "session",
            session,
            "it must be 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit",
        )
    tenant = params.get("tenant") or variable(environ, "ENTRA_PIM_TENANT", "AZURE_TENANT_ID", "AZURE_TENANT")
    if tenant is not None and not (is_guid(tenant) or is_domain(tenant)):
        raise invalid_option("tenant", tenant, "it must be a GUID or a domain such as contoso.example")
    cloud = params.get("cloud") or variable(environ, "ENTRA_PIM_CLOUD")
    if cloud is not None and cloud not in CLOUDS:
        raise invalid_option("cloud", cloud, f"it must be one of {', '.join(CLOUDS)}")
    urls = {}
    for option in URL_OPTIONS:
        value = params.get(option) or variable(environ, f"ENTRA_PIM_{option.upper()}")
        if value:
            urls[option] = checked_url(option, value)
    ca_path = _file("ca_path", params.get("ca_path") or path_variable(environ, "ENTRA_PIM_CA_PATH"))
    return ConnectionOptions(
        session=session or DEFAULT_SESSION,
        session_dir=session_dir(params, environ),
        credentials=gather(params, environ, silenced=session is not None and not makes_session),
        tenant=tenant.lower() if tenant else None,
        cloud=cloud,
        urls=urls,
        ca_path=ca_path,
        other_ca_path=None if ca_path else variable(environ, "REQUESTS_CA_BUNDLE"),
        http_timeout=_http_timeout(params, environ),
    )


def session_dir(params: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Where a task with these options keeps its sessions; `invalid_option` where that is no path."""
    given = params.get("session_dir") or path_variable(environ, "ENTRA_PIM_SESSION_DIR")
    if given and not is_path(given):
        raise invalid_option("session_dir", given, "it must be a path")
    if not given:
        state_home = variable(environ, "XDG_STATE_HOME")
        # The XDG specification: a relative path there is to be passed over.
        base = (
            state_home if state_home and os.path.isabs(state_home) else os.path.join(home(environ), ".local", "state")
        )
        return os.path.join(base, "entra-pim")
    return os.path.abspath(given)


def _file(option: str, path: str | None) -> str | None:
    if not path:
        return None
    if "\0" in path or not os.path.isfile(path):
        raise invalid_option(option, path, "there is no such file")
    # The session keeps it, for tasks that run in another directory.
    return os.path.abspath(path)


def _http_timeout(params: Mapping[str, Any], environ: Mapping[str, str]) -> float:
    given = params.get("http_timeout")
    if given is None:
        given = variable(environ, "ENTRA_PIM_HTTP_TIMEOUT")
    if given is None:
        return DEFAULT_HTTP_TIMEOUT
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise invalid_option("http_timeout", given, "it must be a number of seconds above 0, and at most 3600")
    return seconds
