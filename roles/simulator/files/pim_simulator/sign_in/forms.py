# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields of a request of the sign-in service."""

from __future__ import annotations

from collections.abc import Mapping

from pim_simulator.sign_in.errors import missing_parameter

Form = Mapping[str, str]


def required(form: Form, name: str) -> str:
    """Raises SignInError where the field is absent or empty."""
    value = form.get(name)
    if not value:
        raise missing_parameter(name)
    return value
