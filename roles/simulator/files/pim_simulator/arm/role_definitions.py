# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role definitions: at the tenant for everybody, at a scope for who has the right to read there."""

from __future__ import annotations

from pim_simulator.arm.errors import ArmError
from pim_simulator.arm.filters import Comparison, Function, read_filter
from pim_simulator.arm.ids import role_definition_id
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.views import NAMESPACE, Row
from pim_simulator.tenant.azure_roles import AzureRoleDefinition

_READ = "Microsoft.Authorization/roleDefinitions/read"
_FUNCTIONS = {"atscopeandbelow": False, "atscope": False}
# what the oldest built-in roles bear
_CREATED = "2015-02-02T21:55:09.8806423Z"
_UPDATED = "2023-10-13T15:12:29.0000000Z"


class RoleDefinitions:
    """All roles are there at each scope."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def all(self, call: ArmCall) -> ArmAnswer:
        scope = self._scope(call)
        wanted = read_filter(call.filter_text, _FUNCTIONS, ("rolename", "type"))

        def holds(term: Function | Comparison, role: AzureRoleDefinition) -> bool:
            if isinstance(term, Function):
                return True
            actual = role.name if term.property == "rolename" else _type(role)
            return actual.casefold() == term.value.casefold()

        return page(
            call,
            [(None, list(self._place.directory.azure_roles.all()))],
            lambda _source, role: wanted.matches(lambda term: holds(term, role)),
            lambda _source, role: self._row(scope, role),
            self._place.world.tenant.page_size,
        )

    def get(self, call: ArmCall, name: str) -> ArmAnswer:
        scope = self._scope(call)
        role = self._place.directory.azure_roles.get(name)
        if role is None:
            raise ArmError(
                404,
                "RoleDefinitionDoesNotExist",
                f"The specified role definition with ID '{name[:60]}' does not exist.",
            )
        return ArmAnswer(body=self._row(scope, role))

    def _scope(self, call: ArmCall) -> str:
        self._place.world.settle()
        if not call.address.scope:
            return self._place.scopes.root.path
        scope = self._place.scope(call.address.scope).path
        self._place.require(call, _READ, scope)
        return scope

    @staticmethod
    def _row(scope: str, role: AzureRoleDefinition) -> Row:
        return {
            "id": role_definition_id(scope, role.id),
            "type": f"{NAMESPACE}/roleDefinitions",
            "name": role.id,
            "properties": {
                "roleName": role.name,
                "type": _type(role),
                "description": f"Simulated role {role.name}.",
                "assignableScopes": ["/"] if role.builtin else [scope],
                "permissions": [
                    {
                        "actions": list(role.actions),
                        "notActions": list(role.not_actions),
                        "dataActions": list(role.data_actions),
                        "notDataActions": [],
                    }
                ],
                "createdOn": _CREATED,
                "updatedOn": _UPDATED,
            },
        }


def _type(role: AzureRoleDefinition) -> str:
    return "BuiltInRole" if role.builtin else "CustomRole"
