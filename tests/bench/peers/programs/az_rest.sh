#!/usr/bin/env bash
# Copyright: entra.pim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Activate the Entra roles that are named, or list what one is eligible for: az_rest.sh [ROLE ...]
# GRAPH_URL is the service, HEADERS a file with the Authorization header: the client of Azure CLI itself is not granted
# PIM's permissions on Graph.
set -euo pipefail

directory="$GRAPH_URL/v1.0/roleManagement/directory"
mine="filterByCurrentUser(on='principal')?\$expand=roleDefinition"
columns="[roleDefinition.displayName, principalId, roleDefinitionId, directoryScopeId]"

rest() {
    az rest --skip-authorization-header --headers "@$HEADERS" --only-show-errors --output tsv "$@"
}

# The link to the next page, and the rows: one call of az for each page.
next="$directory/roleEligibilityScheduleInstances/$mine"
rows=""
while [[ -n $next ]]; do
    page=$(rest --method get --url "$next" --query "[[[\"@odata.nextLink\"]], value[].$columns][]")
    next=$(head -n 1 <<<"$page" | sed 's/^None$//')
    rows+=$(tail -n +2 <<<"$page")$'\n'
done
rows=${rows%$'\n'}
echo "rows=$(wc -l <<<"$rows")"

for role in "$@"; do
    IFS=$'\t' read -r _name principal definition scope < <(awk -F '\t' -v role="$role" '$1 == role' <<<"$rows")
    body="{\"action\": \"selfActivate\", \"principalId\": \"$principal\", \"roleDefinitionId\": \"$definition\",
        \"directoryScopeId\": \"$scope\", \"justification\": \"A measurement\",
        \"scheduleInfo\": {\"expiration\": {\"type\": \"afterDuration\", \"duration\": \"PT1H\"}}}"
    if ! said=$(rest --method post --url "$directory/roleAssignmentScheduleRequests" --body "$body" --query status 2>&1); then
        # A role that is active already is fine.
        grep -q RoleAssignmentExists <<<"$said" || { echo "$said" >&2; exit 1; }
    fi
done

if (($#)); then
    held=$(rest --method get --url "$directory/roleAssignmentScheduleInstances/$mine" --query "value[].[roleDefinition.displayName]")
    for role in "$@"; do
        grep -qxF "$role" <<<"$held"
    done
fi
