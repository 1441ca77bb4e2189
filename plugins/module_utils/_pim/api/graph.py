# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries calls to Microsoft Graph: one by one, or many in `$batch`; paging; the error bodies of Graph. Private to the collection.

Facts: Microsoft Graph documentation, "json-batching" (20 items, answers in any order) and "paging".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from ..advice import SERVICE_CODES, STATUSES, step_up_advice
from ..errors import PimError, readable
from ..transport import REPEAT_BUDGET, Reply, Transport
from .calls import Answer, Call

VERSION = "/v1.0"
BATCH_SIZE = 20
# A list of a million rows in the smallest pages seen; a server that goes on for ever is stopped here.
MOST_PAGES = 10000
_ITEM_TRIES = 4
_RULE = re.compile(r"\b([A-Za-z]+Rule)\b")


class Bearer(Protocol):
    """Whoever has the token: `sign_in.access.Access`."""

    def token(self, api: str) -> str:
        """A living token for the API."""

    def renewed(self, api: str, refused: str) -> str | None:
        """Another token than the refused one, or None where there is none to be had."""

    def given_up(self, api: str, refused: str) -> None:
        """A renewed token was refused too."""


class Graph:
    name = "graph"

    def __init__(self, transport: Transport, url: str, bearer: Bearer) -> None:
        self._transport = transport
        self._root = url.rstrip("/")
        self._bearer = bearer

    def run(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """The outcome of each call, in the order asked: a single call goes by itself, several in batches of 20.

        What stops everything (no token, no network for a read) is raised; what concerns one call is its outcome. A write whose
        fate is unknown is an outcome with `uncertain`.
        """
        outcomes: list[Answer | PimError] = []
        if len(calls) == 1:
            outcomes.append(self._single(calls[0]))
        else:
            for start in range(0, len(calls), BATCH_SIZE):
                outcomes.extend(self._batch(calls[start : start + BATCH_SIZE]))
        return [self._all_pages(outcome) if call.pages else outcome for call, outcome in zip(calls, outcomes)]

    def _single(self, call: Call) -> Answer | PimError:
        try:
            outcome = _outcome(self._send(call.method, self._root + VERSION + call.path, call.body), call)
        except PimError as error:
            # No answer at all: of a write, the fate is its outcome.
            if call.method == "GET":
                raise
            outcome = error
        if isinstance(outcome, PimError) and outcome.code == "session_expired":
            raise outcome
        return outcome

    def _batch(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """One `$batch`; items that were throttled, and reads that met a busy server, are asked again together."""
        outcomes: dict[int, Answer | PimError] = {}
        again = list(range(len(calls)))
        waited, renewed = 0.0, False
        for attempt in range(1, _ITEM_TRIES + 1):
            wait, refused = 0.0, False
            replies = self._post_batch(calls, again, attempt)
            again = []
            for index, reply in replies.items():
                call = calls[index]
                outcomes[index] = reply if isinstance(reply, PimError) else _outcome(reply, call)
                if isinstance(reply, PimError):
                    continue
                if reply.status == 429 or (reply.status >= 500 and call.method == "GET"):
                    again.append(index)
                    wait = max(wait, reply.retry_after or 0.5 * 2**attempt)
                elif reply.status == 401 and not renewed:
                    again.append(index)
                    refused = True
            if refused:
                renewed = True
                if self._bearer.renewed(self.name, self._bearer.token(self.name)) is None:
                    again = []
            if not again or attempt == _ITEM_TRIES or waited + wait > REPEAT_BUDGET:
                break
            waited += wait
            self._transport.pause(wait)
        return [outcomes[index] for index in range(len(calls))]

    def _post_batch(self, calls: Sequence[Call], indexes: Sequence[int], attempt: int) -> dict[int, Reply | PimError]:
        items = []
        for index in indexes:
            call = calls[index]
            item: dict[str, Any] = {"id": str(index), "method": call.method, "url": call.path}
            if call.body is not None:
                item["body"] = call.body
                item["headers"] = {"Content-Type": "application/json"}
            items.append(item)
        reads_only = all(calls[index].method == "GET" for index in indexes)
        try:
            reply = self._send("POST", f"{self._root}{VERSION}/$batch", {"requests": items}, repeatable=reads_only)
            answers = _answer(reply, None).body.get("responses")
            if not isinstance(answers, list):
                raise PimError(
                    "invalid_response",
                    "Microsoft Graph answered a batch without responses",
                    status=reply.status,
                    uncertain=True,
                )
        except PimError as error:
            if reads_only or error.code == "session_expired":
                raise
            return {index: error.retold() for index in indexes}
        found: dict[int, Reply | PimError] = {}
        tries = max(attempt, reply.tries)
        by_id = {str(index): index for index in indexes}
        for item in answers:
            if not isinstance(item, dict):
                continue
            place, status, headers = by_id.get(str(item.get("id"))), item.get("status"), item.get("headers")
            if place is not None and isinstance(status, int):
                named = (
                    {str(name).lower(): str(value) for name, value in headers.items()}
                    if isinstance(headers, dict)
                    else {}
                )
                found[place] = Reply(status, named, json.dumps(item.get("body")).encode(), tries)
        for index in indexes:
            if index not in found:
                found[index] = PimError(
                    "invalid_response", "Microsoft Graph left a call of a batch unanswered", uncertain=True
                )
        return found

    def _send(
        self, method: str, url: str, body: Mapping[str, Any] | None = None, repeatable: bool | None = None
    ) -> Reply:
        """One HTTP call with the token; a refused token is renewed once."""
        token = self._bearer.token(self.name)
        reply = self._transport.send(method, url, headers=_authorization(token), json_body=body, repeatable=repeatable)
        if reply.status == 401:
            other = self._bearer.renewed(self.name, token)
            if other is not None:
                reply = self._transport.send(
                    method, url, headers=_authorization(other), json_body=body, repeatable=repeatable
                )
                if reply.status == 401:
                    self._bearer.given_up(self.name, other)
        return reply

    def _all_pages(self, outcome: Answer | PimError) -> Answer | PimError:
        """Follows `@odata.nextLink`, on this host only: the token goes nowhere else."""
        if isinstance(outcome, PimError):
            return outcome
        rows: list[Any] = []
        seen: set[str] = set()
        page = outcome
        while True:
            value = page.body.get("value")
            if not isinstance(value, list):
                return PimError(
                    "invalid_response", "Microsoft Graph answered a list without its rows", request_id=page.request_id
                )
            rows.extend(value)
            link = page.body.get("@odata.nextLink")
            if not link:
                return Answer(page.status, {"value": rows}, page.request_id)
            if not isinstance(link, str) or link in seen or len(seen) >= MOST_PAGES:
                return PimError("invalid_response", "Microsoft Graph answered a list that has no end")
            if not self._is_ours(link):
                return PimError(
                    "invalid_response",
                    "Microsoft Graph named another host for the rest of a list; nothing was sent there",
                )
            seen.add(link)
            following = _outcome(self._send("GET", link), None)
            if isinstance(following, PimError):
                return following
            page = following

    def _is_ours(self, link: str) -> bool:
        """Whether a link leads to the same scheme, host and port as the API itself."""
        try:
            return urlsplit(link)[:2] == urlsplit(self._root)[:2]
        except ValueError:
            return False


def error_from(reply: Reply) -> PimError:
    """The failure in a Graph error body, out of both its envelopes.

    The PIM engine behind Graph sends `{"error": {"code", "message"}}`, or wraps the same, as a JSON text, into the message of an
    `UnknownError`.
    """
    code, message, request_id = None, None, reply.headers.get("request-id")
    try:
        body = reply.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        code, message = _text(error.get("code")), _text(error.get("message"))
        inner = error.get("innerError")
        if isinstance(inner, dict):
            request_id = _text(inner.get("request-id")) or request_id
        if code in (None, "UnknownError") and message and message.lstrip().startswith("{"):
            code, message = _unwrapped(code, message)
    if code is None and message is None:
        message = readable(reply.text)
    failure = _translated(reply, code, message, request_id)
    failure.repeated = reply.tries > 1
    return failure


def _unwrapped(code: str | None, message: str) -> tuple[str | None, str | None]:
    try:
        wrapped = json.loads(message)
    except (ValueError, RecursionError):
        return code, message
    if not isinstance(wrapped, dict):
        return code, message
    lower = {str(key).lower(): value for key, value in wrapped.items()}
    return _text(lower.get("errorcode")) or code, _text(lower.get("message")) or message


def _translated(reply: Reply, code: str | None, message: str | None, request_id: str | None) -> PimError:
    status = reply.status
    # A 403 without Graph's own body comes from something in between.
    ours = SERVICE_CODES.get(code or "") or (STATUSES.get(status) if code or status != 403 else None)
    context = None
    claims = None
    if code and "AcrsValidationFailed" in code:
        ours, claims, context = "mfa_required", _claims_text(message or ""), _context(message or "")
        message = f"The authentication context {context or 'of the policy'} is required"
    elif ours == "policy_violation" and set(_RULE.findall(message or "")) == {"MfaRule"}:
        ours = "mfa_required"
    if ours is None and status >= 500:
        ours = "service_unavailable"
    if ours is None and code is None:
        ours = "invalid_response"
    wait = reply.retry_after
    advice = None
    if ours == "throttled" and wait:
        advice = f"Run again after {round(wait)} s."
    elif ours == "mfa_required":
        advice = step_up_advice(context)
    return PimError(
        ours or readable(code, 80),
        _summary(ours, status, context),
        service_code=readable(code, 80) if code else None,
        service_message=message,
        status=status,
        request_id=readable(request_id, 80) if request_id else None,
        authentication_context=context,
        claims=claims,
        retry_after=wait,
        advice=advice,
        # 5xx: the service may have acted before it failed.
        uncertain=status >= 500,
    )


def _summary(ours: str | None, status: int, context: str | None) -> str:
    return {
        "policy_violation": "The policy of the role refuses this",
        "mfa_required": f"The authentication context {context} is required"
        if context
        else "Multi-factor authentication is required",
        "too_early": "The activation is younger than five minutes and cannot be ended yet",
        "not_licensed": "The tenant has no licence for Privileged Identity Management",
        "consent_required": "The token lacks a permission",
        "forbidden": "Microsoft Graph refuses this to the signed-in account",
        "session_expired": "Microsoft Graph no longer accepts the token",
        "throttled": "Microsoft Graph is throttling",
        "service_unavailable": f"Microsoft Graph failed (HTTP {status})",
        "invalid_response": f"Microsoft Graph answered with HTTP {status} and no error of its own",
    }.get(ours or "", f"Microsoft Graph refused the call (HTTP {status})")


def _claims_text(message: str) -> str | None:
    """The claims of a challenge in an error text: `&claims=` and percent-encoded JSON, or the JSON itself."""
    _before, mark, encoded = message.partition("claims=")
    return unquote(encoded.strip().partition("&")[0]) if mark else None


def _context(message: str) -> str | None:
    """The authentication context (`c1` ... `c99`) such a challenge asks for."""
    found = re.search(r'"acrs"\s*:\s*\{[^}]*"values?"\s*:\s*\[?\s*"(c\d{1,2})"', _claims_text(message) or "")
    return found.group(1) if found else None


def _outcome(reply: Reply, call: Call | None) -> Answer | PimError:
    try:
        return _answer(reply, call)
    except PimError as error:
        return error


def _answer(reply: Reply, call: Call | None) -> Answer:
    if not 200 <= reply.status < 300:
        raise error_from(reply)
    writes = call is not None and call.method != "GET"
    try:
        body = reply.json()
    except ValueError:
        raise PimError(
            "invalid_response",
            f"Microsoft Graph answered (HTTP {reply.status}) with something that is not JSON",
            status=reply.status,
            uncertain=writes,
        ) from None
    if body is None and reply.status == 204:
        body = {}
    if not isinstance(body, dict):
        raise PimError(
            "invalid_response",
            f"Microsoft Graph answered (HTTP {reply.status}) without an object",
            status=reply.status,
            uncertain=writes,
        )
    return Answer(reply.status, body, reply.headers.get("request-id"))


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
