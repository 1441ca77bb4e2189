# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``restore`` in a block's ``always`` and the handler of ``elevate`` give back, at every ending that ansible-playbook can have."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integration.endings import AT_ONCE, CONNECT, ENDINGS, WAYS, Ending, Outcome, Playbook
from simulator_process import Simulator
from tools import layout

_GUIDE = layout.ROOT / "docs" / "safety_net.md"
_ROLES = WAYS[1:]

_PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
"""
_ELEVATE = """
    - ansible.builtin.include_role:
        name: entra.pim.elevate
      vars:
        elevate_roles:
          - role: "{{ role }}"
        elevate_justification: Test
"""
_ALWAYS = """
      always:
        - ansible.builtin.include_role:
            name: entra.pim.restore
"""
_LEFTOVERS = """
    - entra.pim.pim_session_info:
      register: info
    - ansible.builtin.assert:
        that: info.leftovers | map(attribute='role') | sort == left_on
      vars:
        left_on: "{{ role | split('|') }}"
    - ansible.builtin.include_role:
        name: entra.pim.restore
      vars:
        restore_leftovers: true
"""


def playbook_of(way: str, ending: Ending) -> str:
    if way == "always":
        block = "    - block:\n" + textwrap.indent(_ELEVATE + ending.tasks, "    ") + _ALWAYS
        return _PLAY + block + ending.plays
    forced = "  force_handlers: true\n" if way == "forced_handler" else ""
    return _PLAY.replace("  tasks:\n", f"{forced}  tasks:\n") + _ELEVATE + ending.tasks + ending.plays


class Way:
    """A simulator, and a session directory that the playbooks of this way share."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self._directory = directory
        self._options = {"ANSIBLE_CALLBACKS_ENABLED": "", "ENTRA_PIM_SESSION_DIR": str(directory / "sessions")}

    def run(self, name: str, text: str, role: str = "", signals: tuple[tuple[int, str], ...] = ()) -> Outcome:
        return Playbook(self.simulator, self._directory / name, role, self._options).run(text, signals)

    def ended(self, connected: Callable[[], Outcome], way: str, number: int, ending: Ending) -> Outcome:
        assert connected().status == 0, connected().output
        return self.run(str(number), playbook_of(way, ending), ending.role, ending.signals)


@pytest.fixture(scope="module")
def ways(tmp_path_factory) -> Iterator[dict[str, Way]]:
    base = tmp_path_factory.mktemp("ways")
    with contextlib.ExitStack() as running:
        yield {
            way: Way(running.enter_context(Simulator(changes={"minimum_active": "PT0S"})), base / way) for way in _ROLES
        }


@pytest.fixture(scope="module")
def endings(ways) -> Iterator[Callable[[str, str], Outcome]]:
    """A function from a way and the name of an ending to the outcome. All are under way when the first is asked for."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        connected = {way: pool.submit(one.run, "connect", CONNECT) for way, one in ways.items()}
        started = {
            (way, name): pool.submit(one.ended, connected[way].result, way, number, ENDINGS[name])
            for number, name in enumerate(ENDINGS)
            for way, one in ways.items()
        }
        yield lambda way, name: started[way, name].result()


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("way", _ROLES)
def test_ending(ways, endings, way, name):
    outcome = endings(way, name)
    ending = ENDINGS[name]
    said = f"{outcome.output}\n{outcome.errors}"
    given_back = ending.role not in ways[way].simulator.activated()
    # The second signal meets Ansible itself, which may be at its end already, where no safety net holds it off.
    statuses = {ending.status, 130} if name == "Ctrl-C twice" else {ending.status}
    assert outcome.status in statuses, said
    assert given_back is ending.given_back[WAYS.index(way)], said


@pytest.mark.parametrize("way", _ROLES)
def test_what_is_left_on_is_a_leftover(ways, endings, way):
    """The journal knows what the service has, and the next run gives that back."""
    for name in ENDINGS:
        endings(way, name)
    left_on = ways[way].simulator.activated()
    assert left_on == {one.role for one in ENDINGS.values() if not one.given_back[WAYS.index(way)]}
    outcome = ways[way].run("next", _PLAY + _LEFTOVERS, "|".join(sorted(left_on)))
    assert outcome.status == 0, outcome.output + outcome.errors
    assert ways[way].simulator.activated() == set()


def test_the_guide_tells_each_ending():
    """First cell, exit status as a shell has it, and what each way gave back."""
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (.+) \|$", _GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    told = [(name, int(status), [cell[:3].strip(", ") for cell in cells.split(" | ")]) for name, status, cells in rows]
    assert told == [
        (name, one.status, ["yes" if given_back else "no" for given_back in one.given_back])
        for name, one in ENDINGS.items()
    ]
