# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded calls of Graph, held against what is published: the request, the status, the reply, each item of a batch."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from contract.published import Operation, Published, Selection

LARGEST_BATCH = 20

# Refusals that Graph's documentation of PIM, batching and throttling knows.
REFUSALS = frozenset({400, 401, 403, 404, 409, 424, 429, 500, 502, 503, 504})

# Addresses that are used beside PIM's own and are not part of what is published of PIM: only that they answer is known.
_BESIDE = re.compile(r"me|users/[^/]+|groups|identity/conditionalAccess/namedLocations", re.ASCII)
# Their page, approvalstage-update, prints "steps" in the addresses of groups, where the schema and the SDK have "stages".
_PRINTED_OTHERWISE = re.compile(r".*/assignmentApprovals/\{approval-id\}/stages(/\{approvalStage-id\})?")
_COMPARED = re.compile(r"([A-Za-z/]+)\s+(?:eq|ne|gt|ge|lt|le)\s")
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)


@dataclass(frozen=True)
class Exchange:
    """One call as it was on the wire. ``target`` is path and query, undecoded; bodies are decoded JSON, None where empty."""

    method: str
    target: str
    request: Any
    status: int
    reply: Any
    request_type: str = "application/json"
    reply_type: str = "application/json"


@dataclass
class Findings:
    """What was checked, by method and path as published, and what was wrong with it."""

    requests: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def summary(self) -> str:
        paths = "\n".join(f"  {self.requests[name]:4} {name}" for name in sorted(self.requests))
        statuses = ", ".join(f"{status} x{number}" for status, number in sorted(self.statuses.items()))
        return (
            f"{self.requests.total()} requests and {self.replies.total()} replies checked ({statuses}), "
            f"{self.beside.total()} beside what is published\n{paths}"
        )


class Checker:
    """Checks exchanges in the order they happened: a link to a next page counts only once a reply has given it."""

    def __init__(self, published: Mapping[str, Published], *, documented_only: bool = True) -> None:
        self._published = published
        self._documented_only = documented_only
        self._links: set[str] = set()
        self.findings = Findings()

    def check(self, exchanges: Sequence[Exchange]) -> Findings:
        for exchange in exchanges:
            version, _slash, target = exchange.target.lstrip("/").partition("/")
            if version not in self._published:
                self._fault(exchange, f"{version} is no version of Graph")
            elif target == "$batch":
                self._check_batch(exchange, version)
            else:
                self._check_call(exchange, version, target)
        return self.findings

    def _fault(self, exchange: Exchange, text: str) -> None:
        self.findings.faults.append(f"{exchange.method} {unquote(exchange.target)}: {text}")

    def _check_batch(self, exchange: Exchange, version: str) -> None:
        """Graph's documentation "Combine multiple HTTP requests using JSON batching"."""
        name = f"POST {version}/$batch"
        self.findings.requests[name] += 1
        items = exchange.request.get("requests") if isinstance(exchange.request, dict) else None
        if exchange.method != "POST" or not isinstance(items, list) or set(exchange.request) != {"requests"}:
            self._fault(exchange, "a batch is a POST of requests alone")
            return
        ids = [str(item.get("id")).lower() for item in items if isinstance(item, dict)]
        if not 1 <= len(items) <= LARGEST_BATCH or len(set(ids)) != len(items):
            self._fault(exchange, f"{len(items)} items with ids {ids}")
            return
        self.findings.replies[name] += 1
        self.findings.statuses[exchange.status] += 1
        if exchange.status != 200:
            self._check_refusal(exchange)
            return
        body = exchange.reply if isinstance(exchange.reply, dict) else {}
        answers = {str(one.get("id")).lower(): one for one in body.get("responses", []) if isinstance(one, dict)}
        if set(body) != {"responses"} or set(answers) != set(ids) or len(body["responses"]) != len(ids):
            self._fault(exchange, f"{len(ids)} items got answers for {sorted(answers)}")
            return
        for item in items:
            self._check_item(exchange, version, item, answers[str(item["id"]).lower()])

    def _check_item(self, batch: Exchange, version: str, item: dict[str, Any], answer: dict[str, Any]) -> None:
        unknown = set(item) - {"id", "method", "url", "headers", "body", "dependsOn"}
        unknown |= set(answer) - {"id", "status", "headers", "body"}
        if unknown or not isinstance(item["id"], str) or not isinstance(answer.get("status"), int):
            self._fault(
                batch, f"item {item.get('id')!r} or its answer has {sorted(unknown)}, an id or status of another type"
            )
            return
        url = str(item.get("url"))
        if urlsplit(url).scheme or ("body" in item and not _is_json(_header(item.get("headers"), "content-type"))):
            self._fault(batch, f"item {item['id']} has no relative url, or a body that it does not call JSON")
        self._check_call(
            Exchange(
                str(item.get("method")),
                f"/{version}/{url.lstrip('/')}",
                item.get("body"),
                answer["status"],
                answer.get("body"),
            ),
            version,
            url.lstrip("/"),
        )

    def _check_call(self, exchange: Exchange, version: str, target: str) -> None:
        path, _question, query = target.partition("?")
        segments = [unquote(segment) for segment in path.split("/")]
        if _BESIDE.fullmatch("/".join(segments)):
            self.findings.beside[f"{exchange.method} {version}/{segments[0]}"] += 1
            return
        published = self._published[version]
        operation = published.operation(exchange.method, segments)
        if operation is None:
            self._fault(exchange, "is no path and method that is published")
            return
        name = f"{exchange.method} {version}{operation.template}"
        self.findings.requests[name] += 1
        documented = operation.documented or _PRINTED_OTHERWISE.fullmatch(operation.template)
        if self._documented_only and not documented and version == "v1.0":
            self._fault(exchange, "has no page in the documentation: the SDK alone has it")
        faults = list(self._request_faults(published, operation, exchange, query))
        selection = _selection(query)
        self.findings.replies[name] += 1
        self.findings.statuses[exchange.status] += 1
        if exchange.status < 400:
            faults += self._reply_faults(published, operation, exchange, selection)
        else:
            self._check_refusal(exchange)
        for fault in faults:
            self._fault(exchange, fault)

    def _request_faults(
        self, published: Published, operation: Operation, exchange: Exchange, query: str
    ) -> Iterator[str]:
        options = parse_qsl(query, keep_blank_values=True)
        if len({name for name, _value in options}) != len(options):
            yield "a query option is given twice"
        for name, value in options:
            if name == "$skiptoken":
                if _address(exchange.target) not in self._links:
                    yield "is a next page that no reply has linked to"
            elif name not in operation.query:
                yield f"has the query option {name}"
            elif name == "$filter" and operation.reply is not None:
                known = published.schema(operation.reply.type).properties
                for compared in _COMPARED.findall(value):
                    if compared.split("/")[0] not in known:
                        yield f"filters by {compared}, which {operation.reply.type} does not have"
        if operation.reply is not None:
            yield from published.selection_faults(_selection(query), operation.reply.type)
        if operation.request is None:
            if exchange.request not in (None, {}):
                yield "has a body"
        elif not _is_json(exchange.request_type):
            yield f"has a body of the type {exchange.request_type}"
        else:
            yield from published.faults(exchange.request, operation.request, "request", None)

    def _reply_faults(
        self, published: Published, operation: Operation, exchange: Exchange, selection: Selection
    ) -> Iterator[str]:
        if exchange.status != operation.success:
            yield f"was answered with {exchange.status}, documented is {operation.success}"
        if operation.reply is None:
            if exchange.reply is not None:
                yield "was answered with a body"
            return
        if not _is_json(exchange.reply_type) or not isinstance(exchange.reply, dict):
            yield f"was answered with a body of the type {exchange.reply_type}"
            return
        if "@odata.context" not in exchange.reply:
            yield "reply lacks @odata.context"
        if not published.is_list(operation):
            yield from published.faults(exchange.reply, operation.reply, "reply", selection)
            return
        for name in set(exchange.reply) - {"@odata.context", "@odata.nextLink", "@odata.count", "value"}:
            yield f"reply.{name} is unknown to a page"
        link = exchange.reply.get("@odata.nextLink")
        if isinstance(link, str):
            self._links.add(_address(link))
        elif link is not None:
            yield "reply.@odata.nextLink is no text"
        rows = exchange.reply.get("value")
        if not isinstance(rows, list):
            yield "reply.value is no list"
            return
        for index, row in enumerate(rows):
            yield from published.faults(row, operation.reply, f"reply.value[{index}]", selection)

    def _check_refusal(self, exchange: Exchange) -> None:
        """Graph's documentation "Microsoft Graph error responses"; the wrapped form was seen from PIM itself."""
        if exchange.status not in REFUSALS:
            self._fault(exchange, f"was answered with {exchange.status}")
        body = exchange.reply
        error = body.get("error") if isinstance(body, dict) and set(body) == {"error"} else None
        if not isinstance(error, dict) or not {"code", "message"} <= set(error) <= {"code", "message", "innerError"}:
            self._fault(exchange, f"was refused in another form than Graph's: {body!r:.200}")
            return
        inner = error.get("innerError", {})
        texts = [error["code"], error["message"], *inner.values()]
        if not error["code"] or not all(isinstance(text, str) for text in texts):
            self._fault(exchange, "was refused without a code, or with what is no text")
        if set(inner) - {"date", "request-id", "client-request-id"}:
            self._fault(exchange, f"innerError has {sorted(inner)}")
        if "date" in inner and not _ZONELESS.fullmatch(str(inner["date"])):
            self._fault(exchange, "innerError.date is no time as the service writes it, without a zone")
        if error["code"] == "UnknownError" and str(error["message"]).startswith("{"):
            wrapped = json.loads(error["message"])
            if set(wrapped) != {"errorCode", "message", "instanceAnnotations"}:
                self._fault(exchange, f"the wrapped refusal has {sorted(wrapped)}")


def _is_json(content_type: str) -> bool:
    return content_type.split(";")[0].strip().lower() == "application/json"


def _header(headers: Any, name: str) -> str:
    found = {key.lower(): value for key, value in headers.items()} if isinstance(headers, dict) else {}
    return str(found.get(name, ""))


def _address(url: str) -> str:
    """Path and query in one spelling: clients may encode what the link does not."""
    parts = urlsplit(url)
    return unquote(f"{parts.path}?{parts.query}")


def _selection(query: str) -> Selection:
    options = dict(parse_qsl(query, keep_blank_values=True))
    return _selected(options.get("$select"), options.get("$expand"))


def _selected(select: str | None, expand: str | None) -> Selection:
    """OData's ``a,b($select=c;$expand=d)``."""
    inner = {}
    for item in _parts(expand, ","):
        name, _bracket, rest = item.partition("(")
        options = dict(option.split("=", 1) for option in _parts(rest.removesuffix(")"), ";"))
        inner[name.strip()] = _selected(options.get("$select"), options.get("$expand"))
    return Selection(tuple(one.strip() for one in select.split(",")) if select is not None else None, inner)


def _parts(text: str | None, separator: str) -> list[str]:
    """Divided at separators outside of parentheses."""
    found, depth = [""], 0
    for character in text or "":
        depth += (character == "(") - (character == ")")
        if character == separator and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return [one for one in found if one]
