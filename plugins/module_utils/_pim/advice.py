# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a service calls a failure to what this collection calls it, and one sentence of advice. Private to the collection.

Pure data. Service codes: Microsoft Graph PIM (`code` of an error body) and the sign-in service (AADSTS numbers of `error_description`).
"""

from __future__ import annotations

from collections.abc import Sequence

# Our codes (interface, section 4): what a playbook author can do.
ADVICE: dict[str, str] = {
    "ambiguous_role": "Name the scope by its id too, or the role by its role_id, as entra.pim.pim_role_info lists them.",
    "unknown_role": "entra.pim.pim_role_info lists the roles of this account; names must match exactly, in any case.",
    "not_eligible": "entra.pim.pim_role_info lists where this account is eligible; ask an administrator for an eligible assignment.",
    "not_self_activated": "An administrator made this assignment, and only an administrator can end or change it.",
    "policy_violation": "entra.pim.pim_role_info with include_policy shows what the policy of the role asks for.",
    "too_early": "Entra keeps an activation for at least five minutes: use too_early wait or leave, or run again later.",
    "approval_denied": "Ask the approver, then run again.",
    "request_withdrawn": "Somebody withdrew the request; run again if the role is still needed.",
    "wait_timeout": "Raise wait_timeout, or use wait: false and look with entra.pim.pim_role_info.",
    "app_only_not_supported": "Sign in as a user, or have an administrator give the application a time-bound role assignment.",
    "not_connected": "Run entra.pim.pim_connect first, with the same session and session_dir, or give credentials.",
    "session_expired": "Run entra.pim.pim_connect to sign in again.",
    "session_unusable": "Mend what is named, or name another session_dir; a damaged session goes with pim_connect and state absent.",
    "login_failed": "",
    "login_declined": "Run again and accept the sign-in.",
    "login_expired": "Run again and enter the code in time.",
    "login_timeout": "Raise login_timeout, or sign in sooner.",
    "mfa_required": "Run entra.pim.pim_connect with require_mfa or authentication_contexts, as named.",
    "consent_required": "An administrator must grant the named permissions to the client (client_id).",
    "forbidden": "The signed-in account lacks a directory role or permission for this.",
    "not_licensed": "Privileged Identity Management needs Microsoft Entra ID P2 or Microsoft Entra ID Governance.",
    "network": "Check the endpoint, the proxy and the CA (ca_path).",
    "throttled": "Run again after that time.",
    "service_unavailable": "Run again later; running again is safe, what is already done is found and left.",
    "invalid_response": "Check that the endpoint is Microsoft's and that no proxy answers in its place.",
    "session_busy": "Another task holds the session; run again.",
    "missing_dependency": "Install the Python packages msal and requests for the named interpreter.",
}


def step_up_advice(contexts: Sequence[str], *, mfa: bool = False) -> str:
    """How to satisfy what a role asks of the sign-in: authentication contexts, multi-factor authentication, or both."""
    options = [f"authentication_contexts [{', '.join(contexts)}]"] if contexts else []
    if mfa or not contexts:
        options.insert(0, "require_mfa true")
    return (
        f"Run entra.pim.pim_connect with {' and '.join(options)}, and a method that can satisfy it such as device_code."
    )


# Codes of the PIM service (both APIs) -> our code.
SERVICE_CODES: dict[str, str] = {
    "RoleAssignmentRequestPolicyValidationFailed": "policy_violation",
    "RoleAssignmentRequestAcrsValidationFailed": "mfa_required",
    "ActiveDurationTooShort": "too_early",
    "AadPremiumLicenseRequired": "not_licensed",
    "PermissionScopeNotGranted": "consent_required",
    "Authorization_RequestDenied": "forbidden",
    "AuthorizationFailed": "forbidden",
    "InsufficientPermissions": "forbidden",
    # Azure asks multi-factor authentication of whoever changes resources.
    "RequestDisallowedByAzure": "mfa_required",
    "AccessDenied": "forbidden",
    "InvalidAuthenticationToken": "session_expired",
    "TooManyRequests": "throttled",
    "RoleAssignmentRequestNotFound": "unknown_request",
}

# What to do about codes that are told as the service has them, or that need other words than our code's.
SERVICE_ADVICE: dict[str, str] = {
    "CannotDeleteLastAdminAssignment": "It is the group's only owner, and the service keeps the last one, also beyond the end of the "
    "activation: give the group another owner first.",
    "AuthorizationFailed": "Azure lets nobody act at a scope that the account may not read: ask for read access there, or name a "
    "wider scope that the account is eligible at.",
    "RequestCannotBeCancelled": "It has come into force or ended meanwhile: run again, and what there is is found.",
    "ResourceIsLocked": "A lock on the resource forbids it: have the lock removed.",
    "ScopeDoesNotMatchRoleDefinition": "The role does not exist at this scope: name a scope that entra.pim.pim_role_info lists.",
}

# HTTP statuses that say enough where the code does not.
STATUSES: dict[int, str] = {401: "session_expired", 403: "forbidden", 429: "throttled"}

# AADSTS number -> (our code, advice). Meanings: Microsoft's list of AADSTS error codes.
SIGN_IN: dict[int, tuple[str, str]] = {
    16000: ("login_failed", "Name the account with username."),
    50020: ("login_failed", "This account is not a member or guest of the tenant: name the right tenant."),
    50034: ("login_failed", "The account does not exist in this tenant: check username and tenant."),
    50053: ("login_failed", "The account is locked after too many attempts: wait, or ask an administrator."),
    50055: ("login_failed", "The password has expired: change it first."),
    50056: ("login_failed", "The account has no usable password in this tenant."),
    50057: ("login_failed", "The account is disabled."),
    50059: ("login_failed", "Name the tenant with the option tenant."),
    50072: (
        "mfa_required",
        "The account must register for multi-factor authentication: sign in once in a browser, then with device_code.",
    ),
    50074: ("mfa_required", "Multi-factor authentication is required: sign in with auth_method device_code."),
    50076: ("mfa_required", "Multi-factor authentication is required: sign in with auth_method device_code."),
    50078: ("mfa_required", "Multi-factor authentication has expired: sign in again with auth_method device_code."),
    50079: (
        "mfa_required",
        "The account must register for multi-factor authentication: sign in once in a browser, then with device_code.",
    ),
    50105: ("forbidden", "The account is not assigned to this application: ask an administrator."),
    50126: ("login_failed", "User name or password is wrong."),
    50128: ("login_failed", "The tenant does not exist: check the option tenant."),
    50158: ("mfa_required", "Conditional access asks for something more: sign in with auth_method device_code."),
    50173: ("session_expired", "The sign-in was revoked or the password changed: run entra.pim.pim_connect again."),
    53000: ("login_failed", "Conditional access wants a compliant device."),
    53003: ("login_failed", "Conditional access blocks this sign-in."),
    65001: (
        "consent_required",
        "Nobody has consented to the PIM permissions for this client: an administrator must grant them.",
    ),
    65002: (
        "consent_required",
        "Microsoft does not let this first-party client have these permissions: use a client_id of your own.",
    ),
    65004: ("login_declined", "The consent was declined."),
    70000: ("session_expired", "Run entra.pim.pim_connect again."),
    70008: ("session_expired", "The sign-in has expired: run entra.pim.pim_connect again."),
    70020: ("login_expired", "The code was not entered in time: run again."),
    70043: ("session_expired", "The sign-in has expired by policy: run entra.pim.pim_connect again."),
    90002: ("login_failed", "The tenant does not exist: check the option tenant, and cloud."),
    90033: ("service_unavailable", "The directory behind the sign-in service is not available: run again later."),
    90072: ("login_failed", "This account is not a member or guest of the tenant: name the right tenant."),
    700016: ("login_failed", "The application does not exist in this tenant: check client_id and tenant."),
    700082: ("session_expired", "The sign-in was not used for too long: run entra.pim.pim_connect again."),
    7000112: ("login_failed", "The application is disabled in this tenant."),
    7000215: ("login_failed", "The client secret is wrong: give its value, not its id."),
    7000218: ("login_failed", "The client is not public: give client_secret, or allow public client flows for it."),
    7000222: ("login_failed", "The client secret has expired: make a new one."),
    9002313: ("login_failed", "The sign-in service did not understand the request: check tenant and client_id."),
}
