#!/usr/bin/env bash
# Copyright: entra.pim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Activate the Entra roles that are named: cli_microsoft365.sh ROLE ...
# There is no look whether they are in force: its lists are everybody's with a filter, which the service gives to
# administrators only.
set -euo pipefail

for role in "$@"; do
    if ! said=$(m365 entra pim role assignment add --roleDefinitionName "$role" --justification "A measurement" --duration PT1H 2>&1); then
        # A role that is active already is fine: the service says so in words.
        grep -qi "already exists" <<<"$said" || { echo "$said" >&2; exit 1; }
    fi
done
