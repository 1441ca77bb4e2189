# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a real module: options in, result or failure out. Private to the collection."""

from __future__ import annotations

import os
import time

from ansible.module_utils.basic import AnsibleModule

from . import compiled_once  # noqa: F401  # pylint: disable=unused-import  # before the others
from .errors import printable
from .operations.context import DETAILS, Context
from .operations.operation import Operation
from .operations.performing import perform, secrets_within_reach
from .times import Clock


def run_module(operation: Operation) -> None:
    """Never returns: exits as an Ansible module does."""
    module = AnsibleModule(**operation.spec())
    details: list[str] = []
    context = Context(
        clock=Clock(time.time, time.monotonic, time.sleep),
        environ=os.environ,
        check_mode=module.check_mode,
        # What a module writes is never seen before it ends: nothing can be shown, and what is told goes along with the result.
        detail=details.append if module._verbosity >= 2 else None,
        diff=module._diff,
    )
    # Secrets of the environment are masked like those of the options.
    module.no_log_values.update(secrets_within_reach(module.params, context))
    result = perform(operation, module.params, context)
    if details:
        result[DETAILS] = [printable(line) for line in details]
    for warning in context.warnings:
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
