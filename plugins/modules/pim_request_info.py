#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_request_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_request_info
author:
  - entra.pim contributors (@entra-pim)
short_description: List requests for privileged roles, one's own or those to decide
description:
  - Lists what was asked for the roles of the signed-in account, or what the account may decide as an approver.
  - An empty list is never silent. The result then says for which account, tenant and status it looked.
extends_documentation_fragment:
  - entra.pim.connection
  - entra.pim.failure
  - entra.pim.attributes
  - entra.pim.attributes.actiongroup_pim
  - entra.pim.attributes.two_edges
  - entra.pim.attributes.info_module
options:
  as:
    description:
      - V(requestor) lists the requests for roles of the account itself, whoever made them.
      - V(approver) lists the requests that the account is an approver of, decided ones too as far as the service keeps them.
    type: str
    choices: [requestor, approver]
    default: requestor
  providers:
    description:
      - Where to look. A provider that cannot be read fails the task, unless several are asked for; it is then told in
        RV(providers) and in a warning.
    type: list
    elements: str
    choices: [entra_roles, groups, azure_resources]
    default: [entra_roles]
  status:
    description:
      - Only requests of these statuses, in the service's spelling and in any case, such as V(PendingApproval), V(Provisioned) or V(Denied).
        Without it all are listed.
      - V(pending) stands for several. For an approver these are the requests that wait for a decision, for a requestor also those that
        wait for their start or are being carried out.
    type: list
    elements: str
notes:
  - The services forget a request after about 45 days.
  - Requests for activations and active assignments are listed, those for eligible assignments are not.
  - In check mode without a session, or with one that has expired, the list is empty, with a warning, so that a whole playbook can be checked.
seealso:
  - module: entra.pim.pim_approval
  - module: entra.pim.pim_role_activation
"""

EXAMPLES = r"""
- name: What waits for my decision?
  entra.pim.pim_request_info:
    as: approver
    providers: [entra_roles, groups, azure_resources]
    status: [pending]
  register: waiting

- name: Show who wants what
  ansible.builtin.debug:
    msg: "{{ item.principal_name }} wants {{ item.role }} at {{ item.scope_name }}: {{ item.justification }}"
  loop: "{{ waiting.requests }}"
  loop_control:
    label: "{{ item.request_id }}"

- name: What became of my own requests?
  entra.pim.pim_request_info:
    status: [Denied, TimedOut, Canceled]

- name: Whom do I have to ask?
  entra.pim.pim_request_info:
    status: [PendingApproval]
  register: mine

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.role }}: {{ item.approvers }}"
  loop: "{{ mine.requests }}"
  loop_control:
    label: "{{ item.request_id }}"
"""

RETURN = r"""
requests:
  description: The requests, by provider in the order asked, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    provider:
      description: Which API the request belongs to.
      type: str
      sample: entra_roles
    role:
      description: Display name of the role; its id where the list has no name.
      type: str
      sample: Security Reader
    role_id:
      description: Id of the role definition. For a group V(member) or V(owner).
      type: str
    scope:
      description: The scope, as rows of M(entra.pim.pim_role_info) have it.
      type: str
      sample: /
    scope_name:
      description: Display name of the scope, where known.
      type: str
    request_id:
      description: Id of the request, for M(entra.pim.pim_approval).
      type: str
    action:
      description: What is asked for, V(activate), V(deactivate), V(extend), V(renew), V(assign), V(update) or V(remove).
      type: str
    status:
      description: Where it has got to, in the service's spelling.
      type: str
      sample: PendingApproval
    principal_id:
      description: Object id of whom it is for.
      type: str
    principal_name:
      description: Display name of whom it is for, where known.
      type: str
    justification:
      description: Why it was asked for, or null.
      type: str
    ticket_number:
      description: Number of the ticket, or null.
      type: str
    ticket_system:
      description: System of the ticket, or null.
      type: str
    created_at:
      description: When it was made (UTC).
      type: str
    start_time:
      description:
        - When it starts, or started (UTC). Null where the service does not tell; for an Entra role or group that waits for approval
          it does not.
      type: str
    duration:
      description: For how long (ISO 8601); null for what has no end, or ends something.
      type: str
      sample: PT1H
    approvers:
      description:
        - Of a request that waits for a decision, whom the policy of the role names as approvers, each with C(id), C(name) (as described in the
          policy, or null) and C(type) (V(user) or V(group)).
        - An empty list means that the policy names nobody; administrators of the roles then decide.
        - Null for any other request, and where the policy could not be read; a warning then says so.
      type: list
      elements: dict
providers:
  description: By provider, C(status) (V(ok), V(forbidden), V(not_licensed) or V(unavailable)), C(count) and C(message).
  returned: success
  type: dict
  sample:
    entra_roles:
      status: ok
      count: 1
      message: null
msg:
  description: For which account, tenant and status nothing was found.
  returned: when there is no request
  type: str
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.request_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
