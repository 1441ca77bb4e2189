# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grants of the token endpoint, one file each. Each has ``token(form, tenant, base_url)``: ``tenant`` is the segment
that was asked, ``base_url`` the address under which the client called; SignInError where the grant is refused."""

from __future__ import annotations

from typing import Any, Protocol

from pim_simulator.sign_in.forms import Form


class Grant(Protocol):
    """One ``grant_type``."""

    def token(self, form: Form, tenant: str, base_url: str) -> dict[str, Any]:
        """The answer of the token endpoint. Raises SignInError."""
