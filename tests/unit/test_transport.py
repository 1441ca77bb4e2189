# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way into the network, against a real HTTPS server that misbehaves as told."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import trustme
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.repeats import REPEAT_BUDGET
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import Transport, retry_after
from hypothesis import given
from hypothesis import strategies as st

from unit.clocks import FakeClock
from unit.https_server import Proxy, Server, cut_short, drip, garbled, hang, reply, reset


@pytest.fixture
def made(ca_path):
    """Makes transports; their keyword arguments replace the usual ones."""
    transports = []

    def make(clock, environ=None, timeout: float = 5.0, ca: str | None = ca_path, tell=None) -> Transport:
        transport = Transport(clock=clock, environ=environ or {}, http_timeout=timeout, ca_path=ca, tell=tell)
        transports.append(transport)
        return transport

    yield make
    for transport in transports:
        transport.close()


def failure(transport: Transport, method: str, url: str, **options) -> PimError:
    with pytest.raises(PimError) as caught:
        transport.send(method, url, **options)
    return caught.value


def test_an_answer(made, server, fake):
    server.script = [reply(418, b'{"a": 1}', request_id="r1")]
    answer = made(fake.clock).send("GET", server.url + "/x?y=1", headers={"Authorization": "Bearer t"})
    assert (answer.status, answer.json(), answer.headers["request-id"]) == (418, {"a": 1}, "r1")
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", "/x?y=1")
    assert request.headers["authorization"] == "Bearer t"
    assert "entra.pim" in request.headers["user-agent"]


def test_a_json_body_and_a_form(made, server, fake):
    transport = made(fake.clock)
    transport.send("POST", server.url, json_body={"a": "é"})
    transport.send("POST", server.url, form={"b": "c d&e"})
    first, second = server.requests
    assert first.headers["content-type"] == "application/json"
    assert first.body == b'{"a": "\\u00e9"}'
    assert second.headers["content-type"] == "application/x-www-form-urlencoded"
    assert second.body == b"b=c+d%26e"


def test_connections_are_kept(made, server, fake):
    transport = made(fake.clock)
    for _number in range(3):
        transport.send("GET", server.url)
    assert (server.connections, len(server.requests)) == (1, 3)


@pytest.mark.parametrize("url", ["http://localhost:1/", "ftp://localhost/", "file:///etc/passwd", "localhost/", ""])
def test_only_https_is_spoken(made, fake, url):
    assert failure(made(fake.clock), "GET", url).code == "invalid_response"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(made, server, fake, status, method):
    server.script = [reply(status, Location=server.url + "/elsewhere")]
    error = failure(made(fake.clock), method, server.url)
    assert (error.code, error.status, error.uncertain) == ("invalid_response", status, method == "POST")
    assert len(server.requests) == 1


@pytest.mark.parametrize("place", ["https://[::1", "https://a@[b", "https://h:99999999/", ""])
def test_a_redirect_to_nowhere_is_one(made, server, fake, place):
    server.script = [reply(302, Location=place)]
    error = failure(made(fake.clock), "POST", server.url, json_body={})
    assert (error.code, error.uncertain) == ("invalid_response", True)


# Who may be asked again: reads after anything; writes only where the service cannot have acted.


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_asked_again(made, server, fake, status):
    server.script = [reply(status), reply(status), reply(200)]
    assert made(fake.clock).send("GET", server.url).status == 200
    assert len(server.requests) == 3
    assert len(fake.slept) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_is_not_asked_again(made, server, fake, status):
    server.script = [reply(status), reply(200)]
    assert made(fake.clock).send("POST", server.url, json_body={}).status == status
    assert len(server.requests) == 1


def test_a_write_that_may_have_been_carried_out_is_not_asked_again_when_told_to_wait(made, server, fake):
    server.script = [reply(503, Retry_After="2"), reply(201)]
    assert made(fake.clock).send("POST", server.url, json_body={}).status == 503
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [reply(429), reply(429, Retry_After="2")])
def test_a_write_that_was_turned_away_is_asked_again(made, server, fake, answer):
    server.script = [answer, reply(201)]
    done = made(fake.clock).send("POST", server.url, json_body={})
    assert (done.status, done.unsure) == (201, True)
    assert len(server.requests) == 2


@pytest.mark.parametrize("lost", [reply(500), reply(503), reset()])
def test_a_write_that_may_have_been_carried_out_before_is_told_as_such(made, server, fake, lost):
    server.script = [lost, reply(201)]
    assert made(fake.clock).send("PUT", server.url, json_body={}, repeatable=True).unsure
    server.script = [reply(201)]
    assert not made(fake.clock).send("PUT", server.url, json_body={}, repeatable=True).unsure


def test_where_the_task_was_ended_nothing_more_is_sent(made, server, fake):
    """Another thread of the task waits to repeat a write, when the task is ended."""
    server.script = [reply(503), reply(201)]
    transports = []
    transports.append(made(replace(fake.clock, sleep=lambda _seconds: transports[0].stop())))
    with pytest.raises(PimError) as caught:
        transports[0].send("PUT", server.url, json_body={}, repeatable=True)
    assert (caught.value.code, caught.value.uncertain) == ("network", True)
    assert len(server.requests) == 1


def test_calls_end_by_the_moment_their_caller_gives(made, server, fake):
    """A look while waiting is bounded by what is left of the waiting, repeats included."""
    server.script = [reply(503, Retry_After="2") for _number in range(5)]
    transport = made(fake.clock)
    with transport.until(fake.clock.monotonic() + 3), pytest.raises(PimError) as caught:
        transport.send("GET", server.url)
    assert caught.value.code == "throttled"
    assert sum(fake.slept) < 3
    server.script = [reply(503), reply(200)]
    assert transport.send("GET", server.url).status == 200


def test_a_write_that_may_be_repeated_is(made, server, fake):
    server.script = [reply(500), reset(), reply(200)]
    assert made(fake.clock).send("POST", server.url, form={}, repeatable=True).status == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_an_answer(made, server, fake, status):
    server.script = [reply(status)]
    assert made(fake.clock).send("GET", server.url).status == status
    assert (len(server.requests), fake.slept) == (1, [])


def test_a_busy_server_is_given_up(made, server, fake):
    server.script = [reply(503)]
    assert made(fake.clock).send("GET", server.url).status == 503
    assert 2 <= len(server.requests) <= 10
    assert sum(fake.slept) <= REPEAT_BUDGET


def test_the_time_to_wait_is_kept(made, server, fake):
    server.script = [reply(429, Retry_After="7"), reply(200)]
    made(fake.clock).send("GET", server.url)
    assert 7 <= fake.slept[0] < 8


def test_the_time_to_wait_may_be_a_date(made, server, fake):
    now = datetime(2031, 1, 1, tzinfo=timezone.utc)
    date, until = (format_datetime(moment, usegmt=True) for moment in (now, now + timedelta(seconds=9)))
    server.script = [reply(429, Retry_After=until, Date=date), reply(200)]
    made(fake.clock).send("GET", server.url)
    assert 9 <= fake.slept[0] < 10


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_is_told_when_to_come_back_comes_back_as_long_as_there_is_time(made, server, fake, method):
    """Many hosts share what a service grants: being turned away several times is nothing special."""
    server.script = [*[reply(429, Retry_After="1") for _number in range(8)], reply(200)]
    assert made(fake.clock).send(method, server.url).status == 200
    server.script = [reply(429, Retry_After="1")]
    before = len(fake.slept)
    error = failure(made(fake.clock), method, server.url)
    assert (error.code, error.retry_after, error.uncertain) == ("throttled", 1.0, False)
    assert 40 <= sum(fake.slept[before:]) <= REPEAT_BUDGET


def test_hosts_that_are_turned_away_together_come_back_apart(made, server, fake):
    """Each time, the moments are further apart."""
    waits = []
    for _host in range(12):
        server.script = [*[reply(429, Retry_After="1") for _number in range(4)], reply(200)]
        before = len(fake.slept)
        made(fake.clock).send("GET", server.url)
        waits.append(fake.slept[before:])
    spread = [max(turn) - min(turn) for turn in zip(*waits)]
    assert len(spread) == 4
    assert spread[3] > spread[0] > 0
    assert all(wait >= 1 for host in waits for wait in host)


def test_a_service_that_asks_to_come_back_at_once_is_not_hammered(made, server, fake):
    server.script = [reply(429, Retry_After="0")]
    assert made(fake.clock).send("GET", server.url).status == 429
    assert len(server.requests) < 15


def test_a_write_that_may_be_lost_and_is_then_throttled_is_told_as_such(made, server, fake):
    server.script = [reply(503), reply(429, Retry_After="600")]
    error = failure(made(fake.clock), "PUT", server.url, repeatable=True)
    assert (error.code, error.uncertain) == ("throttled", True)


def test_what_is_made_again_is_told(made, server, fake):
    told: list[str] = []
    transport = made(fake.clock, tell=told.append)
    server.script = [reply(429, Retry_After="2"), reset(), reply(200)]
    transport.send("GET", f"{server.url}/a/path?code=secret")
    assert len(told) == 2
    assert told[0].startswith(f"GET: {server.url}/a/path answered with HTTP 429; trying again in 2.")
    assert told[1].startswith(f"GET: {server.url}/a/path ")
    assert "secret" not in "".join(told)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_time_longer_than_the_task_may_wait_is_throttled(made, server, fake, method):
    server.script = [reply(429, Retry_After="3600")]
    error = failure(made(fake.clock), method, server.url)
    assert error.code == "throttled"
    assert 3600 <= (error.retry_after or 0) < 3602
    assert "360" in str(error.advice)
    assert (len(server.requests), fake.slept) == (1, [])


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "9" * 400, "Mon, 01 Jan 2024 00:00:00 +99999999999999999"])
def test_a_time_to_wait_that_is_none(made, server, fake, value):
    server.script = [reply(429, Retry_After=value), reply(200)]
    try:
        assert made(fake.clock).send("GET", server.url).status == 200
    except PimError as error:
        assert error.code == "throttled"  # noqa: PT017  # what is longer than a task may wait


@given(st.text(max_size=30) | st.integers().map(str), st.text(max_size=30))
def test_any_time_to_wait_is_a_number_or_none(value, date):
    seconds = retry_after({"Retry-After": value, "Date": date})
    assert seconds is None or seconds >= 0


# Connections that break.


def test_a_read_survives_a_reset(made, server, fake):
    server.script = [reset(), reset(), reply(200)]
    assert made(fake.clock).send("GET", server.url).status == 200


def test_a_write_whose_answer_was_lost_is_of_unknown_fate(made, server, fake):
    server.script = [reset(), reply(201)]
    error = failure(made(fake.clock), "POST", server.url, json_body={})
    assert (error.code, error.uncertain) == ("network", True)
    assert len(server.requests) == 1


def test_an_answer_garbled_under_way_is_of_unknown_fate(made, server, fake):
    server.script = [garbled()]
    error = failure(made(fake.clock), "POST", server.url, json_body={})
    assert (error.code, error.uncertain) == ("network", True)
    assert len(server.requests) == 1
    server.script = [garbled(), reply(200)]
    assert made(fake.clock).send("GET", server.url).status == 200


def test_an_answer_cut_short_is_none(made, server, fake):
    server.script = [cut_short()]
    assert failure(made(fake.clock), "POST", server.url, json_body={}).uncertain is True
    assert len(server.requests) == 1
    server.script = [cut_short(), reply(200)]
    assert made(fake.clock).send("GET", server.url).status == 200


def test_a_connection_that_breaks_before_it_is_used(made, server, fake):
    server.resets = 1
    assert made(fake.clock).send("GET", server.url).status == 200
    server.resets = 1
    error = failure(made(fake.clock), "POST", server.url, json_body={})
    assert error.code == "network"
    # It cannot be told from one that broke after the request: never repeated blindly.
    assert error.uncertain is True


def test_a_kept_connection_that_was_closed_meanwhile(made, server, fake):
    def answered_and_closed(connection, stopping):
        reply(200)(connection, stopping)
        return False

    server.script = [answered_and_closed, reply(201)]
    transport = made(fake.clock)
    transport.send("GET", server.url)
    time.sleep(0.2)
    assert transport.send("POST", server.url, json_body={}).status == 201


def test_nobody_there_is_certain_and_tried_again(made, fake):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        error = failure(made(fake.clock), "POST", f"https://localhost:{reserved.getsockname()[1]}/", json_body={})
    assert (error.code, error.uncertain) == ("network", False)
    assert len(fake.slept) >= 1
    assert "localhost" in error.message


def test_a_name_nobody_has(made, fake):
    error = failure(made(fake.clock), "GET", "https://no-such-host.invalid/")
    assert (error.code, error.uncertain) == ("network", False)


# Time.


def seconds_of(call) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_a_server_that_hangs_is_left_in_time(made, server, real_clock):
    server.script = [hang()]
    took = seconds_of(lambda: failure(made(real_clock, timeout=0.5), "POST", server.url, json_body={}))
    assert 0.4 < took < 3


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 X\r\nContent-Length: 40\r\n\r\n", b"HTTP/1.1 200 X\r\n\r\n"],
    ids=["with a length", "until closed"],
)
def test_a_body_that_drips_is_left_in_time(made, server, real_clock, head):
    server.script = [drip(head, b"x" * 40)]
    error: list[PimError] = []
    took = seconds_of(lambda: error.append(failure(made(real_clock, timeout=0.5), "POST", server.url, json_body={})))
    assert (error[0].code, error[0].uncertain) == ("network", True)
    assert took < 3


def test_headers_that_drip_are_left_in_time(made, server, real_clock):
    server.script = [drip(b"HTTP/1.1 200 X\r\n", b"X-A: 1\r\n" * 5)]
    took = seconds_of(lambda: failure(made(real_clock, timeout=0.5), "POST", server.url, json_body={}))
    assert took < 3


def test_a_server_that_never_shakes_hands_is_left_in_time(made, real_clock):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://localhost:{silent.getsockname()[1]}/"
        took = seconds_of(lambda: failure(made(real_clock, timeout=0.5), "POST", url, json_body={}))
    # Nothing was sent yet, so it may be tried again, each time for as long.
    assert took < 8


def test_all_repeats_end_within_the_budget(made, server):
    """Each call takes the server 20 s: the repeats stop in time."""
    fake = FakeClock()

    def slow(connection, stopping):
        fake.advance(20)
        return reply(503)(connection, stopping)

    server.script = [slow]
    started = fake.now
    made(fake.clock, timeout=30).send("GET", server.url)
    assert fake.now - started <= REPEAT_BUDGET + 30


def test_the_services_clock_is_told_by_its_answers(made, server, fake):
    transport = made(fake.clock)
    assert transport.service_now() == fake.clock.now()
    moment = datetime(2031, 5, 5, 12, tzinfo=timezone.utc)
    server.script = [reply(200, Date=format_datetime(moment, usegmt=True)), reply(200, Date="nonsense")]
    transport.send("GET", server.url)
    assert transport.service_now() == moment
    fake.advance(90)
    transport.send("GET", server.url)
    assert transport.service_now() == moment + timedelta(seconds=90)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 1200 00:00:00 GMT"])
def test_a_clock_that_is_none_is_not_believed(made, server, fake, date):
    transport = made(fake.clock)
    server.script = [reply(200, Date=date)]
    transport.send("GET", server.url)
    assert transport.service_now() == fake.clock.now()


def test_pausing_is_the_clocks_work(made, fake):
    transport = made(fake.clock)
    for seconds in (2.5, 0, -1):
        transport.pause(seconds)
    assert fake.slept == [2.5]


# Trust.


def test_another_authority_is_not_trusted(made, server, fake, tmp_path):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for ca in (str(other), None):
        error = failure(made(fake.clock, ca=ca), "GET", server.url)
        assert (error.code, error.uncertain) == ("network", False)
        assert "certificate" in error.message
        assert "ca_path" in str(error.advice)
    assert server.requests == []


def test_authorities_are_read_once(made, server, fake, monkeypatch):
    """And no others come to them: to read those of certifi takes longer than a handshake, and would trust more than was said."""
    loaded = []
    load = ssl.SSLContext.load_verify_locations

    def count(context, *places, **named):
        loaded.append(context)
        load(context, *places, **named)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    transport = made(fake.clock)
    server.script = [reply(200, Connection="close"), cut_short(), reply(200)]
    for _call in range(3):
        transport.send("GET", server.url)
    assert server.connections > 2
    (context,) = loaded
    assert len(context.get_ca_certs()) == 1


def test_another_name_is_not_trusted(made, authority, fake):
    with Server(authority, "elsewhere.example") as server:
        assert "certificate" in failure(made(fake.clock), "GET", server.url).message
        assert server.requests == []


def test_the_environment_decides_nothing_of_trust(made, server, fake, tmp_path, ca_path, monkeypatch):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(other))
    assert made(fake.clock).send("GET", server.url).status == 200
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, ca_path)
    assert failure(made(fake.clock, ca=str(other)), "GET", server.url).code == "network"


def test_netrc_is_not_read(made, server, fake, tmp_path, monkeypatch):
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    made(fake.clock).send("GET", server.url)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "content", [None, "", "no certificate\n", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_a_ca_that_is_none_is_named(made, server, fake, tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(PimError) as caught:
        made(fake.clock, ca=str(path)).send("GET", server.url)
    assert caught.value.code == "invalid_option"
    assert "ca_path" in caught.value.message


# Proxies.


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_is_used(made, server, fake, name, scheme):
    with Proxy(server.port) as proxy:
        environ = {name: proxy.address.replace("http://", scheme)}
        assert made(fake.clock, environ).send("GET", f"https://localhost:{server.port}/").status == 200
        assert proxy.connects == [f"localhost:{server.port}"]


def test_a_proxy_may_speak_tls(made, server, fake, authority):
    with Proxy(server.port, authority=authority) as proxy:
        assert made(fake.clock, {"HTTPS_PROXY": proxy.address}).send("GET", server.url).status == 200
        assert len(proxy.connects) == 1


def test_a_proxy_of_another_authority_is_not_trusted(made, server, fake):
    with Proxy(server.port, authority=trustme.CA()) as proxy:
        error = failure(made(fake.clock, {"HTTPS_PROXY": proxy.address}), "GET", server.url)
        assert error.code == "network"
        assert (proxy.connects, server.requests) == ([], [])


@pytest.mark.parametrize("no_proxy", ["localhost", "other.example, localhost", "*", "LOCALHOST"])
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_who_is_excepted_is_not_proxied(made, server, fake, name, no_proxy):
    with Proxy(server.port) as proxy:
        made(fake.clock, {"HTTPS_PROXY": proxy.address, name: no_proxy}).send("GET", server.url)
        assert proxy.connects == []


@pytest.mark.parametrize("no_proxy", ["", "other.example", "ocalhost", "localhost.example"])
def test_who_is_not_excepted_is_proxied(made, server, fake, no_proxy):
    with Proxy(server.port) as proxy:
        made(fake.clock, {"HTTPS_PROXY": proxy.address, "NO_PROXY": no_proxy}).send("GET", server.url)
        assert len(proxy.connects) == 1


def test_a_proxy_for_http_is_not_for_https(made, server, fake):
    made(fake.clock, {"HTTP_PROXY": "http://127.0.0.1:9"}).send("GET", server.url)
    assert len(server.requests) == 1


def test_the_proxies_of_the_process_are_those_it_was_given(made, server, fake, monkeypatch):
    """What counts is the environment handed in (a task may have its own), not the process's."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert made(fake.clock, {}).send("GET", server.url).status == 200


def test_a_proxy_that_refuses_is_named(made, server, fake):
    with Proxy(server.port, status=403) as proxy:
        error = failure(made(fake.clock, {"HTTPS_PROXY": proxy.address}), "POST", server.url, json_body={})
    assert (error.code, error.uncertain) == ("network", False)
    assert "proxy" in error.message
    assert server.requests == []


def test_the_password_of_a_proxy_is_not_told(made, server, fake):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        environ = {"HTTPS_PROXY": f"http://somebody:Very-secret-1@127.0.0.1:{reserved.getsockname()[1]}"}
        error = failure(made(fake.clock, environ), "GET", server.url)
    assert "Very-secret-1" not in error.sentence + str(error.as_failure())


@pytest.mark.parametrize(
    "proxy",
    [
        "http://me:Very-secret-1@",
        "http://[me:Very-secret-1@x",
        "http://é€:Very-secret-1@x",
        "me:Very-secret-1@x:y",
        "://",
    ],
)
def test_a_proxy_that_is_none_is_named_without_its_text(made, server, fake, proxy):
    error = failure(made(fake.clock, {"HTTPS_PROXY": proxy}), "POST", server.url, json_body={})
    assert (error.code, error.uncertain) == ("network", False)
    assert "HTTPS_PROXY" in error.message
    assert "Very-secret-1" not in error.sentence
    assert server.requests == []


def test_a_message_shows_neither_query_nor_user(made, fake):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        error = failure(made(fake.clock), "GET", f"https://u:p4ss@localhost:{reserved.getsockname()[1]}/a?code=s3cret")
    assert "s3cret" not in error.sentence
    assert "p4ss" not in error.sentence
    assert "/a" in error.message


# Bodies.


@pytest.mark.parametrize(("body", "value"), [(b"", None), (b"  ", None), (b"{}", {}), (b'"\xc3\xa9"', "é")])
def test_json(made, server, fake, body, value):
    server.script = [reply(200, body)]
    assert made(fake.clock).send("GET", server.url).json() == value


@pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json(made, server, fake, body):
    server.script = [reply(200, body)]
    with pytest.raises(ValueError, match=r"."):
        made(fake.clock).send("GET", server.url).json()
