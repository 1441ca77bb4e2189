# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo`` shows the main job with all three providers, whatever the user's environment says, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest

from tools import layout

_DIRECTORY = layout.BUILD / "demo"

# Each of these would lead the playbook astray if the demo let it through.
_ASTRAY = {
    "ANSIBLE_COLLECTIONS_PATH": "nowhere",
    "ANSIBLE_DISPLAY_OK_HOSTS": "false",
    "ANSIBLE_INVENTORY": "nowhere",
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
    "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000000",
    "AZURE_TENANT_ID": "fabrikam.example",
    "ENTRA_PIM_CLOUD": "china",
    "ENTRA_PIM_SESSION": "other",
    "ENTRA_PIM_TENANT": "fabrikam.example",
    "REQUESTS_CA_BUNDLE": "nowhere",
}


@pytest.fixture
def demo():
    """Start it in a group of its own, as a terminal does; ended at the end."""
    if _DIRECTORY.exists():
        pytest.fail(f"{_DIRECTORY} is there: does a demo run at this moment?")
    process = subprocess.Popen(
        # Tests may be run with SIGINT ignored, as what a shell starts with & is.
        [
            sys.executable,
            "-c",
            "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
            "runpy.run_module('tools.demo', run_name='__main__')",
        ],
        cwd=layout.ROOT,
        env={**os.environ, **_ASTRAY},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    yield process
    if process.poll() is None:
        process.terminate()
        process.communicate(timeout=60)


def test_demo(demo):
    output, _errors = demo.communicate(timeout=120)
    assert demo.returncode == 0, output
    steps = [
        "after one second; Entra keeps it for five minutes",
        "operator@contoso.example in tenant",
        "ELIGIBLE  ACTIVE  UNTIL",
        "named locations: 403: refused",
        "managed devices: 403: refused",
        "tags of the resource group: 403: refused",
        "Security Reader at Directory is active until",
        "member at Server Admins is active until",
        "Contributor at rg-web is active until",
        "named locations: 200: accepted",
        "managed devices: 200: accepted",
        "tags of the resource group: 200: accepted",
        "Give back what this play took",
        "TASK [The roles after]",
    ]
    places = [output.find(step) for step in steps]
    assert -1 not in places, output
    assert places == sorted(places), output
    assert "/devicelogin in a browser and enter the code" in output
    assert not _DIRECTORY.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_stops_the_simulator(demo, number):
    description = _DIRECTORY / "simulator" / "simulator.json"
    deadline = time.monotonic() + 60
    while not (_DIRECTORY / "sessions").exists():
        assert demo.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    port = urlsplit(json.loads(description.read_text())["url"]).port
    socket.create_connection(("localhost", port), timeout=5).close()
    os.killpg(demo.pid, number)
    output, _errors = demo.communicate(timeout=60)
    assert demo.returncode != 0, output
    assert not _DIRECTORY.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("localhost", port), timeout=5)
