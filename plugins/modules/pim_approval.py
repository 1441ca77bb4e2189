#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_approval."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_approval
author:
  - entra.pim contributors (@entra-pim)
short_description: Approve or deny a request for a privileged role
description:
  - Decides a request that waits for approval, as an approver whom the policy of the role names.
  - A request that was decided the same way already is left as it is. A decision stands; it cannot be changed.
  - For whom and what the request is can be read with M(entra.pim.pim_request_info).
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
      - Finds the request, and whether the account may decide it. The service has no validation of decisions, so a missing justification is
        not noticed.
      - Without a session nothing can be checked. The task is then ok, with a warning.
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
options:
  request_id:
    description:
      - Id of the request, as M(entra.pim.pim_request_info) lists it and M(entra.pim.pim_role_activation) returns it.
    type: str
    required: true
  provider:
    description:
      - The API the request belongs to.
    type: str
    choices: [entra_roles, groups, azure_resources]
    default: entra_roles
  decision:
    description:
      - What to decide.
    type: str
    choices: [approve, deny]
    required: true
  justification:
    description:
      - Why. The policies of most roles ask an approver for it; the requestor can read it.
    type: str
notes:
  - Nobody decides an own request (C(forbidden)), and no application decides any (C(app_only_not_supported)).
  - A request that was decided the other way fails with C(already_decided), and the message says by whom. One that nobody can decide, because
    it is not there, was withdrawn or has expired, fails with C(unknown_request).
  - Microsoft Graph has the decisions on Entra roles and groups in its beta.
seealso:
  - module: entra.pim.pim_request_info
"""

EXAMPLES = r"""
- name: Approve a request
  entra.pim.pim_approval:
    request_id: 1dc8d5b8-6f4e-4b52-9d49-7a6c0d6f9d20
    decision: approve
    justification: Agreed in the change board

- name: What waits for my decision?
  entra.pim.pim_request_info:
    as: approver
    providers: [entra_roles, groups, azure_resources]
    status: [pending]
  register: waiting

- name: Deny what has no ticket
  entra.pim.pim_approval:
    request_id: "{{ item.request_id }}"
    provider: "{{ item.provider }}"
    decision: deny
    justification: Requests without a ticket are not approved
  loop: "{{ waiting.requests | rejectattr('ticket_number') }}"
  loop_control:
    label: "{{ item.principal_name }}, {{ item.role }}"
"""

RETURN = r"""
decision:
  description: How the request is decided, V(approve) or V(deny); null in check mode without a session.
  returned: success
  type: str
decided_by:
  description: Who decided, with C(id) and C(name), as far as the service names them.
  returned: success
  type: dict
decided_at:
  description: When it was decided (UTC).
  returned: success
  type: str
request:
  description:
    - The request as it was found among those that wait for the account, before the decision. Null where it no longer waited.
  returned: success
  type: dict
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
      description: Always null; M(entra.pim.pim_request_info) tells them.
      type: list
      elements: dict
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.approval import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
