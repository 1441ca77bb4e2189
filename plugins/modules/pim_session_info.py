#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_session_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_session_info
author:
  - entra.pim contributors (@entra-pim)
short_description: Show the sign-ins of Privileged Identity Management
description:
  - Shows the sessions that M(entra.pim.pim_connect) made, without any network call.
  - Takes the place of C(Show-PimServiceConnection) of the retired PIM PowerShell module.
extends_documentation_fragment:
  - entra.pim.connection
  - entra.pim.failure
  - entra.pim.attributes
  - entra.pim.attributes.actiongroup_pim
  - entra.pim.attributes.two_edges
  - entra.pim.attributes.info_module
seealso:
  - module: entra.pim.pim_connect
"""

EXAMPLES = r"""
- name: Show the sessions of this account
  entra.pim.pim_session_info:
  register: pim

- name: Stop early where nobody is signed in
  ansible.builtin.assert:
    that: pim.connected
    fail_msg: Run the playbook that signs in first.
"""

RETURN = r"""
connected:
  description: Whether the session named O(session) is there, and alive or able to refresh.
  returned: success
  type: bool
  sample: true
sessions:
  description: All sessions in O(session_dir), expired ones too.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the session.
      type: str
    tenant_id:
      description: The tenant.
      type: str
    username:
      description: User principal name; null for an application.
      type: str
    object_id:
      description: Object id of the account.
      type: str
    principal_type:
      description: Either V(user) or V(service_principal).
      type: str
    auth_method:
      description: How it signed in.
      type: str
    client_id:
      description: The client that signed in.
      type: str
    cloud:
      description: The Microsoft cloud.
      type: str
    endpoints:
      description: The addresses C(authority_url), C(graph_url) and C(arm_url) the session belongs to.
      type: dict
    mfa:
      description: Whether the sign-in used multi-factor authentication; null where the token does not tell.
      type: bool
    authentication_contexts:
      description: Authentication contexts the sign-in satisfied.
      type: list
      elements: str
    expires_at:
      description: Until when it works without a new sign-in, as far as known (UTC); null where unknown.
      type: str
    providers:
      description: By provider, the C(scopes) of its token and when that C(expires_at).
      type: dict
    can_refresh:
      description:
        - Whether it gets new tokens by itself.
        - True for C(device_code), C(interactive) and C(password), by a refresh token; for C(workload_identity), C(managed_identity) and
          C(azure_cli), by asking again where it asked before. False for C(client_secret) and C(certificate), because nothing secret is kept,
          and for C(access_token).
      type: bool
leftovers:
  description:
    - Roles that this account holds still, because a run that took them is gone and did not give them back. With a warning.
    - That is what the journal in O(session_dir) knows; the service is not asked. The role P(entra.pim.restore#role) with
      C(restore_leftovers=true) gives them back.
  returned: success
  type: list
  elements: dict
  contains:
    provider:
      description: The API the role belongs to.
      type: str
    role:
      description: Display name.
      type: str
    role_id:
      description: Id of the role definition; V(member) or V(owner) for groups.
      type: str
    scope:
      description: The scope.
      type: str
    active_since:
      description: Since when it is active (UTC); null where the run was killed before it knew whether it came on.
      type: str
    expires_at:
      description: When it ends by itself (UTC); null where that is not known.
      type: str
  sample: []
"""

from ansible_collections.entra.pim.plugins.module_utils._pim.module_edge import run_module
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.session_info import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
