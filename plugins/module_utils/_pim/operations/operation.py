# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edge needs to know of an operation. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import PimError
from .context import Context


class OperationFailed(PimError):
    """A failure that has something to tell beside itself: `result` goes into the module's result."""

    def __init__(self, cause: PimError, result: Mapping[str, Any]) -> None:
        super().__init__(cause.code, cause.message)
        self.__dict__.update(cause.__dict__)
        self.result = dict(result)


@dataclass(frozen=True)
class Operation:
    """`spec`: the keyword arguments of AnsibleModule that describe its options; `run`: options in, result out, PimError for failures."""

    name: str
    spec: Callable[[], dict[str, Any]]
    run: Callable[[Mapping[str, Any], Context], dict[str, Any]]
