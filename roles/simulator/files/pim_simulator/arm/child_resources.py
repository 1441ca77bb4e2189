# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""eligibleChildResources: what lies below a scope and can be activated for."""

from __future__ import annotations

from collections.abc import Iterable

from pim_simulator.arm.filters import Comparison, Function, read_filter
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.paging import page
from pim_simulator.arm.place import Place
from pim_simulator.arm.views import Row
from pim_simulator.tenant.azure_scopes import AzureScope


class ChildResources:
    """Needs no right. ``$getAllChildren`` is the portal's and not documented: with it not only what lies directly below."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def all(self, call: ArmCall) -> ArmAnswer:
        now = self._place.open()
        wanted = read_filter(call.filter_text, {}, ("resourcetype",))
        top = self._place.scope_or_root(call.address.scope)
        scopes: Iterable[AzureScope] = self._place.scopes.children(top)
        if call.query.get("$getallchildren", "").lower() == "true":
            scopes = self._place.scopes.below(top)
        eligible = {
            schedule.key.scope
            for holder in self._place.holders(call.caller.object_id, now)
            for schedule in self._place.store.of_principal("eligibility", holder)
            if schedule.in_force(now)
        }
        # a node leads to what is eligible below it
        leading = {path for scope in eligible for path in self._place.scopes.upward(scope)}

        def shown(_source: None, scope: AzureScope) -> bool:
            reachable = scope.path in leading or not eligible.isdisjoint(self._place.scopes.upward(scope.path))
            return reachable and wanted.matches(lambda term: _is_of_type(term, scope))

        return page(call, [(None, list(scopes))], shown, _row, self._place.world.tenant.page_size)


def _is_of_type(term: Function | Comparison, scope: AzureScope) -> bool:
    return isinstance(term, Comparison) and term.value.lower() == scope.type.lower()


def _row(_source: None, scope: AzureScope) -> Row:
    return {"name": scope.name, "id": scope.path, "type": scope.type}
