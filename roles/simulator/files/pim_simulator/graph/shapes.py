# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entity types: their properties, what may be expanded, what may be filtered (Graph's schema and documentation)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """``navigation`` maps each property that may be expanded to the shape behind it (None: any object)."""

    name: str
    properties: tuple[str, ...]
    navigation: dict[str, Shape | None] = field(default_factory=dict)
    filterable: frozenset[str] = frozenset()


ROLE_DEFINITION = Shape(
    "unifiedRoleDefinition",
    (
        "id",
        "description",
        "displayName",
        "isBuiltIn",
        "isEnabled",
        "resourceScopes",
        "templateId",
        "version",
        "rolePermissions",
    ),
    filterable=frozenset({"id", "displayName", "isBuiltIn", "templateId", "isEnabled"}),
)

_KEY = ("id", "principalId", "roleDefinitionId", "directoryScopeId", "appScopeId")
_NAVIGATION: dict[str, Shape | None] = {
    "principal": None,
    "roleDefinition": ROLE_DEFINITION,
    "directoryScope": None,
    "appScope": None,
}
_FILTERABLE = frozenset(_KEY) | {"memberType", "status"}

ELIGIBILITY_SCHEDULE = Shape(
    "unifiedRoleEligibilitySchedule",
    (*_KEY, "createdUsing", "createdDateTime", "modifiedDateTime", "status", "scheduleInfo", "memberType"),
    _NAVIGATION,
    _FILTERABLE,
)
ELIGIBILITY_INSTANCE = Shape(
    "unifiedRoleEligibilityScheduleInstance",
    (*_KEY, "startDateTime", "endDateTime", "memberType", "roleEligibilityScheduleId"),
    _NAVIGATION,
    _FILTERABLE | {"roleEligibilityScheduleId"},
)
ASSIGNMENT_SCHEDULE = Shape(
    "unifiedRoleAssignmentSchedule",
    (*ELIGIBILITY_SCHEDULE.properties, "assignmentType"),
    {**_NAVIGATION, "activatedUsing": ELIGIBILITY_SCHEDULE},
    _FILTERABLE | {"assignmentType"},
)
ASSIGNMENT_INSTANCE = Shape(
    "unifiedRoleAssignmentScheduleInstance",
    (
        *_KEY,
        "startDateTime",
        "endDateTime",
        "memberType",
        "assignmentType",
        "roleAssignmentOriginId",
        "roleAssignmentScheduleId",
    ),
    {**_NAVIGATION, "activatedUsing": ELIGIBILITY_INSTANCE},
    _FILTERABLE | {"assignmentType", "roleAssignmentScheduleId", "roleAssignmentOriginId"},
)
_REQUEST = (
    "id",
    "status",
    "createdDateTime",
    "completedDateTime",
    "approvalId",
    "customData",
    "action",
    "principalId",
    "roleDefinitionId",
    "directoryScopeId",
    "appScopeId",
    "isValidationOnly",
    "targetScheduleId",
    "justification",
    "createdBy",
    "scheduleInfo",
    "ticketInfo",
)
_REQUEST_FILTERABLE = frozenset(_KEY) | {"status", "targetScheduleId", "createdBy"}
ASSIGNMENT_REQUEST = Shape(
    "unifiedRoleAssignmentScheduleRequest",
    _REQUEST,
    {**_NAVIGATION, "activatedUsing": ELIGIBILITY_SCHEDULE, "targetSchedule": ASSIGNMENT_SCHEDULE},
    _REQUEST_FILTERABLE,
)
ELIGIBILITY_REQUEST = Shape(
    "unifiedRoleEligibilityScheduleRequest",
    _REQUEST,
    {**_NAVIGATION, "targetSchedule": ELIGIBILITY_SCHEDULE},
    _REQUEST_FILTERABLE,
)

GROUP = Shape(
    "group",
    ("id", "displayName", "description", "mailEnabled", "securityEnabled", "isAssignableToRole"),
    filterable=frozenset({"id", "displayName"}),
)

_GROUP_KEY = ("id", "accessId", "groupId", "principalId")
_GROUP_NAVIGATION: dict[str, Shape | None] = {"group": GROUP, "principal": None}
_GROUP_FILTERABLE = frozenset(_GROUP_KEY) | {"memberType", "status"}

GROUP_ELIGIBILITY_SCHEDULE = Shape(
    "privilegedAccessGroupEligibilitySchedule",
    (*_GROUP_KEY, "createdUsing", "createdDateTime", "modifiedDateTime", "status", "scheduleInfo", "memberType"),
    _GROUP_NAVIGATION,
    _GROUP_FILTERABLE,
)
GROUP_ELIGIBILITY_INSTANCE = Shape(
    "privilegedAccessGroupEligibilityScheduleInstance",
    (*_GROUP_KEY, "startDateTime", "endDateTime", "memberType", "eligibilityScheduleId"),
    _GROUP_NAVIGATION,
    _GROUP_FILTERABLE | {"eligibilityScheduleId"},
)
GROUP_ASSIGNMENT_SCHEDULE = Shape(
    "privilegedAccessGroupAssignmentSchedule",
    (*GROUP_ELIGIBILITY_SCHEDULE.properties, "assignmentType"),
    {**_GROUP_NAVIGATION, "activatedUsing": GROUP_ELIGIBILITY_SCHEDULE},
    _GROUP_FILTERABLE | {"assignmentType"},
)
GROUP_ASSIGNMENT_INSTANCE = Shape(
    "privilegedAccessGroupAssignmentScheduleInstance",
    (*_GROUP_KEY, "startDateTime", "endDateTime", "memberType", "assignmentType", "assignmentScheduleId"),
    {**_GROUP_NAVIGATION, "activatedUsing": GROUP_ELIGIBILITY_INSTANCE},
    _GROUP_FILTERABLE | {"assignmentType", "assignmentScheduleId"},
)
_GROUP_REQUEST = (
    *_GROUP_KEY,
    "status",
    "createdDateTime",
    "completedDateTime",
    "approvalId",
    "customData",
    "action",
    "isValidationOnly",
    "targetScheduleId",
    "justification",
    "createdBy",
    "scheduleInfo",
    "ticketInfo",
)
_GROUP_REQUEST_FILTERABLE = frozenset(_GROUP_KEY) | {"status", "targetScheduleId", "createdBy"}
# the schema has an eligibility behind targetSchedule in both
GROUP_ASSIGNMENT_REQUEST = Shape(
    "privilegedAccessGroupAssignmentScheduleRequest",
    _GROUP_REQUEST,
    {
        **_GROUP_NAVIGATION,
        "activatedUsing": GROUP_ELIGIBILITY_SCHEDULE,
        "targetSchedule": GROUP_ELIGIBILITY_SCHEDULE,
    },
    _GROUP_REQUEST_FILTERABLE,
)
GROUP_ELIGIBILITY_REQUEST = Shape(
    "privilegedAccessGroupEligibilityScheduleRequest",
    _GROUP_REQUEST,
    {**_GROUP_NAVIGATION, "targetSchedule": GROUP_ELIGIBILITY_SCHEDULE},
    _GROUP_REQUEST_FILTERABLE,
)

RULE = Shape(
    "unifiedRoleManagementPolicyRule",
    (
        "id",
        "target",
        "isExpirationRequired",
        "maximumDuration",
        "enabledRules",
        "notificationType",
        "recipientType",
        "notificationLevel",
        "isDefaultRecipientsEnabled",
        "notificationRecipients",
        "setting",
        "isEnabled",
        "claimValue",
    ),
)
POLICY = Shape(
    "unifiedRoleManagementPolicy",
    (
        "id",
        "displayName",
        "description",
        "isOrganizationDefault",
        "scopeId",
        "scopeType",
        "lastModifiedDateTime",
        "lastModifiedBy",
    ),
    {"rules": RULE, "effectiveRules": RULE},
    frozenset({"scopeId", "scopeType"}),
)
POLICY_ASSIGNMENT = Shape(
    "unifiedRoleManagementPolicyAssignment",
    ("id", "policyId", "scopeId", "scopeType", "roleDefinitionId"),
    {"policy": POLICY},
    frozenset({"scopeId", "scopeType", "roleDefinitionId"}),
)

USER = Shape(
    "user",
    (
        "id",
        "displayName",
        "userPrincipalName",
        "mail",
        "accountEnabled",
        "userType",
        "givenName",
        "surname",
        "jobTitle",
    ),
    filterable=frozenset({"id", "displayName", "userPrincipalName", "mail"}),
)
ADMINISTRATIVE_UNIT = Shape(
    "administrativeUnit",
    ("id", "displayName", "description", "visibility"),
    filterable=frozenset({"id", "displayName"}),
)
APPROVAL_PART = Shape(
    "approvalStep",
    (
        "id",
        "displayName",
        "reviewedDateTime",
        "reviewResult",
        "status",
        "assignedToMe",
        "justification",
        "reviewedBy",
    ),
)


def approval_shape(parts: str) -> Shape:
    """An approval whose parts have this name."""
    return Shape("approval", ("id",), {parts: APPROVAL_PART})
