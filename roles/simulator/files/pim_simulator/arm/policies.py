# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role management policies and their assignments: one for each role at each scope."""

from __future__ import annotations

from typing import Any

from pim_simulator.arm.api_versions import PREVIEW
from pim_simulator.arm.bodies import members, unreadable
from pim_simulator.arm.errors import ArmError, not_found
from pim_simulator.arm.filters import read_filter
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.rules import to_arm, to_graph
from pim_simulator.arm.schedules import last_segment
from pim_simulator.arm.views import NAMESPACE, Row, Views, row_time, without_unset
from pim_simulator.pim.policies import Policy
from pim_simulator.tenant.models import User

_WRITE = "Microsoft.Authorization/roleManagementPolicies/write"


class Policies:
    """Reading needs no right: clients of people who are merely eligible read what a policy asks of them. Changing needs the
    right to manage access."""

    def __init__(self, place: Place, views: Views) -> None:
        self._place = place
        self._views = views

    # assignments

    def assignments(self, call: ArmCall) -> ArmAnswer:
        self._place.open()
        wanted = read_filter(call.filter_text, {"atscope": False}, ("roledefinitionid",))
        scope = self._scope(call)
        asked = wanted.value("roledefinitionid")
        roles = [role.id for role in self._place.directory.azure_roles.all()]
        if asked is not None:
            roles = [role for role in roles if role == last_segment(asked)]

        def row(_source: None, role_id: str) -> Row:
            return self._assignment(call, self._place.store.policies.at(role_id, scope))

        size = self._place.world.tenant.page_size
        return page(call, [(None, roles)], lambda _source, _role: True, row, size)

    def assignment(self, call: ArmCall, name: str) -> ArmAnswer:
        """Its name is the policy's and the role's, joined."""
        self._place.open()
        scope = self._scope(call)
        guid, _line, role_id = name.lower().partition("_")
        policy = self._policy(scope, guid)
        if policy is None or policy.role_id != role_id:
            raise not_found("RoleManagementPolicyAssignment", name[:80])
        return ArmAnswer(body=self._assignment(call, policy))

    def _assignment(self, call: ArmCall, policy: Policy) -> Row:
        name = f"{policy.guid}_{policy.role_id}"
        policy_id = self._views.ids.of(policy.scope, "roleManagementPolicies", policy.guid)
        role = self._views.role_definition(policy.scope, policy.role_id)
        details = {"id": policy_id, **self._modified(policy)}
        properties = {
            "scope": policy.scope,
            "roleDefinitionId": role["id"],
            "policyId": policy_id,
            "effectiveRules": self._effective(call, policy),
            "policyAssignmentProperties": {
                "scope": self._views.scope(policy.scope),
                "roleDefinition": role,
                "policy": details,
            },
        }
        # recorded in the singular, as against all the other types
        return self._object(policy, "roleManagementPolicyAssignment", name, properties)

    def _object(self, policy: Policy, type_name: str, name: str, properties: Row) -> Row:
        row = {
            "properties": without_unset(properties),
            "name": name,
            "id": self._views.ids.of(policy.scope, type_name, name),
            "type": f"{NAMESPACE}/{type_name}",
        }
        shown: Row = self._views.ids.shown(row)
        return shown

    @staticmethod
    def _effective(call: ArmCall, policy: Policy) -> list[Row] | None:
        """The oldest api-version does not have it."""
        return None if call.api_version.lower() == PREVIEW else [to_arm(rule) for rule in policy.rules.values()]

    def _modified(self, policy: Policy) -> Row:
        """Of a policy that nobody has changed yet the editor is an empty object (recorded)."""
        by, name = policy.modified_by
        found = self._place.directory.object(by) if by else None
        email = found.username if isinstance(found, User) else None
        kind = "User" if isinstance(found, User) else "ServicePrincipal"
        editor = without_unset({"id": by, "displayName": name, "type": kind, "email": email}) if by else {}
        return without_unset({"lastModifiedBy": editor, "lastModifiedDateTime": row_time(policy.modified)})

    # policies

    def all(self, call: ArmCall) -> ArmAnswer:
        self._place.open()
        read_filter(call.filter_text, {"atscope": False}, ())
        scope = self._scope(call)
        roles = [role.id for role in self._place.directory.azure_roles.all()]

        def row(_source: None, role_id: str) -> Row:
            return self._row(call, self._place.store.policies.at(role_id, scope))

        size = self._place.world.tenant.page_size
        return page(call, [(None, roles)], lambda _source, _role: True, row, size)

    def get(self, call: ArmCall, name: str) -> ArmAnswer:
        self._place.open()
        return ArmAnswer(body=self._row(call, self._found(call, name)))

    def patch(self, call: ArmCall, name: str) -> ArmAnswer:
        """The rules sent replace those of the same ids, all or none."""
        now = self._place.open()
        policy = self._found(call, name)
        self._place.require(call, _WRITE, policy.scope)
        rules = members(members(call.body).get("properties")).get("rules")
        if not isinstance(rules, list):
            raise unreadable()
        before = (dict(policy.rules), policy.modified, policy.modified_by)
        try:
            for rule in rules:
                rule_id = str(rule.get("id")) if isinstance(rule, dict) else ""
                if rule_id not in policy.rules:
                    raise ArmError(400, "InvalidPolicyRule", f"The policy rule '{rule_id[:80]}' is invalid.")
                wanted = to_graph(rule, policy.rules[rule_id])
                self._place.store.policies.replace_rule(policy, rule_id, wanted, call.caller.object_id, now)
        except Exception:
            policy.rules, policy.modified, policy.modified_by = before
            raise
        return ArmAnswer(body=self._row(call, policy))

    def _row(self, call: ArmCall, policy: Policy) -> Row:
        rules = [to_arm(rule) for rule in policy.rules.values()]
        properties = {
            "scope": policy.scope,
            "displayName": "",
            "description": "",
            "isOrganizationDefault": False,
            **self._modified(policy),
            "rules": rules,
            "effectiveRules": self._effective(call, policy),
            "policyProperties": {"scope": self._views.scope(policy.scope)},
        }
        return self._object(policy, "roleManagementPolicies", policy.guid, properties)

    # finding

    def _scope(self, call: ArmCall) -> str:
        if not call.address.scope:
            raise ArmError(400, "InvalidScope", "The scope is invalid.")
        return self._place.scope(call.address.scope).path

    def _found(self, call: ArmCall, name: str) -> Policy:
        policy = self._policy(self._scope(call), name.lower())
        if policy is None:
            raise not_found("RoleManagementPolicy", name[:60])
        return policy

    def _policy(self, scope: str, guid: str) -> Policy | None:
        """Policies are made when they are asked for, so those of the scope are before one is looked for by its GUID."""
        policies = self._place.store.policies
        made: list[Any] = [policies.at(role.id, scope) for role in self._place.directory.azure_roles.all()]
        return next((policy for policy in made if policy.guid == guid), None)
