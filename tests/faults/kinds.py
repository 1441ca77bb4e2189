# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults: how each is brought about, which calls it can meet, and how a task may end then.

``ends`` is the table of the matrix: by kind of call, the codes (interface, section 4) that are true of the fault, or OK. A task that
meets a fault once is to succeed wherever asking again can help and is safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from faults.network import NO_TLS, OTHER_CERTIFICATE, REFUSED

# Kinds of calls: of the sign-in service; what is read before the first write, or where nothing is written; writes; what is read after.
SIGN_IN = "sign-in"
READ = "read"
WRITE = "write"
LOOK = "look"
# A password at an organisation's own server, which says by HTTP 500 that it is wrong: asked again, it would lock the account. It
# ends as any sign-in where nothing else is said.
ASSERTION = "assertion"
# What a machine's platform answers on the machine itself, over plain HTTP: where it is not reached there is none, and it is not asked
# again. It ends as any sign-in where nothing else is said.
PLATFORM = "platform"
KINDS = (SIGN_IN, ASSERTION, PLATFORM, READ, WRITE, LOOK)
OK = "ok"

# The call and no other; each such call; this call and whatever follows.
ONCE = "once"
ALWAYS = "always"
FROM_HERE = "from here"

# A fault that waits for the client's own patience is met with less of it.
PATIENCE = 0.4


@dataclass(frozen=True)
class Fault:
    """``order`` goes to the simulator, where $ELSEWHERE is an address that nobody may call; ``detour`` leads the client astray;
    ``revokes`` ends its tokens. ``item``: it meets an item of a batch. ``skew``, in seconds, and ``lags`` meet a whole story.
    ``words`` is what the documentation calls it.
    """

    name: str
    words: str
    ends: Mapping[str, frozenset[str]]
    order: Mapping[str, Any] = field(default_factory=dict)
    span: str = ONCE
    detour: str | None = None
    revokes: bool = False
    item: bool = False
    skew: float = 0.0
    lags: bool = False

    def ends_at(self, kind: str) -> frozenset[str]:
        """How a task may end whose call of this kind meets it; empty where it meets none."""
        signs_in = kind in (ASSERTION, PLATFORM)
        return self.ends.get(kind) or (self.ends.get(SIGN_IN, frozenset()) if signs_in else frozenset())

    @property
    def carried_out(self) -> bool:
        """Whether the call is, though its answer does not come."""
        return bool(self.order.get("processed")) or self.order.get("reset") == "after"

    @property
    def impatient(self) -> bool:
        return bool(self.order.get("hang"))


def _ends(**codes: str) -> dict[str, frozenset[str]]:
    """Codes by kind, separated by spaces; a kind that is not there is not met."""
    return {kind.replace("_", "-"): frozenset(told.split()) for kind, told in codes.items()}


def _all(codes: str, **others: str) -> dict[str, frozenset[str]]:
    told = {"sign_in": codes, "read": codes, "write": codes, "look": codes, **others}
    return _ends(**{kind: ends for kind, ends in told.items() if ends})


# What is read after a write meets the faults of which the operation itself has to make something. How a single call is repeated, and
# what becomes of its answer, does not depend on what was done before: that is seen where the same lists are read first.
# A read cannot be carried out without its answer, and so the faults that say so are for what is asked of the service with effect.
_NETWORK = "network"
_AFTER = "wait_timeout"

# Each story is played once more without a fault.
NOTHING = Fault("nothing", "", {})

FAULTS = (
    Fault("refused", "connection refused", _all(OK, platform=_NETWORK), detour=REFUSED),
    Fault(
        "refused from here", "connection refused, for good", _all(_NETWORK, look=_AFTER), detour=REFUSED, span=FROM_HERE
    ),
    Fault(
        "other certificate",
        "another certificate",
        _all(_NETWORK, look=""),
        detour=OTHER_CERTIFICATE,
        span=FROM_HERE,
    ),
    Fault("no TLS", "TLS breaks off", _all(OK, assertion=_NETWORK, platform="login_failed", look=""), detour=NO_TLS),
    Fault(
        "no TLS from here",
        "TLS breaks off, for good",
        _all(_NETWORK, platform="login_failed", look=""),
        detour=NO_TLS,
        span=FROM_HERE,
    ),
    Fault(
        "reset before",
        "connection reset before the call was carried out",
        _all(OK, assertion=_NETWORK, platform=_NETWORK),
        {"reset": "before"},
    ),
    Fault(
        "reset after",
        "connection reset after the call was carried out",
        _ends(sign_in=OK, assertion=_NETWORK, platform=_NETWORK, write=OK),
        {"reset": "after"},
    ),
    Fault("reset from here", "connection reset, for good", _all(_NETWORK, look=_AFTER), {"reset": "before"}, FROM_HERE),
    Fault(
        "reset after, always",
        "each answer lost",
        _ends(sign_in=_NETWORK, write="ok network"),
        {"reset": "after"},
        ALWAYS,
    ),
    Fault("hang", "no answer", _all(OK, assertion=_NETWORK, platform=_NETWORK), {"hang": True}),
    Fault("hang, carried out", "no answer, and carried out", _ends(write=OK), {"hang": True, "processed": True}),
    # Not where a task waits for its role: it would ask for five minutes, and each time wait in fact.
    Fault("hang, always", "no answer, for good", _all(_NETWORK, look=""), {"hang": True}, ALWAYS),
    Fault("429", "429 with seconds", _all(OK), {"status": 429, "retry_after": 7}),
    Fault(
        "429 date", "429 with a date", _all(OK, look=""), {"status": 429, "retry_after": 7, "retry_after_form": "date"}
    ),
    Fault("429 for ever", "429 for ever", _all("throttled", look=_AFTER), {"status": 429, "retry_after": 5}, FROM_HERE),
    Fault(
        "429 for an hour",
        "429 with an hour",
        _all("throttled", look=""),
        {"status": 429, "retry_after": 3600},
        ALWAYS,
    ),
    Fault("500", "500", _all(OK, assertion="service_unavailable"), {"status": 500}),
    Fault("500, carried out", "500, and carried out", _ends(write=OK), {"status": 500, "processed": True}),
    Fault("500 from here", "500, for good", _all("service_unavailable", look=_AFTER), {"status": 500}, FROM_HERE),
    Fault(
        "502 page", "502 with an HTML page", _all(OK, assertion="service_unavailable"), {"status": 502, "body": "html"}
    ),
    Fault(
        "502 page from here",
        "502 with an HTML page, for good",
        _all("service_unavailable", look=""),
        {"status": 502, "body": "html"},
        FROM_HERE,
    ),
    Fault(
        "503", "503 with seconds", _all(OK, assertion="service_unavailable", look=""), {"status": 503, "retry_after": 3}
    ),
    Fault(
        "504, carried out",
        "504, and carried out",
        _ends(sign_in=OK, assertion="service_unavailable", write=OK),
        {"status": 504, "processed": True},
    ),
    Fault("504, always", "504, for good", _all("service_unavailable", look=""), {"status": 504}, ALWAYS),
    Fault(
        "truncated",
        "truncated JSON",
        _all("invalid_response", platform="login_failed", write=OK, look=OK),
        {"body": "broken_json", "processed": True},
    ),
    Fault(
        "empty",
        "an empty body",
        _all("invalid_response", platform="login_failed", write=OK, look=OK),
        {"body": "empty", "processed": True},
    ),
    Fault(
        "a page",
        "200 with an HTML page, and nothing done",
        _all("invalid_response", sign_in="invalid_response login_failed", write="ok invalid_response", look=OK),
        {"status": 200, "body": "html"},
    ),
    Fault("media type", "another content type", _all(OK, look=""), {"content_type": "text/html"}),
    Fault(
        "redirect",
        "a redirect to another host",
        _all("invalid_response", write=OK, look=OK),
        {"status": 302, "location": "$ELSEWHERE"},
    ),
    Fault("token expired", "the token has expired", _ends(read=OK, write=OK, look=OK), {"status": 401}),
    Fault(
        "revoked",
        "the sign-in is revoked",
        _ends(read="session_expired", write="session_expired", look="session_expired"),
        revokes=True,
    ),
    Fault(
        "item 429",
        "429 for an item of a batch",
        _ends(read=OK, write=OK, look=OK),
        {"status": 429, "retry_after": 3},
        item=True,
    ),
    Fault(
        "item 429 for ever",
        "429 for an item of a batch, for ever",
        _ends(read="throttled", write="throttled", look="ok wait_timeout"),
        {"status": 429, "retry_after": 3},
        ALWAYS,
        item=True,
    ),
    Fault("item 503", "503 for an item of a batch", _ends(read=OK, write=OK, look=OK), {"status": 503}, item=True),
    Fault(
        "item 500, carried out",
        "500 for an item of a batch, and carried out",
        _ends(write=OK),
        {"status": 500, "processed": True},
        item=True,
    ),
    Fault(
        "item 500, always",
        "500 for an item of a batch, for good",
        _ends(read="service_unavailable", write="ok service_unavailable", look="ok wait_timeout"),
        {"status": 500},
        ALWAYS,
        item=True,
    ),
    Fault(
        "item 403",
        "403 for an item of a batch",
        _ends(read="ok forbidden", write="forbidden", look="forbidden"),
        {"status": 403},
        ALWAYS,
        item=True,
    ),
    Fault(
        "item truncated",
        "an item of a batch without sense",
        _ends(read="invalid_response", write=OK, look=OK),
        {"body": "broken_json", "processed": True},
        item=True,
    ),
    Fault("clock a day ahead", "the clock of this machine a day ahead", {}, skew=86400.0),
    Fault("clock a day behind", "the clock of this machine a day behind", {}, skew=-86400.0),
    Fault("lists lag", "lists that lag behind", {}, lags=True),
)
