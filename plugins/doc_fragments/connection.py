# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options that every module shares."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - python >= 3.9
  - msal (1.35 or newer for certificates, 1.33 or newer for managed identities)
  - requests
options:
  session:
    description:
      - Name of the session that holds the sign-in; 1 to 64 letters, digits, dots, dashes and underscores.
      - Without it E(ENTRA_PIM_SESSION) is used, else V(default).
      - A session named by this option or by the variable silences credentials in the environment;
        not in M(entra.pim.pim_connect), where they make the session of this name.
    type: str
  session_dir:
    description:
      - Directory of the sessions. It is made with mode 0700, and the files in it with 0600.
      - Without it E(ENTRA_PIM_SESSION_DIR) is used, else C($XDG_STATE_HOME/entra-pim), else C(~/.local/state/entra-pim).
    type: path
  auth_method:
    description:
      - How to sign in. V(auto) takes what is given, in the order access token, client secret, certificate, federated token, password.
        Where nothing of the kind is given and there is no session, it takes a managed identity that the platform advertises.
      - V(device_code) and V(interactive) ask a person, in M(entra.pim.pim_connect) on the controller only.
        V(auto) takes the former, and only on a terminal.
      - V(managed_identity) signs in as the identity of the machine that the task runs on; O(client_id) names a user-assigned one.
      - V(azure_cli) takes the account that Azure CLI (C(az)) is signed in with there. It serves the provider V(azure_resources) only.
      - Without it E(ENTRA_PIM_AUTH_METHOD) is used, else V(auto).
    type: str
    choices: [auto, device_code, interactive, password, client_secret, certificate, workload_identity, managed_identity, azure_cli, access_token]
  tenant:
    description:
      - The tenant, as a GUID or one of its domains.
      - Without it E(ENTRA_PIM_TENANT), E(AZURE_TENANT_ID) or E(AZURE_TENANT) is used.
    type: str
    aliases: [tenant_id]
  client_id:
    description:
      - Application id of the client that signs in.
      - Without it E(ENTRA_PIM_CLIENT_ID) or E(AZURE_CLIENT_ID) is used, else Microsoft Graph Command Line Tools,
        which an administrator can grant the permissions for Entra roles and groups. It gets no token for Azure resources.
    type: str
  username:
    description:
      - User principal name of the account. A guest may give its home name.
      - Without it E(ENTRA_PIM_USERNAME), E(AZURE_USERNAME) or E(AZURE_AD_USER) is used.
    type: str
    aliases: [ad_user]
  password:
    description:
      - Password of O(username). Works for accounts that need no second factor. One of a federated domain
        is sent to the sign-in server of the organisation, which Microsoft names.
      - Without it E(ENTRA_PIM_PASSWORD) or E(AZURE_PASSWORD) is used.
    type: str
  client_secret:
    description:
      - Secret of the application O(client_id). An application cannot activate roles; it can list them.
      - Without it E(ENTRA_PIM_CLIENT_SECRET), E(AZURE_CLIENT_SECRET) or E(AZURE_SECRET) is used.
    type: str
    aliases: [secret]
  certificate_path:
    description:
      - File with the certificate of the application O(client_id) and its private key (RSA), in PEM or PKCS#12 (PFX). The content tells which.
      - Without it E(ENTRA_PIM_CERTIFICATE_PATH) or E(AZURE_CLIENT_CERTIFICATE_PATH) is used.
    type: path
  certificate_password:
    description:
      - Password of the private key in O(certificate_path), where it is encrypted.
      - Beside a certificate of the environment E(ENTRA_PIM_CERTIFICATE_PASSWORD) or E(AZURE_CLIENT_CERTIFICATE_PASSWORD) is used.
    type: str
  federated_token_file:
    description:
      - File with a token of another issuer that the application O(client_id) trusts (workload identity federation). It is read each time a
        token is fetched, so whoever writes it may put a fresh one there.
      - Without it E(ENTRA_PIM_FEDERATED_TOKEN_FILE) or E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  access_token:
    description:
      - A ready access token. Its audience decides which API it serves. In M(entra.pim.pim_connect) a token for the other API of the same
        account is added to the session.
      - Without it E(ENTRA_PIM_ACCESS_TOKEN) is used.
    type: str
  cloud:
    description:
      - The Microsoft cloud.
      - Without it E(ENTRA_PIM_CLOUD) is used, else V(public).
    type: str
    choices: [public, usgov, usgov_dod, china]
  authority_url:
    description:
      - Address of the sign-in service in place of the cloud's own, for a private cloud or a simulator. Only C(https) is accepted.
      - Without it E(ENTRA_PIM_AUTHORITY_URL) is used.
    type: str
  graph_url:
    description:
      - Address of Microsoft Graph in place of the cloud's own. Only C(https) is accepted.
      - Without it E(ENTRA_PIM_GRAPH_URL) is used.
    type: str
  arm_url:
    description:
      - Address of Azure Resource Manager in place of the cloud's own. Only C(https) is accepted.
      - Without it E(ENTRA_PIM_ARM_URL) is used.
    type: str
  ca_path:
    description:
      - File of CA certificates to trust, in PEM. TLS verification cannot be turned off.
      - Without it E(ENTRA_PIM_CA_PATH) is used, else what the session was made with, else E(REQUESTS_CA_BUNDLE).
    type: path
  http_timeout:
    description:
      - Seconds for one HTTP call.
      - Without it E(ENTRA_PIM_HTTP_TIMEOUT) is used, else V(30).
    type: float
notes:
  - Credentials on the task count first, then C(ENTRA_PIM_*) credentials of the environment, then the session, then C(AZURE_*) credentials,
    then a managed identity that the platform advertises.
    Credentials on a task or in the environment serve that task alone, except in M(entra.pim.pim_connect), which makes the session from them.
  - A session is never used for another tenant, account, client, cloud or endpoint than it was made for.
  - The environment is that of the process that runs the task, with the task's C(environment) on top.
"""
