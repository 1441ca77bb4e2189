# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One step-up for all the roles of a task: before the first write where policies tell, else for what was refused. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import PimError
from ..models import Policy, RoleRow
from ..plans.activation import ACTIVATING, Step
from ..providers.registry import PROVIDERS
from ..sign_in.token_claims import merged, proof_of, wanted_claims
from .connection import Connection
from .holdings import read_policies
from .work import Work

# The second one for a service that asks for one thing after the other.
STEP_UPS = 2
# So many roles are named on the screen, and in a failure.
_NAMED = 3


def before_writing(connection: Connection, steps: Sequence[Step]) -> None:
    """Satisfies what the policies are known to ask for; raises where it cannot be, and nothing is written then."""
    lacking = [(step.before, step.step_up) for step in steps if step.step_up is not None]
    if not lacking:
        return
    claims = _union(_claims_of(error) for _row, error in lacking)
    # A person who signs in for one role is not asked again for a write to Azure.
    more = any(step.changes and PROVIDERS[step.before.provider].wants_mfa_for_writes for step in steps)
    try:
        _step_up(connection, [row for row, _error in lacking], claims, wanted_claims(more, []))
    except PimError as error:
        row, first = lacking[0]
        told = error.retold(f"{error.message}; nothing was written")
        told.authentication_context = first.authentication_context
        raise told.about(provider=row.provider, role=str(row.role), scope=row.scope) from None


def after_refusal(connection: Connection, works: Sequence[Work], refusals: Sequence[PimError]) -> None:
    """Satisfies what the service refused these works for, and what their policies ask for beside that; raises where it cannot be."""
    claims = [_claims_of(refusal) for refusal in refusals]
    activating = [work.row for work in works if work.step.action in ACTIVATING]
    _step_up(connection, [work.row for work in works], _union([*claims, *_claims_of_policies(connection, activating)]))


def for_one(connection: Connection, api: str, what: str, refusal: PimError) -> None:
    """Satisfies what a single write was refused for; `what` is how the screen and a failure name it. Raises where it cannot be."""
    claims = _claims_of(refusal)
    connection.access.step_up(api, claims, f"{what} requires {proof_of(claims).title}")


def asks_for_more(outcome: object) -> bool:
    """Whether a call was refused for how, or when, the account signed in."""
    return isinstance(outcome, PimError) and (outcome.code == "mfa_required" or outcome.claims is not None)


def _step_up(connection: Connection, rows: Sequence[RoleRow], claims: str, of_a_person: str | None = None) -> None:
    names = [row.title if row.scope != "/" else str(row.role) for row in rows]
    shown = names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more roles"]
    listed = " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
    why = f"{listed} require{'s' if len(names) == 1 else ''} {proof_of(claims).title}"
    connection.access.step_up(PROVIDERS[rows[0].provider].api, claims, why, of_a_person)


def _claims_of(refusal: PimError) -> str:
    """What would satisfy a refusal; one that brings no claims names the context, or is about multi-factor authentication."""
    contexts = [refusal.authentication_context] if refusal.authentication_context else []
    return refusal.claims or str(wanted_claims(not contexts, contexts))


def _claims_of_policies(connection: Connection, rows: Sequence[RoleRow]) -> list[str]:
    """A person is asked once, so what the service would ask for next is asked for, too. It need not be known."""
    try:
        policies = read_policies(connection, rows)
    except PimError:
        # The refusal itself says what is needed.
        return []
    found = []
    for policy in policies:
        if isinstance(policy, Policy):
            contexts = [policy.authentication_context] if policy.authentication_context else []
            claims = wanted_claims(policy.requires_mfa, contexts)
            found += [claims] if claims else []
    return found


def _union(requests: Iterable[str]) -> str:
    claims = None
    for one in requests:
        claims = merged(claims, one)
    return str(claims)
