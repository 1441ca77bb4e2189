# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the YAML that users copy: blocks of the guides, examples of modules and plugins, whole playbooks."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

import yaml

from gates import documentation
from tools import collection_tree, layout

_FENCE = re.compile(r"^(?P<indent> *)```ya?ml\b[^\n]*\n(?P<text>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
_TENANT = "# tenant file"


@dataclass(frozen=True)
class Block:
    """One piece of YAML and where it is from (``docs/sign_in.md:12``)."""

    origin: str
    text: str

    @property
    def is_tenant(self) -> bool:
        """Whether it says of itself that it is a tenant file of the simulator."""
        return self.text.startswith(_TENANT)

    def content(self) -> Any:
        """What it says. Raises ``ValueError`` for what is no YAML."""
        try:
            return yaml.load(self.text, Loader=_Loader)  # noqa: S506 - derived from the safe loader
        except yaml.YAMLError as error:
            raise ValueError(f"{self.origin}: {error}") from error

    def playbook(self) -> list[dict[str, Any]] | None:
        """The block as a playbook, tasks within a play of their own; None where it is neither.

        Raises ``ValueError`` for a list that is neither, and for what is no YAML.
        """
        content = self.content()
        if not isinstance(content, list):
            return None
        if not content or not all(isinstance(item, dict) for item in content):
            raise ValueError(f"{self.origin}: a list, but neither of plays nor of tasks")
        plays = [item for item in content if {"hosts", "ansible.builtin.import_playbook"} & set(item)]
        if not plays:
            return [{"name": self.origin, "hosts": "localhost", "gather_facts": False, "tasks": content}]
        if len(plays) != len(content):
            raise ValueError(f"{self.origin}: plays and tasks are mixed")
        return content


class _Loader(yaml.SafeLoader):
    """Reads ``!vault`` and ``!unsafe`` as the text they hold."""


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return loader.construct_scalar(node)


_Loader.add_constructor("!vault", _text)
_Loader.add_constructor("!unsafe", _text)


def in_markdown(origin: str, text: str) -> list[Block]:
    """The fenced YAML blocks of a Markdown text."""
    return [
        Block(f"{origin}:{text.count(chr(10), 0, match.start()) + 1}", textwrap.dedent(match["text"]))
        for match in _FENCE.finditer(text)
    ]


def everywhere() -> list[Block]:
    """Every block of the guides and role READMEs, every EXAMPLES, every playbook in ``examples/``."""
    blocks = []
    for name in collection_tree.files():
        if name.suffix == ".md" and name.parts[0] in ("README.md", "CONTRIBUTING.md", "docs", "roles"):
            blocks += in_markdown(str(name), (layout.ROOT / name).read_text())
        if name.parts[0] == "examples" and name.suffix in (".yml", ".yaml"):
            blocks.append(Block(str(name), (layout.ROOT / name).read_text()))
    for kind in ("modules", "lookup", "callback"):
        for plugin, answer in documentation.documented(kind).items():
            if answer["examples"]:
                blocks.append(Block(f"EXAMPLES of {plugin}", answer["examples"].strip("\n") + "\n"))
    return blocks


def module_arguments(content: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every use of a module of the collection, or of its action group, in a piece of YAML: (name, arguments)."""
    found = []
    if isinstance(content, dict):
        for key, value in content.items():
            name = str(key).removeprefix("group/")
            if name.startswith(f"{documentation.COLLECTION}.") and isinstance(value, dict):
                found.append((name.removeprefix(f"{documentation.COLLECTION}."), value))
            found += module_arguments(value)
    elif isinstance(content, list):
        for item in content:
            found += module_arguments(item)
    return found
