# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims challenges in every form they come in, and texts that are none."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from ansible_collections.entra.pim.plugins.module_utils._pim.api.challenges import challenges, claims_in_text, claims_of
from hypothesis import given
from hypothesis import strategies as st

# Encoded, it holds both characters in which base64 and base64url differ, and is padded.
CLAIMS = {"access_token": {"nbf": {"essential": True, "value": "1702682181"}, "x": {"value": "~~?>>~~~?"}}}
TEXT = json.dumps(CLAIMS)
PACKED = base64.b64encode(TEXT.encode()).decode()
URL_PACKED = base64.urlsafe_b64encode(TEXT.encode()).decode()


def asked(header: str) -> dict | None:
    found = claims_of({"www-authenticate": header})
    return None if found is None else json.loads(found)


def test_the_texts_of_this_test_are_what_they_should_be():
    assert PACKED.endswith("=")
    assert PACKED != URL_PACKED


@pytest.mark.parametrize(
    "value",
    [
        f'"{PACKED}"',
        f'"{PACKED.rstrip("=")}"',
        PACKED,
        f'"{URL_PACKED}"',
        f'"{URL_PACKED.rstrip("=")}"',
        f'"{quote(TEXT, safe="")}"',
        json.dumps(TEXT),
        f'"{TEXT}"',
        TEXT,
    ],
    ids=["base64", "unpadded", "unquoted", "url", "url unpadded", "percent", "quoted pairs", "raw in quotes", "raw"],
)
@pytest.mark.parametrize(
    "header",
    [
        "Bearer claims={}",
        'Bearer realm="", error="insufficient_claims", claims={}, nonce="a"',
        'bearer Error="insufficient_claims" , CLAIMS = {}',
        'PoP nonce="x, Bearer claims=\\"e30\\"", Bearer error_description="a, b=\\"c\\", d", claims={}',
        "Negotiate YWJj==, NTLM, Bearer claims={}, Basic realm=x",
        "Bearer authorization_uri=https://a/b?c=d, claims={}",
        'Bearer claims={}, Bearer claims="e30"',
    ],
)
def test_claims_are_found(header, value):
    assert asked(header.replace("{}", value)) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        'Bearer error="invalid_token"',
        'Bearer claims=""',
        'Bearer claims="',
        'Bearer claims="e30="',
        'Bearer claims="W10="',
        'Bearer claims="bm8="',
        'Bearer claims="{"',
        'Bearer claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="',
        f'PoP claims="{PACKED}"',
        f'claims="{PACKED}"',
        f'Bearer error_description="claims={PACKED}"',
    ],
)
def test_no_claims_are_found(header):
    assert asked(header) is None


@pytest.mark.parametrize("value", ["[" * 150 + "]" * 150, '"' + "x" * 9000 + '"', "[" * 970 + "]" * 970])
def test_what_nobody_would_ask_for_is_not_taken(value):
    """The session would keep it; and what can just be read cannot always be written."""
    text = '{"access_token": {"acrs": {"value": ' + value + "}}}"
    assert asked(f'Bearer claims="{base64.b64encode(text.encode()).decode()}"') is None
    assert claims_in_text(f"claims={quote(text)}") is None


def test_each_scheme_has_its_parameters():
    header = 'PoP nonce="a,b", x=1 , Negotiate YWJj==, Bearer realm="say \\"hi\\"", y=z, NTLM'
    assert challenges(header) == [
        ("pop", {"nonce": "a,b", "x": "1"}),
        ("negotiate", {}),
        ("bearer", {"realm": 'say "hi"', "y": "z"}),
        ("ntlm", {}),
    ]


@given(st.text(max_size=200) | st.text('Bearer claims="{},\\ ab=:', max_size=60))
def test_any_header_is_read_to_its_end(header):
    assert isinstance(challenges(header), list)
    claims_of({"www-authenticate": header})
    claims_in_text(header)


@pytest.mark.parametrize(
    "header",
    [
        'Bearer claims="' + 'a="\\' * 25_000,
        "Bearer " + "claims={" * 12_500,
        "a" * 100_000 + '"',
        "Bearer " + "a" * 100_000 + '"',
        "a=" * 50_000,
        "Bearer " + "a" * 50_000 + " " * 50_000 + '"',
        "Bearer a" + "=" * 100_000 + '"',
        '"' * 100_000,
        "Bearer " + '"a' * 50_000,
    ],
    ids=lambda header: f"{header[:20]}-{header[-1]}",
)
def test_a_long_header_takes_no_long_time(header):
    """Each letter is looked at a few times: a header of 100 kB that is looked at once for each of them takes a minute."""
    started = time.process_time()
    claims_of({"www-authenticate": header})
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        f"&claims={quote(TEXT, safe='')}",
        f"claims={quote(TEXT)}&more=x",
        f"Sign in again with claims={TEXT} please",
        f"claims= {TEXT}",
        f"claims={PACKED}",
        f"claims={URL_PACKED.rstrip('=')}\n",
    ],
)
def test_claims_in_a_text(text):
    assert json.loads(str(claims_in_text(text))) == CLAIMS


@pytest.mark.parametrize("text", ["", "claims", "claims=", "claims=%7Bbroken", "claims={}", f"claim={TEXT}"])
def test_no_claims_in_a_text(text):
    assert claims_in_text(text) is None
