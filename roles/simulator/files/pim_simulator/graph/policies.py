# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role management policies: reading them with their rules, replacing a rule."""

from __future__ import annotations

from typing import Any

from pim_simulator.graph.collections import collection_options, entity_answer, entity_options, list_answer
from pim_simulator.graph.errors import GraphError, denied
from pim_simulator.graph.filters import fixed_values
from pim_simulator.graph.licence import check_licence
from pim_simulator.graph.messages import GraphAnswer, GraphCall
from pim_simulator.graph.options import Options, read_options
from pim_simulator.graph.permissions import READ_GROUP_POLICIES, READ_POLICIES, require_for_pim
from pim_simulator.graph.policy_scopes import PolicyScope, filtered_scope, policy_by_id
from pim_simulator.graph.router import Router
from pim_simulator.graph.shapes import POLICY, POLICY_ASSIGNMENT, RULE, Shape
from pim_simulator.graph.views import Row
from pim_simulator.pim.policies import Policy
from pim_simulator.times import format_time
from pim_simulator.world import World

_ASSIGNMENTS = "policies/roleManagementPolicyAssignments"
_POLICIES = "policies/roleManagementPolicies"


def add_routes(router: Router, world: World) -> None:
    policies = _Policies(world)
    router.add(_ASSIGNMENTS, GET=policies.assignments)
    router.add(f"{_ASSIGNMENTS}/{{}}", GET=policies.assignment)
    router.add(_POLICIES, GET=policies.all)
    router.add(f"{_POLICIES}/{{}}", GET=policies.get)
    router.add(f"{_POLICIES}/{{}}/rules", GET=policies.rules)
    router.add(f"{_POLICIES}/{{}}/rules/{{}}", GET=policies.rule, PATCH=policies.replace)


class _Policies:
    def __init__(self, world: World) -> None:
        self._world = world

    # rows

    def _row(self, scope: PolicyScope, policy: Policy) -> Row:
        return {
            "id": scope.id_of(policy),
            "displayName": scope.scope_type,
            "description": scope.scope_type,
            "isOrganizationDefault": False,
            "scopeId": scope.scope_id,
            "scopeType": scope.scope_type,
            "lastModifiedDateTime": format_time(policy.modified),
            "lastModifiedBy": {"displayName": policy.modified_by[1], "id": policy.modified_by[0]},
        }

    def _assignment_row(self, scope: PolicyScope, policy: Policy) -> Row:
        policy_id = scope.id_of(policy)
        return {
            "id": f"{policy_id}_{policy.role_id}",
            "policyId": policy_id,
            "scopeId": scope.scope_id,
            "scopeType": scope.scope_type,
            "roleDefinitionId": policy.role_id,
        }

    def _expand(self, row: Row, name: str) -> Any:
        scope, policy = policy_by_id(self._world, row.get("policyId") or row["id"])
        return self._row(scope, policy) if name == "policy" else list(policy.rules.values())

    # reading

    def _check(self, call: GraphCall, permissions: tuple[str, ...]) -> None:
        require_for_pim(call.caller, permissions)
        check_licence(self._world)

    def _check_any(self, call: GraphCall) -> None:
        """Before it is known of what the policies are."""
        self._check(call, READ_GROUP_POLICIES if call.caller.permissions & {*READ_GROUP_POLICIES} else READ_POLICIES)

    def _asked(self, call: GraphCall, shape: Shape) -> tuple[Options, PolicyScope]:
        """A list is of one provider: scopeId and scopeType must be fixed by the filter. Raises GraphError."""
        self._check_any(call)
        options = collection_options(call, shape, of_pim=True)
        scope = filtered_scope(self._world, fixed_values(options.filter) if options.filter is not None else {})
        self._check(call, scope.read)
        return options, scope

    def _by_id(self, call: GraphCall, policy_id: str) -> tuple[PolicyScope, Policy]:
        self._check_any(call)
        scope, policy = policy_by_id(self._world, policy_id)
        self._check(call, scope.read)
        return scope, policy

    def assignments(self, call: GraphCall) -> GraphAnswer:
        options, scope = self._asked(call, POLICY_ASSIGNMENT)
        rows = [self._assignment_row(scope, policy) for policy in scope.all()]
        return list_answer(call, _ASSIGNMENTS, rows, options, self._expand, self._world.tenant.page_size)

    def assignment(self, call: GraphCall, assignment_id: str) -> GraphAnswer:
        scope, policy = self._by_id(call, assignment_id.rpartition("_")[0])
        options = entity_options(call, POLICY_ASSIGNMENT)
        row = self._assignment_row(scope, policy)
        if row["id"].lower() != assignment_id.lower():
            raise GraphError(404, "ResourceNotFound", "The policy assignment could not be found.")
        return entity_answer(call, _ASSIGNMENTS, row, options, self._expand)

    def all(self, call: GraphCall) -> GraphAnswer:
        options, scope = self._asked(call, POLICY)
        rows = [self._row(scope, policy) for policy in scope.all()]
        return list_answer(call, _POLICIES, rows, options, self._expand, self._world.tenant.page_size)

    def get(self, call: GraphCall, policy_id: str) -> GraphAnswer:
        scope, policy = self._by_id(call, policy_id)
        options = entity_options(call, POLICY)
        return entity_answer(call, _POLICIES, self._row(scope, policy), options, self._expand)

    def rules(self, call: GraphCall, policy_id: str) -> GraphAnswer:
        _scope, policy = self._by_id(call, policy_id)
        options = collection_options(call, RULE, of_pim=True)
        context = f"{_POLICIES}('{policy_id}')/rules"
        rows = list(policy.rules.values())
        return list_answer(call, context, rows, options, self._expand, self._world.tenant.page_size)

    def rule(self, call: GraphCall, policy_id: str, rule_id: str) -> GraphAnswer:
        _scope, policy = self._by_id(call, policy_id)
        options = entity_options(call, RULE)
        context = f"{_POLICIES}('{policy_id}')/rules"
        return entity_answer(call, context, self._rule(policy, rule_id), options, self._expand)

    # writing

    def replace(self, call: GraphCall, policy_id: str, rule_id: str) -> GraphAnswer:
        scope, policy = policy_by_id(self._world, policy_id)
        self._check(call, scope.write)
        now = self._world.settle()
        area = scope.store.area
        if not call.caller.app_only and not area.may_administer(call.caller.object_id, scope.scope_id, now):
            raise denied()
        read_options(call.query, (), call.url)
        self._rule(policy, rule_id)
        scope.store.policies.replace_rule(policy, rule_id, call.body, call.caller.object_id, now)
        return GraphAnswer(204)

    def _rule(self, policy: Policy, rule_id: str) -> Row:
        rule = policy.rules.get(rule_id)
        if rule is None:
            raise GraphError(404, "ResourceNotFound", "The rule could not be found.")
        return rule
