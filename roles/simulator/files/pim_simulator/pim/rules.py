# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The failed policy rules of a request, in the two texts the service has used for them."""

from __future__ import annotations

import json

from pim_simulator.callers import Caller
from pim_simulator.pim.errors import PimRefusal


class Failures:
    """Collects what failed: the service tells all rules at once."""

    def __init__(self) -> None:
        self._failed: list[tuple[str, str]] = []

    def add(self, rule: str, text: str) -> None:
        self._failed.append((rule, text))

    def raise_any(self, form: str) -> None:
        """``text`` is the form of 2026 (how it separates several rules is not recorded), ``list`` that of 2021 to 2024."""
        if not self._failed:
            return
        if form == "list":
            told = json.dumps([rule for rule, _text in self._failed], separators=(",", ":"))
        else:
            told = ", ".join(f"{rule} - {text}" for rule, text in self._failed)
        raise PimRefusal(
            400, "RoleAssignmentRequestPolicyValidationFailed", f"The following policy rules failed: {told}"
        )


def mfa_failed(caller: Caller) -> bool:
    """The rule looks at how the token's sign-in was made; an application can never satisfy it."""
    return caller.app_only or "mfa" not in caller.amr
