# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no service, no file and no playbook should hold, and one may: values, and JSON with one of them in place of what was there."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

# Far longer than what a message may show.
_LONG = 4_000
_DEEP = 2_000


def draws(seed: object) -> random.Random:
    """The same ones for the same seed."""
    return random.Random(str(seed))  # noqa: S311  # nothing is kept secret by it


def deep(levels: int = _DEEP) -> Any:
    """A list in a list, so many times."""
    nested: Any = []
    for _level in range(levels):
        nested = [nested]
    return nested


# Of every type that JSON has, and beyond what its readers expect.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**400, -(10**30), float("nan"), float("inf"), 2**63,
    "", " ", "x" * _LONG, "\ud800", "\x1b[31mred\x1b[0m\x00\r\nFAKE: ok", "\u202e\u2066", "null", "NaN", "-PT5M", "P1Y", "PT99999999999999H",
    "P9999999999D", "2026-02-30T25:61:61Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999-14:00", "99999-01-01T00:00:00Z",
    "not-a-guid", "00000000-0000-0000-0000-000000000000", "../../etc/passwd", "https://elsewhere.invalid/", "http://localhost/", "https://[", "//",
    "<!doctype html><html><body>an error</body></html>", "{{ 1 }}", "%s%n", [], {}, [None], [[]], [{}], {"": None}, {"a": {"b": []}},
    ["x"] * 1_500, {str(number): number for number in range(2_000)},
)  # fmt: skip

Place = tuple[Any, ...]


def places(content: Any, at: Place = ()) -> Iterator[Place]:
    """The way to each value in it, itself first."""
    yield at
    children = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in children:
        yield from places(value, (*at, key))


def altered(content: Any, draw: random.Random, more: tuple[Any, ...] = ()) -> tuple[str, bytes]:
    """What was done, and the text of the JSON with one value that is gone, there twice, or another one; `more` are further values."""
    content = json.loads(json.dumps(content))
    at = draw.choice(list(places(content)))
    deed = draw.choice(("set", "set", "set", "set", "set", "missing", "twice", "deep"))
    # To be read by json.loads, which does not nest as deeply when it writes.
    marker = "a-place-to-nest-in"
    value = marker if deed == "deep" else draw.choice((*VALUES, *more))
    if not at:
        content = value
    else:
        holder = content
        for key in at[:-1]:
            holder = holder[key]
        if deed == "missing":
            del holder[at[-1]]
        elif deed == "twice" and isinstance(holder, list):
            holder.append(holder[at[-1]])
        else:
            holder[at[-1]] = value
    levels = draw.choice((200, _DEEP * 50))
    text = json.dumps(content).replace(f'"{marker}"', "[" * levels + "]" * levels)
    told = f"{deed} {'.'.join(map(str, at)) or 'all'}"
    return (f"{told} {value!r:.60}" if deed == "set" else told), text.encode()


def altered_bytes(content: bytes, draw: random.Random) -> tuple[str, bytes]:
    """What was done, and the bytes cut short, with bits flipped, with others in between, or all others."""
    deed = draw.choice(("cut", "flip", "insert", "random", "empty", "zeros"))
    place = draw.randrange(len(content) + 1)
    if deed == "cut":
        return f"cut at {place}", content[:place]
    if deed == "flip":
        changed = bytearray(content)
        for _bit in range(draw.choice((1, 8, 64)) if changed else 0):
            changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        return "bits flipped", bytes(changed)
    if deed == "insert":
        return f"bytes inserted at {place}", content[:place] + draw.randbytes(draw.choice((1, 7, 300))) + content[
            place:
        ]
    if deed == "random":
        return "random bytes", draw.randbytes(draw.randrange(2_000))
    return deed, b"" if deed == "empty" else bytes(len(content))


def read(body: bytes) -> Any:
    """The JSON, None where it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def error_body(text: str) -> bytes:
    """A refusal in the form of any of the services, with the text as what it says."""
    return json.dumps({"error": {"code": "BadRequest", "message": text}, "error_description": text}).encode()
