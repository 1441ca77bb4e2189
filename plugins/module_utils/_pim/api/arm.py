# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries calls to Azure Resource Manager, several at a time: it has no batch that is documented. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PimError
from .base import Api
from .calls import Answer, Call
from .side_by_side import side_by_side

# More at a time run into its throttling, whose buckets refill with 10 writes and 25 reads a second.
AT_ONCE = 8


class Arm(Api):
    name = "arm"
    service = "Azure Resource Manager"
    next_link = "nextLink"

    def run(self, calls: Sequence[Call]) -> list[Answer | PimError]:
        """Each call goes by itself, eight at a time."""
        return side_by_side(self._whole, calls, AT_ONCE, self._transport.stop)

    def _whole(self, call: Call) -> Answer | PimError:
        outcome = self._single(call, self._root + call.path)
        return self._all_pages(outcome) if call.pages else outcome
