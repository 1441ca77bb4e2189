# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults and latency that a test orders for calls that match a pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# Where a list's link to its next page leads.
NEXT_LINKS = ("other_host", "other_scheme", "same_page")
# How a Retry-After header tells when.
RETRY_AFTER_FORMS = ("seconds", "date")
_ADDRESS = re.compile(r"[!-~]+")
_CONTENT_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+(?:; ?[a-z0-9=-]+)?")


class FaultError(Exception):
    """The order cannot be carried out; the text says why."""


@dataclass
class Fault:
    """What is to happen to the next ``times`` matching calls (None: to all), after ``skip`` of them went through."""

    path: str
    method: str | None = None
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    retry_after: int | None = None
    retry_after_form: str = RETRY_AFTER_FORMS[0]
    location: str | None = None
    delay_ms: int = 0
    hang: bool = False
    reset: str | None = None
    body: str | None = None
    next_link: str | None = None
    content_type: str | None = None
    aadsts: int | None = None
    oauth_error: str = "invalid_grant"
    processed: bool = False
    batch_item: bool = False
    id: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        try:
            self._pattern = re.compile(self.path)
        except (re.error, TypeError) as error:
            raise FaultError(f"path must be a regular expression: {error}") from error

    def matches(self, method: str, address: str, batch_item: bool) -> bool:
        return (
            self.batch_item == batch_item
            and (self.method is None or self.method.upper() == method.upper())
            and self._pattern.search(address) is not None
        )

    def view(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


_WHOLE = ("times", "skip", "status", "retry_after", "delay_ms", "aadsts")
_FLAGS = ("hang", "processed", "batch_item")
# What can happen to a call; the rest says to which, and how.
_WHATS = ("status", "delay_ms", "hang", "reset", "body", "next_link", "content_type", "aadsts")


def read_fault(order: Mapping[str, Any]) -> Fault:
    """Check a fault as the control API takes it. Raises FaultError."""
    allowed = [field.name for field in fields(Fault) if field.name not in ("id", "hits")]
    for name in order:
        if name not in allowed:
            raise FaultError(f"unknown key {name!r}; known are: {', '.join(sorted(allowed))}")
    if not isinstance(order.get("path"), str):
        raise FaultError("path is needed: a regular expression that is looked for in path?query")
    for name in _WHOLE:
        value = order.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise FaultError(f"{name} must be a whole number, zero or more")
    for name in _FLAGS:
        if not isinstance(order.get(name, False), bool):
            raise FaultError(f"{name} must be true or false")
    if order.get("method") is not None and not isinstance(order["method"], str):
        raise FaultError("method must be text")
    status = order.get("status")
    if status is not None and not 200 <= status <= 599:
        raise FaultError("status must be between 200 and 599")
    if order.get("reset") not in (None, "before", "after"):
        raise FaultError("reset must be before or after")
    if order.get("body") not in (None, "broken_json", "html", "empty"):
        raise FaultError("body must be broken_json, html or empty")
    if order.get("next_link") not in (None, *NEXT_LINKS):
        raise FaultError(f"next_link must be one of {', '.join(NEXT_LINKS)}")
    for changes in ("next_link", "content_type"):
        if order.get(changes) and any(order.get(name) for name in ("status", "hang", "reset", "body", "aadsts")):
            raise FaultError(
                f"{changes} changes the service's own answer: status, hang, reset, body and aadsts do not go with it"
            )
    if order.get("content_type") is not None and not _is_text(order["content_type"], _CONTENT_TYPE):
        raise FaultError("content_type must be a media type, such as text/html")
    if "retry_after_form" in order and order["retry_after_form"] not in RETRY_AFTER_FORMS:
        raise FaultError(f"retry_after_form must be one of {', '.join(RETRY_AFTER_FORMS)}")
    if "retry_after_form" in order and order.get("retry_after") is None:
        raise FaultError("retry_after_form goes with retry_after")
    if order.get("location") is not None and not _is_text(order["location"], _ADDRESS):
        raise FaultError("location must be an address without control characters")
    if order.get("location") is not None and (status is None or not 300 <= status < 400):
        raise FaultError("location goes with a status between 300 and 399")
    if not isinstance(order.get("oauth_error", ""), str):
        raise FaultError("oauth_error must be text")
    if order.get("aadsts") is None and "oauth_error" in order:
        raise FaultError("oauth_error goes with aadsts")
    if order.get("aadsts") and (order.get("body") or order.get("next_link") or order.get("batch_item")):
        raise FaultError("aadsts is an answer of the sign-in service: body, next_link and batch_item do not go with it")
    if order.get("batch_item") and (order.get("hang") or order.get("reset")):
        raise FaultError("an item of a batch has no connection of its own: hang and reset do not go with batch_item")
    if order.get("batch_item") and order.get("content_type"):
        raise FaultError("an item of a batch has no header of its own: content_type does not go with batch_item")
    if not any(order.get(name) for name in _WHATS):
        raise FaultError(f"nothing is ordered: give {', '.join(_WHATS[:-1])} or {_WHATS[-1]}")
    return Fault(**{name: value for name, value in order.items() if value is not None or name == "times"})


def _is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


class Faults:
    """The standing orders, oldest first."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self.latencies: list[tuple[re.Pattern[str], int]] = []
        self._next_id = 1

    def add(self, fault: Fault) -> Fault:
        fault.id = self._next_id
        self._next_id += 1
        self.orders.append(fault)
        return fault

    def clear(self) -> None:
        self.orders.clear()
        self.latencies.clear()

    def set_latency(self, path: str, milliseconds: int) -> None:
        """Each matching call takes at least so long. Zero takes the order back."""
        self.latencies = [(pattern, ms) for pattern, ms in self.latencies if pattern.pattern != path]
        if milliseconds:
            try:
                self.latencies.append((re.compile(path), milliseconds))
            except re.error as error:
                raise FaultError(f"path must be a regular expression: {error}") from error

    def latency(self, address: str) -> float:
        """Seconds."""
        return sum(ms for pattern, ms in self.latencies if pattern.search(address)) / 1000

    def take(self, method: str, address: str, batch_item: bool = False) -> Fault | None:
        """The fault for this call, if one is due; counts it."""
        for fault in self.orders:
            if not fault.matches(method, address, batch_item):
                continue
            fault.hits += 1
            turn = fault.hits - fault.skip
            if turn >= 1 and (fault.times is None or turn <= fault.times):
                return fault
        return None
