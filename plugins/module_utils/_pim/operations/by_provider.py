# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of several providers made in one go, and the names that their lists left out. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..api.calls import Answer, Call
from ..errors import PimError
from ..providers.base import Line
from ..providers.registry import PROVIDERS
from .connection import Connection


def answers(connection: Connection, wanted: Mapping[str, Sequence[Call]]) -> dict[str, list[Answer | PimError]]:
    """What came of the calls of each provider, all made in one go; nothing is asked where there are none."""
    calls = [call for own in wanted.values() for call in own]
    outcomes = iter(connection.run(calls) if calls else [])
    return {name: [next(outcomes) for _call in own] for name, own in wanted.items()}


def named(connection: Connection, lines: Mapping[str, Sequence[Line]]) -> dict[str, list[Line]]:
    """The lines of each provider, with names that its lists left out. Without them a scope still has its id."""
    wanted = {name: PROVIDERS[name].name_calls(own) for name, own in lines.items()}
    try:
        found = answers(connection, wanted)
    except PimError as error:
        found = {name: [error] for name in lines}
    failures = sorted({one.code for told in found.values() for one in told if isinstance(one, PimError)})
    if failures:
        connection.warn(
            f"Some names could not be read ({', '.join(failures)}): what has none has to be named by its id."
        )
    return {name: PROVIDERS[name].with_names(own, found[name]) for name, own in lines.items()}
