# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields out of HTTP requests of the sign-in service."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from pim_simulator.sign_in.errors import malformed

NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def read_query(request: Request) -> dict[str, str]:
    """The fields of a query. Raises SignInError: not well-formed, or a field given twice."""
    return _fields(request.url.query, "the query")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form. Raises SignInError: another content type, not well-formed, or a field given twice."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise malformed("the content type must be application/x-www-form-urlencoded")
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed("the form") from error
    return _fields(text, "the form")


def _fields(text: str, what: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=100)
    except ValueError as error:
        raise malformed(what) from error
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise malformed("a field is given twice")
        fields[name] = value
    return fields
