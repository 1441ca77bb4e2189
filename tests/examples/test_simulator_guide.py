# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the guide on the simulator that need more than the control API, run as a reader would copy them."""

from __future__ import annotations

import json
import os
import re

import yaml

from examples import playbooks
from simulator_process import Simulator
from tools import layout

_GUIDE = (layout.ROOT / "docs" / "testing_with_the_simulator.md").read_text(encoding="utf-8")


def test_sign_in_as_the_machine(tmp_path):
    (block,) = re.findall(r"^```yaml\n(- name: Sign in as the machine\n.*?)^```", _GUIDE, re.MULTILINE | re.DOTALL)
    with Simulator() as simulator:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            # what the role sets
            "vars": {
                "simulator_environment": simulator.environment,
                "simulator_managed_identity_environment": simulator.managed_identity_environment,
            },
            "tasks": yaml.safe_load(block),
        }
        playbook = tmp_path / "machine.yml"
        playbook.write_text(json.dumps([play]))
        output = playbooks.run(playbook, {**os.environ, "ENTRA_PIM_SESSION_DIR": str(tmp_path / "sessions")})
        assert "changed=1" in output
        assert [call["status"] for call in simulator.calls("^/msi/token$")] == [200]
    assert len(list((tmp_path / "sessions").glob("machine*"))) >= 1
    assert "eyJ" not in output
