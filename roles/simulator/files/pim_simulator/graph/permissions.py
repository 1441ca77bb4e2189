# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which permissions each kind of call takes (documented; for listing requests as seen live)."""

from __future__ import annotations

from pim_simulator.callers import Caller
from pim_simulator.graph.errors import denied, missing_permission

READ_ELIGIBILITY = (
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
)
READ_ASSIGNMENT = (
    "RoleAssignmentSchedule.Read.Directory",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
)
# Documented with the Read permission; the live service refuses that and names these, for reading and writing alike.
ASSIGNMENT_REQUESTS = (
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleAssignmentSchedule.Remove.Directory",
)
WRITE_ELIGIBILITY = ("RoleEligibilitySchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
READ_ROLES = (
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
)
READ_POLICIES = (
    "RoleManagementPolicy.Read.Directory",
    "RoleManagementPolicy.ReadWrite.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.ReadWrite.Directory",
)
WRITE_POLICIES = ("RoleManagementPolicy.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")
DECIDE = ("RoleAssignmentSchedule.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory")

# As the refusals of the service name them; the older PrivilegedAccess ones do as well. Those for roles do not: seen live.
READ_GROUP_ELIGIBILITY = (
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
    "PrivilegedAccess.Read.AzureADGroup",
    "PrivilegedAccess.ReadWrite.AzureADGroup",
)
READ_GROUP_ASSIGNMENT = (
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
    "PrivilegedAccess.Read.AzureADGroup",
    "PrivilegedAccess.ReadWrite.AzureADGroup",
)
WRITE_GROUP_ELIGIBILITY = (
    "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
    "PrivilegedAccess.ReadWrite.AzureADGroup",
)
WRITE_GROUP_ASSIGNMENT = (
    "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
    "PrivilegedAccess.ReadWrite.AzureADGroup",
)
READ_GROUP_POLICIES = (
    "RoleManagementPolicy.Read.AzureADGroup",
    "RoleManagementPolicy.ReadWrite.AzureADGroup",
    "PrivilegedAccess.Read.AzureADGroup",
    "PrivilegedAccess.ReadWrite.AzureADGroup",
)
WRITE_GROUP_POLICIES = ("RoleManagementPolicy.ReadWrite.AzureADGroup", "PrivilegedAccess.ReadWrite.AzureADGroup")

READ_SELF = ("User.Read", "User.ReadWrite", "User.Read.All", "User.ReadBasic.All", "Directory.Read.All")
READ_USERS = ("User.Read.All", "User.ReadBasic.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_GROUPS = ("GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_UNITS = ("AdministrativeUnit.Read.All", "AdministrativeUnit.ReadWrite.All", "Directory.Read.All")


def require_for_pim(caller: Caller, permissions: tuple[str, ...]) -> None:
    """PIM's refusal names what is missing. Raises GraphError."""
    if not caller.permissions.intersection(permissions):
        raise missing_permission(permissions)


def require(caller: Caller, permissions: tuple[str, ...]) -> None:
    """Graph's own refusal does not. Raises GraphError."""
    if not caller.permissions.intersection(permissions):
        raise denied()
