# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The api-versions that each type knows (the service's own lists where it told them, else the published ones)."""

from __future__ import annotations

from pim_simulator.arm.errors import ArmError
from pim_simulator.arm.messages import ArmCall

PREVIEW = "2020-10-01-preview"

_PIM = (PREVIEW, "2020-10-01", "2024-02-01-preview", "2024-09-01-preview")
_REQUESTS = (PREVIEW, "2020-10-01", "2022-04-01-preview", "2024-09-01-preview")
_ROLES = ("2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview")

VERSIONS = {
    "roleeligibilityscheduleinstances": ("roleEligibilityScheduleInstances", _PIM),
    "roleeligibilityschedules": ("roleEligibilitySchedules", _PIM),
    "roleassignmentscheduleinstances": ("roleAssignmentScheduleInstances", _PIM),
    "roleassignmentschedules": ("roleAssignmentSchedules", _PIM),
    "roleeligibilityschedulerequests": ("roleEligibilityScheduleRequests", _REQUESTS),
    "roleassignmentschedulerequests": ("roleAssignmentScheduleRequests", _REQUESTS),
    "eligiblechildresources": ("eligibleChildResources", _PIM),
    "rolemanagementpolicies": ("roleManagementPolicies", _PIM),
    "rolemanagementpolicyassignments": ("roleManagementPolicyAssignments", _PIM),
    "roleassignmentapprovals": ("roleAssignmentApprovals", ("2021-01-01-preview",)),
    "roledefinitions": ("roleDefinitions", _ROLES),
}


def require_version(call: ArmCall) -> None:
    """Some api-version. Raises ArmError."""
    if not call.api_version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )


def check_version(call: ArmCall) -> None:
    """One that the type of Microsoft.Authorization knows. Raises ArmError."""
    require_version(call)
    name, versions = VERSIONS[call.address.type]
    if call.api_version.lower() not in versions:
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The resource type '{name}' could not be found in the namespace 'Microsoft.Authorization' for api version "
            f"'{call.api_version[:40]}'. The supported api-versions are '{','.join(versions)}'.",
        )
