# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies below management groups: asked only where it matters, no deeper than needed, and no more often."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api.calls import Answer
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import PimError
from ansible_collections.entra.pim.plugins.module_utils._pim.models import RoleRow, Wanted
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.narrowing import below_for
from ansible_collections.entra.pim.plugins.module_utils._pim.plans.resolve import resolve

from unit.operations.azure import SUBSCRIPTION, Azure, AzureRole
from unit.operations.world import active, world_of

AZURE = "azure_resources"


def group(name: str) -> str:
    return f"/providers/Microsoft.Management/managementGroups/{name}"


def subscription(name: str, rest: str = "") -> str:
    return f"/subscriptions/{name}{rest}"


def row(scope: str, role: str = "Reader", provider: str = AZURE, eligible: bool = True) -> RoleRow:
    return RoleRow(provider, role, f"id-{role.lower()}", scope, None, eligible=eligible, active=not eligible)


def wanted(scope: str | None, role: str = "Reader", provider: str = AZURE) -> Wanted:
    return Wanted(provider, role, scope)


class Tree:
    """Stands where the connection stands: ``children`` by scope; ``rounds`` holds the scopes asked for, round by round."""

    def __init__(self, **children: list[str] | PimError) -> None:
        self._children = {group(name): listed for name, listed in children.items()}
        self.rounds: list[list[str]] = []

    def run(self, calls):
        self.rounds.append([call.path.partition("/providers/Microsoft.Authorization/")[0] for call in calls])
        told = [self._children.get(scope, []) for scope in self.rounds[-1]]
        return [
            one if isinstance(one, PimError) else Answer(200, {"value": [{"id": scope} for scope in one]})
            for one in told
        ]


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (wanted(subscription("a", "/resourceGroups/x")), [row(subscription("a"))]),
        (wanted(subscription("b")), [row(subscription("a"))]),
        (wanted(None), [row(group("top"))]),
        (wanted(group("top")), [row(group("top"))]),
        (wanted(subscription("a")), [row(group("top")), row(subscription("a"))]),
        (wanted(subscription("a")), [row(group("top"), "Owner")]),
        (wanted(subscription("a")), [row(group("top"), eligible=False)]),
        (wanted(group("top")), [row(subscription("a"))]),
        (wanted("/administrativeUnits/n", provider="entra_roles"), [row("/", provider="entra_roles")]),
        (wanted("a-group", "member", "groups"), [row("another", "member", "groups"), row(group("top"), "member")]),
        (wanted(subscription("a")), []),
    ],
)
def test_what_paths_tell_costs_no_call(asked, rows):
    tree = Tree(top=[subscription("a")])
    below = below_for(tree, [asked], rows)
    assert tree.rounds == []
    assert below(AZURE, subscription("a", "/resourceGroups/x"), subscription("a")) is True
    assert below("entra_roles", "/administrativeUnits/n", "/") is False


@pytest.mark.parametrize("renewing", [False, True])
def test_of_a_role_that_is_there_only_a_renewal_asks_what_it_stands_on(renewing):
    tree = Tree(top=[subscription("a")])
    rows = [row(group("top")), row(subscription("a"), eligible=False)]
    below_for(tree, [wanted(subscription("a"))], rows, renewing=renewing)
    assert tree.rounds == ([[group("top")]] if renewing else [])


@pytest.mark.parametrize(
    ("asked", "questions"),
    [
        ({"state": "active"}, 0),
        ({"state": "active", "minimum_remaining": "30m"}, 1),
        ({"state": "inactive"}, 0),
        # What it asks for is no renewal.
        ({"state": "inactive", "minimum_remaining": "30m"}, 0),
    ],
)
def test_a_task_asks_only_where_it_renews(tmp_path, asked, questions):
    roles = [AzureRole("Reader", scope=group("top")), active(kind=AzureRole, eligible=False)]
    here = world_of(str(tmp_path / "state"), *roles, kind=Azure)
    handle, paths = here.directory._handle, []

    def handled(method, path, body):
        if "eligibleChildResources" in path:
            paths.append(path)
            return 200, {"value": [{"id": SUBSCRIPTION}]}
        return handle(method, path, body)

    here.directory._handle = handled
    result = here.run(role="Reader", scope=SUBSCRIPTION, **asked)
    assert "failed" not in result
    assert result["changed"] is (asked["state"] == "inactive")
    assert len(paths) == questions


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (subscription("a"), True),
        (subscription("A"), True),
        (subscription("a", "/resourceGroups/x/providers/n/t/y"), True),
        (subscription("b", "/resourceGroups/x"), True),
        (subscription("b"), False),
        (subscription("b", "/resourceGroups/xy"), False),
        (subscription("c"), False),
        (group("low"), True),
        (group("LOW"), True),
        (group("other"), False),
    ],
)
def test_what_lies_below_a_management_group(scope, told):
    tree = Tree(top=[group("low"), subscription("a"), subscription("b", "/resourceGroups/x")])
    below = below_for(tree, [wanted(scope)], [row(group("top"))])
    assert below(AZURE, scope, group("top")) is told
    assert tree.rounds[0] == [group("top")]
    # Of another group nobody asked, and nobody knows.
    assert below(AZURE, scope, group("elsewhere")) is None


def test_both_spellings_of_a_subscription_are_one():
    tree = Tree(top=[f"/providers/Microsoft.Subscription{subscription('A1')}"])
    assert below_for(tree, [wanted(subscription("a1"))], [row(group("top"))])(AZURE, subscription("a1"), group("top"))


def test_one_group_is_asked_about_once_for_all_roles_of_a_task():
    tree = Tree(top=[subscription("a"), subscription("b")], other=[subscription("c")])
    rows = [row(group("top")), row(group("top"), "Owner"), row(group("other"), "Owner")]
    asked = [wanted(subscription("a")), wanted(subscription("b")), wanted(subscription("c"), "owner")]
    below = below_for(tree, asked, rows)
    assert sorted(scope for each in tree.rounds for scope in each) == [group("other"), group("top")]
    assert below(AZURE, subscription("b"), group("top")) is True
    assert below(AZURE, subscription("c"), group("top")) is False
    assert below(AZURE, subscription("c"), group("other")) is True


def test_deeper_levels_are_asked_about_together_until_all_is_found():
    tree = Tree(
        top=[group("one"), group("two"), subscription("x")],
        one=[group("three")],
        two=[subscription("a")],
        three=[subscription("b")],
    )
    rows = [row(group("top"))]
    assert below_for(tree, [wanted(subscription("a"))], rows)(AZURE, subscription("a"), group("top"))
    assert tree.rounds == [[group("top")], [group("one"), group("two")]]
    tree.rounds.clear()
    both = [wanted(subscription("a")), wanted(subscription("b"))]
    assert below_for(tree, both, rows)(AZURE, subscription("b"), group("top"))
    assert tree.rounds == [[group("top")], [group("one"), group("two")], [group("three")]]


def test_what_is_listed_at_once_needs_no_second_look():
    tree = Tree(top=[group("one"), subscription("a")], one=[subscription("b")])
    assert below_for(tree, [wanted(subscription("a"))], [row(group("top"))])(AZURE, subscription("a"), group("top"))
    assert len(tree.rounds) == 1


def test_a_tree_that_goes_round_in_a_circle_ends():
    tree = Tree(top=[group("one"), group("top")], one=[group("two"), group("top")], two=[group("one"), group("two")])
    below = below_for(tree, [wanted(subscription("a"))], [row(group("top"))])
    assert below(AZURE, subscription("a"), group("top")) is False
    assert sorted(scope for each in tree.rounds for scope in each) == [group("one"), group("top"), group("two")]


def test_a_tree_deeper_than_there_can_be_ends():
    tree = Tree(g0=[group("g1")], **{f"g{depth}": [group(f"g{depth + 1}")] for depth in range(1, 50)})
    below = below_for(tree, [wanted(subscription("a"))], [row(group("g0"))])
    assert below(AZURE, subscription("a"), group("g0")) is False
    # The group itself, and six levels below it at the most.
    assert len(tree.rounds) <= 7


def test_a_group_without_children_covers_nothing():
    assert (
        below_for(Tree(), [wanted(subscription("a"))], [row(group("top"))])(AZURE, subscription("a"), group("top"))
        is False
    )


@pytest.mark.parametrize("where", ["top", "one"])
def test_what_cannot_be_read_is_told_of_the_group_asked_about(where):
    tree = Tree(**{"top": [group("one")], where: PimError("service_unavailable", "no", status=503)})
    with pytest.raises(PimError) as caught:
        below_for(tree, [wanted(subscription("a"))], [row(group("top"))])
    assert (caught.value.code, caught.value.provider, caught.value.scope) == (
        "service_unavailable",
        AZURE,
        group("top"),
    )


def test_an_eligibility_of_a_management_group_is_found_from_below():
    tree = Tree(top=[group("low")], low=[subscription("a")])
    rows = [row(group("top"))]
    scope = subscription("a", "/resourceGroups/x")
    below = below_for(tree, [wanted(scope)], rows)
    found = resolve(wanted(scope), rows, below, active=True)
    assert (found.scope, found.eligible, found.active) == (scope, True, False)
    with pytest.raises(PimError) as caught:
        resolve(wanted(subscription("b")), rows, below_for(tree, [wanted(subscription("b"))], rows), active=True)
    assert caught.value.code == "not_eligible"
