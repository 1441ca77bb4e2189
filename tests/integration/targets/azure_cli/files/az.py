# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the place of Azure CLI: signed in as AZ_USER, with the password in AZ_PASSWORD_OF; "" for nobody."""

import argparse
import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

parser = argparse.ArgumentParser(prog="az")
parser.add_argument("command", nargs=2)
parser.add_argument("--resource", required=True)
parser.add_argument("--tenant", default="contoso.example")
parser.add_argument("--output", choices=["json"], required=True)
options = parser.parse_args()
if options.command != ["account", "get-access-token"]:
    sys.exit(f"ERROR: {options.command} is not in the 'az' command group.")
if not os.environ.get("AZ_USER"):
    sys.exit("ERROR: Please run 'az login' to setup account.")
form = {
    "grant_type": "password",
    "client_id": "5d1f0b7a-2c94-4e3d-8a66-9b0e4c7f1a52",
    "scope": f"{options.resource}/.default",
    "username": os.environ["AZ_USER"],
    "password": os.environ[os.environ["AZ_PASSWORD_OF"]],
}
address = f"{os.environ['ENTRA_PIM_AUTHORITY_URL']}/{options.tenant}/oauth2/v2.0/token"
context = ssl.create_default_context(cafile=os.environ["ENTRA_PIM_CA_PATH"])
try:
    with urllib.request.urlopen(address, urllib.parse.urlencode(form).encode(), context=context) as answer:  # noqa: S310  # the simulator's own address
        body = json.load(answer)
except urllib.error.HTTPError as error:
    sys.exit(f"ERROR: {json.load(error)['error_description']}")
expires = int(time.time()) + int(body["expires_in"])
told = {"accessToken": body["access_token"], "expires_on": expires, "tokenType": "Bearer"}
told["expiresOn"] = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(expires))
print(json.dumps(told))
