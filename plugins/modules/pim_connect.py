#!/usr/bin/python
# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation and entry point of pim_connect."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pim_connect
author:
  - entra.pim contributors (@entra-pim)
short_description: Sign in to Privileged Identity Management, or sign out
description:
  - Signs in to Microsoft Entra and keeps the sign-in as a session, which the other modules of this collection use.
  - Takes the place of C(Connect-PimService) and C(Disconnect-PimService) of the retired PIM PowerShell module.
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
      - In check mode nobody is signed in and nothing is written.
  diff_mode:
    support: full
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: partial
    details:
      - A live session that fits is left as it is. With O(force=true) the sign-in is always done again.
options:
  state:
    description:
      - V(present) makes sure that there is a live session that fits the options.
      - V(absent) removes every trace of the session from the disk.
    type: str
    choices: [present, absent]
    default: present
  providers:
    description:
      - What the session will be used for. V(entra_roles) and V(groups) are on Microsoft Graph, V(azure_resources) on Azure Resource
        Manager. A token for each of these APIs is fetched in one sign-in.
      - The client must be allowed to get them. The default O(client_id) gets none for V(azure_resources); the failure
        (C(consent_required)) then says so before anybody has to sign in.
      - A session that can refresh and lacks one of them is widened, without a new sign-in where the client has consent.
    type: list
    elements: str
    choices: [entra_roles, groups, azure_resources]
    default: [entra_roles]
  require_mfa:
    description:
      - The sign-in itself must satisfy multi-factor authentication, so that no later activation asks for it.
      - A session that has satisfied it since, because an activation asked for it, fits. Where the token does not tell, a session that was
        asked for it fits.
    type: bool
    default: false
  authentication_contexts:
    description:
      - Authentication contexts of conditional access that the sign-in must satisfy, such as V(c1). They stay with the session and are
        asked for at each refresh.
    type: list
    elements: str
    default: []
  force:
    description:
      - Sign in again, even where a session fits, and replace a session file that cannot be read.
    type: bool
    default: false
  login_timeout:
    description:
      - Seconds to wait for a person to sign in, at most a year.
    type: int
    default: 900
notes:
  - With O(auth_method=device_code) address and code appear on the controller's screen (stderr) at once, also under C(no_log) and in a job log.
    Where the task runs as a module on a target, nobody would see them, and the method is refused.
  - With O(auth_method=interactive) the browser of the controller opens, the desktop's or the one that C(BROWSER) names, but no text browser.
    The address appears on the screen as well, with the port to forward to a browser on another machine. A client of your own needs the redirect
    URI C(http://localhost).
  - Secrets, certificates and their passwords are never kept. A session made with O(client_secret) or O(certificate_path) lives as long as
    its tokens, about an hour; run this task at the start of each playbook. Sessions by V(workload_identity), V(managed_identity) and
    V(azure_cli) get new tokens by themselves.
  - Tokens and secrets are never returned. The lookup P(entra.pim.access_token#lookup) is the one way to a token.
  - The sign-in with O(password) is what Microsoft calls the resource owner password grant. Microsoft recommends against it
    wherever another method is possible, and it fails for accounts that need a second factor. The password of an account in a federated domain
    goes to the organisation's own server (WS-Trust), and nowhere else.
seealso:
  - module: entra.pim.pim_session_info
  - module: entra.pim.pim_role_activation
  - plugin: entra.pim.access_token
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Sign in with a code that is entered in any browser
  entra.pim.pim_connect:
    auth_method: device_code
    tenant: contoso.example

- name: Sign in with the browser of this machine
  entra.pim.pim_connect:
    auth_method: interactive
    tenant: contoso.example
    username: operator@contoso.example

- name: Sign in so that no later activation asks for multi-factor authentication
  entra.pim.pim_connect:
    auth_method: device_code
    tenant: contoso.example
    require_mfa: true
    authentication_contexts: [c1]

- name: Sign in for all three providers, with a client of your own
  entra.pim.pim_connect:
    auth_method: device_code
    tenant: contoso.example
    client_id: "{{ pim_client_id }}"
    providers: [entra_roles, groups, azure_resources]

- name: Sign in with a password from a vault, in a session of its own
  entra.pim.pim_connect:
    session: nightly
    tenant: contoso.example
    username: operator@contoso.example
    password: "{{ vault_operator_password }}"

- name: Sign in as an application, to list roles
  entra.pim.pim_connect:
    session: inventory
    tenant: contoso.example
    client_id: "{{ inventory_client_id }}"
    client_secret: "{{ vault_inventory_client_secret }}"

- name: Sign in as an application with its certificate
  entra.pim.pim_connect:
    session: inventory
    tenant: contoso.example
    client_id: "{{ inventory_client_id }}"
    certificate_path: /etc/pki/inventory.pem
    certificate_password: "{{ vault_certificate_password }}"

- name: Sign in as an application that trusts the token in a file
  entra.pim.pim_connect:
    session: inventory
    tenant: contoso.example
    client_id: "{{ inventory_client_id }}"
    federated_token_file: /var/run/secrets/azure/tokens/azure-identity-token

- name: Sign in as the managed identity of the machine
  entra.pim.pim_connect:
    session: inventory
    auth_method: managed_identity

- name: Sign in for Azure roles as the account that Azure CLI has
  entra.pim.pim_connect:
    auth_method: azure_cli
    providers: [azure_resources]

- name: Use a token that something else obtained
  entra.pim.pim_connect:
    session: pipeline
    access_token: "{{ lookup('ansible.builtin.env', 'PIPELINE_GRAPH_TOKEN') }}"

- name: Add the token for the other API to that session
  entra.pim.pim_connect:
    session: pipeline
    access_token: "{{ lookup('ansible.builtin.env', 'PIPELINE_ARM_TOKEN') }}"
    providers: [azure_resources]

- name: Sign out
  entra.pim.pim_connect:
    state: absent
"""

RETURN = r"""
session:
  description:
    - The session, as M(entra.pim.pim_session_info) describes it. It holds no token.
    - In check mode, where nobody was signed in, and with O(state=absent), it holds what is known beforehand, and null.
  returned: success
  type: dict
  sample:
    name: default
    tenant_id: 11111111-2222-3333-4444-555555555555
    username: operator@contoso.example
    object_id: 22222222-3333-4444-5555-666666666666
    principal_type: user
    auth_method: device_code
    client_id: 14d82eec-204b-4c2f-b7e8-296a70dab67e
    cloud: public
    endpoints:
      authority_url: https://login.microsoftonline.com
      graph_url: https://graph.microsoft.com
      arm_url: https://management.azure.com
    mfa: true
    authentication_contexts: []
    expires_at: null
    providers:
      entra_roles:
        scopes: [RoleAssignmentSchedule.ReadWrite.Directory]
        expires_at: "2030-01-31T09:00:00Z"
    can_refresh: true
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
from ansible_collections.entra.pim.plugins.module_utils._pim.operations.connect import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
