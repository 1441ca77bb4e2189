# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where each Microsoft cloud answers, and what the audiences of its tokens are called. Private to the collection.

Microsoft Graph documentation, "deployments"; Azure documentation, "sovereign clouds".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import PimError, readable
from ..models import CLOUD_NAMES

_GOVERNMENT_ARM = ("https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net")
# What messages call an API.
API_NAMES = {"graph": "Microsoft Graph", "arm": "Azure Resource Manager"}
# Microsoft Graph's own application id, which some tokens carry as their audience.
GRAPH_APPLICATION = "00000003-0000-0000-c000-000000000000"


@dataclass(frozen=True)
class Cloud:
    authority_url: str
    graph_url: str
    arm_url: str
    # Audiences: they stay those of the cloud, wherever the calls go.
    graph_resource: str
    arm_resource: str
    # What Azure Resource Manager was called before, which tokens of older clients (and of `az account get-access-token`) still carry.
    old_arm_resource: str

    def resource(self, api: str) -> str:
        return {"graph": self.graph_resource, "arm": self.arm_resource}[api]

    def api_of_audience(self, audience: str) -> str | None:
        """`graph`, `arm`, or None for a token of something else."""
        plain = _plain(audience)
        if plain in (self.graph_resource, GRAPH_APPLICATION):
            return "graph"
        if plain in (self.arm_resource, self.old_arm_resource):
            return "arm"
        return None

    def same_audience(self, one: str, other: str) -> bool:
        """Whether two audiences name the same API."""
        api = self.api_of_audience(one)
        return _plain(one) == _plain(other) or (api is not None and api == self.api_of_audience(other))


def _plain(audience: str) -> str:
    return audience.rstrip("/").lower()


def _cloud(authority: str, graph: str, arm: str, old_arm: str) -> Cloud:
    return Cloud(authority, graph, arm, graph, arm, old_arm)


CLOUDS: dict[str, Cloud] = dict(
    zip(
        CLOUD_NAMES,
        (
            _cloud(
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com",
                "https://management.azure.com",
                "https://management.core.windows.net",
            ),
            _cloud("https://login.microsoftonline.us", "https://graph.microsoft.us", *_GOVERNMENT_ARM),
            _cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us", *_GOVERNMENT_ARM),
            _cloud(
                "https://login.chinacloudapi.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "https://management.chinacloudapi.cn",
                "https://management.core.chinacloudapi.cn",
            ),
        ),
    )
)

URL_OPTIONS = ("authority_url", "graph_url", "arm_url")


def checked_url(option: str, value: str) -> str:
    """The address without a closing slash; only https, with a host, and nothing that could hide where it leads."""
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    # urlsplit passes over line breaks and tabs in silence: the host would be another one than was written.
    blank = any(character <= " " or character == "\x7f" for character in value)
    if blank or parts.scheme.lower() != "https" or not host or "@" in parts.netloc or parts.query or parts.fragment:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise PimError(
            "invalid_option",
            f"{option}={readable(shown, 200)!r} cannot be used: it must be an https:// address with a host, without user name and query",
            advice="",
        )
    return f"https://{parts.netloc.lower()}{parts.path}".rstrip("/")


def endpoints(cloud: str, overrides: Mapping[str, str]) -> dict[str, str]:
    """The three addresses in force, by option name."""
    own = CLOUDS[cloud]
    return {option: overrides.get(option) or getattr(own, option) for option in URL_OPTIONS}


def foreign(cloud: str, addresses: Mapping[str, str]) -> list[str]:
    """The addresses that are not this cloud's own."""
    own = CLOUDS[cloud]
    return sorted({addresses[option] for option in URL_OPTIONS if addresses[option] != getattr(own, option)})
