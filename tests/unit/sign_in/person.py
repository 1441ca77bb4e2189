# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person in front of pim_connect: what they see, and what their browser does."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from ansible_collections.entra.pim.plugins.module_utils._pim.operations import connect
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock


class Person:
    """``opens`` is what the browser does with the address; ``seen`` the lines on the screen."""

    def __init__(self, clock: Clock, options: Callable[..., dict[str, Any]], environ: Mapping[str, str] | None = None):
        self._clock = clock
        self._options = options
        self._environ = dict(environ or {})
        self.opens: Callable[[str], None] = lambda _address: None
        self.seen: list[str] = []

    def connect(self, *, screen: bool = True, **given: Any) -> dict[str, Any]:
        """The result of the task."""
        context = Context(
            clock=self._clock,
            environ=self._environ,
            show=self.seen.append if screen else None,
            browse=self.opens if screen else None,
        )
        defaults = {name: option.get("default") for name, option in connect.spec()["argument_spec"].items()}
        return perform(connect.OPERATION, {**defaults, **self._options(), **given}, context)


def asked(address: str) -> dict[str, str]:
    """The parameters of an authorization request."""
    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}


def port_of(address: str) -> int:
    """The port of the listener."""
    return int(urlsplit(asked(address)["redirect_uri"]).port or 0)


def post(address: str, form: Mapping[str, str] | str, path: str = "/", **headers: str) -> int:
    """Sends a form to the listener as a browser does; the status of its answer."""
    body = form if isinstance(form, str) else urlencode(form)
    return call(port_of(address), "POST", path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers})


def call(
    port: int, method: str, path: str = "/", body: str | None = None, headers: Mapping[str, str] | None = None
) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, dict(headers or {}))
        return connection.getresponse().status
    finally:
        connection.close()
