# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation and puts its outcome into the contract's form, alike for both edges. Private to the collection.

A module compiles at each task what it imports. So what a task with a live token does not need is imported where it is first used, in the
functions that do: signing in, stepping up, leases, providers that are not asked for, what tells of approvers. The controller's edge
imports all of it beforehand, once for all its forks. Where such an import fails in the middle, it is a failure like any other: what was
written before it is told.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

from ..errors import PimError, fault, readable
from ..sign_in.credentials import secrets_in
from .context import Context
from .operation import Operation, OperationFailed


def missing_packages() -> list[str]:
    """The Python packages this collection needs and this interpreter lacks; they are looked for, not loaded."""
    return [name for name in ("msal", "requests") if not importlib.util.find_spec(name)]


def perform(operation: Operation, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """The result of a task, `failed` with `msg` and `failure` where it failed. Never raises for a failure of ours."""
    try:
        missing = missing_packages()
        if missing:
            raise PimError("missing_dependency", f"{sys.executable} lacks the Python packages {' and '.join(missing)}")
        return operation.run(params, context)
    except OperationFailed as error:
        return {**error.result, **_failed(error)}
    except PimError as error:
        return {"changed": False, **_failed(error)}
    except ImportError as error:
        # A package that is there, and lacks one of its own.
        told = f"{sys.executable} cannot load a Python package that is needed: {readable(error, 200)}"
        return {"changed": False, **_failed(PimError("missing_dependency", told))}
    except Exception as error:  # noqa: BLE001  # an unhandled exception shows secrets, and differs between the edges
        return {"changed": False, **_failed(fault(operation.name, error))}


def secrets_within_reach(params: Mapping[str, Any], context: Context) -> set[str]:
    """For masking: every secret among options and environment."""
    return secrets_in(params, context.environ)


def _failed(error: PimError) -> dict[str, Any]:
    return {"failed": True, "msg": error.sentence, "failure": error.as_failure()}
