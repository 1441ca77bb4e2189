# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role settings: the rules that all three services spell alike. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import PimError
from ..models import Approver, Policy
from ..times import parse_duration
from .base import maybe_text, objects, part


def policy_of(rules: Iterable[object]) -> Policy:
    """What the 17 rules ask of somebody who activates."""
    by_id = {str(rule.get("id")): rule for rule in rules if isinstance(rule, dict)}
    enabled = {str(one).lower() for one in _texts(by_id.get("Enablement_EndUser_Assignment"), "enabledRules")}
    setting = part(by_id.get("Approval_EndUser_Assignment", {}), "setting")
    context = by_id.get("AuthenticationContext_EndUser_Assignment", {})
    return Policy(
        maximum_duration=_maximum(by_id.get("Expiration_EndUser_Assignment", {})),
        requires_mfa="multifactorauthentication" in enabled,
        requires_justification="justification" in enabled,
        requires_ticket="ticketing" in enabled,
        requires_approval=setting.get("isApprovalRequired") is True,
        approvers=tuple(
            _approver(one) for stage in objects(setting, "approvalStages") for one in objects(stage, "primaryApprovers")
        ),
        authentication_context=maybe_text(context, "claimValue") if context.get("isEnabled") is True else None,
    )


def _maximum(rule: Mapping[str, Any]) -> int | None:
    value = maybe_text(rule, "maximumDuration")
    if value is None or rule.get("isExpirationRequired") is False:
        # Without required expiration the service still asks an activation for an end, and takes any.
        return None
    try:
        return parse_duration(value)
    except ValueError:
        raise PimError(
            "invalid_response", "The service gave maximumDuration as something that is no duration"
        ) from None


def _approver(body: Mapping[str, Any]) -> Approver:
    """Graph tells users and groups apart by type, Azure Resource Manager by `userType`."""
    group = "group" in str(body.get("@odata.type") or body.get("userType")).lower()
    ident = maybe_text(body, "groupId" if group else "userId") or maybe_text(body, "id")
    return Approver(ident, maybe_text(body, "description"), "group" if group else "user")


def _texts(rule: object, key: str) -> list[str]:
    value = rule.get(key) if isinstance(rule, dict) else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
