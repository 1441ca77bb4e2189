# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an info module tells of each provider it was to look at. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import PimError, printable
from .context import Context

# A failure that stands for itself; any other is `unavailable`.
_STATUSES = {
    "forbidden": "forbidden",
    "consent_required": "forbidden",
    # The session was made without a token for this API, and cannot get one.
    "not_connected": "forbidden",
    "not_licensed": "not_licensed",
}


def warn_of_failures(found: Mapping[str, object], context: Context) -> None:
    """A provider that could not be read is a warning; raises the first failure where none could."""
    failures = {name: told for name, told in found.items() if isinstance(told, PimError)}
    if len(failures) == len(found):
        raise next(iter(failures.values()))
    for name, failure in failures.items():
        context.warn(f"{name} could not be read: {failure.sentence}")


def told(found: object, count: int) -> dict[str, Any]:
    """One entry of `providers` in a result."""
    if isinstance(found, PimError):
        return {"status": _STATUSES.get(found.code, "unavailable"), "count": 0, "message": found.sentence}
    return {"status": "ok", "count": count, "message": None}


def nobody(rows: str, providers: Sequence[str], error: PimError, context: Context) -> dict[str, Any]:
    """Check mode of a whole playbook: the sign-in before this task was only pretended. `rows`: the key of the list, which is empty."""
    message = f"Nothing could be read, because nobody is signed in yet: {error.message}."
    context.warn(message)
    return {
        "changed": False,
        rows: [],
        "providers": {name: {"status": "unavailable", "count": 0, "message": error.sentence} for name in providers},
        "msg": printable(message),
    }
