# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries calls to Microsoft Graph: one by one, or many in `$batch`. Private to the collection.

Facts: Microsoft Graph documentation, "json-batching" (20 items, answers in any order) and "paging".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import PimError
from ..sign_in.token_claims import merged
from ..transport import Reply
from .base import Api
from .calls import Answer, Call

VERSION = "/v1.0"
BETA = "/beta"
BATCH_SIZE = 20
_ITEM_TRIES = 4


class Graph(Api):
    name = "graph"
    service = "Microsoft Graph"
    next_link = "@odata.nextLink"

    def run(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """A single call goes by itself, several in batches of 20. A batch is of one version: what only the beta has goes by itself."""
        outcomes: dict[int, Answer | PimError] = {}
        stable = [index for index, call in enumerate(calls) if not call.beta]
        batched = stable if len(stable) > 1 else []
        for start in range(0, len(batched), BATCH_SIZE):
            chunk = batched[start : start + BATCH_SIZE]
            outcomes.update(zip(chunk, self._batch([calls[index] for index in chunk])))
        for index, call in enumerate(calls):
            if index not in outcomes:
                outcomes[index] = self._single(call, self._root + (BETA if call.beta else VERSION) + call.path)
        return [self._all_pages(outcomes[index]) if call.pages else outcomes[index] for index, call in enumerate(calls)]

    def _batch(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """One `$batch`; items that were throttled, and reads that met a busy server, are asked again together."""
        outcomes: dict[int, Answer | PimError] = {}
        again = list(range(len(calls)))
        attempt, renewed = 0, False
        repeats = self._transport.repeats()
        reads_only = all(call.method == "GET" for call in calls)
        while True:
            attempt += 1
            busy: list[Reply] = []
            refused = False
            challenged: dict[int, PimError] = {}
            replies, token = self._post_batch(calls, again, attempt)
            again = []
            for index, reply in replies.items():
                call = calls[index]
                outcome = reply if isinstance(reply, PimError) else self._outcome(reply, call)
                outcomes[index] = outcome
                if isinstance(reply, PimError):
                    continue
                if isinstance(outcome, PimError) and reply.status == 401 and outcome.claims is not None:
                    challenged[index] = outcome
                elif reply.status == 429 or (reply.status >= 500 and call.method == "GET"):
                    again.append(index)
                    busy.append(reply)
                elif reply.status == 401 and not renewed:
                    again.append(index)
                    refused = True
            wait = 0.0 if attempt < _ITEM_TRIES else None
            if busy:
                asked = [reply.retry_after for reply in busy if reply.retry_after is not None]
                wait = repeats.wait(_ITEM_TRIES, max(asked, default=None))
            if wait is None:
                # No try is left to use another token.
                break
            if refused:
                renewed = True
                if not self._renew(token):
                    again = []
            if challenged:
                failure = self._answer_challenges(token, challenged.values(), ask=reads_only)
                if failure is None:
                    again += challenged
                else:
                    outcomes.update({index: failure.because_of(refusal) for index, refusal in challenged.items()})
            if not again:
                break
            if busy:
                statuses = ", ".join(sorted({str(reply.status) for reply in busy}))
                self._transport.tell(
                    f"$batch: {len(busy)} of {len(replies)} calls were answered with HTTP {statuses}; trying again in {wait:.1f} s"
                )
            self._transport.pause(wait)
        return [outcomes[index] for index in range(len(calls))]

    def _answer_challenges(self, refused: str, refusals: Iterable[PimError], *, ask: bool) -> PimError | None:
        """Gets another token, one that proves what all these ask for; why there is none, where there is none."""
        claims = None
        for refusal in refusals:
            claims = merged(claims, refusal.claims)
        try:
            self._bearer.answered(self.name, refused, str(claims), ask=ask)
        except PimError as error:
            return error
        return None

    def _renew(self, refused: str) -> bool:
        """Whether there is another token; a failure to get one must not hide what the other calls of a batch have done."""
        try:
            return self._bearer.renewed(self.name, refused) is not None
        except PimError:
            # The refusal of the token is what each call is told.
            return False

    def _post_batch(
        self, calls: Sequence[Call], indexes: Sequence[int], attempt: int
    ) -> tuple[dict[int, Reply | PimError], str]:
        """What came of each call, by its place in `calls`, and the token they were answered to."""
        items = []
        for index in indexes:
            call = calls[index]
            item: dict[str, Any] = {"id": str(index), "method": call.method, "url": call.path}
            if call.body is not None:
                item["body"] = call.body
                item["headers"] = {"Content-Type": "application/json"}
            items.append(item)
        reads_only = all(calls[index].method == "GET" for index in indexes)
        token = ""
        try:
            reply, token = self._send(
                "POST", f"{self._root}{VERSION}/$batch", {"requests": items}, reads_only, ask=reads_only
            )
            answers = self._answer(reply, None).body.get("responses")
            if not isinstance(answers, list):
                raise PimError(
                    "invalid_response",
                    "Microsoft Graph answered a batch without responses",
                    status=reply.status,
                    uncertain=True,
                )
        except PimError as error:
            if reads_only:
                raise
            # A batch that was answered was carried out, as far as anybody can tell, whatever its answer is worth.
            error.uncertain = error.uncertain or (error.status is not None and error.status < 300)
            return {index: error.retold() for index in indexes}, token
        found: dict[int, Reply | PimError] = {}
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
                found[place] = Reply(status, named, json.dumps(item.get("body")).encode(), reply.unsure or attempt > 1)
        for index in indexes:
            if index not in found:
                found[index] = PimError(
                    "invalid_response", "Microsoft Graph left a call of a batch unanswered", uncertain=True
                )
        return found, token
