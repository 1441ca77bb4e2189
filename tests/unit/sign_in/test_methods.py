# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every method: it is listed where it is carried out, and its secrets are known for masking."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connection_options import connection_spec
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in import credentials
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.signing_in import METHODS


def test_each_method_there_is_can_be_named_and_no_other():
    assert set(credentials.METHODS) == {"auto", *METHODS}
    assert connection_spec()["auth_method"]["choices"] == list(credentials.METHODS)


def test_what_is_never_shown_is_known_for_masking():
    secret = {name for name, option in connection_spec().items() if option.get("no_log")}
    assert secret == set(credentials.SECRETS)


@pytest.mark.parametrize(
    "variable",
    [
        "ENTRA_PIM_ACCESS_TOKEN",
        "ENTRA_PIM_CLIENT_SECRET",
        "ENTRA_PIM_CERTIFICATE_PASSWORD",
        "ENTRA_PIM_PASSWORD",
        "AZURE_CLIENT_SECRET",
        "AZURE_SECRET",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_PASSWORD",
    ],
)
def test_secrets_of_the_environment_are_masked(variable):
    assert credentials.secrets_in({}, {variable: "a-secret", "AZURE_CLIENT_CERTIFICATE_PATH": "/x"}) == {"a-secret"}
