# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The providers this version has, by the word users know them by. Private to the collection.

One that is not asked for is not imported: see `performing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .base import Provider


def _entra_roles() -> Provider:
    from .entra_roles import EntraRoles

    return EntraRoles()


def _groups() -> Provider:
    from .groups import Groups

    return Groups()


def _azure_resources() -> Provider:
    from .azure_resources import AzureResources

    return AzureResources()


class _Providers(Mapping[str, Provider]):
    """Makes each when it is first looked up; two threads at once make two that are alike."""

    def __init__(self, makers: Mapping[str, Callable[[], Provider]]) -> None:
        self._makers = makers
        self._made: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


PROVIDERS: Mapping[str, Provider] = _Providers(
    {"entra_roles": _entra_roles, "groups": _groups, "azure_resources": _azure_resources}
)
