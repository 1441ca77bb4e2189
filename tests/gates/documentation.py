# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection documents, as ansible-doc reads it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from gates import commands
from tools import collection_tree

COLLECTION = "entra.pim"


def plugin_names(kind: str) -> list[str]:
    """The names of the plugins of one kind: the files in a directory of ``plugins/``."""
    folder = f"plugins/{kind}"
    return sorted(
        name.stem
        for name in collection_tree.files()
        if str(name.parent) == folder and name.suffix == ".py" and name.stem != "__init__"
    )


@functools.cache
def documented(kind: str, **variables: str) -> dict[str, dict[str, Any]]:
    """What ansible-doc answers for every plugin of one kind: {name without the collection: {doc, examples, return}}.

    ``kind`` is a directory of ``plugins/``. Fails where one has no documentation.
    """
    names = plugin_names(kind)
    if not names:
        return {}
    asked = [f"{COLLECTION}.{name}" for name in names]
    answers = commands.answer("ansible-doc", "--json", "-t", kind.removesuffix("s"), *asked, **variables)
    assert sorted(answers) == asked, "not documented"
    return {name.rpartition(".")[2]: answer for name, answer in answers.items()}


def option_names(options: dict[str, Any]) -> Iterator[str]:
    """Every name that an option of ``options`` may be given by, aliases included."""
    for name, option in options.items():
        yield name
        yield from option.get("aliases") or []
