# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft has published of ARM's PIM (its REST API specification): calls and answers are checked against it.

Where recorded traffic differs from the specification, what was recorded counts; each such place says so.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from contract.exchanges import Exchange

FILE = "arm_pim_contract.json"

# Statuses that refusals of ARM have; 400 also where other APIs say 403 (recorded).
REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 429, 500, 502, 503, 504})

# Recorded, as against the specification: an approver's decision is answered without content.
_ALSO = {("PUT", "/stages/{stageId}"): 204, ("PATCH", "/stages/{stageId}"): 204}
# Options that clients were seen to use, and that the specification of the operation does not have, by the end of its path:
# a policy is found by its role; single rows are told to their target; approvals to who decides; children below children.
_ALSO_ASKED = {
    "/roleManagementPolicyAssignments": {"$filter"},
    "/roleAssignmentApprovals": {"$filter"},
    "/eligibleChildResources": {"$getAllChildren"},
    "ScheduleName}": {"$filter"},
    "InstanceName}": {"$filter"},
    "RequestName}": {"$filter"},
}
# What lists are filtered by, in the words of the specification's descriptions; and by what clients were seen to use.
_FUNCTIONS = {"asTarget()", "atScope()", "asRequestor()", "asApprover()"}
_COMPARISON = re.compile(r"(\w+) eq '((?:[^']|'')+)'", re.ASCII)
# The newest specification is that of 2020-10-01: later versions of the same types have what it has.
_LATEST = "2020-10-01"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|\+00:00)", re.ASCII)


@dataclass
class Findings:
    """What was checked, by method and path as published, and what was wrong with it."""

    calls: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def summary(self) -> str:
        paths = "\n".join(f"  {self.calls[name]:4} {name}" for name in sorted(self.calls))
        statuses = ", ".join(f"{status} x{number}" for status, number in sorted(self.statuses.items()))
        return (
            f"{self.calls.total()} calls checked ({statuses}), {self.beside.total()} beside what is published\n{paths}"
        )


@dataclass(frozen=True)
class _Schema:
    """A definition with the file it stands in, by which its references are followed."""

    file: str
    content: Mapping[str, Any]


class PublishedArm:
    """The operations and types of the specification."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = document["definitions"]
        self._operations: list[tuple[re.Pattern[str], Mapping[str, Any]]] = [
            (_pattern(one["path"]), one) for one in document["operations"]
        ]

    @classmethod
    def load(cls, path: Path) -> PublishedArm:
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def check(self, exchanges: Sequence[Exchange], *, strictly: bool = False) -> Findings:
        """In the order they happened: a link to a next page counts only once a reply has given it.

        ``strictly`` for the client that is under test: what it asks must be right whatever comes of it, of an api-version
        that is published for it; others here ask for what they should be refused.
        """
        findings = Findings()
        links: set[str] = set()
        for exchange in exchanges:
            parts = urlsplit(re.sub(r"^/+", "/", exchange.target))
            path = re.sub(r"/+", "/", unquote(parts.path))
            query = parse_qsl(parts.query, keep_blank_values=True)
            if "/providers/microsoft.authorization/" not in path.lower():
                findings.beside[f"{exchange.method} {path.split('/')[1]}"] += 1
                continue
            faults = list(self._call_faults(exchange, path, dict(query), findings, strictly))
            if len(dict(query)) != len(query):
                faults.append("a query option is given twice")
            if "$skiptoken" in dict(query) and _address(exchange.target) not in links:
                faults.append("is a next page that no reply has linked to")
            if isinstance(exchange.reply, dict) and isinstance(exchange.reply.get("nextLink"), str):
                links.add(_address(exchange.reply["nextLink"]))
            findings.faults += [f"{exchange.method} {unquote(exchange.target)}: {fault}" for fault in faults]
        return findings

    def _call_faults(
        self, exchange: Exchange, path: str, query: Mapping[str, str], findings: Findings, strictly: bool
    ) -> Iterator[str]:
        findings.statuses[exchange.status] += 1
        operation = self._operation(exchange.method, path, query.get("api-version", ""), strictly)
        if operation is None:
            # An address that is none must be refused.
            if exchange.status < 400 or strictly:
                yield "is no path and method that is published for its api-version"
            else:
                yield from _refusal_faults(exchange)
            return
        findings.calls[f"{exchange.method} {operation['path']}"] += 1
        yield from _option_faults(operation, query)
        if strictly:
            yield from self._asked_faults(exchange, operation, path, query)
        if exchange.status >= 400:
            yield from _refusal_faults(exchange)
            return
        if operation["body"] and exchange.request is not None:
            yield from self._body_faults(exchange.request, operation)
        yield from self._reply_faults(exchange, operation)

    def _asked_faults(
        self, exchange: Exchange, operation: Mapping[str, Any], path: str, query: Mapping[str, str]
    ) -> Iterator[str]:
        """Also of a request that was refused, which is not looked at otherwise."""
        if "$filter" in query:
            yield from self._filter_faults(query["$filter"], operation)
        if "Requests/" in operation["path"] and not _GUID.fullmatch(_name(operation["path"], path)):
            yield "names a request by what is no GUID"
        if operation["body"] is None:
            if exchange.request is not None:
                yield "has a body"
            return
        if not exchange.request_type.startswith("application/json"):
            yield f"has a body of the type {exchange.request_type}"
        if not isinstance(exchange.request, dict) or not isinstance(exchange.request.get("properties"), dict):
            yield "request lacks properties"
            return
        if exchange.status >= 400:
            yield from self._body_faults(exchange.request, operation)
        sent = exchange.request["properties"]
        duration = sent.get("scheduleInfo", {}).get("expiration", {}).get("duration")
        if duration is not None and not _DURATION.fullmatch(str(duration)):
            yield f"request.properties.scheduleInfo.expiration.duration is no duration: {duration!r}"
        # The specification's description of conditionVersion.
        if "condition" in sent and sent.get("conditionVersion") != "2.0":
            yield f"request has a condition of the version {sent.get('conditionVersion')!r}"

    def _filter_faults(self, text: str, operation: Mapping[str, Any]) -> Iterator[str]:
        if text in _FUNCTIONS:
            return
        reply = self._named(operation["responses"]["200"], operation["apiVersion"])
        name = operation["responses"]["200"].rpartition("/")[2].removesuffix("ListResult")
        # Where it has no type for the filter, as for policies, it is about the properties of what is listed.
        described = self._definitions[reply.file].get(f"{name}Filter") or self._definitions[reply.file].get(
            f"{name}Properties", {}
        )
        for part in text.split(" and "):
            compared = _COMPARISON.fullmatch(part)
            if compared is None:
                yield f"has a $filter that is none: {part}"
            elif compared[1] not in described.get("properties", {}):
                yield f"filters by {compared[1]}, which {name} does not have"

    def _body_faults(self, body: Any, operation: Mapping[str, Any]) -> Iterator[str]:
        schema = self._named(operation["body"], operation["apiVersion"])
        if isinstance(body, dict) and "properties" in body and "properties" not in schema.content["properties"]:
            # Clients send a decision as a resource, the specification has its properties alone.
            body = body["properties"]
        yield from self._faults(body, schema, "request", request=True)

    def _reply_faults(self, exchange: Exchange, operation: Mapping[str, Any]) -> Iterator[str]:
        responses = operation["responses"]
        also = next(
            (s for (m, end), s in _ALSO.items() if m == exchange.method and operation["path"].endswith(end)), None
        )
        if exchange.status == also:
            if exchange.reply is not None:
                yield "was answered with content"
            return
        if str(exchange.status) not in responses:
            yield f"was answered with {exchange.status}, published are {sorted(set(responses) - {'default'})}"
            return
        reference = responses[str(exchange.status)]
        if reference is None:
            if exchange.reply is not None:
                yield "was answered with content"
            return
        if not exchange.reply_type.startswith("application/json"):
            yield f"was answered with a body of the type {exchange.reply_type}"
        yield from self._faults(exchange.reply, self._named(reference, operation["apiVersion"]), "reply", request=False)

    def _operation(self, method: str, path: str, version: str, strictly: bool) -> Mapping[str, Any] | None:
        found = [one for pattern, one in self._operations if one["method"] == method and pattern.fullmatch(path)]
        exact = [one for one in found if one["apiVersion"] == version]
        latest = [one for one in found if one["apiVersion"] == _LATEST and not strictly]
        # an operation at the tenant fits the path of one at a scope, too: the longer one says more
        return max(exact or latest, key=lambda one: len(one["path"]), default=None)

    # types

    def _named(self, reference: str, version: str) -> _Schema:
        name = reference.rpartition("/")[2]
        for file, definitions in self._definitions.items():
            if file.startswith(f"{version}/") and name in definitions:
                return _Schema(file, definitions[name])
        raise KeyError(f"{version} {reference}")

    def _referred(self, content: Mapping[str, Any], file: str) -> _Schema:
        reference = content.get("$ref")
        if reference is None:
            return _Schema(file, content)
        place, _hash, pointer = reference.partition("#")
        target = f"{file.rpartition('/')[0]}/{place.removeprefix('./')}" if place else file
        return _Schema(target, self._definitions[target][pointer.rpartition("/")[2]])

    def _properties(self, schema: _Schema) -> dict[str, _Schema]:
        """Its own and those of what it is derived from."""
        found: dict[str, _Schema] = {}
        for above in schema.content.get("allOf", ()):
            found.update(self._properties(self._referred(above, schema.file)))
        for name, content in schema.content.get("properties", {}).items():
            found[name] = _Schema(schema.file, content)
        return found

    def _faults(self, value: Any, schema: _Schema, where: str, request: bool) -> Iterator[str]:
        nullable = schema.content.get("x-nullable", False)
        read_only = schema.content.get("readOnly", False)
        schema = self._referred(schema.content, schema.file)
        content = schema.content
        if value is None:
            # Recorded: answers leave out what is unset. Requests may say null.
            if not nullable and not request:
                yield f"{where} is null"
        elif request and read_only:
            yield f"{where} is told by the service only"
        elif content.get("type") == "array":
            if not isinstance(value, list):
                yield f"{where} is no list: {value!r:.80}"
                return
            for index, one in enumerate(value):
                yield from self._faults(one, _Schema(schema.file, content["items"]), f"{where}[{index}]", request)
        elif "properties" in content or "allOf" in content:
            yield from self._object_faults(value, schema, where, request)
        elif content.get("type", "object") != "object":
            yield from _primitive_faults(value, content, where)

    def _object_faults(self, value: Any, schema: _Schema, where: str, request: bool) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{where} is no object: {value!r:.80}"
            return
        if "discriminator" in schema.content:
            told = value.get(schema.content["discriminator"])
            derived = self._definitions[schema.file].get(told)
            if derived is None:
                yield f"{where} is of the unknown type {told!r}"
                return
            schema = _Schema(schema.file, derived)
        known = self._properties(schema)
        for name, one in value.items():
            if name not in known:
                yield f"{where}.{name} is unknown"
            else:
                yield from self._faults(one, known[name], f"{where}.{name}", request)
        for name in schema.content.get("required", ()):
            if name not in value:
                yield f"{where} lacks {name}"


def _pattern(template: str) -> re.Pattern[str]:
    """A scope has any number of segments, any other parameter one. Names are read in any case."""
    parts = []
    for part in re.split(r"(\{\w+\})", template):
        if part == "{scope}":
            parts.append(".*?")
        else:
            parts.append("[^/]+" if part.startswith("{") else re.escape(part))
    pattern = "".join(parts)
    # an empty scope is the tenant
    return re.compile(pattern.replace("/.*?/", "/(?:.*?/)?", 1), re.IGNORECASE)


def _address(url: str) -> str:
    """Path and query in one spelling: clients may encode what the link does not."""
    parts = urlsplit(re.sub(r"^/+", "/", url))
    return unquote(f"{parts.path}?{parts.query}")


def _name(template: str, path: str) -> str:
    """The segment of a path that stands where its template has a name."""
    after = len(template.split("{")[-1].partition("}")[2].split("/"))
    return path.split("/")[-after]


def _option_faults(operation: Mapping[str, Any], query: Mapping[str, str]) -> Iterator[str]:
    known = {"api-version", "$skiptoken", *operation["query"]}
    for end, options in _ALSO_ASKED.items():
        if operation["path"].endswith(end):
            known |= options
    for name in set(query) - known:
        yield f"has the query option {name}"


def _primitive_faults(value: Any, content: Mapping[str, Any], where: str) -> Iterator[str]:
    kind = content["type"]
    fits = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
    }
    if not fits[kind]:
        yield f"{where} is no {kind}: {value!r:.80}"
    elif "enum" in content and value not in content["enum"]:
        yield f"{where} is {value!r:.80}, which is none of {', '.join(content['enum'])}"
    elif content.get("format") == "date-time" and not _TIME.fullmatch(value):
        yield f"{where} is no time: {value!r:.80}"


def _refusal_faults(exchange: Exchange) -> Iterator[str]:
    """CloudError, and the same of approvals under another name."""
    if exchange.status not in REFUSALS:
        yield f"was answered with {exchange.status}"
    body = exchange.reply
    error = body.get("error") if isinstance(body, dict) and set(body) == {"error"} else None
    if not isinstance(error, dict) or set(error) != {"code", "message"}:
        yield f"was refused in another form than ARM's: {body!r:.200}"
    elif not error["code"] or not all(isinstance(text, str) for text in error.values()):
        yield "was refused without a code, or with what is no text"
