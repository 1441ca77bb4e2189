# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of the tenant: where they sign in, and with which password."""

from __future__ import annotations

import hmac
from typing import Any

from pim_simulator.directory import Directory
from pim_simulator.sign_in.account_states import check_can_sign_in, check_not_locked
from pim_simulator.sign_in.errors import SignInError
from pim_simulator.tenant.models import User


class Accounts:
    """Of one tenant."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def federated(self, username: str) -> bool:
        """Whether the organisation's own server checks the password."""
        return _domain(username) in self._directory.tenant.federated_domains

    def realm(self, username: str, metadata_url: str, password_url: str) -> dict[str, Any]:
        """How accounts of the name's domain sign in; the addresses are those of the federation server."""
        known = _domain(username) in self._directory.tenant.domains or self._directory.find_user(username) is not None
        if not known:
            return {"ver": "1.0", "account_type": "Unknown", "cloud_instance_name": "microsoftonline.com"}
        realm = {
            "ver": "1.0",
            "account_type": "Managed",
            "domain_name": _domain(username),
            "cloud_instance_name": "microsoftonline.com",
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        }
        if self.federated(username):
            realm["account_type"] = "Federated"
            realm["federation_protocol"] = "WSTrust"
            realm["federation_metadata_url"] = metadata_url
            realm["federation_active_auth_url"] = password_url
        return realm

    def check_password_is_here(self, username: str) -> None:
        """Raises SignInError for a federated account: the directory does not have its password."""
        if self.federated(username):
            raise _no_password()

    def authenticate(self, username: str, password: str) -> User:
        """Raises SignInError: unknown, wrong password, a state that keeps it out."""
        user = self._directory.find_user(username)
        if user is None or "@" not in username:
            raise SignInError(
                50034,
                "invalid_grant",
                f"The user account {{EUII Hidden}} does not exist in the {self._directory.tenant.tenant_id} directory.",
            )
        check_not_locked(user)
        if user.password is None:
            raise _no_password()
        if not hmac.compare_digest(user.password.encode(), password.encode()):
            raise SignInError(
                50126, "invalid_grant", "Error validating credentials due to invalid username or password."
            )
        check_can_sign_in(user, self._directory.tenant)
        return user


def _domain(username: str) -> str:
    return username.rpartition("@")[2].lower()


def _no_password() -> SignInError:
    return SignInError(
        50056, "invalid_grant", "Invalid or null password: password does not exist in the directory for this user."
    )
