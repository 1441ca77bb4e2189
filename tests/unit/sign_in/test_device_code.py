# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A code that a person enters somewhere else: what happens while they type, and each way it ends."""

from __future__ import annotations

import json
import warnings

import pytest

from unit.https_server import cut_short, reply, reset
from unit.sign_in.person import Person
from unit.sign_in.sts import APP, DEVICE_CODE
from unit.state.saved import TENANT


@pytest.fixture
def person(fake, options) -> Person:
    return Person(fake.clock, options)


def connect(person, **given):
    with warnings.catch_warnings():
        # A warning in the middle of a play would be on the user's screen.
        warnings.simplefilter("error", UserWarning)
        return person.connect(auth_method="device_code", tenant=TENANT, client_id=APP, **given)


def answer(error, description="", status=400, **headers):
    body = {"error": error, "error_description": description}
    return reply(status, json.dumps(body).encode(), Content_Type="application/json", **headers)


PENDING = answer("authorization_pending", "AADSTS70016: pending")


def test_code_and_name_are_on_the_screen_at_once(person, service):
    service.polls = [PENDING, PENDING]
    result = connect(person, username="operator@contoso.example")
    assert not result.get("failed"), result
    (line,) = person.seen
    assert "ABCDEFGHJ" in line
    assert "as operator@contoso.example" in line
    assert "15 min" in line
    assert DEVICE_CODE not in line + json.dumps(result)


def test_slow_down_adds_five_seconds_each_time(person, service, fake):
    service.polls = [PENDING, answer("slow_down"), answer("slow_down", Retry_After="60"), PENDING]
    assert not connect(person).get("failed")
    assert fake.slept == [5, 10, 15, 15]


@pytest.mark.parametrize(
    "trouble",
    [
        [reply(503)] * 5,
        [reply(500)] * 5,
        [reply(429)] * 5,
        [reply(429, Retry_After="2")] * 5,
        [reply(429, Retry_After="120")],
        [reply(503, Retry_After="120")],
        [reset()] * 3,
        [cut_short()] * 3,
        [answer("temporarily_unavailable")],
        [answer("invalid_request", "AADSTS90033: the directory is not available")],
    ],
    ids=lambda trouble: str(len(trouble)),
)
def test_what_passes_does_not_end_it(person, service, trouble):
    """More than the transport repeats by itself: the person goes on typing, and the next question is answered."""
    service.polls = [PENDING, *trouble, PENDING]
    result = connect(person)
    assert not result.get("failed"), result
    assert service.polls == []


@pytest.mark.parametrize("interval", [0, -5])
def test_a_service_without_patience_is_not_asked_without_a_pause(person, service, fake, interval):
    service.device["interval"] = interval
    service.polls = [PENDING] * 3
    assert not connect(person).get("failed")
    assert fake.slept == [1, 1, 1]


@pytest.mark.parametrize("interval", [10**6, 10**400])
def test_a_service_with_too_much_patience_keeps_nobody_beyond_the_time_there_is(person, service, fake, interval):
    service.device["interval"] = interval
    service.polls = [PENDING]
    assert not connect(person, login_timeout=300).get("failed")
    assert sum(fake.slept) == 300
    service.polls = [PENDING] * 2
    result = connect(person, login_timeout=300, force=True)
    assert result["failure"]["code"] == "login_timeout"


@pytest.mark.parametrize(
    "wait", ["-5", "1000000000", "nan", "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_an_absurd_time_to_wait_is_none(person, service, fake, wait):
    service.polls = [reply(429, Retry_After=wait, Date="Sun, 06 Nov 2033 08:49:37 GMT")] * 1000
    assert connect(person, login_timeout=60)["failure"]["code"] == "throttled"
    # The last question has a second of its own, and what it waits between its repeats.
    assert sum(fake.slept) <= 63


def test_the_service_says_when_to_come_back(person, service, fake):
    service.polls = [reply(429, Retry_After="120")]
    assert not connect(person).get("failed")
    assert [round(seconds) for seconds in fake.slept] == [120]


@pytest.mark.parametrize(
    ("error", "description", "code", "service_code"),
    [
        ("authorization_declined", "", "login_declined", "authorization_declined"),
        ("access_denied", "", "login_declined", "access_denied"),
        ("expired_token", "AADSTS70020: expired", "login_expired", "AADSTS70020"),
        ("code_expired", "AADSTS70019: expired", "login_expired", "AADSTS70019"),
        ("bad_verification_code", "AADSTS70018: wrong", "login_failed", "AADSTS70018"),
        ("invalid_grant", "AADSTS50057: disabled", "login_failed", "AADSTS50057"),
    ],
)
def test_a_sign_in_that_was_refused(person, service, error, description, code, service_code):
    service.polls = [PENDING, answer(error, description)]
    result = connect(person)
    assert (result["failure"]["code"], result["failure"]["service_code"]) == (code, service_code)


def test_nobody_enters_it(person, service, fake):
    service.polls = [PENDING] * 1000
    started = fake.now
    result = connect(person, login_timeout=42)
    assert result["failure"]["code"] == "login_timeout"
    assert "login_timeout=42 s" in result["msg"]
    assert fake.now - started == 42


def test_the_code_ends_first(person, service, fake):
    service.device["expires_in"] = 30
    service.polls = [PENDING] * 1000
    started = fake.now
    result = connect(person, login_timeout=100)
    assert result["failure"]["code"] == "login_expired"
    assert fake.now - started == 30


def test_a_network_that_does_not_come_back(person, service, fake):
    service.polls = [PENDING, *([reset()] * 1000)]
    started = fake.now
    result = connect(person, login_timeout=60)
    assert result["failure"]["code"] == "network"
    assert 60 <= fake.now - started <= 62


@pytest.mark.parametrize(
    "device",
    [
        {"interval": None},
        {"expires_in": "soon"},
        {"expires_in": float("inf")},
        {"expires_in": 10**400},
        {"device_code": ["x"], "user_code": {}},
        {"device_code": None, "user_code": None},
    ],
)
def test_a_code_that_is_none(person, service, device):
    service.device = device
    result = connect(person, login_timeout=5)
    assert result["failure"]["code"] in ("invalid_response", "login_failed")
