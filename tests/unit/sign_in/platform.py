# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed identity endpoints of a platform, over plain http on loopback as the platforms have them."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unit.sign_in.sts import jwt

IDENTITY = {"idtyp": "app", "upn": None, "scp": None, "roles": ["R"], "appid": "0000aaaa-0000-4000-8000-000000000001"}


class Platform:
    """``answer``: (status, body, headers) in place of a token. ``asked``: path, query and headers of each call; names in lower case."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.answer: tuple[int, bytes, dict[str, str]] | None = None
        self.claims: dict[str, Any] = {}
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(address.query).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                platform.asked.append((address.path, query, headers))
                status, body, extra = platform.answer or (200, platform.token(query), {})
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **extra}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """It says nothing on the screen."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, query: dict[str, str]) -> bytes:
        """What App Service and IMDS answer with, one superset."""
        claims = {**IDENTITY, "aud": query["resource"], "jti": str(len(self.asked)), **self.claims}
        if "client_id" in query:
            claims["appid"] = query["client_id"]
        now = int(time.time())
        body = {
            "access_token": jwt(**claims),
            "expires_in": "3600",
            "expires_on": str(now + 3600),
            "token_type": "Bearer",
        }
        return json.dumps(body).encode()
