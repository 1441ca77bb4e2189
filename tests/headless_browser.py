# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser with nobody in front of it: signs in at the simulator's page as a person would.

Use it as the system browser of whatever opens one: ``BROWSER="python3 tests/headless_browser.py %s"``. Like a real browser
that hands the address to a window, it returns at once and goes on in the background.

It opens the address, fills the sign-in form in and sends it; then it follows the answer to the loopback address of the
client: the redirect (``response_mode=query``), or the form that a browser would post (``form_post``).

Variables of the environment:

HEADLESS_BROWSER_CA        the CA certificate (PEM file) of the sign-in service; without it, those of the system
HEADLESS_BROWSER_PROXY     the proxy that leads to the sign-in service; without it, none
HEADLESS_BROWSER_USERNAME  user name; without it, what the page suggests (login_hint)
HEADLESS_BROWSER_PASSWORD  password
HEADLESS_BROWSER_DECISION  approve (default), decline, or close: the person opens the page and goes away
HEADLESS_BROWSER_LOG       a file to which a line is added for each page: its status and title, or why it went no further

It needs the standard library only, reads no proxy of the environment, and tells no password and no code.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

_SECONDS = 30
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Form(HTMLParser):
    """The first form of a page: address, fields, and whether a person has to fill it in."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.asks_password = False
        self.title = ""
        self._in_title = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._in_title = tag == "title"
        if tag == "form" and self.action is None:
            self.action = values.get("action", "")
        elif tag == "input" and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")
            self.asks_password = self.asks_password or values.get("type") == "password"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False


def browse(address: str, environ: Mapping[str, str]) -> None:
    """Open an address and do what a person would until the client has its answer."""
    opener = _opener(environ.get("HEADLESS_BROWSER_CA"), environ.get("HEADLESS_BROWSER_PROXY"))
    status, address, page = _open(opener, Request(address))  # noqa: S310 - main() has looked at its scheme
    form = Form(page)
    _log(environ, f"{status} {form.title}")
    decision = environ.get("HEADLESS_BROWSER_DECISION", "approve")
    if decision == "close":
        return
    if form.asks_password and form.action is not None:
        fields = {**form.fields, "decision": decision}
        fields["username"] = environ.get("HEADLESS_BROWSER_USERNAME") or form.fields.get("username", "")
        fields["password"] = environ.get("HEADLESS_BROWSER_PASSWORD", "")
        # with response_mode=query this ends at the client already: redirects are followed
        status, address, page = _open(opener, _post(address, form.action, fields))
        form = Form(page)
        _log(environ, f"{status} {form.title}")
    if form.asks_password or form.action is None or urlsplit(form.action).hostname not in _LOOPBACK:
        return
    status, _address, page = _open(opener, _post(address, form.action, form.fields))
    _log(environ, f"{status} {Form(page).title}")


def _opener(ca_path: str | None, proxy: str | None) -> OpenerDirector:
    proxies = {"https": proxy} if proxy else {}
    return build_opener(ProxyHandler(proxies), HTTPSHandler(context=ssl.create_default_context(cafile=ca_path)))


def _post(address: str, action: str, fields: Mapping[str, str]) -> Request:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request(urljoin(address, action), urlencode(fields).encode(), headers)  # noqa: S310 - tests choose the address


def _open(opener: OpenerDirector, request: Request) -> tuple[int, str, str]:
    """Status, address after redirects, page."""
    try:
        with opener.open(request, timeout=_SECONDS) as answer:
            return answer.status, answer.url, answer.read().decode("utf-8", "replace")
    except HTTPError as error:
        with error:
            return error.code, error.url or request.full_url, error.read().decode("utf-8", "replace")


def _log(environ: Mapping[str, str], line: str) -> None:
    path = environ.get("HEADLESS_BROWSER_LOG")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def main() -> None:
    if len(sys.argv) != 2 or urlsplit(sys.argv[1]).scheme not in ("http", "https"):
        sys.exit("usage: headless_browser.py ADDRESS")
    # whoever opened it waits for this process, and answers at its own address only then
    if os.fork():
        return
    os.setsid()
    # as little as a window does it keep open what the opener writes to
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    try:
        browse(sys.argv[1], os.environ)
    except (URLError, OSError) as error:
        # the kind only: an address may stand in the text, and a code in the address
        reason = error.reason if isinstance(error, URLError) else error
        _log(os.environ, f"gave up: {type(reason).__name__}")


if __name__ == "__main__":
    main()
