# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of ARM from its parts to its answer, refusals included."""

from __future__ import annotations

from collections.abc import Callable

from pim_simulator.arm.api_versions import VERSIONS, check_version
from pim_simulator.arm.approvals import Approvals
from pim_simulator.arm.child_resources import ChildResources
from pim_simulator.arm.errors import ArmError, from_refusal, throttled
from pim_simulator.arm.messages import ArmAnswer, ArmCall
from pim_simulator.arm.place import Place
from pim_simulator.arm.policies import Policies
from pim_simulator.arm.requests import Requests
from pim_simulator.arm.resources import Resources
from pim_simulator.arm.role_definitions import RoleDefinitions
from pim_simulator.arm.schedules import Schedules
from pim_simulator.arm.views import NAMESPACE, Views
from pim_simulator.pim.errors import PimRefusal
from pim_simulator.pim.records import Kind
from pim_simulator.tenant.azure_scopes import plain_path
from pim_simulator.world import World

# gets the call and the values of the parameters of the address
Handler = Callable[..., ArmAnswer]
# of an address: the type and what follows it, {} for any name
_Routes = dict[tuple[str, ...], dict[str, Handler]]
_KINDS: tuple[Kind, ...] = ("eligibility", "assignment")


class ArmService:
    """All addresses, over the world's present tenant."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, call: ArmCall) -> ArmAnswer:
        """Raises ArmError."""
        wait = self._world.throttling.take("arm", call.method, f"{call.caller.object_id} {call.address.subscription}")
        if wait is not None:
            raise throttled(wait)
        place = Place(self._world)
        try:
            if call.address.rest is None:
                return Resources(place).answer(call, plain_path(call.address.scope))
            return self._handler(place, call)
        except PimRefusal as refusal:
            action = f"{NAMESPACE}/{VERSIONS[call.address.type][0]}/{'read' if call.method == 'GET' else 'write'}"
            raise from_refusal(refusal, call.caller, action, call.address.scope or "/") from refusal

    def _handler(self, place: Place, call: ArmCall) -> ArmAnswer:
        rest = call.address.rest or ()
        if call.address.type not in VERSIONS:
            name = rest[0] if rest else ""
            raise ArmError(
                404,
                "InvalidResourceType",
                f"The resource type '{name[:60]}' could not be found in the namespace '{NAMESPACE}'.",
            )
        check_version(call)
        for pattern, methods in _routes(place).items():
            values = _match(pattern, rest)
            if values is None:
                continue
            handler = methods.get(call.method)
            if handler is None:
                raise ArmError(405, "MethodNotAllowed", f"The method {call.method} is not allowed here.")
            return handler(call, *values)
        raise ArmError(404, "ResourceNotFound", "There is nothing at this address.")


def _routes(place: Place) -> _Routes:
    views = Views(place.directory, place.store)
    policies, approvals, roles = Policies(place, views), Approvals(place), RoleDefinitions(place)
    stage = ("roleassignmentapprovals", "{}", "stages", "{}")
    routes: _Routes = {
        ("eligiblechildresources",): {"GET": ChildResources(place).all},
        ("rolemanagementpolicies",): {"GET": policies.all},
        ("rolemanagementpolicies", "{}"): {"GET": policies.get, "PATCH": policies.patch},
        ("rolemanagementpolicyassignments",): {"GET": policies.assignments},
        ("rolemanagementpolicyassignments", "{}"): {"GET": policies.assignment},
        ("roleassignmentapprovals",): {"GET": approvals.all},
        ("roleassignmentapprovals", "{}"): {"GET": approvals.get},
        ("roleassignmentapprovals", "{}", "stages"): {"GET": approvals.stages},
        stage: {"GET": approvals.stage, "PUT": approvals.decide, "PATCH": approvals.decide},
        ("roledefinitions",): {"GET": roles.all},
        ("roledefinitions", "{}"): {"GET": roles.get},
    }
    for kind in _KINDS:
        for instances in (False, True):
            schedules = Schedules(place, views, kind, instances)
            name = f"role{kind}schedule{'instances' if instances else 's'}"
            routes[name,] = {"GET": schedules.all}
            routes[name, "{}"] = {"GET": schedules.get}
        requests = Requests(place, views, kind)
        name = f"role{kind}schedulerequests"
        routes[name,] = {"GET": requests.all}
        routes[name, "{}"] = {"GET": requests.get, "PUT": requests.put}
        routes[name, "{}", "cancel"] = {"POST": requests.cancel}
        routes[name, "{}", "validate"] = {"POST": requests.validate}
    return routes


def _match(pattern: tuple[str, ...], rest: tuple[str, ...]) -> list[str] | None:
    """The values of the parameters, None where it is another address. Fixed parts in any case."""
    if len(pattern) != len(rest):
        return None
    pairs = list(zip(pattern, rest))
    if any(wanted not in ("{}", given.lower()) for wanted, given in pairs):
        return None
    return [given for wanted, given in pairs if wanted == "{}"]
