# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims challenges: what a service says the next token must prove. Private to the collection.

In the header of a 401 (RFC 9110, section 11.6.1; Microsoft identity platform documentation, "claims-challenge"), and in the text of a
400 of Privileged Identity Management.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from urllib.parse import unquote

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"({_NAME})(?=\s|,|$)")
# What some schemes have in place of parameters.
_TOKEN68 = re.compile(r"\s+[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_PARAMETER = re.compile(rf'({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_BETWEEN = re.compile(r"[\s,]*")
# What is none of these: a whole word, because each letter of one would be tried again to its end.
_OTHER = re.compile(rf"{_NAME}|.", re.DOTALL)
# JSON that was put there without an encoding, and even without escaping its quotes.
_RAW_CLAIMS = re.compile(r'claims\s*=\s*"?(?=\{)', re.IGNORECASE)
_LONGEST_CLAIMS = 8192
_MOST_BRACKETS = 100
_NO_TEXT_OF_CLAIMS = re.compile(r"[&\s]")


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Each challenge of a `WWW-Authenticate` header, as (scheme, parameters); scheme and names in lower case.

    What is no challenge is passed over: the answer is a refusal in any case.
    """
    found: list[tuple[str, dict[str, str]]] = []
    place = 0
    while (place := _end(_BETWEEN.match(header, place), place)) < len(header):
        raw = _RAW_CLAIMS.match(header, place)
        if raw and found and (told := _json_at(header, raw.end())):
            found[-1][1]["claims"], place = told
        elif found and (parameter := _PARAMETER.match(header, place)):
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found[-1][1].setdefault(name.lower(), value)
            place = parameter.end()
        elif scheme := _SCHEME.match(header, place):
            found.append((scheme[1].lower(), {}))
            place = _end(_TOKEN68.match(header, scheme.end()), scheme.end())
        else:
            place = _end(_OTHER.match(header, place), place)
    return found


def claims_of(headers: Mapping[str, str]) -> str | None:
    """The claims (a JSON text) that the header of a 401 asks for; None where it asks for none, or nobody can read them."""
    for scheme, parameters in challenges(headers.get("www-authenticate", "")):
        if scheme == "bearer" and "claims" in parameters:
            return _decoded(parameters["claims"])
    return None


def claims_in_text(text: str) -> str | None:
    """The same in an error text, behind `claims=`."""
    _before, mark, rest = text.partition("claims=")
    if not mark:
        return None
    told = _json_at(rest, len(rest) - len(rest.lstrip()))
    return told[0] if told else _decoded(_NO_TEXT_OF_CLAIMS.split(rest.strip(), maxsplit=1)[0])


def _decoded(value: str) -> str | None:
    """The JSON in JSON itself, percent-encoding, base64 or base64url, with or without padding."""
    plain = unquote(value).strip()
    standard = plain.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        unpacked = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except ValueError:
        unpacked = ""
    for candidate in (plain, unpacked):
        told = _json_at(candidate, 0)
        if told:
            return told[0]
    return None


def _json_at(text: str, place: int) -> tuple[str, int] | None:
    """The claims request that begins at this place, and where it ends; None for anything else, and for one that asks nothing."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, place)
    except (ValueError, RecursionError):
        return None
    asks = isinstance(value, dict) and any(isinstance(one, dict) and one for one in value.values())
    brackets = sum(text.count(one, place, end) for one in "{[")
    # The session keeps it, and sends it with each refresh. Real ones have some hundred characters.
    if not asks or end - place > _LONGEST_CLAIMS or brackets > _MOST_BRACKETS:
        return None
    return json.dumps(value), end + text.startswith('"', end)


def _end(found: re.Match[str] | None, otherwise: int) -> int:
    return found.end() if found else otherwise
