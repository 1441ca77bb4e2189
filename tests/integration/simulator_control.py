# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's control API for playbooks: at once, or (as a program) when something has happened.

Python's standard library only. The simulator is found by ``SIMULATOR_JSON``, the file in which it describes itself.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

# A program that waits for what never happens must not outlive the test.
PATIENCE = 60.0
PAUSE = 0.2
REQUESTS = "[aA]ssignmentScheduleRequests(/[^/]*)?$"
LOOKS = "[aA]ssignmentScheduleInstances"


class Refused(Exception):
    """The control API did not do what it was asked."""


class Control:
    def __init__(self, description: dict[str, Any]) -> None:
        self._address = urlsplit(description["control_url"])
        self._key = Path(description["control_key_file"]).read_text(encoding="utf-8")
        self._context = ssl.create_default_context(cafile=description["ca_path"])

    @classmethod
    def from_environment(cls) -> Control:
        return cls(json.loads(Path(os.environ["SIMULATOR_JSON"]).read_text(encoding="utf-8")))

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the answer; Refused for any status but 200."""
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=30, context=self._context
        )
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, f"{self._address.path}/{path}", data, {"X-Simulator-Key": self._key})
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(f"{method} {path}: {answer.status} {content}")
        return content


def last_call(control: Control) -> int:
    """The number of the newest call recorded, 0 where there is none."""
    calls = control.call("GET", "calls")["calls"]
    return calls[-1]["sequence"] if calls else 0


def happened(control: Control, what: str, since: int) -> str | None:
    """What the event is about (the id of a request, a code, the number of a call), None while it has not happened."""
    if what == "pending":
        requests = control.call("GET", "requests")["requests"]
        return next((one["id"] for one in requests if one["status"] == "PendingApproval"), None)
    if what == "code":
        codes = control.call("GET", "device_codes")["device_codes"]
        return next((one["user_code"] for one in codes if one["status"] == "pending"), None)
    if what == "refused":
        calls = control.call("GET", f"calls?path={quote(REQUESTS)}&since={since}")["calls"]
        return next((str(one["sequence"]) for one in calls if one["status"] == 400), None)
    if what == "looked":
        calls = control.call("GET", f"calls?path={quote(LOOKS)}&since={since}")["calls"]
        return next((str(one["sequence"]) for one in calls if one["method"] == "GET"), None)
    raise ValueError(what)


def main(order: dict[str, Any]) -> None:
    control = Control.from_environment()
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = happened(control, order["after"], order["since"])
        if found is not None:
            control.call(order["method"], order["path"].format(id=found), order.get("body"))
            return
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
