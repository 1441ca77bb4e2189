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

_BROWSER = "sign in with auth_method device_code or interactive"
_DEVICE = (
    "Conditional access wants a device that the organisation manages: sign in with auth_method interactive in the "
    "browser of such a device, or ask an administrator."
)
_CLOUD = "The tenant belongs to another cloud: name it with cloud."
_AGAIN = "Run again later."
_CONNECT = "Run entra.pim.pim_connect again."
_FEDERATION = "Ask whoever runs the organisation's own sign-in server."

# AADSTS number -> (our code, advice). Meanings: Microsoft's list of AADSTS error codes
# (learn.microsoft.com/entra/identity-platform/reference-error-codes) and, where it lacks one, what the service itself writes.
SIGN_IN: dict[int, tuple[str, str]] = {
    # User name, password, account
    50014: ("login_failed", "The guest has not accepted the invitation to this tenant yet."),
    50034: ("login_failed", "The account does not exist in this tenant: check username and tenant."),
    50053: (
        "login_failed",
        "The account is locked after too many attempts, or the address of this machine is blocked: wait, or ask an administrator.",
    ),
    50055: ("login_failed", "The password has expired: change it first."),
    50056: ("login_failed", f"The account has no password in this tenant: {_BROWSER}."),
    50057: ("login_failed", "The account is disabled: ask an administrator."),
    50064: ("login_failed", "User name or password is wrong: check username and password."),
    50125: ("login_failed", "The account has to register for password reset: sign in once in a browser."),
    50126: ("login_failed", "User name or password is wrong: check username and password."),
    50135: ("login_failed", "The account is at risk, and its password has to be changed first."),
    50140: (
        "login_failed",
        f"The sign-in stopped at the question whether to stay signed in: run again, or {_BROWSER}.",
    ),
    50144: ("login_failed", "The password in the organisation's Active Directory has expired: change it first."),
    51004: ("login_failed", "The account does not exist in this tenant: check username and tenant."),
    80012: (
        "login_failed",
        "The account may not sign in at this time of day, as the organisation's Active Directory says.",
    ),
    500341: ("login_failed", "The account was deleted from the tenant."),
    500571: ("login_failed", "The guest account is disabled in this tenant: ask an administrator there."),
    # The organisation's own servers
    50008: ("login_failed", f"The assertion of the organisation's own sign-in server is not accepted: {_FEDERATION}"),
    50107: ("login_failed", f"The tenant does not know the organisation's own sign-in server: {_FEDERATION}"),
    80001: (
        "service_unavailable",
        "The organisation's authentication agent does not reach Active Directory: run again later, or ask an administrator.",
    ),
    80002: ("service_unavailable", "The organisation's Active Directory did not answer in time: run again later."),
    80007: (
        "service_unavailable",
        "The organisation's authentication agent could not check the password: run again later, or ask an administrator.",
    ),
    80014: ("service_unavailable", "The organisation's authentication agent did not answer in time: run again later."),
    90020: (
        "login_failed",
        f"The assertion of the organisation's own sign-in server does not say whose it is: {_FEDERATION}",
    ),
    90123: ("login_failed", f"The organisation's own sign-in server refused: {_FEDERATION}"),
    # Tenant, cloud, guests
    16000: (
        "login_failed",
        "This account is not a member or guest of the tenant: name the right tenant, or the right account with username.",
    ),
    16003: ("login_failed", "This account is not a member or guest of the tenant: name the right tenant."),
    50002: (
        "login_failed",
        "The network here lets nobody sign in to this tenant: ask whoever runs its tenant restrictions.",
    ),
    50020: ("login_failed", "This account is not a member or guest of the tenant: name the right tenant."),
    50059: ("login_failed", "Name the tenant with the option tenant."),
    50128: ("login_failed", "The tenant does not exist: check the option tenant."),
    50194: ("login_failed", "The application is for one tenant only: name that one with the option tenant."),
    90002: ("login_failed", "The tenant does not exist: check the option tenant, and cloud."),
    90019: ("login_failed", "Name the tenant with the option tenant."),
    90038: ("login_failed", _CLOUD),
    90072: ("login_failed", "This account is not a member or guest of the tenant: name the right tenant."),
    500021: (
        "login_failed",
        "The network here lets nobody sign in to this tenant: ask whoever runs its tenant restrictions.",
    ),
    500022: (
        "login_failed",
        "The network here lets nobody sign in to this tenant: ask whoever runs its tenant restrictions.",
    ),
    500208: (
        "login_failed",
        "A personal Microsoft account cannot be used here: name a work or school account with username.",
    ),
    500212: (
        "login_failed",
        "The guest's own organisation does not allow access to this tenant (cross-tenant access settings).",
    ),
    500213: (
        "login_failed",
        "This tenant does not allow access to guests of that organisation (cross-tenant access settings).",
    ),
    900382: ("login_failed", _CLOUD),
    900432: ("login_failed", _CLOUD),
    # Multi-factor authentication
    50072: (
        "mfa_required",
        f"The account must register for multi-factor authentication: sign in once in a browser, then {_BROWSER}.",
    ),
    50074: ("mfa_required", f"Multi-factor authentication is required: {_BROWSER}."),
    50076: ("mfa_required", f"Multi-factor authentication is required: {_BROWSER}."),
    50078: ("mfa_required", f"Multi-factor authentication has expired: {_BROWSER} again."),
    50079: (
        "mfa_required",
        f"The account must register for multi-factor authentication: sign in once in a browser, then {_BROWSER}.",
    ),
    50087: ("service_unavailable", "Multi-factor authentication failed for the moment: run again."),
    50088: (
        "throttled",
        "Too many calls and messages for multi-factor authentication: wait some minutes, or use another second factor.",
    ),
    50158: ("mfa_required", f"Conditional access asks for something more: {_BROWSER}."),
    53004: (
        "login_failed",
        "The account must register for multi-factor authentication, and its risk forbids that: ask an administrator.",
    ),
    53010: (
        "login_failed",
        "The account must register for multi-factor authentication at a place or device that the organisation names.",
    ),
    # Conditional access and risk
    50005: ("login_failed", _DEVICE),
    50097: ("login_failed", _DEVICE),
    50129: ("login_failed", _DEVICE),
    50131: (
        "login_failed",
        "Conditional access blocks this sign-in: an administrator sees in the sign-in logs which policy.",
    ),
    50155: ("login_failed", _DEVICE),
    50187: ("login_failed", _DEVICE),
    53000: ("login_failed", _DEVICE),
    53001: ("login_failed", _DEVICE),
    53002: ("login_failed", "Conditional access wants an approved app, which Ansible is not: ask an administrator."),
    53003: (
        "login_failed",
        "Conditional access blocks this sign-in: an administrator sees in the sign-in logs which policy. Where it blocks device codes, interactive may pass.",
    ),
    53009: (
        "login_failed",
        "Conditional access wants an app under Intune protection, which Ansible is not: ask an administrator.",
    ),
    53011: ("login_failed", "The account is blocked for its risk in its own tenant: ask an administrator there."),
    530002: ("login_failed", _DEVICE),
    530003: ("login_failed", _DEVICE),
    530032: ("login_failed", "A security policy of the tenant blocks this sign-in: ask an administrator."),
    530034: (
        "login_failed",
        "The delegated administrator is blocked for risk in the partner's own tenant: ask an administrator there.",
    ),
    530035: ("login_failed", f"The security defaults of the tenant block this sign-in: {_BROWSER}."),
    # Consent and permissions
    50105: ("forbidden", "The account is not assigned to this application (client_id): ask an administrator."),
    65001: (
        "consent_required",
        "Nobody has consented to the permissions for this client (client_id): an administrator must grant them.",
    ),
    65002: (
        "consent_required",
        "Microsoft does not let this first-party client have these permissions: use a client_id of your own.",
    ),
    65004: (
        "login_declined",
        "The consent was declined: run again and accept, or have an administrator grant the permissions.",
    ),
    65005: (
        "consent_required",
        "The app registration (client_id) does not list this API among its permissions: add it, and have an administrator grant it.",
    ),
    90008: (
        "consent_required",
        "Nobody has consented to the permissions for this client (client_id): an administrator must grant them.",
    ),
    90093: (
        "consent_required",
        "This account may not grant the permissions: an administrator must grant them to the client (client_id).",
    ),
    90094: ("consent_required", "Only an administrator can grant these permissions to the client (client_id)."),
    90095: (
        "consent_required",
        "The tenant wants an administrator to be asked for these permissions: send the request in the browser, and run again when it is granted.",
    ),
    501051: (
        "forbidden",
        "The application (client_id) is not assigned to what it wants a token for: ask an administrator.",
    ),
    650052: (
        "consent_required",
        "The tenant does not have the service that the client asks for: check providers, tenant and cloud.",
    ),
    650053: ("consent_required", "The service does not have such a permission: check client_id and cloud."),
    650056: (
        "consent_required",
        "The app registration (client_id) lists no permissions for this API: add them, and have an administrator grant them.",
    ),
    650057: (
        "consent_required",
        "The app registration (client_id) does not list this API among its permissions: add it, and have an administrator grant it.",
    ),
    # The application and what it was asked for
    50001: (
        "login_failed",
        "The tenant does not know the service that the token is for: check resource, tenant and cloud.",
    ),
    50011: (
        "login_failed",
        "The app registration (client_id) lacks the redirect URI http://localhost of mobile and desktop applications.",
    ),
    70001: (
        "login_failed",
        "The application does not exist in this tenant, or is disabled: check client_id and tenant.",
    ),
    70003: ("login_failed", "The sign-in service does not offer this way here: name another auth_method."),
    70011: (
        "login_failed",
        "The tenant does not know the permissions that the token is for: check resource, client_id and cloud.",
    ),
    90014: ("login_failed", "Something is missing in the request: check username, password and client_id."),
    500011: (
        "login_failed",
        "The tenant does not know the service that the token is for: check resource, tenant and cloud.",
    ),
    500113: (
        "login_failed",
        "The app registration (client_id) has no redirect URI: add http://localhost for mobile and desktop applications.",
    ),
    700016: ("login_failed", "The application does not exist in this tenant: check client_id and tenant."),
    700025: (
        "login_failed",
        "The client is public: give no client_secret, certificate_path or federated_token_file for it.",
    ),
    900144: ("login_failed", "Something is missing in the request: check username, password and client_id."),
    7000112: ("login_failed", "The application is disabled in this tenant: ask an administrator."),
    7000218: (
        "login_failed",
        "The client is not public: give client_secret, or allow public client flows in its app registration.",
    ),
    7000229: (
        "login_failed",
        "The application has no service principal in this tenant: an administrator must consent to it there.",
    ),
    9002313: ("login_failed", "The sign-in service did not understand the request: check tenant and client_id."),
    9002326: (
        "login_failed",
        "The redirect URI is registered for another kind of application: register http://localhost for mobile and desktop applications.",
    ),
    9002327: (
        "login_failed",
        "The redirect URI is registered for a single-page application: register http://localhost for mobile and desktop applications.",
    ),
    # Secret, certificate, federated token of an application
    50012: (
        "login_failed",
        "The certificate is not accepted for this application: upload it to the app registration (client_id), or give the right certificate_path.",
    ),
    50013: ("login_failed", "The token in federated_token_file, or the assertion of the certificate, is not valid."),
    50027: ("login_failed", "The token in federated_token_file is not a valid JWT."),
    70002: ("login_failed", "The credential of the application is wrong: check client_secret and client_id."),
    70025: (
        "login_failed",
        "The application trusts no other issuer: add a federated credential to the app registration (client_id).",
    ),
    700021: ("login_failed", "The assertion names another application: check client_id."),
    700023: (
        "login_failed",
        "The token in federated_token_file, or the certificate's assertion, is for another audience: check cloud, and where the token comes from.",
    ),
    700024: (
        "login_failed",
        "The token in federated_token_file has expired or is not valid yet: have it written anew, and check the clock of this machine.",
    ),
    700027: (
        "login_failed",
        "The certificate is not that of the application, or has expired there: check certificate_path and the app registration (client_id).",
    ),
    700030: (
        "login_failed",
        "The name in the certificate is not one that the application trusts: check certificate_path.",
    ),
    700211: (
        "login_failed",
        "No federated credential of the application trusts the issuer of the token in federated_token_file: compare them letter by letter.",
    ),
    700212: (
        "login_failed",
        "No federated credential of the application has the audience of the token in federated_token_file: it is api://AzureADTokenExchange by default.",
    ),
    700213: (
        "login_failed",
        "No federated credential of the application has the subject of the token in federated_token_file: compare them letter by letter.",
    ),
    700229: ("login_failed", "The token in federated_token_file is a person's: an application's is needed."),
    7000215: ("login_failed", "The client secret is wrong: give its value, not its id."),
    7000222: ("login_failed", "The client secret has expired: make a new one."),
    # What has ended
    50089: ("session_expired", "The sign-in took too long: run entra.pim.pim_connect again."),
    50132: ("session_expired", "The password expired or was changed: run entra.pim.pim_connect again."),
    50133: ("session_expired", "The password expired or was changed: run entra.pim.pim_connect again."),
    50173: ("session_expired", "The sign-in was revoked or the password changed: run entra.pim.pim_connect again."),
    54005: ("login_failed", "The outcome of the sign-in was used already, its answer was lost: run again."),
    70000: ("session_expired", _CONNECT),
    70008: ("session_expired", "The sign-in has expired: run entra.pim.pim_connect again."),
    70018: ("login_failed", "The code is not one of the sign-in service: run again."),
    70019: ("login_expired", "The code was not entered in time: run again."),
    70020: ("login_expired", "The code was not entered in time: run again."),
    70043: ("session_expired", "The sign-in has expired by policy: run entra.pim.pim_connect again."),
    700082: ("session_expired", "The sign-in was not used for too long: run entra.pim.pim_connect again."),
    # The service itself
    50000: ("service_unavailable", _AGAIN),
    50033: ("service_unavailable", _AGAIN),
    50196: (
        "throttled",
        "The client asked for the same too often: wait five minutes, and sign in once with entra.pim.pim_connect instead of in each task.",
    ),
    90006: ("service_unavailable", _AGAIN),
    90012: ("service_unavailable", _AGAIN),
    90024: ("service_unavailable", _AGAIN),
    90033: ("service_unavailable", "The directory behind the sign-in service is not available: run again later."),
    90055: ("throttled", "Too many requests in this tenant: run again later."),
}

# `suberror` of a refusal whose number says nothing to us -> (our code, advice). Documented in msal's own sources and guides.
SUBERRORS: dict[str, tuple[str, str]] = {
    "additional_action": (
        "login_failed",
        f"The account has something to do first: {_BROWSER}, and follow what is shown there.",
    ),
    "bad_token": ("session_expired", _CONNECT),
    "basic_action": ("mfa_required", f"The sign-in service wants to ask the person something: {_BROWSER}."),
    "consent_required": ("consent_required", "An administrator must grant the permissions to the client (client_id)."),
    "device_authentication_failed": ("login_failed", _DEVICE),
    "message_only": ("login_failed", "The service's message says why; only an administrator can change that."),
    "protection_policy_required": (
        "login_failed",
        "Conditional access wants an app under Intune protection, which Ansible is not: ask an administrator.",
    ),
    "token_expired": ("session_expired", _CONNECT),
    "user_password_expired": ("login_failed", "The password has expired: change it first."),
}
