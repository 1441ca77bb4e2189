# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bodies of all three services have in common, for the tests of the providers: rules of policies, and any JSON."""

from __future__ import annotations

from hypothesis import strategies as st

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["Direct", "PT1H", "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def rules(**changes):
    """The rules of an activation, as Microsoft's documentation lists them; ``changes`` by the first word of the rule's id."""
    found = [
        {"id": "Expiration_EndUser_Assignment", "isExpirationRequired": True, "maximumDuration": "PT8H"},
        {"id": "Enablement_EndUser_Assignment", "enabledRules": ["MultiFactorAuthentication", "Justification"]},
        {"id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": False, "approvalStages": []}},
        {"id": "AuthenticationContext_EndUser_Assignment", "isEnabled": False, "claimValue": None},
        # what holds for administrators does not hold here
        {"id": "Expiration_Admin_Assignment", "isExpirationRequired": True, "maximumDuration": "P1D"},
        {"id": "Enablement_Admin_Assignment", "enabledRules": ["Ticketing"]},
    ]
    return [
        {**rule, **changes.get(rule["id"].partition("_")[0], {})} if "EndUser" in rule["id"] else rule for rule in found
    ]
