# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the simulator's control API, from a playbook.

``method`` (default GET), ``path`` below ``/_control/``, ``body``; the JSON of the answer comes back as ``answer``. With
``after`` the call is made by a process of its own while the next tasks run: as soon as a request waits for approval
(``pending``, whose id replaces ``{id}`` in the path), a device code waits (``code``, likewise), or as soon as a PIM request
was refused (``refused``) or the active roles were listed (``looked``) from now on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

HERE = Path(__file__).resolve().parents[2]


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        order = json.loads(json.dumps(self._task.args, default=str))
        unknown = set(order) - {"method", "path", "body", "after"}
        if unknown:
            raise AnsibleActionFail(f"unknown options: {', '.join(sorted(unknown))}")
        # Ansible loads plugins by their path: the module beside them is found only so.
        sys.path.append(str(HERE))
        import simulator_control

        control = simulator_control.Control.from_environment()
        if "after" in order:
            order["since"] = simulator_control.last_call(control)
            command = [sys.executable, str(HERE / "simulator_control.py"), json.dumps(order)]
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            return result
        try:
            result["answer"] = control.call(order.get("method", "GET"), order["path"], order.get("body"))
        except simulator_control.Refused as error:
            raise AnsibleActionFail(str(error)) from error
        return result
