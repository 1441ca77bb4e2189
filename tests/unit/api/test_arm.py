# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Manager against a transport that answers as told: several calls at a time, pages, its error bodies, refused tokens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from unittest import mock

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api import base
from ansible_collections.entra.pim.plugins.module_utils._pim.api.arm import Arm
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer, Call
from ansible_collections.entra.pim.plugins.module_utils._pim.api.errors import demands_more, error_from
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.access import Access
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.client import SignInClient
from ansible_collections.entra.pim.plugins.module_utils._pim.state.sessions import Token
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Reply
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import START, FakeClock
from unit.state.saved import session

ROOT = "https://arm.example"
PATIENCE = 5.0


def answer(status: int, body=None, **headers: str) -> Reply:
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def error(code: str | None, message: str = "no") -> dict:
    return {"error": {"code": code, "message": message}}


class Wire:
    """Stands where the transport stands, for calls side by side: answers by ``respond`` (method, url, token), keeps what was sent."""

    def __init__(self, respond: Callable[[str, str, str], Reply | PimError]) -> None:
        self._respond = respond
        self._lock = threading.Lock()
        self.sent: list[tuple[str, str, str, bool | None]] = []

    def stop(self) -> None:
        """No call is behind."""

    def is_over(self) -> bool:
        return False

    def send(self, method, url, *, headers=None, json_body=None, form=None, repeatable=None) -> Reply:
        token = headers["Authorization"].removeprefix("Bearer ")
        with self._lock:
            self.sent.append((method, url, token, repeatable))
        outcome = self._respond(method, url, token)
        if isinstance(outcome, PimError):
            raise outcome
        return outcome


class Tokens:
    """A bearer with a first token, and no other where that is refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def token(self, api: str) -> str:
        assert api == "arm"
        return "first"

    def renewed(self, api: str, refused: str) -> str | None:
        self.asked.append(refused)
        return None

    def given_up(self, api: str, refused: str) -> None:
        raise AssertionError("nothing was renewed")


def arm(respond) -> tuple[Arm, Wire]:
    wire = Wire(respond)
    return Arm(wire, ROOT + "/", Tokens()), wire


def reads(number: int) -> list[Call]:
    return [Call("arm", "GET", f"/things/{place}") for place in range(number)]


def writes(number: int) -> list[Call]:
    return [Call("arm", "PUT", f"/things/{place}", {"place": place}, repeatable=True) for place in range(number)]


def place_of(url: str) -> int:
    return int(url.rpartition("/")[2])


def test_a_single_call():
    api, wire = arm(lambda *_: answer(200, {"x": 1}, x_ms_request_id="r1"))
    assert api.run([Call("arm", "GET", "/things?$filter=asTarget()")]) == [Answer(200, {"x": 1}, "r1")]
    assert wire.sent == [("GET", f"{ROOT}/things?$filter=asTarget()", "first", None)]


def test_no_call_is_no_call():
    api, wire = arm(lambda *_: answer(200, {}))
    assert api.run([]) == []
    assert wire.sent == []


def test_a_write_says_whether_it_may_be_repeated():
    api, wire = arm(lambda *_: answer(201, {}))
    api.run([writes(1)[0], Call("arm", "POST", "/x/cancel", answers_nothing=True)])
    assert {(sent[0], sent[3]) for sent in wire.sent} == {("PUT", True), ("POST", None)}


def test_eight_go_at_a_time_and_never_more():
    together = threading.Barrier(8)
    lock, running, most = threading.Lock(), 0, 0

    def respond(_method: str, url: str, _token: str) -> Reply:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # It opens only where eight have come.
        together.wait(PATIENCE)
        time.sleep(0.005)
        with lock:
            running -= 1
        return answer(201, {"place": place_of(url)})

    api, _wire = arm(respond)
    assert [outcome.body["place"] for outcome in api.run(writes(24))] == list(range(24))
    assert most == 8


def test_the_order_of_the_answers_does_not_matter():
    done = [threading.Event() for _place in range(8)]
    done[7].set()

    def respond(_method: str, url: str, _token: str) -> Reply:
        # Each waits for the one after it.
        assert done[min(place_of(url) + 1, 7)].wait(PATIENCE)
        done[place_of(url)].set()
        return answer(200, {"place": place_of(url)})

    api, _wire = arm(respond)
    assert [outcome.body["place"] for outcome in api.run(reads(8))] == list(range(8))


@pytest.mark.parametrize(
    "failure",
    [
        PimError("network", "gone", uncertain=True),
        answer(400, error("RoleAssignmentExists")),
        answer(401, error("ExpiredAuthenticationToken")),
        answer(500, b""),
        answer(200, b"not json"),
    ],
    ids=["network", "refused", "token", "busy", "nonsense"],
)
def test_a_write_that_fails_hides_nothing_of_the_others(failure):
    api, wire = arm(lambda _method, url, _token: failure if place_of(url) == 3 else answer(201, {"url": url}))
    outcomes = api.run(writes(10))
    assert [place for place, outcome in enumerate(outcomes) if isinstance(outcome, PimError)] == [3]
    assert {url for _method, url, _token, _repeatable in wire.sent} == {f"{ROOT}{call.path}" for call in writes(10)}


def test_writes_whose_answers_were_lost_are_outcomes_of_unknown_fate():
    for number in (1, 9):
        api, _wire = arm(lambda *_: PimError("network", "gone", uncertain=True))
        assert [(one.code, one.uncertain) for one in api.run(writes(number))] == [("network", True)] * number


def test_a_read_that_has_no_network_is_raised_after_all_were_sent():
    for number in (1, 12):
        api, wire = arm(lambda _m, url, _t: PimError("network", "gone") if place_of(url) == 0 else answer(200, {}))
        with pytest.raises(PimError, match="gone"):
            api.run(reads(number))
        assert len(wire.sent) == number


def test_a_read_that_is_refused_is_its_own_outcome_only():
    api, _wire = arm(
        lambda _m, url, _t: answer(403, error("AuthorizationFailed")) if place_of(url) == 1 else answer(200, {})
    )
    good, bad, also_good = api.run(reads(3))
    assert isinstance(good, Answer)
    assert isinstance(also_good, Answer)
    assert (bad.code, bad.status) == ("forbidden", 403)


# Tokens.


def signed_in(respond, *later: str | PimError) -> tuple[Arm, Wire, Access, mock.Mock]:
    """An API with a real session behind it, whose refreshes bring ``later``, one after another."""
    wire = Wire(respond)
    made = session(
        client_id="915d4fbe-60d8-4c71-8eaa-df4280b35e96",
        tokens={"arm": Token("first", START, START + 3600)},
        scopes={"arm": ["https://management.azure.com/user_impersonation"]},
    )
    access = Access(made, mock.Mock(), FakeClock().clock, None)
    brought = [
        one if isinstance(one, PimError) else {"access_token": one, "expires_in": 3600, "refresh_token": "another"}
        for one in later
    ]
    return Arm(wire, ROOT, access), wire, access, mock.Mock(side_effect=brought)


@pytest.mark.parametrize("calls", [reads(16), writes(16)], ids=["reads", "writes"])
def test_a_token_refused_to_many_at_once_is_renewed_once(calls):
    at_work = threading.Barrier(8)

    def respond(_method: str, url: str, token: str) -> Reply:
        if token == "first":
            # The first eight have it, and are refused at the same time.
            at_work.wait(PATIENCE)
            return answer(401, error("ExpiredAuthenticationToken"))
        return answer(200, {"place": place_of(url)})

    api, wire, access, refresh = signed_in(respond, "second")
    with mock.patch.object(SignInClient, "refresh", refresh):
        outcomes = api.run(calls)
    assert [outcome.body["place"] for outcome in outcomes] == list(range(16))
    assert refresh.call_count == 1
    assert [sent[2] for sent in wire.sent].count("first") == 8
    assert access.session.can_refresh


def test_a_token_refused_again_ends_it():
    api, wire, access, refresh = signed_in(lambda *_: answer(401, error("InvalidAuthenticationToken")), "second")
    with mock.patch.object(SignInClient, "refresh", refresh), pytest.raises(PimError) as caught:
        api.run(reads(1))
    assert caught.value.code == "session_expired"
    assert [sent[2] for sent in wire.sent] == ["first", "second"]
    assert not access.session.alive(START)


def test_a_sign_in_that_is_over_is_the_outcome_of_each_write():
    ended = PimError("session_expired", "over")
    api, wire, _access, refresh = signed_in(
        lambda _method, url, _token: answer(401 if place_of(url) else 201, error("x")), *[ended] * 5
    )
    with mock.patch.object(SignInClient, "refresh", refresh):
        first, *others = api.run(writes(5))
    assert isinstance(first, Answer)
    assert {one.code for one in others} == {"session_expired"}
    assert not any(one.uncertain for one in others)
    assert {sent[2] for sent in wire.sent} == {"first"}


MFA = "Resource 'x' was disallowed by Azure: You are receiving this error because you tried to create, update or delete"


@pytest.mark.parametrize("calls", [reads(1), writes(1), writes(9)], ids=["read", "write", "writes"])
def test_a_demand_for_more_does_not_cost_the_session_its_life(calls):
    """Azure's own 401: another token of the same sign-in would be refused just so."""
    challenge = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    refusal = answer(401, error("RequestDisallowedByAzure", MFA), www_authenticate=challenge)
    assert demands_more(refusal)
    api, wire, access, refresh = signed_in(lambda *_: refusal)
    with mock.patch.object(SignInClient, "refresh", refresh):
        outcomes = api.run(calls)
    assert {(one.code, one.service_code, one.uncertain) for one in outcomes} == {
        ("mfa_required", "RequestDisallowedByAzure", False)
    }
    assert "require_mfa" in outcomes[0].sentence
    assert refresh.call_count == 0
    assert len(wire.sent) == len(calls)
    assert access.session.alive(START)
    assert access.token("arm") == "first"


@pytest.mark.parametrize("calls", [reads(16), writes(16)], ids=["reads", "writes"])
def test_a_challenge_to_many_at_once_is_answered_once(calls):
    at_work = threading.Barrier(8)
    challenge = 'Bearer claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZXMiOlsicDEiXX19fQ"'

    def respond(_method: str, url: str, token: str) -> Reply:
        if token == "first":
            at_work.wait(PATIENCE)
            return answer(401, error("RequestDisallowedByAzure", MFA), www_authenticate=challenge)
        return answer(200, {"place": place_of(url)})

    api, wire, access, refresh = signed_in(respond, "second")
    with mock.patch.object(SignInClient, "refresh", refresh):
        outcomes = api.run(calls)
    assert [outcome.body["place"] for outcome in outcomes] == list(range(16))
    assert refresh.call_count == 1
    assert json.loads(refresh.call_args.args[2]) == {"access_token": {"acrs": {"values": ["p1"]}}}
    assert [sent[2] for sent in wire.sent].count("first") == 8
    assert access.session.claims is not None


# Pages.


def listed(path: str = "/things") -> Call:
    return Call("arm", "GET", path, pages=True)


def test_pages_are_followed_to_the_end():
    pages = {
        f"{ROOT}/things?x": {"value": [1, 2], "nextLink": f"{ROOT}/things?x&$skiptoken=a"},
        f"{ROOT}/things?x&$skiptoken=a": {"value": [], "nextLink": f"{ROOT}/elsewhere?$skiptoken=b"},
        f"{ROOT}/elsewhere?$skiptoken=b": {"value": [3], "nextLink": None},
    }
    api, wire = arm(lambda _method, url, _token: answer(200, pages[url]))
    assert api.run([listed("/things?x")])[0].body == {"value": [1, 2, 3]}
    assert [sent[1] for sent in wire.sent] == list(pages)


def test_each_list_has_its_own_pages():
    def respond(_method: str, url: str, _token: str) -> Reply:
        name = url.removeprefix(ROOT)
        return answer(200, {"value": [name]} if "more" in name else {"value": [name], "nextLink": f"{url}/more"})

    api, wire = arm(respond)
    assert [outcome.body["value"] for outcome in api.run([listed("/a"), listed("/b")])] == [
        ["/a", "/a/more"],
        ["/b", "/b/more"],
    ]
    assert len(wire.sent) == 4


@pytest.mark.parametrize(
    "link",
    [
        *["https://elsewhere.example/things", "http://arm.example/things", "https://arm.example:8443/x"],
        *["//elsewhere.example", "https://arm.example@elsewhere.example/x", "https://arm.example.elsewhere.example/"],
        *["https://user:word@arm.example/x", "/things?$skiptoken=x", "things", "https://[bad/x", "file:///etc/passwd"],
        *["https://elsewhere.example#@arm.example/x", "https://elsewhere.example\\@arm.example/", 7, ["x"], {"a": 1}],
    ],
)
def test_the_token_goes_to_no_other_place(link):
    api, wire = arm(lambda *_: answer(200, {"value": [], "nextLink": link}))
    (outcome,) = api.run([listed()])
    assert outcome.code == "invalid_response"
    assert [sent[1] for sent in wire.sent] == [f"{ROOT}/things"]


def test_a_list_that_goes_round_in_a_circle_ends():
    api, wire = arm(
        lambda _m, url, _t: answer(200, {"value": [1], "nextLink": f"{ROOT}/{'b' if url.endswith('a') else 'a'}"})
    )
    assert api.run([listed()])[0].code == "invalid_response"
    assert len(wire.sent) == 3


def test_a_list_without_an_end_is_ended():
    numbers = iter(range(1000))
    api, wire = arm(lambda *_: answer(200, {"value": [1], "nextLink": f"{ROOT}/things?{next(numbers)}"}))
    with mock.patch.object(base, "MOST_PAGES", 5):
        assert api.run([listed()])[0].code == "invalid_response"
    assert len(wire.sent) == 6


def test_a_page_that_fails_is_no_list():
    def respond(_method: str, url: str, _token: str) -> Reply:
        return answer(429, b"") if "x" in url else answer(200, {"value": [1], "nextLink": f"{ROOT}/x"})

    api, _wire = arm(respond)
    assert api.run([listed()])[0].code == "throttled"


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "text"}, {"value": {}}])
def test_a_list_without_rows_is_no_answer(body):
    api, _wire = arm(lambda *_: answer(200, body))
    assert api.run([listed()])[0].code == "invalid_response"


# Bodies.


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_withdrawal_answers_nothing(status):
    api, _wire = arm(lambda *_: answer(status))
    assert api.run([Call("arm", "POST", "/x/cancel", answers_nothing=True)]) == [Answer(status, {}, None)]


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"null", b"<html></html>", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 201])
def test_a_body_that_is_no_object_is_no_answer(body, status):
    api, _wire = arm(lambda *_: answer(status, body))
    for calls, uncertain in ((reads(1), False), (writes(1), True), (writes(2), True)):
        assert {(one.code, one.uncertain) for one in api.run(calls)} == {("invalid_response", uncertain)}


ACRS = "&claims=%7B%22access_token%22%3A%7B%22acrs%22%3A%7B%22essential%22%3Atrue%2C%20%22value%22%3A%22c1%22%7D%7D%7D"
RULES = "The following policy rules failed: "


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, error("RoleAssignmentRequestPolicyValidationFailed", f'{RULES}["ExpirationRule"]'), "policy_violation"),
        (400, error("RoleAssignmentRequestPolicyValidationFailed", f'{RULES}["MfaRule"]'), "mfa_required"),
        (400, error("RoleAssignmentRequestPolicyValidationFailed", f'{RULES}["EligibilityRule"]'), "not_eligible"),
        (
            400,
            error("RoleAssignmentRequestPolicyValidationFailed", f'{RULES}["EligibilityRule","MfaRule"]'),
            "not_eligible",
        ),
        (400, error("RoleAssignmentRequestAcrsValidationFailed", ACRS), "mfa_required"),
        (400, error("RoleAssignmentExists"), "RoleAssignmentExists"),
        (409, error("RoleAssignmentExists"), "RoleAssignmentExists"),
        (400, error("PendingRoleAssignmentRequest"), "PendingRoleAssignmentRequest"),
        (400, error("RoleAssignmentDoesNotExist"), "RoleAssignmentDoesNotExist"),
        (400, error("ActiveDurationTooShort", "Miniumum Required is 5 minutes."), "too_early"),
        (400, error("AadPremiumLicenseRequired"), "not_licensed"),
        (400, error("InsufficientPermissions"), "forbidden"),
        (403, error("AuthorizationFailed"), "forbidden"),
        (403, b"<html>a proxy</html>", "invalid_response"),
        (401, error("ExpiredAuthenticationToken"), "session_expired"),
        (403, error("RequestDisallowedByAzure", MFA), "mfa_required"),
        (404, error("SubscriptionNotFound"), "SubscriptionNotFound"),
        (404, error("NoRegisteredProviderFound"), "NoRegisteredProviderFound"),
        (429, error("TooManyRequests"), "throttled"),
        (429, b"", "throttled"),
        (500, error(None, "An error has occurred."), "service_unavailable"),
        (502, b"<html><body>Bad Gateway", "service_unavailable"),
        (400, error("", "Request Body is invalid"), "invalid_response"),
    ],
)
def test_each_failure_has_its_code(status, body, code):
    found = error_from(answer(status, body, x_ms_request_id="r1"), "Azure Resource Manager")
    assert (found.code, found.status, found.request_id) == (code, status, "r1")
    assert found.uncertain == (status >= 500)
    assert "<" not in found.sentence
    assert "Azure Resource Manager" in found.message or code not in ("forbidden", "throttled", "invalid_response")


def test_an_authentication_context_is_named():
    found = error_from(answer(400, error("RoleAssignmentRequestAcrsValidationFailed", ACRS)))
    assert found.authentication_context == "c1"
    assert "%7B" not in found.sentence


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("AuthorizationFailed", "wider scope"),
        ("ResourceIsLocked", "lock"),
        ("ScopeDoesNotMatchRoleDefinition", "scope"),
    ],
)
def test_what_to_do_about_refusals_of_azure_only(code, word):
    assert word in str(error_from(answer(400, error(code))).advice)


@given(st.integers(200, 599), st.binary(max_size=40))
def test_any_bytes_are_an_answer_or_a_failure(status, content):
    api, _wire = arm(lambda *_: answer(status, content))
    for call in (listed(), writes(1)[0]):
        try:
            (outcome,) = api.run([call])
        except PimError as failure:
            assert call.method == "GET"
            outcome = failure
        assert isinstance(outcome, PimError) or 200 <= status < 300
