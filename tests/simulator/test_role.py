# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role ``entra.pim.simulator`` in whole playbooks: started, found running, stopped, and all of it in check mode."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pim_simulator.lifecycle import stop
from pim_simulator.runtime_dir import RuntimeDir

Play = Callable[..., dict[str, Any]]

_FACTS = (
    "simulator_url",
    "simulator_ca_path",
    "simulator_environment",
    "simulator_managed_identity_environment",
    "simulator_control_url",
    "simulator_control_key_file",
)


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Run the role on hosts that cannot be reached, with ``become``: {rc, changed, output, facts}."""
    playbook = tmp_path / "play.yml"
    facts = tmp_path / "facts.json"
    tasks: list[dict[str, Any]] = [{"ansible.builtin.include_role": {"name": "entra.pim.simulator"}}]
    shown = {name: f"{{{{ {name} }}}}" for name in _FACTS}
    tasks.append(
        {
            "ansible.builtin.copy": {"content": "{{ shown | to_json }}", "dest": str(facts), "mode": "0600"},
            "vars": {"shown": shown},
            "delegate_to": "localhost",
            "become": False,
            "check_mode": False,
            # of the second host: what is done once must be known to all
            "when": "inventory_hostname == 'web2.invalid' and simulator_state | default('started') == 'started'",
        }
    )
    play_of = {"hosts": "all", "gather_facts": False, "become": True, "tasks": tasks}
    playbook.write_text(yaml.safe_dump([play_of]))

    def run(*arguments: str, **variables: Any) -> dict[str, Any]:
        facts.unlink(missing_ok=True)
        variables = {"simulator_dir": str(tmp_path / "run"), **variables}
        done = subprocess.run(
            [
                Path(sys.executable).parent / "ansible-playbook",
                "-i",
                "web1.invalid,web2.invalid,",
                "-e",
                json.dumps(variables),
                *arguments,
                str(playbook),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ,
        )
        changed = re.search(r"^web1\.invalid .*changed=(\d+)", done.stdout, re.MULTILINE)
        return {
            "rc": done.returncode,
            "output": done.stdout + done.stderr,
            "changed": int(changed[1]) if changed else None,
            "facts": json.loads(facts.read_text()) if facts.exists() else None,
        }

    yield run
    stop(RuntimeDir(tmp_path / "run"))


def test_started_and_stopped(play: Play, tmp_path: Path) -> None:
    rehearsal = play("--check")
    assert (rehearsal["rc"], rehearsal["changed"]) == (0, 1), rehearsal["output"]
    assert rehearsal["facts"]["simulator_url"] == ""
    assert rehearsal["facts"]["simulator_environment"] == {}
    assert rehearsal["facts"]["simulator_managed_identity_environment"] == {}
    assert not (tmp_path / "run" / "simulator.json").exists()

    first = play()
    assert (first["rc"], first["changed"]) == (0, 1), first["output"]
    description = json.loads((tmp_path / "run" / "simulator.json").read_text())
    assert first["facts"] == {
        "simulator_url": description["url"],
        "simulator_ca_path": str(tmp_path / "run" / "ca.pem"),
        "simulator_environment": description["environment"],
        "simulator_managed_identity_environment": {
            "IDENTITY_ENDPOINT": description["managed_identity"]["identity_endpoint"],
            "IDENTITY_HEADER": (tmp_path / "run" / "identity.header").read_text(),
        },
        "simulator_control_url": description["control_url"],
        "simulator_control_key_file": str(tmp_path / "run" / "control.key"),
    }
    key = (tmp_path / "run" / "control.key").read_text()

    again = play()
    assert (again["rc"], again["changed"], again["facts"]) == (0, 0, first["facts"])
    told = play("--check", "-vvv")
    assert told["facts"] == first["facts"]
    header = first["facts"]["simulator_managed_identity_environment"]["IDENTITY_HEADER"]
    assert header not in told["output"]

    ending = play("--check", simulator_state="stopped")
    assert (ending["rc"], ending["changed"]) == (0, 1)
    assert (tmp_path / "run" / "simulator.json").exists()
    verbose = play("-vvv", simulator_state="stopped")
    assert (verbose["rc"], verbose["changed"]) == (0, 1)
    assert key not in verbose["output"] + first["output"]
    assert list((tmp_path / "run").iterdir()) == []
    assert play(simulator_state="stopped")["changed"] == 0
    assert play("--check", simulator_state="stopped")["changed"] == 0


def test_refusals(play: Play, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    python = str(bare / "bin" / "python")
    lacking = play(simulator_python=python)
    assert lacking["rc"] == 2
    assert f"{python} -m pip install -r" in lacking["output"]

    tenant = tmp_path / "tenant.yml"
    tenant.write_text("tenant_id: x\n")
    bad = play(simulator_tenant="tenant.yml")
    assert bad["rc"] == 2
    assert f"tenant file {tenant}: the tenant lacks the key" in bad["output"]

    assert "value of simulator_state must be one of" in play(simulator_state="restarted")["output"]
    assert not (tmp_path / "run" / "simulator.json").exists()
