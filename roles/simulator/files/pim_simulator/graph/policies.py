# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role management policies: reading them with their rules, replacing a rule."""

from __future__ import annotations

from typing import Any

from pim_simulator.graph.collections import collection_options, entity_answer, entity_options, list_answer
from pim_simulator.graph.errors import GraphError, denied, missing_provider
from pim_simulator.graph.filters import fixed_values
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Options, read_options
from pim_simulator.graph.permissions import READ_POLICIES, WRITE_POLICIES, require_for_pim
from pim_simulator.graph.router import Router
from pim_simulator.graph.schedules import check_licence
from pim_simulator.graph.shapes import POLICY, POLICY_ASSIGNMENT, RULE
from pim_simulator.graph.views import Row
from pim_simulator.pim.entra_roles import TENANT_SCOPE, EntraRoles
from pim_simulator.pim.policies import Policy
from pim_simulator.pim.store import Store
from pim_simulator.times import format_time
from pim_simulator.world import World

_SCOPE_TYPES = {"directoryrole": "DirectoryRole", "directory": "Directory"}


def add_routes(router: Router, world: World) -> None:
    policies = _Policies(world)
    router.add("policies/roleManagementPolicyAssignments", GET=policies.assignments)
    router.add("policies/roleManagementPolicyAssignments/{}", GET=policies.assignment)
    router.add("policies/roleManagementPolicies", GET=policies.all)
    router.add("policies/roleManagementPolicies/{}", GET=policies.get)
    router.add("policies/roleManagementPolicies/{}/rules", GET=policies.rules)
    router.add("policies/roleManagementPolicies/{}/rules/{}", GET=policies.rule, PATCH=policies.replace)


class _Policies:
    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def _store(self) -> Store:
        return self._world.stores[EntraRoles.name]

    def _all(self) -> list[Policy]:
        return [self._store.policies.at(role.id or "", TENANT_SCOPE) for role in self._world.directory.roles()]

    # rows

    def _id(self, policy: Policy, scope_type: str) -> str:
        return f"{scope_type}_{self._world.tenant.tenant_id}_{policy.guid}"

    def _row(self, policy: Policy, scope_type: str) -> Row:
        return {
            "id": self._id(policy, scope_type),
            "displayName": scope_type,
            "description": scope_type,
            "isOrganizationDefault": False,
            "scopeId": "/",
            "scopeType": scope_type,
            "lastModifiedDateTime": format_time(policy.modified),
            "lastModifiedBy": {"displayName": policy.modified_by[1], "id": policy.modified_by[0]},
        }

    def _assignment_row(self, policy: Policy, scope_type: str) -> Row:
        policy_id = self._id(policy, scope_type)
        return {
            "id": f"{policy_id}_{policy.role_id}",
            "policyId": policy_id,
            "scopeId": "/",
            "scopeType": scope_type,
            "roleDefinitionId": policy.role_id,
        }

    def _expand(self, row: Row, name: str) -> Any:
        policy, scope_type = self._by_id(row.get("policyId") or row["id"])
        return self._row(policy, scope_type) if name == "policy" else list(policy.rules.values())

    def _by_id(self, policy_id: str) -> tuple[Policy, str]:
        """Raises GraphError. The first part of an id is read as the provider: what is none is "missing", not unknown."""
        kind, _line, rest = policy_id.partition("_")
        scope_type = _SCOPE_TYPES.get(kind.lower())
        tenant_id, _line, guid = rest.partition("_")
        if scope_type is None or not guid:
            raise missing_provider()
        policy = next((found for found in self._all() if found.guid == guid.lower()), None)
        if policy is None or tenant_id.lower() != self._world.tenant.tenant_id:
            raise GraphError(404, "ResourceNotFound", "The policy could not be found.")
        return policy, scope_type

    # reading

    def _check(self, call: GraphCall, permissions: tuple[str, ...] = READ_POLICIES) -> None:
        require_for_pim(call.caller, permissions)
        check_licence(self._world)

    def _scope_type(self, options: Options) -> str:
        """A list is of one provider: scopeId and scopeType must be fixed by the filter. Raises GraphError."""
        fixed = fixed_values(options.filter) if options.filter is not None else {}
        scope_type = _SCOPE_TYPES.get(str(fixed.get("scopeType")).lower())
        if scope_type is None or fixed.get("scopeId") != "/":
            raise missing_provider()
        return scope_type

    def assignments(self, call: GraphCall) -> GraphAnswer:
        self._check(call)
        options = collection_options(call, POLICY_ASSIGNMENT, of_pim=True)
        scope_type = self._scope_type(options)
        rows = [self._assignment_row(policy, scope_type) for policy in self._all()]
        page = self._world.tenant.page_size
        return list_answer(call, "policies/roleManagementPolicyAssignments", rows, options, self._expand, page)

    def assignment(self, call: GraphCall, assignment_id: str) -> GraphAnswer:
        self._check(call)
        options = entity_options(call, POLICY_ASSIGNMENT)
        policy, scope_type = self._by_id(assignment_id.rpartition("_")[0])
        row = self._assignment_row(policy, scope_type)
        if row["id"].lower() != assignment_id.lower():
            raise GraphError(404, "ResourceNotFound", "The policy assignment could not be found.")
        return entity_answer(call, "policies/roleManagementPolicyAssignments", row, options, self._expand)

    def all(self, call: GraphCall) -> GraphAnswer:
        self._check(call)
        options = collection_options(call, POLICY, of_pim=True)
        scope_type = self._scope_type(options)
        rows = [self._row(policy, scope_type) for policy in self._all()]
        page = self._world.tenant.page_size
        return list_answer(call, "policies/roleManagementPolicies", rows, options, self._expand, page)

    def get(self, call: GraphCall, policy_id: str) -> GraphAnswer:
        self._check(call)
        options = entity_options(call, POLICY)
        policy, scope_type = self._by_id(policy_id)
        row = self._row(policy, scope_type)
        return entity_answer(call, "policies/roleManagementPolicies", row, options, self._expand)

    def rules(self, call: GraphCall, policy_id: str) -> GraphAnswer:
        self._check(call)
        options = collection_options(call, RULE, of_pim=True)
        policy, _scope_type = self._by_id(policy_id)
        context = f"policies/roleManagementPolicies('{policy_id}')/rules"
        rows = list(policy.rules.values())
        return list_answer(call, context, rows, options, self._expand, self._world.tenant.page_size)

    def rule(self, call: GraphCall, policy_id: str, rule_id: str) -> GraphAnswer:
        self._check(call)
        options = entity_options(call, RULE)
        policy, _scope_type = self._by_id(policy_id)
        context = f"policies/roleManagementPolicies('{policy_id}')/rules"
        return entity_answer(call, context, self._rule(policy, rule_id), options, self._expand)

    # writing

    def replace(self, call: GraphCall, policy_id: str, rule_id: str) -> GraphAnswer:
        self._check(call, WRITE_POLICIES)
        now = self._world.clock.now()
        if not call.caller.app_only and not self._store.area.may_administer(call.caller.object_id, TENANT_SCOPE, now):
            raise denied()
        read_options(call.query, (), call.url)
        policy, _scope_type = self._by_id(policy_id)
        self._rule(policy, rule_id)
        self._store.policies.replace_rule(policy, rule_id, call.body, call.caller.object_id, now)
        return GraphAnswer(204)

    def _rule(self, policy: Policy, rule_id: str) -> Row:
        rule = policy.rules.get(rule_id)
        if rule is None:
            raise GraphError(404, "ResourceNotFound", "The rule could not be found.")
        return rule
