# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``WWW-Authenticate`` header of a claims challenge, in the forms that APIs were seen to give it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

Form = Literal["bearer", "pop_first", "commas"]


def claims_challenge(form: Form, parameters: Mapping[str, str], description: str, claims: str) -> str:
    """``parameters`` are the API's own. ``pop_first``: another scheme comes first, with a nonce and without claims;
    ``commas``: the description holds commas, an equals sign and the name of a scheme, all of it within its quotes."""
    told = {**parameters, "error_description" if form == "commas" else "errorDescription": description}
    if form == "commas":
        told["error_description"] = f"{description}, error=none here, Bearer token refused"
    bearer = _scheme(
        "Bearer", {**told, "error": "insufficient_claims", "claims": base64.b64encode(claims.encode()).decode()}
    )
    if form == "pop_first":
        return f"{_scheme('PoP', {**parameters, 'nonce': 'ZXlKaGJHY2lPaUpJVXpJMU5pSjkuTm9uY2U='})}, {bearer}"
    return bearer


def _scheme(name: str, parameters: Mapping[str, str]) -> str:
    return f"{name} " + ", ".join(f'{key}="{value}"' for key, value in parameters.items())
