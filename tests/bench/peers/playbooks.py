# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks: of this collection over both edges, and of ``ansible.builtin.uri`` tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from bench.peers.base import MAIN_PYTHON, PROGRAMS, Failed, Peer, Work, installed, write_work
from bench.playbooks import sign_in
from bench.stage import CLIENT_ID, USERNAME, Stage
from tools import layout

_PLAYBOOK = MAIN_PYTHON.parent / "ansible-playbook"
# A connection to this machine that is not called "local": over it the modules run as modules.
_CONNECTIONS = layout.ROOT / "tests" / "integration" / "plugins" / "connection"


class _Playbook(Peer):
    def environment(self, stage: Stage, home: Path) -> dict[str, str]:
        return {
            **super().environment(stage, home),
            **stage.simulator.environment,
            "ANSIBLE_CONNECTION_PLUGINS": str(_CONNECTIONS),
            "ANSIBLE_HOME": str(home / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_PYTHON_INTERPRETER": str(MAIN_PYTHON),
            "ENTRA_PIM_SESSION_DIR": str(home / "sessions"),
        }


class Collection(_Playbook):
    """``edge``: ``controller`` or ``module``."""

    notes = "One task. It finds its session, which `pim_connect` made before."

    def __init__(self, edge: str, *, azure: bool = False) -> None:
        self.azure = azure
        self._connection = {"controller": "local", "module": "loop"}[edge]
        self.name = f"entra.pim, {'in the controller' if edge == 'controller' else 'as a module'}"

    def versions(self) -> str:
        galaxy = yaml.safe_load((layout.ROOT / "galaxy.yml").read_text(encoding="utf-8"))
        return f"entra.pim {galaxy['version']}, {installed(MAIN_PYTHON, 'ansible-core', 'requests')}"

    def sign_in(self, stage: Stage, home: Path) -> None:
        try:
            both = {"client_id": CLIENT_ID, "providers": ["entra_roles", "azure_resources"]}
            sign_in(stage.simulator, home, USERNAME, stage.tenant.password, both)
        except RuntimeError as error:
            raise Failed(str(error)) from error

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        provider = "azure_resources" if self.azure else "entra_roles"
        asked = [{"role": role, "provider": provider} for role in roles]
        told = write_work(stage, home, asked, provider=provider)
        program = PROGRAMS / ("entra_pim_list.yml" if work.listing else "entra_pim_activate.yml")
        return [str(_PLAYBOOK), "-i", "bench,", "-c", self._connection, "-e", f"@{told}", str(program)]


class Uri(_Playbook):
    name = "ansible.builtin.uri tasks"
    notes = (
        "A token by password, the list, and for each role a request and a look at the request until it is provisioned. "
        "A playbook keeps no sign-in: its token is one more call."
    )

    def versions(self) -> str:
        return installed(MAIN_PYTHON, "ansible-core")

    def command(self, stage: Stage, home: Path, work: Work, roles: Sequence[str]) -> list[str]:
        program = PROGRAMS / ("uri_list.yml" if work.listing else "uri_activate.yml")
        return [str(_PLAYBOOK), "-i", "localhost,", "-e", f"@{write_work(stage, home, roles)}", str(program)]
