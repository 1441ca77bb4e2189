# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gives back at the end of a run gets through its start however often Ctrl-C is pressed meanwhile."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from tools import layout

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ansible") is None, reason="an edge needs Ansible")

STARTS = 8
# The controller, in a process group of its own, in which somebody presses Ctrl-C all the time.
CONTROLLER = """
import os, signal, subprocess, sys
from ansible_collections.entra.pim.plugins.plugin_utils._controller.safety_net import SafetyNet

pressed = []
signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
press = "import os, signal, time\\nwhile os.getppid() == int({0}): os.killpg({0}, signal.SIGINT); time.sleep(0.0003)"
impatient = subprocess.Popen([sys.executable, "-c", press.format(os.getpid())], start_new_session=True)
while not pressed:
    pass
net = SafetyNet("leave", 60.0, print)
ended = [net._start((sys.argv[1], None), "leave").wait() for _start in range(int(sys.argv[2]))]
impatient.kill()
impatient.wait()
print(ended)
"""


def test_ctrl_c_does_not_end_what_gives_back(tmp_path):
    """Without care it would end nearly half of them, before they have a process group of their own."""
    done = subprocess.run(
        [sys.executable, "-c", CONTROLLER, str(tmp_path / "state"), str(STARTS)],
        env={**os.environ, "PYTHONPATH": str(layout.LINKED_COLLECTIONS)},
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.split() == str([0] * STARTS).split(), done.stderr
