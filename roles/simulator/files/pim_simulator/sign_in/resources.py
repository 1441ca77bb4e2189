# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The APIs that tokens are for, and the scopes that ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from pim_simulator.sign_in.errors import SignInError

_OIDC = ("openid", "profile", "email", "offline_access")

GRAPH = "graph"
ARM = "arm"

# Audiences per cloud: Microsoft, "National cloud deployments".
GRAPH_HOSTS = {
    "public": "https://graph.microsoft.com",
    "usgov": "https://graph.microsoft.us",
    "usgov_dod": "https://dod-graph.microsoft.us",
    "china": "https://microsoftgraph.chinacloudapi.cn",
}
ARM_HOSTS = {
    "public": ("https://management.azure.com", "https://management.core.windows.net"),
    "usgov": ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
    "usgov_dod": ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"),
    "china": ("https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"),
}
GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
ARM_APP_ID = "797f4846-ba00-4fd7-ba43-dac1f8f63013"


@dataclass(frozen=True)
class Asked:
    """What a ``scope`` parameter asks for. ``permissions`` without the resource; ``.default`` stands for all consented."""

    resource: str
    audience: str
    permissions: tuple[str, ...]
    oidc: frozenset[str]
    as_written: tuple[str, ...]

    @property
    def default(self) -> bool:
        return ".default" in self.permissions


def read_scopes(text: str, cloud: str) -> Asked:
    """Raises SignInError for an unknown resource or for several at once."""
    oidc, resources, permissions, written = set(), set(), [], []
    for scope in text.split():
        if scope in _OIDC:
            oidc.add(scope)
            continue
        host, slash, permission = scope.rpartition("/")
        resources.add(_resource(host, cloud) if slash else (GRAPH, GRAPH_HOSTS[cloud]))
        permissions.append(permission)
        written.append(scope)
    if len(resources) > 1:
        raise SignInError(
            28000, "invalid_request", "Provided value for the input parameter scope is not valid: several resources."
        )
    resource, audience = resources.pop() if resources else (GRAPH, GRAPH_HOSTS[cloud])
    return Asked(resource, audience, tuple(permissions), frozenset(oidc), tuple(written))


def arm_audiences(cloud: str) -> tuple[str, ...]:
    """What ARM takes: either name of it, with a slash or without."""
    return tuple(f"{host}{slash}" for host in ARM_HOSTS[cloud] for slash in ("", "/"))


def _resource(host: str, cloud: str) -> tuple[str, str]:
    name = host.rstrip("/")
    if name in (GRAPH_HOSTS[cloud], GRAPH_APP_ID):
        return GRAPH, GRAPH_HOSTS[cloud]
    if name in ARM_HOSTS[cloud]:
        # a token's audience is the resource as it was asked for, with its slash
        return ARM, host
    if name == ARM_APP_ID:
        return ARM, ARM_HOSTS[cloud][0]
    raise SignInError(500011, "invalid_resource", f"The resource principal named {name} was not found in the tenant.")
