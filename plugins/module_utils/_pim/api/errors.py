# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error bodies of Microsoft's APIs, in the terms of the contract. Private to the collection."""

from __future__ import annotations

import json
import re

from ..advice import SERVICE_ADVICE, SERVICE_CODES, STATUSES, step_up_advice
from ..errors import PimError, readable
from ..sign_in.token_claims import proof_of
from ..transport import Reply
from .challenges import claims_in_text, claims_of

_RULE = re.compile(r"\b([A-Za-z]+Rule)\b")


def error_from(reply: Reply, service: str = "The service") -> PimError:
    """The failure in an error body of Graph or Azure Resource Manager; `service` is how messages name the API.

    Both send `{"error": {"code", "message"}}`. The PIM engine behind Graph also wraps the same, as a JSON text, into the message of
    an `UnknownError`.
    """
    code, message, request_id = None, None, request_id_of(reply)
    try:
        body = reply.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        code, message = _text(error.get("code")), _text(error.get("message"))
        inner = error.get("innerError")
        if isinstance(inner, dict):
            request_id = _text(inner.get("request-id")) or request_id
        if code in (None, "UnknownError") and message and message.lstrip().startswith("{"):
            code, message = _unwrapped(code, message)
    if code is None and message is None:
        message = readable(reply.text)
    failure = _translated(reply, service, code, message, request_id)
    failure.repeated = reply.unsure
    return failure


def _unwrapped(code: str | None, message: str) -> tuple[str | None, str | None]:
    try:
        wrapped = json.loads(message)
    except (ValueError, RecursionError):
        return code, message
    if not isinstance(wrapped, dict):
        return code, message
    lower = {str(key).lower(): value for key, value in wrapped.items()}
    return _text(lower.get("errorcode")) or code, _text(lower.get("message")) or message


def _translated(reply: Reply, service: str, code: str | None, message: str | None, request_id: str | None) -> PimError:
    status = reply.status
    # A 403 without the service's own body comes from something in between.
    ours = SERVICE_CODES.get(code or "") or (STATUSES.get(status) if code or status != 403 else None)
    claims = challenge_of(reply)
    proof = proof_of(claims)
    if code and "AcrsValidationFailed" in code:
        claims = claims_in_text(message or "")
        ours, proof = "mfa_required", proof_of(claims)
        # What it says is the challenge itself, which nobody wants to read.
        message = f"The authentication context {', '.join(proof.contexts) or 'of the policy'} is required"
    elif claims is not None and (proof.mfa or proof.contexts):
        ours = "mfa_required"
    elif ours == "policy_violation":
        rules = set(_RULE.findall(message or ""))
        # Nothing else that the policy asks for matters to somebody who is not eligible.
        ours = "not_eligible" if "EligibilityRule" in rules else "mfa_required" if rules == {"MfaRule"} else ours
    if ours is None and status >= 500:
        ours = "service_unavailable"
    if ours is None and code is None:
        ours = "invalid_response"
    context = proof.contexts[0] if ours == "mfa_required" and proof.contexts else None
    wait = reply.retry_after
    advice = SERVICE_ADVICE.get(code or "")
    if ours == "throttled" and wait:
        advice = f"Run again after {round(wait)} s."
    elif ours == "mfa_required":
        advice = step_up_advice(proof.contexts, mfa=proof.mfa)
    return PimError(
        ours or readable(code, 80),
        _summary(service, ours, status, context),
        service_code=readable(code, 80) if code else None,
        service_message=message,
        status=status,
        request_id=readable(request_id, 80) if request_id else None,
        authentication_context=context,
        claims=claims,
        retry_after=wait,
        advice=advice,
        # 5xx: the service may have acted before it failed.
        uncertain=status >= 500,
    )


def _summary(service: str, ours: str | None, status: int, context: str | None) -> str:
    return {
        "not_eligible": "This account is not eligible for it",
        "policy_violation": "The policy of the role refuses this",
        "mfa_required": f"The authentication context {context} is required"
        if context
        else "Multi-factor authentication is required",
        "too_early": "The activation is younger than five minutes and cannot be ended yet",
        "not_licensed": "The tenant has no licence for Privileged Identity Management",
        "consent_required": "The token lacks a permission",
        "forbidden": f"{service} refuses this to the signed-in account",
        "session_expired": f"{service} no longer accepts the token",
        "throttled": f"{service} is throttling",
        "service_unavailable": f"{service} failed (HTTP {status})",
        "invalid_response": f"{service} answered with HTTP {status} and no error of its own",
    }.get(ours or "", f"{service} refused the call (HTTP {status})")


def request_id_of(reply: Reply) -> str | None:
    """The id by which Microsoft's support finds the call."""
    return reply.headers.get("request-id") or reply.headers.get("x-ms-request-id")


def challenge_of(reply: Reply) -> str | None:
    """The claims (a JSON text) that a 401 asks the next token to prove; None where it says nothing of the kind."""
    return claims_of(reply.headers) if reply.status == 401 else None


def demands_more(reply: Reply) -> bool:
    """Whether a 401 is about how the account signed in and not about the token's age: a renewed token would be refused, too."""
    return reply.status == 401 and error_from(reply).code == "mfa_required"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
