# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: writes how long each task took, from its start to the start of the next, as JSON."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
author: entra.pim contributors (@entra-pim)
short_description: Writes the time of each task
description: Writes a list of name, seconds and result to the file that BENCH_TIMES names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"

    def __init__(self):
        super().__init__()
        self._tasks = []
        self._started = 0.0

    def _end(self):
        now = time.perf_counter()
        if self._tasks and "seconds" not in self._tasks[-1]:
            self._tasks[-1]["seconds"] = now - self._started
        self._started = now

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._end()
        self._tasks.append({"name": task.get_name()})

    def _keep(self, result, failed):
        # 2.19 made the attribute public.
        found = result.result if hasattr(result, "result") else result._result
        self._tasks[-1].update(result=found, failed=failed)

    def v2_runner_on_ok(self, result):
        self._keep(result, failed=False)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._keep(result, failed=True)

    def v2_playbook_on_stats(self, stats):
        self._end()
        Path(os.environ["BENCH_TIMES"]).write_text(json.dumps(self._tasks, default=str), encoding="utf-8")
