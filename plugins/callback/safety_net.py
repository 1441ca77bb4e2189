# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback: gives back at the end of a playbook, however it ends, what its tasks took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: safety_net
type: notification
author:
  - entra.pim contributors (@entra-pim)
short_description: Give back at the end of a playbook what its tasks took, however it ends
description:
  - Gives back at the end of a playbook which PIM roles its tasks took and nobody gave back, and prints one table of them on stderr.
    Where there is nothing to give back it prints nothing.
  - It does so at every ending of C(ansible-playbook) but SIGKILL. That is the normal end, a failed task, an unreachable host,
    C(meta=end_play), a fatal error in a later play, Ctrl-C, SIGTERM and SIGHUP.
  - The exit status stays what it would have been. After SIGTERM it is 143, after SIGHUP 129.
  - What was active before the run stays, and what another live run holds stays until that run gives it back.
  - After SIGKILL M(entra.pim.pim_connect) and M(entra.pim.pim_session_info) report the roles as leftovers.
requirements:
  - enable in configuration with C(callbacks_enabled=entra.pim.safety_net)
options:
  too_early:
    description:
      - What happens to a role in its first five minutes, in which Entra refuses to end it.
      - V(leave) leaves it to expire at the end of its duration, and says so.
      - V(wait) keeps the playbook waiting until the five minutes are over. Ctrl-C ends the waiting.
      - V(watch) hands it to a process that outlives the playbook and gives the role back when the five minutes are over.
        It is no use where all processes are ended together with the playbook, as in a container.
    type: str
    choices: [leave, wait, watch]
    default: leave
    env:
      - name: ENTRA_PIM_SAFETY_NET_TOO_EARLY
    ini:
      - section: callback_entra_pim_safety_net
        key: too_early
  timeout:
    description:
      - Seconds that giving back may take. The five minutes of O(too_early=wait) do not count.
      - What was not given back by then is told as such.
    type: int
    default: 60
    env:
      - name: ENTRA_PIM_SAFETY_NET_TIMEOUT
    ini:
      - section: callback_entra_pim_safety_net
        key: timeout
notes:
  - Tasks have to use a session made by M(entra.pim.pim_connect), or credentials of the environment of C(ansible-playbook) itself.
    A role taken with credentials that only the task has is told, and not given back.
  - What a task took over the module edge (on another host, with C(become) or C(async)) is told, and not given back.
    With C(poll=0), or C(no_log=true) on such a task, it is not known.
  - Nobody is asked to sign in for it.
seealso:
  - module: entra.pim.pim_role_activation
  - module: entra.pim.pim_session_info
"""

from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible_collections.entra.pim.plugins.plugin_utils._controller.safety_net import SafetyNet


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "entra.pim.safety_net"
    CALLBACK_NEEDS_ENABLED = True

    def set_options(self, task_keys=None, var_options=None, direct=None):
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        timeout = self.get_option("timeout")
        if timeout < 1:
            raise AnsibleError(f"timeout of entra.pim.safety_net is {timeout}: it must be a number of seconds above 0")
        self._net = SafetyNet(self.get_option("too_early"), timeout, self._show)
        self._net.guard()

    def v2_runner_on_ok(self, result):
        self._saw(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._saw(result)

    def v2_playbook_on_stats(self, stats):
        self._net.end()

    def _saw(self, result):
        self._net.saw(result._host.get_name(), result._task._uuid, result._result)

    def _show(self, text):
        # stderr: stdout may be somebody's JSON.
        self._display.display(text, stderr=True)
