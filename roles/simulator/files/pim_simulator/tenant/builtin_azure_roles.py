# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in roles of Azure: those that people are commonly made eligible for (Microsoft: "Azure built-in roles", 2026).

Ids are the same in every tenant. ``actions`` are enough of the published ones to answer who may read and who may assign.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltinAzureRole:
    """A definition; ``actions`` and ``not_actions`` with ``*`` for anything."""

    id: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


# What nearly every role for one kind of work has beside its own actions.
_COMMON = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)


def _work(role_id: str, *actions: str) -> BuiltinAzureRole:
    return BuiltinAzureRole(role_id, (*_COMMON, *actions))


def _data(role_id: str, actions: tuple[str, ...], data_actions: tuple[str, ...]) -> BuiltinAzureRole:
    return BuiltinAzureRole(role_id, actions, data_actions=data_actions)


_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_VAULT = ("Microsoft.KeyVault/checkNameAvailability/read", "Microsoft.KeyVault/vaults/read")

BUILTIN_AZURE_ROLES = {
    "AcrPull": BuiltinAzureRole(
        "7f951dda-4ed3-4680-a7ca-43fe172d538d", ("Microsoft.ContainerRegistry/registries/pull/read",)
    ),
    "AcrPush": BuiltinAzureRole(
        "8311e382-0749-4cb8-b61a-304f252e45ec",
        ("Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write"),
    ),
    "Application Insights Component Contributor": _work(
        "ae349356-3a1b-4a5e-921d-050484c6347e", "Microsoft.Insights/components/*"
    ),
    "Automation Contributor": _work(
        "f353d9bd-d4a6-484e-a77a-8050b599b867", "Microsoft.Automation/automationAccounts/*"
    ),
    "Azure Kubernetes Service Cluster Admin Role": BuiltinAzureRole(
        "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
        (
            "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
            "Microsoft.ContainerService/managedClusters/read",
        ),
    ),
    "Azure Kubernetes Service Contributor Role": _work(
        "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
        "Microsoft.ContainerService/managedClusters/read",
        "Microsoft.ContainerService/managedClusters/write",
    ),
    "Backup Contributor": _work("5e467623-bb1f-42f4-a55d-6e525e11384b", "Microsoft.RecoveryServices/Vaults/*"),
    "Backup Operator": _work("00c29273-979b-4161-815c-10b084fb9324", "Microsoft.RecoveryServices/Vaults/read"),
    "Backup Reader": _work("a795c7a0-d4a2-40c1-ae25-d81f01202912", "Microsoft.RecoveryServices/Vaults/read"),
    "Contributor": BuiltinAzureRole(
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        ("*",),
        not_actions=(
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
        ),
    ),
    "Cosmos DB Operator": _work("230815da-be43-4aae-9cb4-875f7bd000aa", "Microsoft.DocumentDb/databaseAccounts/*"),
    "Cost Management Contributor": _work(
        "434105ed-43f6-45c7-a02f-909b2ba83430", "Microsoft.Consumption/*", "Microsoft.CostManagement/*"
    ),
    "Cost Management Reader": _work(
        "72fafb9e-0641-4937-9268-a91bfd8191a3", "Microsoft.Consumption/*/read", "Microsoft.CostManagement/*/read"
    ),
    "DNS Zone Contributor": _work("befefa01-2a29-4197-83a8-272ff33ce314", "Microsoft.Network/dnsZones/*"),
    "Key Vault Administrator": BuiltinAzureRole(
        "00482a5a-887f-4fb3-b363-3b7fe8e74483", (*_COMMON, *_VAULT), data_actions=("Microsoft.KeyVault/vaults/*",)
    ),
    "Key Vault Certificates Officer": BuiltinAzureRole(
        "a4417e6f-fecd-4de8-b567-7b0420556985",
        (*_COMMON, *_VAULT),
        data_actions=("Microsoft.KeyVault/vaults/certificates/*",),
    ),
    "Key Vault Contributor": _work("f25e0fa2-a7c8-4377-a976-54943a77a395", "Microsoft.KeyVault/*"),
    "Key Vault Crypto Officer": BuiltinAzureRole(
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", (*_COMMON, *_VAULT), data_actions=("Microsoft.KeyVault/vaults/keys/*",)
    ),
    "Key Vault Reader": BuiltinAzureRole(
        "21090545-7ca7-4776-b22c-e363652d74d2",
        (*_COMMON, *_VAULT),
        data_actions=("Microsoft.KeyVault/vaults/*/read",),
    ),
    "Key Vault Secrets Officer": BuiltinAzureRole(
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        (*_COMMON, *_VAULT),
        data_actions=("Microsoft.KeyVault/vaults/secrets/*",),
    ),
    "Key Vault Secrets User": _data(
        "4633458b-17de-408a-b874-0445c86b69e6", (), ("Microsoft.KeyVault/vaults/secrets/getSecret/action",)
    ),
    "Log Analytics Contributor": BuiltinAzureRole(
        "92aaf0da-9dab-42b6-94a3-d43ce8d16293", ("*/read", "Microsoft.OperationalInsights/*", "Microsoft.Support/*")
    ),
    "Log Analytics Reader": BuiltinAzureRole(
        "73c42c96-874c-492b-b04d-ab87d138a893",
        ("*/read", "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*"),
    ),
    "Logic App Contributor": _work("87a39d53-fc1b-424a-814c-f7e04687dc9e", "Microsoft.Logic/*"),
    "Managed Identity Contributor": _work(
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59", "Microsoft.ManagedIdentity/userAssignedIdentities/*"
    ),
    "Managed Identity Operator": _work(
        "f1a07417-d97a-45cb-824c-7a7467783830", "Microsoft.ManagedIdentity/userAssignedIdentities/*/read"
    ),
    "Management Group Contributor": BuiltinAzureRole(
        "5d58bcaf-24a5-4b20-bdb6-eed9f69fbe4c",
        (
            "Microsoft.Management/managementGroups/delete",
            "Microsoft.Management/managementGroups/read",
            "Microsoft.Management/managementGroups/subscriptions/write",
            "Microsoft.Management/managementGroups/write",
        ),
    ),
    "Management Group Reader": BuiltinAzureRole(
        "ac63b705-f282-497d-ac71-919bf39d939d", ("Microsoft.Management/managementGroups/read",)
    ),
    "Monitoring Contributor": BuiltinAzureRole(
        "749f88d5-cbae-40b8-bcfc-e573ddc772fa", ("*/read", "Microsoft.Insights/*", "Microsoft.Support/*")
    ),
    "Monitoring Reader": BuiltinAzureRole(
        "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
        ("*/read", "Microsoft.OperationalInsights/workspaces/search/action", "Microsoft.Support/*"),
    ),
    "Network Contributor": _work("4d97b98b-1d4f-4787-a291-c67834d212e7", "Microsoft.Network/*"),
    "Owner": BuiltinAzureRole("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", ("*",)),
    "Private DNS Zone Contributor": _work(
        "b12aa53e-6015-4669-85d0-8515ebb3ae7f", "Microsoft.Network/privateDnsZones/*"
    ),
    "Reader": BuiltinAzureRole("acdd72a7-3385-48ef-bd42-f606fba81ae7", ("*/read",)),
    "Resource Policy Contributor": BuiltinAzureRole(
        "36243c78-bf99-498c-9df9-86d9f8d28608",
        (
            "*/read",
            "Microsoft.Authorization/policyassignments/*",
            "Microsoft.Authorization/policydefinitions/*",
            "Microsoft.Support/*",
        ),
    ),
    "Role Based Access Control Administrator": BuiltinAzureRole(
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        (
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
    ),
    "SQL DB Contributor": _work("9b7fa17d-e63e-47b0-bb0a-15c516ac86ec", "Microsoft.Sql/servers/databases/*"),
    "SQL Server Contributor": _work("6d8ee4ec-f05a-4a1d-8b00-a9b17e38b437", "Microsoft.Sql/servers/*"),
    "Security Admin": _work("fb1c8493-542b-48eb-b624-b4c8fea62acd", "Microsoft.Security/*"),
    "Security Reader": _work("39bc4728-0917-49c7-9d2c-d95423bc2eb4", "Microsoft.Security/*/read"),
    "Storage Account Contributor": _work("17d1049b-9a84-46fb-8f53-869881c3d3ab", "Microsoft.Storage/storageAccounts/*"),
    "Storage Blob Data Contributor": _data(
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        (f"{_CONTAINERS}/read", f"{_CONTAINERS}/write", f"{_CONTAINERS}/delete"),
        (f"{_CONTAINERS}/blobs/read", f"{_CONTAINERS}/blobs/write", f"{_CONTAINERS}/blobs/delete"),
    ),
    "Storage Blob Data Owner": _data(
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", (f"{_CONTAINERS}/*",), (f"{_CONTAINERS}/blobs/*",)
    ),
    "Storage Blob Data Reader": _data(
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", (f"{_CONTAINERS}/read",), (f"{_CONTAINERS}/blobs/read",)
    ),
    "Tag Contributor": _work("4a9ae827-6dc8-4573-8ac7-8239d42aa03f", "Microsoft.Resources/tags/*"),
    "User Access Administrator": BuiltinAzureRole(
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*")
    ),
    "Virtual Machine Administrator Login": _data(
        "1c0163c0-47e6-4577-8991-ea5c82e286e4",
        ("Microsoft.Compute/virtualMachines/*/read", "Microsoft.Network/networkInterfaces/read"),
        ("Microsoft.Compute/virtualMachines/login/action", "Microsoft.Compute/virtualMachines/loginAsAdmin/action"),
    ),
    "Virtual Machine Contributor": _work(
        "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", "Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/disks/*"
    ),
    "Virtual Machine User Login": _data(
        "fb879df8-f326-4884-b1cf-06f3ad86be52",
        ("Microsoft.Compute/virtualMachines/*/read", "Microsoft.Network/networkInterfaces/read"),
        ("Microsoft.Compute/virtualMachines/login/action",),
    ),
    "Website Contributor": _work("de139f84-1756-47ae-9be6-808fbbe84772", "Microsoft.Web/sites/*"),
}
