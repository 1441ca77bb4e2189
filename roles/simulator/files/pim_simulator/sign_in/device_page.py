# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page where a person enters a device code and signs in."""

from __future__ import annotations

from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in to {tenant}</title></head>
<body>
<h1>Sign in to {tenant}</h1>
<p>This is the sign-in page of a simulated tenant.</p>
{notice}
<form method="post" action="/devicelogin">
<p><label>Code <input name="user_code" value="{user_code}" autocomplete="off"></label></p>
<p><label>User name <input name="username" autocomplete="off"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="off"></label></p>
<p><button name="decision" value="approve">Approve</button>
<button name="decision" value="decline">Decline</button></p>
</form>
</body>
</html>
"""


def render(tenant_name: str, notice: str = "", user_code: str = "") -> str:
    """The page; texts are escaped here."""
    told = f'<p role="alert">{escape(notice)}</p>' if notice else ""
    return _PAGE.format(tenant=escape(tenant_name), notice=told, user_code=escape(user_code, quote=True))
