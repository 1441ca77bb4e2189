# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a lookup: keywords in, an AnsibleError for a failure. Private to the collection."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.utils.display import Display
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.context import Context
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.operation import Operation
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.performing import perform, secrets_within_reach
from ansible_collections.entra.pim.plugins.module_utils._pim.times import Clock
from ansible_collections.entra.pim.plugins.plugin_utils._controller.core_versions import plain, register_secret


def perform_lookup(operation: Operation, terms: Sequence[Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """The result of the operation; AnsibleError with the same sentence a task would show."""
    if terms:
        raise AnsibleError(f"entra.pim.{operation.name} takes no terms, only keywords such as resource=...")
    validation = ArgumentSpecValidator(**operation.spec()).validate(plain(keywords))
    context = Context(clock=Clock(time.time, time.monotonic, time.sleep), environ=os.environ)
    secrets = set(validation._no_log_values) | secrets_within_reach(validation.validated_parameters, context)
    if validation.error_messages:
        raise AnsibleError(str(remove_values(f"entra.pim.{operation.name}: {validation.errors.msg}", secrets)))
    result = perform(operation, validation.validated_parameters, context)
    for warning in context.warnings:
        Display().warning(str(remove_values(warning, secrets)))
    if result.get("failed"):
        raise AnsibleError(f"{result['failure']['code']}: {remove_values(result['msg'], secrets)}")
    for value in result.values():
        register_secret(value)
    return result
