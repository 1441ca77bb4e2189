# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for secrets finds them: a search that finds nothing anywhere would let every other test here pass."""

from __future__ import annotations

import secrets

import pytest

from integration import leaks

PASSWORD = "a-password-of-nobody"


def web_token():
    return f"eyJ{secrets.token_urlsafe(40)}.eyJ{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(40)}"


@pytest.mark.parametrize(
    "secret", [PASSWORD, web_token(), f"1.{secrets.token_urlsafe(96)}"], ids=["password", "web", "long"]
)
@pytest.mark.parametrize("around", ['{{"stdout": "{}"}}', "-e password={} -vvv", "Bearer {}\n"])
def test_secret_is_found(tmp_path, secret, around):
    text = around.format(secret).encode()
    assert leaks.leaks(text, {PASSWORD})
    (tmp_path / "some_file").write_bytes(text)
    assert leaks.leaks_below(tmp_path, {PASSWORD})


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_only_a_private_session_file_may_hold_a_token(tmp_path, mode):
    session = tmp_path / "default.json"
    session.write_text(f'{{"refresh_token": "{PASSWORD}"}}', encoding="utf-8")
    session.chmod(mode)
    assert bool(leaks.leaks_below(tmp_path, {PASSWORD})) == (mode != 0o600)


@pytest.mark.parametrize(
    "text",
    [b"*" * 200, b"-" * 200, b"0f" * 100, b"/a/long/path" * 20, b"https://localhost/x?$skiptoken=" + b"aB3" * 60],
)
def test_what_is_no_secret(text):
    assert not leaks.leaks(text, {PASSWORD})
