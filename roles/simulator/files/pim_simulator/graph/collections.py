# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a collection, or one entity, through the query options into an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from pim_simulator.graph.errors import bad_request, invalid_filter
from pim_simulator.graph.filters import Choice, comparisons, matches, write
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Expand, Options, read_options, skip_token
from pim_simulator.graph.shapes import Shape

Row = dict[str, Any]
Item = TypeVar("Item")
# (row, navigation property) -> the object or list behind it
Expander = Callable[[Row, str], Any]

COLLECTION_OPTIONS = ("$filter", "$select", "$expand", "$top", "$count", "$skiptoken")
ENTITY_OPTIONS = ("$select", "$expand")


def collection_options(
    call: GraphCall, shape: Shape, *, of_pim: bool, unfilterable: frozenset[str] = frozenset()
) -> Options:
    """The options of a list. ``unfilterable``: properties that this very list was seen to refuse in a filter."""
    if of_pim:
        for name, _value in call.query:
            # seen live: PIM takes the option for an empty filter
            if name.lstrip("$") in ("orderby", "search", "skip"):
                raise invalid_filter("")
    options = read_options(call.query, COLLECTION_OPTIONS, call.url)
    if options.filter is not None:
        for comparison in comparisons(options.filter):
            known = comparison.property in shape.filterable and comparison.property not in unfilterable
            if of_pim and isinstance(comparison, Choice):
                # documented for PIM's types: eq and ne
                known = False
            if not known:
                if of_pim:
                    raise invalid_filter(write(comparison))
                raise _no_property(comparison.property, shape)
    check_names(shape, options.select, options.expand)
    return options


def entity_options(call: GraphCall, shape: Shape) -> Options:
    """The options of one entity."""
    options = read_options(call.query, ENTITY_OPTIONS, call.url)
    check_names(shape, options.select, options.expand)
    return options


def check_names(shape: Shape, select: tuple[str, ...] | None, expand: tuple[Expand, ...]) -> None:
    """Raises GraphError for a name that the type does not have."""
    for name in select or ():
        if name not in shape.properties and name not in shape.navigation and name != "*":
            raise _no_property(name, shape)
    for item in expand:
        if item.name not in shape.navigation:
            raise _no_property(item.name, shape)
        behind = shape.navigation[item.name]
        if behind is not None:
            check_names(behind, item.select, item.expand)


def _no_property(name: str, shape: Shape) -> Exception:
    return bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.{shape.name}'.")


def shaped(row: Row, select: tuple[str, ...] | None, expand: Sequence[Expand], expander: Expander) -> Row:
    """The row with what was selected and expanded."""
    result = dict(row)
    if select is not None and "*" not in select:
        result = {name: value for name, value in row.items() if name in select or name.startswith("@")}
    for item in expand:
        behind = expander(row, item.name)
        if isinstance(behind, list):
            result[item.name] = [shaped(one, item.select, item.expand, expander) for one in behind]
        else:
            result[item.name] = None if behind is None else shaped(behind, item.select, item.expand, expander)
    return result


def list_answer(
    call: GraphCall, context: str, rows: Sequence[Row], options: Options, expander: Expander, page_size: int
) -> GraphAnswer:
    """Filter, page, expand rows that are there already."""
    return items_answer(call, context, rows, lambda row: row, options, expander, page_size)


def items_answer(
    call: GraphCall,
    context: str,
    items: Sequence[Item],
    row_of: Callable[[Item], Row | None],
    options: Options,
    expander: Expander,
    page_size: int,
) -> GraphAnswer:
    """The same where a row costs something: only those of the page are made, and what a filter must look at. ``row_of``
    gives None for an item that is not listed. Pages are as long as ``$top`` says, or as the tenant's page size; the next
    one goes on at the position where this one ended, so that all pages together look at each item once."""

    def found_from(position: int) -> Iterator[tuple[int, Row]]:
        for index in range(position, len(items)):
            row = row_of(items[index])
            if row is not None and (options.filter is None or matches(options.filter, row)):
                yield index, row

    body: Row = {"@odata.context": call.context_root + _context(context, options)}
    if options.count:
        body["@odata.count"] = sum(1 for _found in found_from(0))
    page: list[Row] = []
    for index, row in found_from(options.skip):
        if len(page) == (options.top or page_size):
            kept = [(name, value) for name, value in call.query if name.lstrip("$") != "skiptoken"]
            kept.append(("$skiptoken", skip_token(index, call.url)))
            query = "&".join(f"{quote(name, safe='$')}={quote(value, safe='$(),=')}" for name, value in kept)
            body["@odata.nextLink"] = f"{call.base_url}{call.url}?{query}"
            break
        page.append(shaped(row, options.select, options.expand, expander))
    body["value"] = page
    return GraphAnswer(body=body)


def entity_answer(
    call: GraphCall, context: str, row: Row, options: Options, expander: Expander, status: int = 200
) -> GraphAnswer:
    body = {"@odata.context": f"{call.context_root}{_context(context, options)}/$entity"}
    return GraphAnswer(status, {**body, **shaped(row, options.select, options.expand, expander)})


def _context(context: str, options: Options) -> str:
    names = [*(options.select or ()), *(f"{item.name}()" for item in options.expand)]
    return f"{context}({','.join(names)})" if names else context


def nothing_to_expand(_row: Row, name: str) -> Any:
    """The expander of shapes without navigation properties."""
    raise bad_request(f"Could not find a property named '{name}'.")
