# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData query options of a call: read strictly, refused where the service does not know them."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass

from pim_simulator.graph.errors import GraphError, bad_request
from pim_simulator.graph.filters import FilterError, Node, parse

_LARGEST_TOP = 999


@dataclass(frozen=True)
class Expand:
    """One navigation property to expand, with its own options."""

    name: str
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()


@dataclass(frozen=True)
class Options:
    """``skip`` comes from a $skiptoken."""

    filter: Node | None = None
    filter_text: str = ""
    select: tuple[str, ...] | None = None
    expand: tuple[Expand, ...] = ()
    top: int | None = None
    count: bool = False
    skip: int = 0


def read_options(query: tuple[tuple[str, str], ...], allowed: tuple[str, ...], address: str) -> Options:
    """Raises GraphError: an option that is unknown, not allowed here, given twice, or malformed."""
    given: dict[str, str] = {}
    for raw_name, value in query:
        # the dollar sign may be left out, says OData 4.01; Graph takes it so
        name = raw_name if raw_name.startswith("$") else f"${raw_name}"
        if name not in allowed:
            raise bad_request(f"The query parameter '{raw_name}' is not supported.")
        if name in given:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        given[name] = value
    return Options(
        filter=_filter(given.get("$filter")),
        filter_text=given.get("$filter", ""),
        select=_select(given["$select"]) if "$select" in given else None,
        expand=read_expand(given["$expand"]) if "$expand" in given else (),
        top=_top(given["$top"]) if "$top" in given else None,
        count=_count(given.get("$count", "false")),
        skip=_skip(given["$skiptoken"], address) if "$skiptoken" in given else 0,
    )


def skip_token(skip: int, address: str) -> str:
    """Opaque, and good for the address it was made for only."""
    return base64.urlsafe_b64encode(json.dumps([skip, address]).encode()).rstrip(b"=").decode()


def _skip(token: str, address: str) -> int:
    try:
        skip, made_for = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if made_for != address or not isinstance(skip, int) or skip < 0:
            raise ValueError("another address")
    except (ValueError, TypeError, binascii.Error) as error:
        raise bad_request("Skip token is invalid.") from error
    return skip


def _filter(text: str | None) -> Node | None:
    if text is None:
        return None
    try:
        return parse(text)
    except FilterError as error:
        raise GraphError(400, "BadRequest", f"Invalid filter clause: {error}") from error


def _select(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise bad_request("Term '' is not valid in a $select or $expand expression.")
    return names


def _top(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _LARGEST_TOP:
        raise bad_request(f"Invalid value '{text[:40]}' for $top query option found.")
    return int(text)


def _count(text: str) -> bool:
    if text not in ("true", "false"):
        raise bad_request(f"Invalid value '{text[:40]}' for $count query option found.")
    return text == "true"


def read_expand(text: str) -> tuple[Expand, ...]:
    """``a,b($select=c,d;$expand=e)``."""
    return tuple(_one_expand(item) for item in _split(text, ","))


def _one_expand(item: str) -> Expand:
    name, bracket, rest = item.strip().partition("(")
    if not name.strip() or (bracket and not rest.endswith(")")):
        raise bad_request(f"Term '{item[:80]}' is not valid in a $select or $expand expression.")
    select = None
    expand: tuple[Expand, ...] = ()
    if bracket:
        for option in _split(rest[:-1], ";"):
            option_name, _equals, value = option.partition("=")
            if option_name.strip() == "$select":
                select = _select(value)
            elif option_name.strip() == "$expand":
                expand = read_expand(value)
            else:
                raise bad_request(f"The query option '{option_name[:40]}' is not supported inside $expand.")
    return Expand(name.strip(), select, expand)


def _split(text: str, separator: str) -> list[str]:
    """At separators outside parentheses."""
    parts = [""]
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        if character == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth != 0:
        raise bad_request("Found an unbalanced bracket expression.")
    return parts
