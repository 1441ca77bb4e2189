# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``$batch``: up to 20 calls in one (Graph: "Combine multiple HTTP requests using JSON batching")."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from pim_simulator.callers import Caller
from pim_simulator.fault_answers import fault_response, relinked
from pim_simulator.graph.errors import GraphError, bad_request
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.router import split_path
from pim_simulator.graph.service import GraphService
from pim_simulator.world import World

LARGEST = 20
_ITEM_KEYS = {"id", "method", "url", "headers", "body", "dependsOn"}
_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
_WITH_BODY = ("POST", "PATCH", "PUT")

Item = dict[str, Any]
# told each item's method, url and status
Note = Callable[[str, str, int], None]


async def run_batch(
    world: World, service: GraphService, body: Any, version: str, caller: Caller, base_url: str, note: Note
) -> GraphAnswer:
    """Items run in the order given, each after what it depends on. Raises GraphError for a malformed batch."""
    items = check_batch(body)
    statuses: dict[str, int] = {}
    responses = []
    for item in items:
        failed = [name for name in item.get("dependsOn") or () if not 200 <= statuses[name.lower()] < 300]
        if failed:
            error = GraphError(424, "FailedDependency", f"The request that this one depends on failed: {failed[0]}.")
            answer = service.refused(error, None)
        else:
            answer = await _run(world, service, item, version, caller, base_url)
        statuses[item["id"].lower()] = answer.status
        note(item["method"].upper(), item["url"], answer.status)
        responses.append(_response(item["id"], answer))
    if world.tenant.behaviour.batch_order == "shuffled":
        # the service answers in any order: clients go by the id
        random.shuffle(responses)
    return GraphAnswer(body={"responses": responses})


def refused_batch(service: GraphService, body: Any, refusal: GraphError) -> GraphAnswer:
    """Each item refused alike. Raises GraphError for a malformed batch."""
    responses = [_response(item["id"], service.refused(refusal, None)) for item in check_batch(body)]
    return GraphAnswer(body={"responses": responses})


def check_batch(body: Any) -> list[Item]:
    """The items, of the right form. Raises GraphError."""
    if not isinstance(body, dict) or set(body) != {"requests"} or not isinstance(body["requests"], list):
        raise bad_request("Invalid batch payload format.")
    items = body["requests"]
    if not items:
        raise bad_request("Invalid batch payload format: there are no requests.")
    if len(items) > LARGEST:
        raise bad_request(f"Number of batch request steps exceeds the maximum value of {LARGEST}.")
    seen: set[str] = set()
    for item in items:
        _check_item(item, seen)
        if item["id"].lower() in seen:
            raise bad_request(f"Request Id {item['id']} has to be unique in a batch.")
        seen.add(item["id"].lower())
    return items


def _check_item(item: Any, earlier: set[str]) -> None:
    if not isinstance(item, dict) or not all(isinstance(item.get(k), str) and item[k] for k in ("id", "method", "url")):
        raise bad_request("Invalid batch payload format: each request needs an id, a method and a url.")
    unknown = sorted(set(item) - _ITEM_KEYS)
    if unknown:
        raise bad_request(f"Invalid batch payload format: unknown property '{unknown[0]}'.")
    if item["method"].upper() not in _METHODS:
        raise bad_request(f"Invalid batch payload format: method '{item['method'][:20]}'.")
    if "://" in item["url"].split("?")[0] or item["url"].lstrip("/").startswith("$batch"):
        raise bad_request("Invalid batch payload format: the url must be relative and no batch.")
    headers = item.get("headers")
    if headers is not None and not (isinstance(headers, dict) and all(isinstance(v, str) for v in headers.values())):
        raise bad_request("Invalid batch payload format: headers.")
    depends = item.get("dependsOn")
    if depends is not None:
        if not isinstance(depends, list) or not all(isinstance(name, str) for name in depends):
            raise bad_request("Invalid batch payload format: dependsOn.")
        for name in depends:
            if name.lower() not in earlier:
                raise bad_request(f"Invalid batch payload format: dependsOn names '{name[:40]}', no earlier request.")


async def _run(
    world: World, service: GraphService, item: Item, version: str, caller: Caller, base_url: str
) -> GraphAnswer:
    method = item["method"].upper()
    path, _question, query = item["url"].partition("?")
    address = f"/{version}/{path.strip('/')}"
    headers = {name.lower(): value for name, value in (item.get("headers") or {}).items()}
    fault = world.faults.take(method, f"{address}?{query}" if query else address, batch_item=True)
    if fault is not None and fault.delay_ms:
        await asyncio.sleep(fault.delay_ms / 1000)
    client_request_id = headers.get("client-request-id")
    body = item.get("body")
    if body is not None:
        content_type = headers.get("content-type", "").split(";")[0].strip().lower()
        if method not in _WITH_BODY:
            return service.refused(
                bad_request(f"A {method} request of a batch must not have a body."), client_request_id
            )
        if content_type != "application/json":
            error = bad_request("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
            return service.refused(error, client_request_id)
    call = GraphCall(
        method=method,
        version=version,
        segments=split_path(path),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        caller=caller,
        base_url=base_url,
        url=address,
        body=body,
    )
    if fault is None or (fault.status is None and fault.body is None):
        answer = service.answer(call, client_request_id)
        if fault is not None and fault.next_link is not None:
            answer.body = relinked(answer.body, fault.next_link, base_url, f"{address}?{query}" if query else address)
        return answer
    if fault.processed:
        service.answer(call, client_request_id)
    return _fault_answer(fault_response(fault, address, world.clock.now()))


def _fault_answer(response: Any) -> GraphAnswer:
    """An ordered fault as an item: what is no JSON is text there."""
    text = response.body.decode()
    try:
        content: Any = json.loads(text) if text else None
    except ValueError:
        content = text
    answer = GraphAnswer(response.status_code, content)
    for name in ("Retry-After", "Date", "Location"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _response(item_id: str, answer: GraphAnswer) -> dict[str, Any]:
    headers = dict(answer.headers)
    result: dict[str, Any] = {"id": item_id, "status": answer.status, "headers": headers}
    if answer.body is not None:
        headers["Content-Type"] = "application/json"
        result["body"] = answer.body
    return result
