# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One way into the network: TLS, timeouts, retries, throttling, no redirects. Knows nothing of PIM. Private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has it for macOS only

from .errors import PimError, invalid_option, readable
from .repeats import Repeats
from .times import Clock

# Loaded here, at import time, so that a controller pays for it once and not in each forked task.
try:
    import requests
    import requests.adapters
    import requests.exceptions
    import requests.utils
except ImportError:  # what performs an operation says so, naming the interpreter
    requests = None  # type: ignore[assignment]  # absent is one of its two states

REQUESTS_FOUND = requests is not None

# A server that is not there is told soon; one that is busy gets more patience.
CONNECT_TRIES = 3
BUSY_TRIES = 5
# A service that asks for more is told of as if it had asked for this.
_DAY = 86400.0
_CENTURY = 36525 * _DAY
# What the platform offers to its own machines is near, or not there at all.
LOCAL_CONNECT_TIMEOUT = 2.0
LOCAL_TIMEOUT = 10.0
# A page of 50,000 rows is about 40 MB; more than this is no answer of these services.
LARGEST_BODY = 256 * 1024 * 1024

# When the call that this thread makes has to be over, and the clock that tells. Calls run side by side, each in a thread of its own.
_call = threading.local()

_BUSY = frozenset({429, 500, 502, 503, 504})
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, of any status but a redirect. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    # An earlier try of the same call reached the service, and may have been carried out, whatever it answered.
    unsure: bool = False

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The JSON body, None for an empty one; ValueError where it is something else."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except RecursionError as error:
            raise ValueError("nested too deeply") from error

    @property
    def retry_after(self) -> float | None:
        return retry_after(self.headers)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, given as seconds or as a date (measured against the answer's own Date), or None."""
    lower = {name.lower(): value for name, value in headers.items()}
    value = str(lower.get("retry-after") or "").strip()
    if not value:
        return None
    if value.isascii() and value.isdecimal():
        return float(min(int(value[:9]), _DAY))
    until, since = _http_date(value), _http_date(lower.get("date") or "")
    return None if until is None or since is None else min(max(0.0, (until - since).total_seconds()), _DAY)


class Transport:
    """Carries single HTTPS calls out, over kept-alive connections.

    `ca_path` is a CA bundle or None for certifi's; `http_timeout` is seconds for one call; `environ` supplies the proxies only. `tell` gets a
    line for each call that is made again, and why.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        environ: Mapping[str, str],
        http_timeout: float,
        ca_path: str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        if not REQUESTS_FOUND:
            raise ImportError("requests")
        self._clock = clock
        self._timeout = http_timeout
        self._environ = environ
        self._tell = tell
        self._service_offset = 0.0
        self._until = float("inf")
        self._stopped = False
        self._session = requests.Session()
        self._session.mount("https://", _adapter(_tls_context(ca_path) if ca_path else standard_tls()))
        # Nothing of the user's machine changes a call: no .netrc, no REQUESTS_CA_BUNDLE over our CA, no proxy unseen.
        self._session.trust_env = False
        # Redirects are refused here; requests would take their addresses apart, and fall over some.
        self._session.get_redirect_target = lambda _response: None  # type: ignore[method-assign,assignment]  # that is the point of it
        self._session.headers["User-Agent"] = "ansible-entra.pim"
        self._session.headers["Accept-Encoding"] = "gzip"

    def service_now(self) -> datetime:
        """The service's clock, as its last `Date` header told it; this machine's before the first answer."""
        return self._clock.now() + timedelta(seconds=self._service_offset)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        repeatable: bool | None = None,
        local: bool = False,
    ) -> Reply:
        """One call with its repeats; any status but a redirect is an answer.

        The body is JSON, a form, or `content` as it is, whose type is then among `headers`.
        `repeatable`: the call may be sent again though the first may have been carried out; by default so for GET only. What is
        not repeatable is sent again only where the service says that it did not act: no connection, or 429.
        `local`: an address that the platform offers to this machine alone. Plain http is taken, no proxy is used, and where it is not
        reached it is not there.
        Raises `network` (`uncertain` where something may have happened), `throttled`, `invalid_response`.
        """
        if urlsplit(url).scheme != "https" and not (local and urlsplit(url).scheme == "http"):
            raise PimError("invalid_response", f"{_place(url)} is not an https address; nothing was sent there")
        safe = method in _SAFE if repeatable is None else repeatable
        body = content if json_body is None else json.dumps(json_body).encode()
        sent_headers = dict(headers or {})
        if json_body is not None:
            sent_headers["Content-Type"] = "application/json"
        repeats = self.repeats()
        # `lost`: an earlier try may have been carried out, although the service has not said so itself.
        unsure = lost = False
        while True:
            if self._stopped:
                raise PimError("network", f"The task was ended before {_place(url)} was called", uncertain=unsure)
            try:
                outcome: Reply | PimError = self._once(method, url, sent_headers, body, form, local)
            except PimError as error:
                outcome = error
            if (local and isinstance(outcome, PimError)) or not _may_be_repeated(outcome, safe):
                break
            tries = CONNECT_TRIES if isinstance(outcome, PimError) else BUSY_TRIES
            wait = repeats.wait(tries, outcome.retry_after)
            if wait is None:
                if outcome.retry_after:
                    raise _asks_too_much(_place(url), outcome, uncertain=lost and method not in _SAFE)
                break
            unsure = unsure or isinstance(outcome, Reply) or outcome.uncertain
            lost = lost or (outcome.uncertain if isinstance(outcome, PimError) else outcome.status != 429)
            self.tell(f"{method}: {_said(url, outcome)}; trying again in {wait:.1f} s")
            self._clock.sleep(wait)
        if isinstance(outcome, PimError):
            outcome.uncertain = outcome.uncertain and method not in _SAFE
            raise outcome
        return replace(outcome, unsure=unsure)

    @contextlib.contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Bounds all calls inside, with their repeats, by a moment of the monotonic clock; each still gets a second."""
        before, self._until = self._until, moment
        try:
            yield
        finally:
            self._until = before

    def stop(self) -> None:
        """The task was ended from outside: calls that other threads still have before them are not made any more."""
        self._stopped = True

    def is_over(self) -> bool:
        """Whether the moment that bounds all calls has come."""
        return self._clock.monotonic() >= self._until

    def _left(self) -> float:
        return max(1.0, self._until - self._clock.monotonic())

    def repeats(self) -> Repeats:
        """Of a call that begins now; for one that its caller repeats, too."""
        return Repeats(self._clock, self._until)

    def tell(self, line: str) -> None:
        """Of what is made again, for whoever wants to know more (`-vv`)."""
        if self._tell is not None:
            self._tell(line)

    def pause(self, seconds: float) -> None:
        """Waits before a call is repeated by its caller."""
        if seconds > 0:
            self._clock.sleep(seconds)

    def library_session(self, get: Callable[..., Any]) -> Any:
        """For a library that insists on a `requests.Session`: `get` carries its calls out.

        What it derives from this one uses no proxy, follows no redirect, and reads nothing of the user's machine.
        """
        session = requests.Session()
        session.trust_env, session.max_redirects = False, 0
        session.get = get  # type: ignore[method-assign]  # that is the point of it
        return session

    def close(self) -> None:
        self._session.close()

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        form: Mapping[str, str] | None,
        local: bool,
    ) -> Reply:
        place = _place(url)
        timeout = min(self._timeout, self._left(), *([LOCAL_TIMEOUT] if local else []))
        _call.deadline, _call.monotonic = self._clock.monotonic() + timeout, self._clock.monotonic
        try:
            response = self._session.request(
                method,
                url,
                headers=dict(headers),
                data=body if body is not None else (dict(form) if form is not None else None),
                timeout=(min(timeout, LOCAL_CONNECT_TIMEOUT if local else 10.0), timeout),
                # By the authorities of our own TLS; see `_adapter`.
                verify=True,
                proxies={} if local else self._proxies(url),
                allow_redirects=False,
                stream=True,
            )
            with response:
                reply = Reply(
                    response.status_code,
                    {name.lower(): value for name, value in response.headers.items()},
                    _read(response, place),
                )
        except requests.exceptions.SSLError as error:
            raise _tls_failure(place, error) from None
        except requests.exceptions.ProxyError:
            raise PimError(
                "network", f"The proxy for {place} did not connect", advice="Check HTTPS_PROXY and NO_PROXY."
            ) from None
        except requests.exceptions.ConnectTimeout:
            raise PimError("network", f"{place} did not accept a connection in time") from None
        except requests.exceptions.ReadTimeout:
            raise PimError("network", f"{place} did not answer within {timeout:g} s", uncertain=True) from None
        except requests.exceptions.ConnectionError as error:
            raise (
                PimError("network", f"{place} cannot be reached") if _never_connected(error) else _closed(place)
            ) from None
        except requests.exceptions.RequestException as error:
            raise PimError("network", f"The call to {place} failed ({type(error).__name__})", uncertain=True) from None
        except OSError as error:
            raise PimError("network", f"The call to {place} failed ({type(error).__name__})", uncertain=True) from None
        self._learn_time(reply)
        if 300 <= reply.status < 400:
            raise PimError(
                "invalid_response",
                f"{place} answered with a redirect ({reply.status}), which is not followed",
                status=reply.status,
                uncertain=method not in _SAFE,
            )
        return reply

    def _learn_time(self, reply: Reply) -> None:
        moment = _http_date(reply.headers.get("date") or "")
        offset = 0.0 if moment is None else moment.timestamp() - self._clock.time()
        # What is further away is no clock, and would lead out of the calendar.
        if moment is not None and abs(offset) < _CENTURY:
            self._service_offset = offset

    def _proxies(self, url: str) -> dict[str, str]:
        """The proxy for this address as HTTPS_PROXY, ALL_PROXY and NO_PROXY say, in either case."""
        host = urlsplit(url).netloc.rpartition("@")[2]
        passed_by = self._variable("no_proxy")
        if passed_by and proxy_bypass_environment(host, {"no": passed_by}):
            return {}
        proxy = self._variable("https_proxy") or self._variable("all_proxy")
        if not proxy:
            return {}
        address = proxy if "://" in proxy else f"http://{proxy}"
        if not _names_a_host(address):
            # Its text may hold a password.
            raise PimError("network", "HTTPS_PROXY or ALL_PROXY is no address of a proxy", advice="Check HTTPS_PROXY.")
        return {"https": address}

    def _variable(self, name: str) -> str:
        return self._environ.get(name) or self._environ.get(name.upper()) or ""


def _may_be_repeated(outcome: Reply | PimError, safe: bool) -> bool:
    """`safe`: although it may have been carried out."""
    if isinstance(outcome, PimError):
        return outcome.code == "network" and (safe or not outcome.uncertain)
    # 429 is the service's word that it did nothing; after any other failure a write may have been carried out.
    return outcome.status == 429 or (safe and outcome.status in _BUSY)


def _said(url: str, outcome: Reply | PimError) -> str:
    return outcome.message if isinstance(outcome, PimError) else f"{_place(url)} answered with HTTP {outcome.status}"


def _asks_too_much(place: str, outcome: Reply | PimError, *, uncertain: bool) -> PimError:
    seconds = outcome.retry_after or 0.0
    return PimError(
        "throttled",
        f"{place} asks to wait {round(seconds)} s, longer than this task may",
        status=outcome.status,
        retry_after=seconds,
        advice=f"Run again after {round(seconds)} s.",
        uncertain=uncertain,
    )


class _DeadlineSocket(ssl.SSLSocket):
    """Knows when the call it serves has to be over.

    A socket's own time-out holds for each piece that arrives: a server that drips would hold a task for ever.
    """

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002  # the name ssl gives it
        left = _call.deadline - _call.monotonic()
        if left <= 0:
            raise TimeoutError("the call's own time is over")
        self.settimeout(left)
        return super().read(len, buffer)


def _tls_context(authorities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _DeadlineSocket
    try:
        context.load_verify_locations(**{"capath" if os.path.isdir(authorities) else "cafile": authorities})
    except (OSError, ValueError):  # the latter for a path that no file can have
        raise invalid_option("ca_path", authorities, "it must be a readable file of PEM certificates") from None
    return context


@lru_cache(maxsize=1)
def standard_tls() -> ssl.SSLContext:
    """TLS by the authorities of certifi. To read them takes longer than a handshake: the controller does it before its forks, once for all."""
    return _tls_context(requests.utils.DEFAULT_CA_BUNDLE_PATH)


def _adapter(context: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    """An adapter over our TLS, with a proxy or without.

    The context has the authorities. urllib3 would read them again for each connection, which takes longer than the handshake.
    """

    class Adapter(requests.adapters.HTTPAdapter):
        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            conn.cert_reqs, conn.ca_certs, conn.ca_cert_dir = "CERT_REQUIRED", None, None

        def init_poolmanager(self, *args: Any, **options: Any) -> Any:
            return super().init_poolmanager(*args, ssl_context=context, **options)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            return super().proxy_manager_for(proxy, ssl_context=context, proxy_ssl_context=context, **options)

    return Adapter()


def _read(response: requests.Response, place: str) -> bytes:
    """The body, as long as it is of a size these services give."""
    chunks, size = [], 0
    for chunk in response.iter_content(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_BODY:
            raise PimError(
                "invalid_response", f"{place} answered with more than {LARGEST_BODY >> 20} MB", uncertain=True
            )
    return b"".join(chunks)


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _names_a_host(address: str) -> bool:
    """Whether it can be called; urllib3 falls over some that cannot."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0 and address.isascii()
    except ValueError:
        return False


def _place(url: str) -> str:
    """Scheme, host and path for a message: no query, no user name."""
    parts = urlsplit(url)
    return readable(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", 200)


def _tls_failure(place: str, error: Exception) -> PimError:
    reason: object = error
    while reason is not None and not isinstance(reason, ssl.SSLError):
        reason = _deeper(reason)
    if isinstance(reason, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        # No fault of TLS: the other side went away.
        return _closed(place)
    refused = isinstance(reason, ssl.SSLCertVerificationError)
    why = getattr(reason, "verify_message", "")
    detail = f"its certificate was not accepted: {readable(why, 120)}" if refused else "TLS broke off"
    return PimError(
        "network",
        f"{place}: {detail}",
        advice="Check ca_path (also ENTRA_PIM_CA_PATH, REQUESTS_CA_BUNDLE), the host name and the clock; "
        "verification cannot be turned off.",
        # Only a refused certificate is certain to come before the request is sent.
        uncertain=not refused,
    )


def _closed(place: str) -> PimError:
    return PimError("network", f"{place} closed the connection before its answer was complete", uncertain=True)


def _never_connected(error: BaseException) -> bool:
    """True where no byte of the request can have reached the server."""
    reason: object = error
    while reason is not None:
        if type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"):
            return True
        reason = _deeper(reason)
    return False


def _deeper(error: object) -> object | None:
    """The failure below: urllib3 hides it in `reason`, requests in the first argument."""
    below = getattr(error, "reason", None)
    if isinstance(below, BaseException):
        return below
    arguments = getattr(error, "args", ())
    first = arguments[0] if arguments else None
    if isinstance(first, BaseException):
        return first
    return getattr(error, "__cause__", None)
