# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge in the controller: the same operation as the module, without starting a Python for it. Private to the collection.

What it must do to give the module's result to the letter was measured on ansible-core 2.16 to 2.21: options made plain, the module's
own messages for bad ones, warnings and deprecations of options, `invocation`, and masking.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError, printable

# What operations import only where they need it is loaded here, once in the parent and not in each forked task.
from ansible_collections.entra.pim.plugins.module_utils._pim.operations import (  # noqa: F401  # pylint: disable=unused-import
    approver_words,
    leasing,
    notices,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import session_dir
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import DETAILS, Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import (
    missing_packages,
    perform,
    secrets_within_reach,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.providers import (  # noqa: F401  # pylint: disable=unused-import
    azure_resources,
    entra_roles,
    groups,
)
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in import step_up  # noqa: F401  # pylint: disable=unused-import
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
from ansible_collections.entra.pim.plugins.module_utils._pim.transport import REQUESTS_FOUND, standard_tls
from ansible_collections.entra.pim.plugins.plugin_utils._controller import this_run
from ansible_collections.entra.pim.plugins.plugin_utils._controller.browser import open_browser
from ansible_collections.entra.pim.plugins.plugin_utils._controller.core_versions import (
    deprecation,
    plain,
    shows_invocation,
    warning_text,
)

# Asked once, in the parent: the forked workers of a task have no terminal of their own.
if REQUESTS_FOUND:
    with contextlib.suppress(PimError):  # the task that needs them says it
        standard_tls()

TERMINAL = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

display = Display()


class OperationAction(ActionBase):
    """An action plugin that names its operation."""

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    _requires_connection = False

    operation: Operation

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if not self._runs_here():
            this_run.tell(elsewhere=[self._task._uuid, (task_vars or {}).get("inventory_hostname")])
            result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
            for line in result.pop(DETAILS, ()):
                _detail(str(line))
            return result
        with _environment(self._task_environment()):
            result.update(self._run_here())
        return result

    def _runs_here(self) -> bool:
        """Whether the task runs on the controller, as the user who runs it, and the packages are there."""
        local = self._connection.transport == "local"
        packages = REQUESTS_FOUND and not missing_packages()
        return local and packages and not self._play_context.become and not self._task.async_val

    def _task_environment(self) -> dict[str, str]:
        """The task's `environment:`, templated and merged as for a module."""
        merged: dict[str, Any] = {}
        self._compute_environment_string(merged)
        return {str(name): str(value) for name, value in merged.items()}

    def _run_here(self) -> dict[str, Any]:
        spec = self.operation.spec()
        supports_check_mode = spec.pop("supports_check_mode", True)
        validation = ArgumentSpecValidator(**spec).validate(plain(self._task.args))
        context = Context(
            clock=Clock(time.time, time.monotonic, time.sleep),
            environ=os.environ,
            check_mode=bool(self._task.check_mode) and supports_check_mode,
            diff=bool(self._task.diff),
            show=_show,
            detail=_detail,
            browse=open_browser,
            terminal=TERMINAL,
            run=this_run.RUN,
            guarded=this_run.guarded(),
        )
        params = validation.validated_parameters
        with contextlib.suppress(PimError):  # the operation says it
            this_run.tell(directory=session_dir(params, os.environ))
        refused = {"failed": True, "msg": self._option_message(validation)} if validation.error_messages else None
        result = refused or perform(self.operation, params, context)
        warnings = [warning_text(warning) for warning in validation._warnings] + context.warnings
        if warnings:
            result["warnings"] = warnings
        deprecations = [deprecation(one) for one in validation._deprecations]
        if deprecations:
            result["deprecations"] = deprecations
        if shows_invocation():
            result["invocation"] = {"module_args": params}
        return _masked(result, set(validation._no_log_values) | secrets_within_reach(params, context))

    def _option_message(self, validation: Any) -> str:
        message = str(validation.errors.msg)
        if isinstance(validation.errors[0], UnsupportedError):
            return f"Unsupported parameters for ({self._task.resolved_action}) module: {message}"
        return message


def _show(message: str) -> None:
    # stderr: a line on stdout reaches a pipe only when the task ends.
    display.display(printable(message), stderr=True)


def _detail(line: str) -> None:
    display.vv(printable(line))


@contextlib.contextmanager
def _environment(extra: Mapping[str, str]) -> Iterator[None]:
    """The task's environment on top of the process's, while the task runs."""
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _masked(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """As AnsibleModule masks its result; truth values at the top keep theirs."""
    masked: dict[str, Any] = remove_values(result, secrets)
    masked.update({key: value for key, value in result.items() if value is None or isinstance(value, bool)})
    return masked
