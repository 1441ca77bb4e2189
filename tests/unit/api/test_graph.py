# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph against a transport that answers as told: batches, pages, both error envelopes, refused tokens."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer, Call
from ansible_collections.entra.pim.plugins.module_utils._pim.api.errors import error_from
from ansible_collections.entra.pim.plugins.module_utils._pim.api.graph import Graph
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.repeats import Repeats
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import FakeClock

ROOT = "https://graph.example"


def answer(status: int, body=None, **headers: str) -> Reply:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


class Wire:
    """Stands where the transport stands: answers by ``respond``, keeps what was sent and how long was waited."""

    def __init__(self, respond: Callable[[str, str, object], Reply | PimError]) -> None:
        self._respond = respond
        self.sent: list[tuple[str, str, object, str, bool | None]] = []
        self.paused: list[float] = []
        self.told: list[str] = []
        self._clock = FakeClock()

    def send(self, method, url, *, headers=None, json_body=None, form=None, repeatable=None) -> Reply:
        self.sent.append((method, url, json_body, headers["Authorization"], repeatable))
        outcome = self._respond(method, url, json_body)
        if isinstance(outcome, PimError):
            raise outcome
        return outcome

    def stop(self) -> None:
        """No thread is behind."""

    def is_over(self) -> bool:
        return False

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self._clock.advance(seconds)

    def repeats(self) -> Repeats:
        return Repeats(self._clock.clock, float("inf"))

    def tell(self, line: str) -> None:
        self.told.append(line)


class Tokens:
    """A bearer with a first token, and a second where the first is refused."""

    def __init__(self, *later: str) -> None:
        self._held = "first"
        self._later = list(later)
        self.given_up_on: list[str] = []
        # Each challenge: what was refused, what was asked for, and whether a person may be asked.
        self.challenged: list[tuple[str, dict, bool]] = []

    def token(self, api: str) -> str:
        assert api == "graph"
        return self._held

    def renewed(self, api: str, refused: str) -> str | None:
        if not self._later:
            return None
        self._held = self._later.pop(0)
        return self._held

    def answered(self, api: str, refused: str, claims: str, *, ask: bool) -> str:
        self.challenged.append((refused, json.loads(claims)["access_token"], ask))
        if not self._later:
            raise PimError("mfa_required", "nobody can satisfy it", claims=claims)
        self._held = self._later.pop(0)
        return self._held

    def given_up(self, api: str, refused: str) -> None:
        self.given_up_on.append(refused)


def graph(respond, *tokens: str) -> tuple[Graph, Wire]:
    wire = Wire(respond)
    return Graph(wire, ROOT + "/", Tokens(*tokens)), wire


def reads(number: int) -> list[Call]:
    return [Call("graph", "GET", f"/things/{place}") for place in range(number)]


def writes(number: int) -> list[Call]:
    return [Call("graph", "POST", "/things", {"number": place}) for place in range(number)]


def item(one, status: int = 200, body=None, **headers) -> dict:
    return {
        "id": one["id"],
        "status": status,
        "headers": headers,
        "body": {"url": one["url"]} if body is None else body,
    }


def batch(*respond):
    """Answers the items of each ``$batch`` by the next of ``respond``, the last again and again."""
    rounds = list(respond)

    def whole(_method, _url, body):
        each = rounds.pop(0) if len(rounds) > 1 else rounds[0]
        return answer(200, {"responses": [made for one in body["requests"] if (made := each(one)) is not None]})

    return whole


def test_a_single_call_goes_by_itself():
    api, wire = graph(lambda *_: answer(200, {"x": 1}, request_id="r1"))
    (outcome,) = api.run([Call("graph", "GET", "/me?$select=id")])
    assert outcome == Answer(200, {"x": 1}, "r1")
    assert wire.sent == [("GET", f"{ROOT}/v1.0/me?$select=id", None, "Bearer first", None)]


def test_what_only_the_beta_has_goes_by_itself():
    """A batch is of one version; the others are still batched, and each outcome stands where it was asked for."""
    in_batch = batch(item)

    def respond(method, url, body):
        return in_batch(method, url, body) if url.endswith("/$batch") else answer(200, {"alone": url})

    api, wire = graph(respond)
    first, second = reads(2)
    outcomes = api.run([first, Call("graph", "GET", "/approvals/1", beta=True), second])
    bodies = [outcome.body for outcome in outcomes if isinstance(outcome, Answer)]
    assert bodies == [{"url": "/things/0"}, {"alone": f"{ROOT}/beta/approvals/1"}, {"url": "/things/1"}]
    assert [sent[1] for sent in wire.sent] == [f"{ROOT}/v1.0/$batch", f"{ROOT}/beta/approvals/1"]


def test_one_beside_the_beta_needs_no_batch():
    api, wire = graph(lambda *_: answer(200, {}))
    api.run([*reads(1), Call("graph", "PATCH", "/approvals/1", {"a": 1}, beta=True)])
    assert [sent[:3] for sent in wire.sent] == [
        ("GET", f"{ROOT}/v1.0/things/0", None),
        ("PATCH", f"{ROOT}/beta/approvals/1", {"a": 1}),
    ]


def test_no_call_is_no_call():
    api, wire = graph(lambda *_: answer(200, {}))
    assert api.run([]) == []
    assert wire.sent == []


@pytest.mark.parametrize(("number", "sizes"), [(2, [2]), (20, [20]), (21, [20, 1]), (45, [20, 20, 5])])
def test_several_go_in_batches_of_twenty(number, sizes):
    api, wire = graph(batch(item))
    outcomes = api.run(reads(number))
    assert [outcome.body["url"] for outcome in outcomes] == [call.path for call in reads(number)]
    assert [len(sent[2]["requests"]) for sent in wire.sent] == sizes
    for sent in wire.sent:
        ids = [one["id"] for one in sent[2]["requests"]]
        assert len(set(ids)) == len(ids)
        assert sent[1] == f"{ROOT}/v1.0/$batch"


@given(st.permutations(range(5)))
def test_the_order_of_the_answers_does_not_matter(order):
    def shuffled(_method, _url, body):
        return answer(200, {"responses": [item(body["requests"][place]) for place in order]})

    api, _wire = graph(shuffled)
    assert [outcome.body["url"] for outcome in api.run(reads(5))] == [call.path for call in reads(5)]


def test_what_is_written_has_its_content_type():
    api, wire = graph(batch(lambda one: item(one, 201, {"id": "r"})))
    api.run(writes(2))
    assert wire.sent[0][2]["requests"][1] == {
        "id": "1",
        "method": "POST",
        "url": "/things",
        "body": {"number": 1},
        "headers": {"Content-Type": "application/json"},
    }


def test_only_a_batch_of_reads_may_be_repeated():
    api, wire = graph(batch(item))
    api.run(reads(2))
    api.run([reads(1)[0], writes(1)[0]])
    assert [sent[4] for sent in wire.sent] == [True, False]


def test_a_failed_item_is_its_own_outcome_only():
    error = {"error": {"code": "RoleAssignmentExists", "message": "The Role assignment already exists."}}
    api, _wire = graph(batch(lambda one: item(one, 400, error) if one["id"] == "1" else item(one)))
    good, bad, also_good = api.run(reads(3))
    assert isinstance(good, Answer)
    assert isinstance(also_good, Answer)
    assert isinstance(bad, PimError)
    assert (bad.code, bad.status) == ("RoleAssignmentExists", 400)


def test_a_missing_item_is_a_failure_of_unknown_fate():
    api, _wire = graph(batch(lambda one: None if one["id"] == "1" else item(one)))
    good, missing = api.run(writes(2))
    assert isinstance(good, Answer)
    assert isinstance(missing, PimError)
    assert (missing.code, missing.uncertain) == ("invalid_response", True)


@pytest.mark.parametrize(
    "odd", [None, "text", {}, {"id": None}, {"id": "x", "status": 200}, {"id": "²", "status": 200}]
)
def test_an_item_that_is_none_is_passed_over(odd):
    def strange(_method, _url, body):
        return answer(200, {"responses": [odd, *[item(one) for one in body["requests"]]]})

    api, _wire = graph(strange)
    assert all(isinstance(outcome, Answer) for outcome in api.run(reads(2)))


def test_an_item_nobody_asked_for_is_passed_over():
    api, _wire = graph(
        lambda _m, _u, body: answer(200, {"responses": [*map(item, body["requests"]), item({"id": "9", "url": "/x"})]})
    )
    assert len(api.run(reads(2))) == 2


def test_a_throttled_item_is_asked_again_after_its_time():
    slow = batch(
        lambda one: (
            item(one, 429, {"error": {"code": "TooManyRequests"}}, **{"Retry-After": "7"})
            if one["id"] == "1"
            else item(one, 201)
        ),
        item,
    )
    api, wire = graph(slow)
    outcomes = api.run(writes(3))
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert [[one["id"] for one in sent[2]["requests"]] for sent in wire.sent] == [["0", "1", "2"], ["1"]]
    (waited,) = wire.paused
    assert 7.0 <= waited < 7.5
    assert wire.told == [f"$batch: 1 of 3 calls were answered with HTTP 429; trying again in {waited:.1f} s"]


def test_a_busy_server_is_asked_again_for_reads_only():
    busy = batch(lambda one: item(one, 503, {"error": {"code": "ServiceUnavailable"}}), item)
    api, wire = graph(busy)
    assert all(isinstance(outcome, Answer) for outcome in api.run(reads(2)))
    assert len(wire.sent) == 2
    api, wire = graph(batch(lambda one: item(one, 503, {"error": {"code": "ServiceUnavailable"}})))
    assert [(outcome.code, outcome.uncertain) for outcome in api.run(writes(2))] == [("service_unavailable", True)] * 2
    assert len(wire.sent) == 1


def test_an_item_that_goes_on_being_throttled_fails_in_time():
    api, wire = graph(batch(lambda one: item(one, 429, {"error": {"code": "TooManyRequests"}}, **{"Retry-After": "5"})))
    outcomes = api.run(reads(2))
    assert {outcome.code for outcome in outcomes} == {"throttled"}
    assert outcomes[0].retry_after == 5
    assert sum(wire.paused) <= 60
    # After the last try there is nothing to wait for.
    assert len(wire.paused) == len(wire.sent) - 1


def test_an_item_with_a_long_time_to_wait_fails_at_once():
    api, wire = graph(batch(lambda one: item(one, 429, {"error": {}}, **{"Retry-After": "600"})))
    outcomes = api.run(reads(2))
    assert [(outcome.code, outcome.retry_after) for outcome in outcomes] == [("throttled", 600)] * 2
    assert "600" in str(outcomes[0].advice)
    assert (len(wire.sent), wire.paused) == (1, [])


def test_a_refused_token_is_renewed_once():
    calls = []

    def respond(_method, _url, _body):
        calls.append(1)
        return answer(401, {"error": {"code": "InvalidAuthenticationToken"}}) if len(calls) == 1 else answer(200, {})

    api, wire = graph(respond, "second")
    assert isinstance(api.run(reads(1))[0], Answer)
    assert [sent[3] for sent in wire.sent] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_token_that_cannot_be_renewed_ends_it(number):
    api, wire = graph(lambda *_: answer(401, {"error": {"code": "InvalidAuthenticationToken", "message": "expired"}}))
    with pytest.raises(PimError) as caught:
        api.run(reads(number))
    assert (caught.value.code, caught.value.status) == ("session_expired", 401)
    assert len(wire.sent) == 1


def test_a_token_refused_again_ends_it():
    wire = Wire(lambda *_: answer(401, {"error": {"code": "InvalidAuthenticationToken"}}))
    tokens = Tokens("second", "third")
    api = Graph(wire, ROOT + "/", tokens)
    with pytest.raises(PimError) as caught:
        api.run(reads(1))
    assert caught.value.code == "session_expired"
    assert len(wire.sent) == 2
    assert tokens.given_up_on == ["second"]


def test_a_token_refused_for_an_item_is_renewed_once():
    expired = batch(lambda one: item(one, 401, {"error": {"code": "InvalidAuthenticationToken"}}))
    api, wire = graph(expired, "second", "third")
    assert {outcome.code for outcome in api.run(reads(2))} == {"session_expired"}
    assert [sent[3] for sent in wire.sent] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize("code", ["session_expired", "network", "login_failed"])
def test_a_token_that_cannot_be_renewed_hides_no_write_of_a_batch(code):
    refusal = {"error": {"code": "InvalidAuthenticationToken", "message": "expired"}}
    api, wire = graph(batch(lambda one: item(one, 401, refusal) if one["id"] == "1" else item(one, 201, {"id": "r"})))
    api._bearer.renewed = mock.Mock(side_effect=PimError(code, "no other token"))
    accepted, refused, also_accepted = api.run(writes(3))
    assert (accepted, also_accepted) == (Answer(201, {"id": "r"}), Answer(201, {"id": "r"}))
    # It was refused for certain, and is told so.
    assert (refused.code, refused.status, refused.uncertain) == ("session_expired", 401, False)
    assert (len(wire.sent), api._bearer.renewed.call_count) == (1, 1)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("when", ["token", "renewed", "answered"])
def test_a_lost_token_leaves_no_doubt_about_a_write(number, when):
    headers = {"WWW-Authenticate": challenge()} if when == "answered" else {}
    api, wire = graph(lambda *_: Reply(401, {name.lower(): value for name, value in headers.items()}, b"{}"))
    lost = PimError("network", "the answer of the sign-in service was lost", uncertain=True)
    setattr(api._bearer, when, mock.Mock(side_effect=lost))
    assert {(one.code, one.uncertain) for one in api.run(writes(number))} == {("network", False)}
    assert len(wire.sent) == (0 if when == "token" else 1)


# Claims challenges.


def challenge(value: str = "1") -> str:
    claims = json.dumps({"access_token": {"nbf": {"essential": True, "value": value}}})
    return f'Bearer realm="", error="insufficient_claims", claims="{base64.b64encode(claims.encode()).decode()}"'


NO = {"error": {"code": "InvalidAuthenticationToken", "message": "no"}}


@pytest.mark.parametrize("calls", [reads(1), writes(1), reads(3), writes(3)], ids=["read", "write", "reads", "writes"])
@pytest.mark.parametrize("inner", [False, True])
def test_a_challenge_is_answered_and_the_call_repeated(calls, inner):
    inner = inner and len(calls) > 1
    api, wire = graph(lambda *_: None, "second")
    accepted = batch(item) if len(calls) > 1 else lambda *_: answer(200, {})
    refused = batch(lambda one: item(one, 401, NO, **{"WWW-Authenticate": challenge()}))
    outer = answer(401, NO, www_authenticate=challenge())
    first = [lambda *call: refused(*call) if inner else outer]
    wire._respond = lambda *call: first.pop()(*call) if first else accepted(*call)
    assert all(isinstance(outcome, Answer) for outcome in api.run(calls))
    assert [sent[3] for sent in wire.sent] == ["Bearer first", "Bearer second"]
    # Of a write, who knows them all asks a person.
    reading = calls[0].method == "GET"
    assert api._bearer.challenged == [("first", {"nbf": {"essential": True, "value": "1"}}, reading)]
    assert wire.paused == ([0.0] if inner else [])


def test_only_what_was_challenged_is_sent_again():
    def refused(one):
        headers = {"WWW-Authenticate": challenge(str(int(one["id"]) + 1))}
        return item(one, 401, NO, **headers) if one["id"] in "12" else item(one, 201, {"id": one["id"]})

    api, wire = graph(batch(refused, lambda one: item(one, 201, {"id": one["id"]})), "second")
    assert [outcome.body["id"] for outcome in api.run(writes(4))] == list("0123")
    assert [[one["id"] for one in sent[2]["requests"]] for sent in wire.sent] == [list("0123"), list("12")]
    # One answer for all that is asked.
    assert [asked["nbf"]["value"] for _refused, asked, _ask in api._bearer.challenged] == ["3"]


@pytest.mark.parametrize("number", [1, 3])
def test_a_challenge_that_cannot_be_answered_is_the_outcome_of_each_write(number):
    def refused(one):
        return item(one, 401, NO, **{"WWW-Authenticate": challenge()})

    single = answer(401, NO, www_authenticate=challenge())
    api, wire = graph(batch(refused) if number > 1 else lambda *_: single)
    outcomes = api.run(writes(number))
    assert {(one.code, one.service_code, one.status, one.uncertain) for one in outcomes} == {
        ("mfa_required", "InvalidAuthenticationToken", 401, False)
    }
    assert len({id(one) for one in outcomes}) == number
    assert len(wire.sent) == 1


@pytest.mark.parametrize("number", [1, 3])
def test_challenges_without_end_are_ended(number):
    def refused(one):
        return item(one, 401, NO, **{"WWW-Authenticate": challenge()})

    api, wire = graph(
        batch(refused) if number > 1 else lambda *_: answer(401, NO, www_authenticate=challenge()),
        *map(str, range(100)),
    )
    outcomes = api.run(writes(number))
    assert {one.code for one in outcomes} == {"session_expired"}
    assert len(wire.sent) <= 4


@pytest.mark.parametrize("number", [1, 3])
def test_nobody_is_asked_for_a_token_that_no_try_is_left_for(number):
    """Each token is used, the last one too."""
    refused = batch(lambda one: item(one, 401, NO, **{"WWW-Authenticate": challenge()}))
    single = answer(401, NO, www_authenticate=challenge())
    api, wire = graph(lambda *call: refused(*call) if number > 1 else single, *map(str, range(100)))
    # A single read that is refused is raised.
    with contextlib.suppress(PimError):
        api.run(reads(number))
    assert [f"Bearer {refused}" for refused, _asked, _ask in api._bearer.challenged] == [
        one[3] for one in wire.sent[:-1]
    ]


def test_nobody_is_asked_where_the_other_calls_of_a_batch_want_a_longer_wait_than_there_is():
    def refused(one):
        wait = {"Retry-After": "600"} if one["id"] == "1" else {}
        return (
            item(one, 429, {"error": {}}, **wait) if wait else item(one, 401, NO, **{"WWW-Authenticate": challenge()})
        )

    api, wire = graph(batch(refused), "second")
    first, second = api.run(reads(2))
    assert (first.claims is not None, second.code, len(wire.sent)) == (True, "throttled", 1)
    assert api._bearer.challenged == []


@pytest.mark.parametrize("number", [1, 3])
def test_no_token_is_renewed_that_no_try_is_left_for(number):
    rounds = [challenge(value) for value in "123"]

    def respond(*sent):
        asked = rounds.pop(0) if rounds else "Bearer"
        refused = batch(lambda one: item(one, 401, NO, **{"WWW-Authenticate": asked}))
        return refused(*sent) if number > 1 else answer(401, NO, www_authenticate=asked)

    api, wire = graph(respond, *map(str, range(100)))
    assert {one.code for one in api.run(writes(number))} == {"session_expired"}
    assert (len(wire.sent), api._bearer.token("graph")) == (4, wire.sent[-1][3].removeprefix("Bearer "))


def test_challenges_without_end_that_end_in_a_bare_refusal_are_ended():
    rounds = iter([*("123"), None, None])

    def refused(*_sent):
        value = next(rounds)
        return answer(401, NO, **({"www_authenticate": challenge(value)} if value else {}))

    api, wire = graph(refused, *map(str, range(100)))
    (outcome,) = api.run(writes(1))
    assert (outcome.code, outcome.claims, len(wire.sent)) == ("session_expired", None, 4)


def test_a_read_that_has_no_network_is_raised():
    api, _wire = graph(lambda *_: PimError("network", "gone"))
    for number in (1, 3):
        with pytest.raises(PimError, match="gone"):
            api.run(reads(number))


def test_a_write_whose_answer_was_lost_is_an_outcome_of_unknown_fate():
    for number in (1, 3):
        api, _wire = graph(lambda *_: PimError("network", "gone", uncertain=True))
        outcomes = api.run(writes(number))
        assert [(outcome.code, outcome.uncertain) for outcome in outcomes] == [("network", True)] * number
        # each is told of its own role later on
        assert len({id(outcome) for outcome in outcomes}) == number


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"7", b'"text"', b"null", b"<html></html>", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 201])
def test_a_body_that_is_no_object_is_no_answer(body, status):
    api, _wire = graph(lambda *_: answer(status, body))
    (outcome,) = api.run(reads(1))
    assert (outcome.code, outcome.uncertain) == ("invalid_response", False)
    (outcome,) = api.run(writes(1))
    assert (outcome.code, outcome.uncertain) == ("invalid_response", True)


def test_nothing_to_say_is_an_answer():
    api, _wire = graph(lambda *_: answer(204))
    assert api.run(writes(1)) == [Answer(204, {}, None)]


@pytest.mark.parametrize("body", [{}, {"responses": None}, {"responses": "text"}, {"responses": {}}])
def test_a_batch_without_answers(body):
    api, _wire = graph(lambda *_: answer(200, body))
    with pytest.raises(PimError) as caught:
        api.run(reads(2))
    assert caught.value.code == "invalid_response"
    assert {(one.code, one.uncertain) for one in api.run(writes(2))} == {("invalid_response", True)}


@pytest.mark.parametrize("body", [b'{"responses": [', b"", b"<html>", []])
def test_a_batch_of_writes_that_was_answered_may_have_been_carried_out(body):
    api, _wire = graph(lambda *_: answer(200, body))
    assert {(one.code, one.uncertain) for one in api.run(writes(2))} == {("invalid_response", True)}


def listed(path: str = "/things") -> Call:
    return Call("graph", "GET", path, pages=True)


def test_pages_are_followed_to_the_end():
    pages = {
        f"{ROOT}/v1.0/things": {"value": [1, 2], "@odata.nextLink": f"{ROOT}/v1.0/things?$skiptoken=a"},
        f"{ROOT}/v1.0/things?$skiptoken=a": {"value": [], "@odata.nextLink": f"{ROOT}/v1.0/things?$skiptoken=b"},
        f"{ROOT}/v1.0/things?$skiptoken=b": {"value": [3]},
    }
    api, wire = graph(lambda _method, url, _body: answer(200, pages[url]))
    (outcome,) = api.run([listed()])
    assert outcome.body == {"value": [1, 2, 3]}
    assert [sent[1] for sent in wire.sent] == list(pages)


def test_pages_of_a_batch_are_followed_each():
    def respond(method, url, body):
        if method == "POST":
            return answer(
                200,
                {
                    "responses": [
                        item(one, 200, {"value": [one["url"]], "@odata.nextLink": f"{ROOT}{one['url']}"})
                        for one in body["requests"]
                    ]
                },
            )
        return answer(200, {"value": ["more"]})

    api, wire = graph(respond)
    assert [outcome.body["value"] for outcome in api.run([listed("/a"), listed("/b")])] == [
        ["/a", "more"],
        ["/b", "more"],
    ]
    assert len(wire.sent) == 3


def test_a_list_goes_on_no_longer_than_the_task_may():
    api, wire = graph(lambda *_: answer(200, {"value": [], "@odata.nextLink": f"{ROOT}/v1.0/things?{len(wire.sent)}"}))
    wire.is_over = lambda: len(wire.sent) > 20
    (outcome,) = api.run([Call("graph", "GET", "/things", pages=True)])
    assert isinstance(outcome, PimError)
    assert outcome.code == "network"
    assert len(wire.sent) == 21


@pytest.mark.parametrize(
    "link",
    [
        *[
            "https://elsewhere.example/v1.0/x",
            "http://graph.example/x",
            "https://graph.example:8443/x",
            "//elsewhere.example",
        ],
        *["https://graph.example@elsewhere.example/x", "https://elsewhere.example#@graph.example/x", "/v1.0/things?x"],
        *["https://[bad/x", "https://graph.example.elsewhere.example/", "file:///etc/passwd", 7, ["x"], {"a": 1}],
    ],
)
def test_the_token_goes_to_no_other_host(link):
    api, wire = graph(lambda *_: answer(200, {"value": [], "@odata.nextLink": link}))
    (outcome,) = api.run([listed()])
    assert outcome.code == "invalid_response"
    assert len(wire.sent) == 1


def test_a_list_that_goes_round_in_a_circle_ends():
    def respond(_method, url, _body):
        other = "b" if url.endswith("=a") else "a"
        return answer(200, {"value": [1], "@odata.nextLink": f"{ROOT}/v1.0/things?$skiptoken={other}"})

    api, wire = graph(respond)
    assert api.run([listed()])[0].code == "invalid_response"
    assert len(wire.sent) == 3


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "text"}, {"value": {}}])
def test_a_list_without_rows_is_no_answer(body):
    api, _wire = graph(lambda *_: answer(200, body))
    assert api.run([listed()])[0].code == "invalid_response"


# Both envelopes, with bodies as they were recorded from the service.
PLAIN = {
    "error": {
        "code": "RoleAssignmentRequestPolicyValidationFailed",
        "message": "The following policy rules failed: ExpirationRule - The duration in the request is greater than "
        "maximum allowed duration",
        "innerError": {"date": "2026-09-09T14:01:18", "request-id": "req-1", "client-request-id": "c"},
    }
}
WRAPPED = {
    "error": {
        "code": "UnknownError",
        "message": json.dumps(
            {
                "errorCode": "PermissionScopeNotGranted",
                "message": "Authorization failed due to missing permission scope RoleAssignmentSchedule.ReadWrite.Directory.",
                "instanceAnnotations": [],
            }
        ),
        "innerError": {"request-id": "req-2"},
    }
}


def test_a_plain_error():
    error = error_from(answer(400, PLAIN))
    assert (error.code, error.service_code) == ("policy_violation", "RoleAssignmentRequestPolicyValidationFailed")
    assert (error.status, error.request_id, error.uncertain) == (400, "req-1", False)
    assert "greater than" in str(error.service_message)


def test_a_wrapped_error():
    error = error_from(answer(403, WRAPPED))
    assert (error.code, error.service_code, error.request_id) == (
        "consent_required",
        "PermissionScopeNotGranted",
        "req-2",
    )
    assert str(error.service_message).startswith("Authorization failed")


def test_a_wrapped_error_in_another_casing():
    inner = json.dumps({"ErrorCode": "MissingProvider", "Message": "The provider is missing.", "Target": None})
    error = error_from(answer(400, {"error": {"code": "UnknownError", "message": inner}}))
    assert (error.code, error.service_message) == ("MissingProvider", "The provider is missing.")


@pytest.mark.parametrize("message", ["{broken", "{}", '{"errorCode": null}', "{" * 100_000, '{"errorCode": 7}'])
def test_an_unknown_error_that_wraps_nothing(message):
    error = error_from(answer(400, {"error": {"code": "UnknownError", "message": message}}))
    assert error.service_code == "UnknownError"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('The following policy rules failed: ["MfaRule"]', "mfa_required"),
        ("The following policy rules failed: MfaRule - Multi-factor authentication is required", "mfa_required"),
        ('The following policy rules failed: ["MfaRule","ExpirationRule"]', "policy_violation"),
        ("The following policy rules failed: JustificationRule - Justification is required", "policy_violation"),
    ],
)
def test_a_missing_second_factor_is_told_apart(message, code):
    body = {"error": {"code": "RoleAssignmentRequestPolicyValidationFailed", "message": message}}
    assert error_from(answer(400, body)).code == code


CLAIMS = (
    "&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%20%22value%22%3A%22c1%22%7D%7D%7D"
)


@pytest.mark.parametrize("message", [CLAIMS, 'claims={"access_token":{"acrs":{"essential":true,"value":"c1"}}}'])
@pytest.mark.parametrize("wrapped", [True, False])
def test_an_authentication_context_is_named(message, wrapped):
    code = "RoleAssignmentRequestAcrsValidationFailed"
    plain = {"error": {"code": code, "message": message}}
    inner = {"error": {"code": "UnknownError", "message": json.dumps({"errorCode": code, "message": message})}}
    error = error_from(answer(400, inner if wrapped else plain))
    assert (error.code, error.authentication_context, error.service_code) == ("mfa_required", "c1", code)
    assert json.loads(str(error.claims))["access_token"]["acrs"]["value"] == "c1"
    assert "%7B" not in error.sentence


def test_a_challenge_nobody_can_read_is_one_still():
    body = {"error": {"code": "RoleAssignmentRequestAcrsValidationFailed", "message": "&claims=%7Bbroken"}}
    error = error_from(answer(400, body))
    assert (error.code, error.authentication_context) == ("mfa_required", None)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"error": {"code": "ActiveDurationTooShort", "message": "too short"}}, "too_early"),
        (400, {"error": {"code": "AadPremiumLicenseRequired", "message": "P2"}}, "not_licensed"),
        (403, {"error": {"code": "Authorization_RequestDenied", "message": "no"}}, "forbidden"),
        (403, {"error": {"code": "SomethingElse", "message": "no"}}, "forbidden"),
        (401, {"error": {"code": "InvalidAuthenticationToken", "message": "no"}}, "session_expired"),
        (404, {"error": {"code": "ResourceNotFound", "message": "no"}}, "ResourceNotFound"),
        (429, {"error": {"code": "TooManyRequests", "message": "slow"}}, "throttled"),
        (429, b"", "throttled"),
        (500, {"error": {"code": "InternalServerError", "message": ""}}, "service_unavailable"),
        (502, b"<html><body>Bad Gateway", "service_unavailable"),
        (503, b"", "service_unavailable"),
        (400, b"", "invalid_response"),
        (400, b"<!DOCTYPE html>", "invalid_response"),
        (418, {"error": "text"}, "invalid_response"),
        (400, {"error": {"code": None, "message": None}}, "invalid_response"),
        (400, {"error": {"code": 7, "message": ["x"]}}, "invalid_response"),
        (400, [], "invalid_response"),
    ],
)
def test_each_failure_has_its_code(status, body, code):
    error = error_from(answer(status, body))
    assert error.code == code
    assert error.status == status
    assert error.uncertain == (status >= 500)
    assert "<" not in error.sentence


def test_a_long_message_is_cut_and_hostile_ones_are_cleaned():
    body = {
        "error": {"code": "X" * 500 + "\x1b", "message": "word \x1b[31m" * 500, "innerError": {"request-id": "r" * 500}}
    }
    error = error_from(answer(400, body))
    assert len(error.code) <= 80
    assert len(str(error.request_id)) <= 80
    assert len(str(error.service_message)) <= 500
    assert "\x1b" not in error.sentence + error.code


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(CLAIMS) | st.just('{"errorCode": 7}'),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "message", "innerError", "request-id", "value"]), inner)
    ),
    max_leaves=8,
)


@given(st.integers(400, 599), _JSON)
def test_any_error_body_is_a_failure(status, body):
    error = error_from(answer(status, body))
    assert error.status == status
    assert error.code


@given(st.integers(200, 599), st.binary(max_size=40))
def test_any_bytes_are_an_answer_or_a_failure(status, content):
    api, _wire = graph(lambda *_: answer(status, content))
    try:
        (outcome,) = api.run(reads(1))
    except PimError as error:
        outcome = error
    assert isinstance(outcome, PimError) or 200 <= status < 300


_LOOSE = st.none() | st.booleans() | st.integers(-1, 600) | st.text(max_size=4) | st.floats() | st.just([])
_ITEMS = st.lists(
    st.dictionaries(
        st.sampled_from(["id", "status", "headers", "body"]), _LOOSE | st.sampled_from(["0", "1", "²", 200, 429, {}])
    ),
    max_size=4,
)


@given(_ITEMS)
def test_any_batch_gives_an_outcome_for_each_call(items):
    api, wire = graph(lambda *_: answer(200, {"responses": items}))
    try:
        outcomes = api.run(writes(2))
    except PimError:
        return
    assert len(outcomes) == 2
    assert all(isinstance(outcome, (Answer, PimError)) for outcome in outcomes)
    assert len(wire.sent) <= 4
