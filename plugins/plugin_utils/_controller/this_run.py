# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook run that this process is. Private to the collection.

Ansible loads the action plugins, and this with them, in the controller before it forks for the first task of ours; the forks inherit it,
so all tasks of a run agree on it.
"""

from __future__ import annotations

import multiprocessing
import os
import uuid
from typing import Any

from ansible_collections.entra.pim.plugins.module_utils._pim.state.facts import Facts
from ansible_collections.entra.pim.plugins.module_utils._pim.state.runs import Run

# What the tasks of a guarded run tell the controller; None where nothing guards the run.
_facts: Facts | None = None


def _of_this_process() -> Run | None:
    """None in a fork that was not given one: nobody could tell when its run ends."""
    if multiprocessing.parent_process() is not None:
        return None
    ends, other_end = os.pipe()
    held_open = [other_end]

    def let_go() -> None:
        # Once: a fork of a fork may have something else under that number.
        while held_open:
            os.close(held_open.pop())

    # It stays open in this process until it ends. Forks, which may outlive it, have it not, and no program has that they start.
    os.register_at_fork(after_in_child=let_go)
    return Run(str(uuid.uuid4()), ends)


RUN = _of_this_process()


def guard() -> None:
    """From now on the run holds what its tasks activate. Called in the controller, before the first task."""
    global _facts
    _facts = Facts()


def guarded() -> bool:
    """Whether everything that the run activates is held."""
    return _facts is not None


def tell(**fact: Any) -> None:
    """In the fork of a task: what the controller cannot know by itself. Nothing where the run is not guarded."""
    if _facts is not None:
        _facts.tell(fact)


def told() -> list[dict[str, Any]]:
    """In the controller: everything its tasks have told so far."""
    return [] if _facts is None else _facts.all()
