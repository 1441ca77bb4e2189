# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps an account out whatever it proves: its state in the directory."""

from __future__ import annotations

from pim_simulator.sign_in.errors import SignInError
from pim_simulator.tenant.models import TenantFile, User


def check_not_locked(user: User) -> None:
    """Before the password is looked at: a locked account is not told whether it was right. Raises SignInError."""
    if user.state == "locked":
        raise SignInError(
            50053,
            "invalid_grant",
            "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
        )


def check_can_sign_in(user: User, tenant: TenantFile) -> None:
    """A new sign-in. Raises SignInError."""
    check_not_locked(user)
    check_known(user, tenant)
    if user.state == "password_expired":
        raise SignInError(50055, "invalid_grant", "The password is expired.", suberror="user_password_expired")


def check_known(user: User, tenant: TenantFile) -> None:
    """Also of a sign-in that was made before: a locked account and an expired password do not end it. Raises SignInError."""
    if not user.enabled:
        raise SignInError(50057, "invalid_grant", "The user account is disabled.")
    if user.state == "not_invited":
        raise SignInError(
            int(tenant.behaviour.foreign_account.removeprefix("AADSTS")),
            "invalid_grant",
            f"User account '{{EUII Hidden}}' from another identity provider does not exist in tenant '{tenant.name}' and "
            "cannot access the application in that tenant. The account needs to be added as an external user in the "
            "tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
        )
