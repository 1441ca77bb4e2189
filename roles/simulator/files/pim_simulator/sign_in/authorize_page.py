# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page where a person signs in for an application, and the one that posts the answer on to it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_SIGN_IN = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in to {tenant}</title></head>
<body>
<h1>Sign in to {tenant}</h1>
<p>This is the sign-in page of a simulated tenant.</p>
{notice}
<p>{client} wants to sign you in and to act for you.</p>
<form method="post" action="{action}">
{hidden}
<p><label>User name <input name="username" value="{username}" autocomplete="off"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="off"></label></p>
<p><button name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button></p>
</form>
</body>
</html>
"""

_REFUSAL = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in to {tenant}</title></head>
<body>
<h1>Sign in to {tenant}</h1>
<p role="alert">{notice}</p>
</body>
</html>
"""

# OAuth 2.0 Form Post Response Mode: a browser posts it by itself
_FORM_POST = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Working...</title></head>
<body>
<form method="post" name="hiddenform" action="{action}">
{hidden}
<noscript><p>Script is disabled. Click Submit to continue.</p><button>Submit</button></noscript>
</form>
<script>document.forms[0].submit();</script>
</body>
</html>
"""


def sign_in(
    tenant_name: str, client_name: str, action: str, fields: Mapping[str, str], username: str, notice: str = ""
) -> str:
    """``fields`` are those of the authorization request, which come back with the person's answer."""
    return _SIGN_IN.format(
        tenant=escape(tenant_name),
        client=escape(client_name),
        action=escape(action),
        hidden=_hidden(fields),
        username=escape(username),
        notice=f'<p role="alert">{escape(notice)}</p>' if notice else "",
    )


def refusal(tenant_name: str, notice: str) -> str:
    """Nothing that the person can do here."""
    return _REFUSAL.format(tenant=escape(tenant_name), notice=escape(notice))


def form_post(action: str, fields: Mapping[str, str]) -> str:
    """Posts ``fields`` to the address."""
    return _FORM_POST.format(action=escape(action), hidden=_hidden(fields))


def _hidden(fields: Mapping[str, str]) -> str:
    return "\n".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )
