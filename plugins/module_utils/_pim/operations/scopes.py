# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions that tokens are asked for. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..providers.base import Provider
from ..providers.registry import PROVIDERS
from ..sign_in.clouds import CLOUDS


def scopes_of(cloud: str, providers: Iterable[Provider]) -> list[str]:
    """What a token for these providers, all of one API, is asked with."""
    return [
        f"{CLOUDS[cloud].resource(provider.api)}/{permission}"
        for provider in providers
        for permission in provider.permissions
    ]


def scopes_by_api(cloud: str, providers: Sequence[str]) -> dict[str, list[str]]:
    """The same for each API that the providers need, in their order."""
    wanted = [PROVIDERS[name] for name in providers]
    apis = dict.fromkeys(provider.api for provider in wanted)
    return {api: scopes_of(cloud, [provider for provider in wanted if provider.api == api]) for api in apis}
