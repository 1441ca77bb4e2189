# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ``WWW-Authenticate`` header of a claims challenge, in the forms that APIs were seen to give it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Literal

Form = Literal["bearer", "pop_first", "commas", "invalid_token"]

_NONCE = base64.b64encode(b"a nonce of the simulator").decode()


def claims_challenge(form: Form, parameters: Mapping[str, str], description: str, claims: str) -> str:
    """``parameters`` are the API's own. ``pop_first``: another scheme comes first, with a nonce and without claims;
    ``commas``: the description holds commas, an equals sign and the name of a scheme, all of it within its quotes;
    ``invalid_token``: another error beside the claims."""
    encoded = base64.b64encode(claims.encode()).decode()
    error = {"error": "insufficient_claims", "claims": encoded}
    if form == "commas":
        text = f"{description}, error=none here, Bearer token refused"
        return _scheme("Bearer", {**parameters, "error_description": text, **error})
    if form == "invalid_token":
        told = {"error": "invalid_token", "error_description": description, "claims": encoded}
        return _scheme("Bearer", {**parameters, **told})
    bearer = _scheme("Bearer", {**parameters, "errorDescription": description, **error})
    return bearer if form == "bearer" else f"{_scheme('PoP', {**parameters, 'nonce': _NONCE})}, {bearer}"


def _scheme(name: str, parameters: Mapping[str, str]) -> str:
    return f"{name} " + ", ".join(f'{key}="{value}"' for key, value in parameters.items())
