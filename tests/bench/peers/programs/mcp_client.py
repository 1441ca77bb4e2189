# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Use entra-pim-mcp-server as an MCP client does, over stdio: ``mcp_client.py SERVER WORK.json``.

Roles are activated by calls that do not wait for each other, which MCP allows. Python's standard library only, so that little of
what is measured is the client.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


class Server:
    def __init__(self, program):
        # what it logs is no part of the protocol
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._next = 0

    def send(self, method, params=None, *, answered=True):
        message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        if answered:
            self._next += 1
            message["id"] = self._next
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        return self._next

    def answers(self, numbers):
        """{number: result}; what else the server says is passed over."""
        found = {}
        while set(numbers) - set(found):
            line = self._process.stdout.readline()
            if not line:
                raise SystemExit("the server ended")
            message = json.loads(line)
            if "error" in message:
                raise SystemExit(message["error"]["message"])
            if "result" in message:
                found[message["id"]] = message["result"]
        return found

    def tool(self, name, arguments):
        return self.send("tools/call", {"name": name, "arguments": arguments})

    def start(self):
        asked = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.answers([self.send("initialize", asked)])
        self.send("notifications/initialized", answered=False)

    def end(self):
        self._process.stdin.close()
        return self._process.wait()


def _text(result):
    return " ".join(part.get("text", "") for part in result["content"])


def main(program, work):
    server = Server(program)
    server.start()
    numbers = [
        server.tool("activate", {"name": role, "justification": "A measurement", "duration": 1})
        for role in work["roles"]
    ]
    for result in server.answers(numbers).values():
        if result.get("isError") and "already exists" not in _text(result):
            raise SystemExit(_text(result))
    number = server.tool("list_eligible", {})
    (listed,) = server.answers([number]).values()
    if listed.get("isError"):
        raise SystemExit(_text(listed))
    rows = listed["structuredContent"]["assignments"]
    print(f"rows={len(rows)}")
    active = {row["name"] for row in rows if row["status"] == "Active"}
    server.end()
    sys.exit(0 if active >= set(work["roles"]) else 1)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
