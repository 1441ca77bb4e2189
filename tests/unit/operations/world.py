# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs whole activation tasks before a directory that keeps PIM's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import activation, connection
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.state.journal import Journal
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Sessions, Token

from unit.clocks import NOW, START, FakeClock
from unit.operations.azure import Azure, AzureRole
from unit.operations.directory import Directory, Role
from unit.state.saved import session


@dataclass
class World:
    """An account that is signed in, before a directory."""

    fake: FakeClock
    directory: Directory
    path: str

    @property
    def provider(self) -> str:
        return "azure_resources" if isinstance(self.directory, Azure) else "entra_roles"

    def run(self, check_mode: bool = False, show: Callable[[str], None] | None = None, **given: Any) -> dict[str, Any]:
        """The result of one task with these options; everything else is left at its default. ``show`` is the screen."""
        return self.do(
            activation.OPERATION, {"provider": self.provider, **given}, {"check_mode": check_mode, "show": show}
        )

    def do(self, operation: Operation, given: dict[str, Any], edge: dict[str, Any]) -> dict[str, Any]:
        """The same of any task; ``edge`` is what its context has beside the clock."""
        spec = operation.spec()["argument_spec"]
        params = {name: option.get("default") for name, option in spec.items()}
        params.update({"session_dir": self.path, **given})
        context = Context(**{"clock": self.fake.clock, "environ": {"HOME": self.path}, "diff": True, **edge})
        with mock.patch.object(connection, "Transport", return_value=self.directory):
            result = perform(operation, params, context)
        result["warnings"] = context.warnings
        return result

    def journal(self) -> list[dict[str, Any]]:
        return Journal(self.path, self.fake.clock).lines()


def world_of(path: str, *roles: Role, kind: type[Directory] = Directory) -> World:
    fake = FakeClock()
    tokens = {api: Token("a-token", START, START + 30 * 86400, []) for api in ("graph", "arm")}
    Sessions(path, fake.clock).save(session(tokens=tokens, scopes={api: [] for api in tokens}, refresh_token=None))
    return World(fake, kind(fake, list(roles)), path)


def active(name: str = "Reader", left: float = 60, since: float = 60, kind: type[Role] = Role, **changes: Any) -> Role:
    """A role that was activated so many minutes ago, with so many left."""
    values = {"active": True, "start": NOW - timedelta(minutes=since), "end": NOW + timedelta(minutes=left), **changes}
    return kind(name, **values)


def role_of(kind: type[Directory], role: Role) -> Role:
    """The same role where such a directory has it."""
    if not issubclass(kind, Azure):
        return role
    return AzureRole(**{**role.__dict__, "scope": AzureRole.scope})
