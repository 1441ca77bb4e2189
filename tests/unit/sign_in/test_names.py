# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants and accounts by their names."""

from __future__ import annotations

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.sign_in.names import is_domain, is_guid, same_account
from hypothesis import given
from hypothesis import strategies as st

GUEST = "guest_fabrikam.example#EXT#@contoso.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("operator@contoso.example", "Operator@CONTOSO.example"),
        ("guest@fabrikam.example", GUEST),
        (GUEST, "GUEST@fabrikam.EXAMPLE"),
        (GUEST, GUEST.lower()),
        ("first_last@fabrikam.example", "first_last_fabrikam.example#EXT#@contoso.example"),
    ],
)
def test_the_same_account(one, other):
    assert same_account(one, other)
    assert same_account(*reversed((one, other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("operator@contoso.example", "operator@fabrikam.example"),
        ("operator@contoso.example", "other@contoso.example"),
        ("operator", "operator@contoso.example"),
        ("guest@contoso.example", GUEST),
        ("first.last@fabrikam.example", "first_last_fabrikam.example#EXT#@contoso.example"),
        ("operator@contoso.example", None),
        ("operator@contoso.example", ""),
    ],
)
def test_another_account(one, other):
    assert not same_account(one, other)


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(one, other):
    assert same_account(one, other) == same_account(*reversed((one, other)))
    assert same_account(one, one)


@pytest.mark.parametrize("text", ["7a3c9b52-4d0e-4f6a-9b1c-2e8d5f0a6c41", "7A3C9B52-4D0E-4F6A-9B1C-2E8D5F0A6C41"])
def test_a_guid(text):
    assert is_guid(text)
    assert not is_domain(text)


@pytest.mark.parametrize("text", ["contoso.example", "a.b", "x-1.onmicrosoft.com", "CONTOSO.EXAMPLE"])
def test_a_domain(text):
    assert is_domain(text)
    assert not is_guid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "contoso",
        "a..b",
        "-a.b",
        "a.b-",
        "a b.c",
        "a.b/c",
        "a.b?x",
        "a@b.c",
        "é.example",
        "a_b.c",
        "x" * 254 + ".b",
        "a.b\n",
    ],
)
def test_what_is_no_tenant(text):
    assert not is_domain(text)
    assert not is_guid(text)
