# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of PIM, as the service names them. The HTTP layer chooses the envelope."""

from __future__ import annotations


class PimRefusal(Exception):
    """The service refuses: HTTP status, the service's code, its message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message


def role_assignment_exists() -> PimRefusal:
    return PimRefusal(400, "RoleAssignmentExists", "The Role assignment already exists.")


def role_assignment_does_not_exist() -> PimRefusal:
    return PimRefusal(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")


def invalid_request(message: str) -> PimRefusal:
    return PimRefusal(400, "InvalidRoleAssignmentRequest", message)


def insufficient_privileges() -> PimRefusal:
    return PimRefusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
