# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure shows: readable, in the contract's form, and nothing that must not be seen."""

from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.errors import (
    MESSAGE_LIMIT,
    PimError,
    invalid_option,
    readable,
)
from hypothesis import example, given
from hypothesis import strategies as st

_KEYS = [
    *["code", "service_code", "status", "message", "request_id", "provider", "role", "scope"],
    *["authentication_context", "advice"],
]
_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SEGMENT = st.text(_URL_SAFE, min_size=8, max_size=60)
_JWT = st.builds("eyJ{}.{}.{}".format, _SEGMENT, _SEGMENT, _SEGMENT)
# Every code point, lone surrogates too: the JSON of a service can hold them.
_ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


# What turns the direction of writing, and can make a text look like another.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(_ANY_TEXT)
@example("\x1b[31m")
@example("\u202e")
@example("\u061c")
@example("\x9b2J")
@example("\ud800")
def test_no_control_character_passes(text):
    shown = readable(text)
    # Cc control, Cs surrogates (no terminal can print them), Zl and Zp line and paragraph separators
    bad = [one for one in shown if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") or one in _DIRECTIONS]
    assert [hex(ord(one)) for one in bad] == []
    assert len(shown) <= MESSAGE_LIMIT


@given(_ANY_TEXT, _JWT, _ANY_TEXT)
def test_no_token_passes(before, token, after):
    shown = readable(f"{before} {token} {after}", limit=10_000)
    assert token not in shown
    for segment in token.split("."):
        # A short segment may occur in the text around it by chance.
        assert len(segment) < 12 or segment not in shown.replace(before, "").replace(after, "")


@given(_JWT)
def test_a_token_is_cut_out_before_the_text_is_cut(token):
    padding = "x" * (MESSAGE_LIMIT - 20)
    assert token[:15] not in readable(f"{padding} {token}")


@pytest.mark.parametrize(
    "page",
    ["<!DOCTYPE html><html><body>502</body></html>", "<html>\n<head><title>Bad Gateway", "  <HTML>", "< html >"],
)
def test_a_page_is_not_shown(page):
    assert "<" not in readable(page)
    assert "HTML" in readable(page)


def test_a_long_text_is_cut():
    assert len(readable("word " * 1000)) == MESSAGE_LIMIT
    assert readable("word " * 1000).endswith("…")


@pytest.mark.parametrize(("value", "shown"), [(None, ""), ("", ""), (0, "0"), ("plain", "plain"), (" a\r\nb ", "a b")])
def test_what_is_plain_stays(value, shown):
    assert readable(value) == shown


def test_a_failure_has_every_key_of_the_contract():
    failure = PimError("network", "It broke").as_failure()
    assert list(failure) == _KEYS
    assert failure["code"] == "network"
    assert failure["message"] == "It broke"
    assert {key for key, value in failure.items() if value is not None} == {"code", "message", "advice"}


def test_the_message_is_the_services_own_where_it_said_something():
    error = PimError("policy_violation", "Refused", service_code="X", service_message="The <b>rule</b>\x1b[31m failed")
    assert error.as_failure()["message"] == "The <b>rule</b> [31m failed"
    assert error.as_failure()["service_code"] == "X"


def test_the_sentence_tells_what_happened_what_was_said_and_what_to_do():
    sentence = PimError("throttled", "Busy", service_message="Slow down!", advice="Wait").sentence
    assert sentence == "Busy. The service said: Slow down! Wait."


def test_the_service_is_not_quoted_twice():
    assert PimError("x", "It said no", service_message="no", advice="").sentence == "It said no."


def test_a_failure_is_told_of_a_role():
    failure = PimError("x", "y").about(provider="entra_roles", role="Reader", scope="/").as_failure()
    assert (failure["provider"], failure["role"], failure["scope"]) == ("entra_roles", "Reader", "/")


def test_a_refused_option_names_option_value_and_what_is_allowed():
    error = invalid_option("cloud", "mars\x00", "it must be one of public, china")
    assert error.code == "invalid_option"
    assert error.message == "cloud='mars' cannot be used: it must be one of public, china"
