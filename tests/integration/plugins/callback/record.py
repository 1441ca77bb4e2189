# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down, for the driver of the tests, what each task gave and which tokens lay on the disk after it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
author:
  - entra.pim contributors (@entra-pim)
type: aggregate
short_description: Record results for the integration tests
description:
  - One JSON object a line. E(RECORD_FILE) gets the results, E(RECORD_TOKENS) the tokens of all sessions below E(RECORD_SESSIONS).
requirements:
  - enabled in the configuration
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, status, result):
        content = getattr(result, "result", None) or result._result
        task = getattr(result, "task", None) or result._task
        line = {
            "status": status,
            "name": task.get_name(),
            "action": task.resolved_action or task.action,
            "result": {key: value for key, value in content.items() if not key.startswith("_ansible_")},
        }
        with Path(os.environ["RECORD_FILE"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
        with Path(os.environ["RECORD_TOKENS"]).open("a", encoding="utf-8") as stream:
            for path in Path(os.environ["RECORD_SESSIONS"]).rglob("*.json"):
                for token in _tokens(path):
                    stream.write(json.dumps(token) + "\n")

    def v2_runner_on_ok(self, result):
        self._note("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result):
        self._note("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self._note("skipped", result)


def _tokens(path):
    """The tokens in a session file; none in what some test has broken."""
    try:
        session = json.loads(path.read_bytes())
        found = [one["access_token"] for one in session["tokens"].values()]
        return [token for token in [*found, session["refresh_token"]] if token]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
