#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_role_activation."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_role_activation
author:
  - entra.pim contributors (@entra-pim)
short_description: Activate privileged roles for a time, or give them back
description:
  - Activates roles the signed-in account is eligible for, or ends their activation.
  - Before the first write all roles of the task are looked up and, where there are several, checked against their policies.
    Nothing is written when one of them cannot work.
  - Takes the place of C(Enable-PrivilegedRoleAssignment) and C(Disable-PrivilegedRoleAssignment) of the retired PIM PowerShell module.
  - Where a role asks for multi-factor authentication or an authentication context that the session has not proved, the session signs in
    again for it, once for all roles of the task. Silently if it can; else, on the controller and with a session made by V(device_code) or
    V(interactive), a person is asked on the screen. Where nobody can be asked the task fails with C(mfa_required), and names the
    options of M(entra.pim.pim_connect) that satisfy it.
extends_documentation_fragment:
  - entra.pim.connection
  - entra.pim.failure
  - entra.pim.attributes
  - entra.pim.attributes.actiongroup_pim
  - entra.pim.attributes.two_edges
attributes:
  check_mode:
    support: full
    details:
      - Decides the same, and asks the service to validate activations. A renewal cannot be validated while the role is active.
      - Nobody is asked to sign in again. What the real run would need that for has RV(roles[].status=step_up_required).
      - Without a session nothing can be checked. The task is then ok, with a warning and RV(roles[].status=not_checked).
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
options:
  role:
    description:
      - The role, by display name (exact, in any case) or id. For V(groups) it is V(member) or V(owner).
      - Required unless O(roles) is given.
    type: str
  scope:
    description:
      - The scope of O(role), one the account is eligible at.
      - For V(entra_roles) it is V(/) (the tenant, where nothing is given), C(/administrativeUnits/<id>) or C(/<object id>).
      - For V(groups) it is the display name or id of the group, and required.
      - For V(azure_resources) it is the id of a management group, subscription, resource group or resource, at or below a scope the
        account is eligible at. It may be left out where the role is eligible (with O(state=inactive), active) at one scope only.
        It is never widened.
    type: str
  provider:
    description:
      - The API O(role) belongs to.
    type: str
    choices: [entra_roles, groups, azure_resources]
    default: entra_roles
  roles:
    description:
      - Many roles in one task. Each is looked up and submitted together with the others.
      - An empty list changes nothing.
    type: list
    elements: dict
    suboptions:
      role:
        description: The role, by display name or id.
        type: str
        required: true
      scope:
        description: The scope, as O(scope).
        type: str
      provider:
        description: The API the role belongs to.
        type: str
        choices: [entra_roles, groups, azure_resources]
        default: entra_roles
      duration:
        description: For how long, in place of O(duration).
        type: str
  state:
    description:
      - V(active) makes sure that the roles are active, V(inactive) that they are not.
      - A permanent or administrator-made assignment cannot be ended.
    type: str
    choices: [active, inactive]
    default: active
  duration:
    description:
      - For how long to activate, as V(PT1H30M), V(1h30m) or V(90m). A bare number is hours, as the old cmdlet took it.
      - V(max) is what the role's policy allows.
      - Without it, one hour or the policy's maximum, whichever is smaller. At least five minutes.
    type: str
  minimum_remaining:
    description:
      - Renew an activation that has less time left than this. Written as O(duration).
      - The service cannot prolong an activation, so it is ended and made anew, with a gap of seconds.
    type: str
    default: "0"
  justification:
    description:
      - Why the role is needed.
    type: str
    aliases: [reason]
  ticket_number:
    description:
      - Number of the ticket, where the policy asks for one.
    type: str
  ticket_system:
    description:
      - The system the ticket is in.
    type: str
  start_time:
    description:
      - When to start (ISO 8601; UTC without an offset). In the past means now. A later start is not waited for.
    type: str
    aliases: [start_time_utc]
  wait:
    description:
      - Wait until the roles are in force, or gone, approval included.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait, at most a year.
      - Where somebody has to sign in again for it, the person has that long, too. That time does not count against the wait.
    type: int
    default: 300
  cancel_on_timeout:
    description:
      - Withdraw this task's own request that timed out.
    type: bool
    default: true
  too_early:
    description:
      - What to do where Entra refuses to end an activation because it is younger than five minutes.
      - V(wait) waits and tries again; this does not count against O(wait_timeout). V(leave) leaves the role to expire and says so. V(fail) fails.
    type: str
    choices: [wait, leave, fail]
    default: wait
notes:
  - An application cannot activate roles. Sign in as a person.
  - With E(ENTRA_PIM_LEASE=true) in the task's environment the playbook run holds what the task activates, until M(entra.pim.pim_give_back)
    gives it back. The role P(entra.pim.elevate#role) is that. Only on the controller; elsewhere nothing is held, with a warning.
  - Where another run that is at work holds a role, O(state=inactive) ends it all the same, with a warning.
  - Give back what a task took with its RV(activated), as the examples show.
seealso:
  - module: entra.pim.pim_role_info
  - module: entra.pim.pim_connect
"""

EXAMPLES = r"""
- name: Activate a role for half an hour
  entra.pim.pim_role_activation:
    role: Security Reader
    duration: 30m
    justification: Review of named locations
  register: elevated

- name: Give back what that task took, and nothing else
  entra.pim.pim_role_activation:
    roles: "{{ elevated.activated }}"
    state: inactive

- name: Two roles at once, one of them in an administrative unit, with a ticket
  entra.pim.pim_role_activation:
    roles:
      - role: User Administrator
        scope: /administrativeUnits/33333333-4444-5555-6666-777777777777
      - role: Security Administrator
        duration: max
    justification: Onboarding
    ticket_number: CHG0012345
    ticket_system: ServiceNow

- name: Membership of a group, and an Azure role in one resource group of a subscription, in one task
  entra.pim.pim_role_activation:
    roles:
      - provider: groups
        role: member
        scope: Server Admins
      - provider: azure_resources
        role: Contributor
        scope: /subscriptions/33333333-4444-5555-6666-777777777777/resourceGroups/rg-web
    duration: 1h
    justification: Patching the web servers

- name: Make sure that at least 20 minutes are left
  entra.pim.pim_role_activation:
    role: Security Reader
    duration: 2h
    minimum_remaining: 20m
    justification: Long review

- name: Start tonight
  entra.pim.pim_role_activation:
    role: Groups Administrator
    start_time: "2030-01-31T22:00:00Z"
    duration: 1h
    justification: Maintenance window

- name: Ask the service what it would say, and change nothing
  entra.pim.pim_role_activation:
    role: Security Reader
    justification: Rehearsal
  check_mode: true

- name: Defaults for every task of the collection
  module_defaults:
    group/entra.pim.pim:
      session: nightly
  block:
    - name: Activate with the session of that name
      entra.pim.pim_role_activation:
        role: Security Reader
        justification: Nightly report
"""

RETURN = r"""
roles:
  description: The roles asked for, in that order, as they are after the task. In check mode as they would be.
  returned: always, unless the task failed before the roles were known
  type: list
  elements: dict
  contains:
    provider:
      description: Which API the role belongs to.
      type: str
      sample: entra_roles
    role:
      description: Display name of the role.
      type: str
      sample: Security Reader
    role_id:
      description: Id of the role definition.
      type: str
    scope:
      description: The scope, as the service spells it.
      type: str
      sample: /
    scope_name:
      description: Display name of the scope, where known.
      type: str
    principal_id:
      description: Object id of the account.
      type: str
    member_type:
      description: One of V(direct), V(group) and V(inherited).
      type: str
    eligible:
      description: Whether the account may activate the role.
      type: bool
    eligible_until:
      description: When the eligibility ends (UTC); null for never.
      type: str
    active:
      description: Whether the role is active now.
      type: bool
    permanent:
      description: Whether it is active without an end.
      type: bool
    assignment_type:
      description: Either V(activated) or V(assigned); null where it is not active.
      type: str
    active_since:
      description: Since when it is active (UTC).
      type: str
    expires_at:
      description: When it ends (UTC).
      type: str
    pending:
      description: An own request that waits for approval or for its start, with C(request_id), C(status), C(created_at), C(start_time), or null.
      type: dict
    policy:
      description:
        - What the policy of the role asks for, or null.
        - "Its keys: C(maximum_duration) (ISO 8601), C(requires_mfa), C(requires_justification), C(requires_ticket), C(requires_approval),
          C(approvers) (list of C(id), C(name), C(type)), C(authentication_context)."
      type: dict
    changed:
      description: Whether this task changed the role.
      type: bool
    request_id:
      description: The request, where there is one.
      type: str
    status:
      description:
        - The status of the request in the service's spelling, or null where no request was needed.
        - Also V(left_to_expire), V(step_up_required) and V(not_checked).
      type: str
    failure:
      description: Why this role failed.
      returned: when this role failed
      type: dict
activated:
  description: The roles this task activated, in a form that O(roles) takes back. In check mode those it would activate.
  returned: always
  type: list
  elements: dict
  sample:
    - provider: entra_roles
      role: Security Reader
      scope: /
held:
  description: The roles of this account that the playbook run now holds, in a form that O(roles) takes back. In check mode those it would.
  returned: with E(ENTRA_PIM_LEASE) in the environment
  type: list
  elements: dict
lease_taken:
  description: Whether this task made the run hold a role that it did not hold before.
  returned: with E(ENTRA_PIM_LEASE) in the environment
  type: bool
deactivated:
  description: The roles this task deactivated, in a form that O(roles) takes back. In check mode those it would deactivate.
  returned: always
  type: list
  elements: dict
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.activation import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
