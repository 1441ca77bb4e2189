#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_role_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_role_info
author:
  - entra.pim contributors (@entra-pim)
short_description: List privileged roles, eligible and active
description:
  - Lists the roles that an account may activate and those that are active, one row for each role and scope.
  - An empty list is never silent. The result then says for which account, tenant and filter it looked.
  - Takes the place of C(Get-PrivilegedRoleAssignment) of the retired PIM PowerShell module.
extends_documentation_fragment:
  - entra.pim.connection
  - entra.pim.failure
  - entra.pim.attributes
  - entra.pim.attributes.actiongroup_pim
  - entra.pim.attributes.two_edges
  - entra.pim.attributes.info_module
options:
  providers:
    description:
      - Where to look. A provider that cannot be read fails the task, unless several are asked for; it is then told in
        RV(providers) and in a warning.
    type: list
    elements: str
    choices: [entra_roles, groups, azure_resources]
    default: [entra_roles]
  roles:
    description:
      - Only these roles, by display name (exact, in any case) or id. For V(groups) it is V(member) or V(owner).
    type: list
    elements: str
  scope:
    description:
      - Only this scope, by id or display name (exact).
    type: str
  status:
    description:
      - Only roles that are eligible, or only roles that are active.
    type: str
    choices: [all, eligible, active]
    default: all
  include_policy:
    description:
      - Add to each row what the policy of the role asks for. Costs one more call for each 20 roles and groups, and one for each
        Azure role, eight at a time.
    type: bool
    default: false
  principal:
    description:
      - Look at somebody else, by object id or user principal name. For administrators.
    type: str
notes:
  - Roles held through a group appear as far as the service lists them.
  - In check mode without a session, or with one that has expired, the list is empty, with a warning, so that a whole playbook can be checked.
seealso:
  - module: entra.pim.pim_role_activation
"""

EXAMPLES = r"""
- name: List my roles
  entra.pim.pim_role_info:
  register: mine

- name: Show what is active and until when
  ansible.builtin.debug:
    msg: "{{ item.role }} until {{ item.expires_at }}"
  loop: "{{ mine.roles | selectattr('active') }}"
  loop_control:
    label: "{{ item.role }}"

- name: Look everywhere
  entra.pim.pim_role_info:
    providers: [entra_roles, groups, azure_resources]
    status: eligible
  register: everywhere

- name: Say what could not be read
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.message }}"
  loop: "{{ everywhere.providers | dict2items | rejectattr('value.status', 'eq', 'ok') }}"

- name: What does the policy ask for?
  entra.pim.pim_role_info:
    roles: [Security Administrator]
    include_policy: true

- name: Look at somebody else, as an administrator
  entra.pim.pim_role_info:
    principal: operator@contoso.example
    status: active
"""

RETURN = r"""
roles:
  description: One row for each role and scope, eligible and active merged.
  returned: success
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
providers:
  description: By provider, C(status) (V(ok), V(forbidden), V(not_licensed) or V(unavailable)), C(count) and C(message).
  returned: success
  type: dict
  sample:
    entra_roles:
      status: ok
      count: 3
      message: null
msg:
  description: For which account, tenant and filter nothing was found.
  returned: when there is no row
  type: str
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.role_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
