# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook run that this process is. Private to the collection.

Ansible loads the action plugins, and this with them, in the controller before it forks for the first task of ours; the forks inherit it,
so all tasks of a run agree on it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import uuid
from typing import IO, Any

from ansible_collections.entra.pim.plugins.module_utils._pim.state.runs import Run

# Set by what guards the whole run: everything it activates is held then.
guarded = False
# What the tasks of a guarded run tell the controller, one JSON object a line. The file has no name.
_told: IO[bytes] | None = None


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
    global guarded, _told
    # Appended to: every write goes to the end, whichever fork makes it.
    _told = tempfile.TemporaryFile("ab+", buffering=0)  # noqa: SIM115  # it is open as long as the run lives
    guarded = True


def tell(**fact: Any) -> None:
    """In the fork of a task: what the controller cannot know by itself. Nothing where the run is not guarded."""
    if _told is not None:
        _told.write(json.dumps(fact).encode() + b"\n")


def told() -> list[dict[str, Any]]:
    """In the controller: everything its tasks have told so far."""
    if _told is None:
        return []
    descriptor = _told.fileno()
    lines = os.pread(descriptor, os.fstat(descriptor).st_size, 0).splitlines()
    return [json.loads(line) for line in lines]
