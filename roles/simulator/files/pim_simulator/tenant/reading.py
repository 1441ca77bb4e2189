# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A YAML mapping into a dataclass, strictly: unknown, missing, repeated and mistyped keys are errors that say where."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from pim_simulator.errors import SimulatorError
from pim_simulator.tenant.models import When
from pim_simulator.times import parse_duration, parse_time


class TenantError(SimulatorError):
    """The tenant file cannot be used; the text says where and why."""


# libyaml's reads a large tenant ten times as fast; a PyYAML that was built without it has the other one
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SafeLoader):
    """PyYAML takes the last of two equal keys; a tenant file in which one silently loses would mislead its author."""


def _mapping_without_repeats(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise TenantError(f"line {key_node.start_mark.line + 1}: the key {key!r} is not text")
        if key in result:
            raise TenantError(f"line {key_node.start_mark.line + 1}: the key {key!r} is given twice")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def read_yaml(text: str) -> Any:
    """The document as plain data. Raises TenantError."""
    try:
        # a subclass of SafeLoader: it makes plain data only
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - derived from the safe loader
    except yaml.YAMLError as error:
        raise TenantError(f"it is not valid YAML: {error}") from error


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def build(cls: Any, data: Any, where: str) -> Any:
    """An instance of the dataclass ``cls`` from a mapping; ``where`` names it in messages."""
    if not isinstance(data, Mapping):
        raise TenantError(f"{where} must be a mapping, not {_kind(data)}")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for key in data:
        if key not in fields:
            raise TenantError(f"{where} has the unknown key {key!r}; known are: {', '.join(sorted(fields))}")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _convert(_hints(cls)[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise TenantError(f"{where} lacks the key {name!r}")
    return cls(**values)


def changed(instance: Any, changes: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> Any:
    """``instance`` with some of its keys set otherwise, checked as they are in the file. Raises TenantError."""
    for key in changes:
        if key not in allowed:
            raise TenantError(f"{where} has no key {key!r} to change; known are: {', '.join(allowed)}")
    cls: Any = type(instance)
    hints = _hints(cls)
    values = {key: _convert(hints[key], value, f"{where}.{key}") for key, value in changes.items()}
    return dataclasses.replace(instance, **values)


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    return {dict: "a mapping", list: "a list", str: "text", bool: "a yes/no value", int: "a number"}.get(
        type(value), type(value).__name__
    )


def _convert(wanted: Any, value: Any, where: str) -> Any:
    origin = get_origin(wanted)
    if wanted is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _convert(next(arg for arg in get_args(wanted) if arg is not types.NoneType), value, where)
    if origin is Literal:
        if value not in get_args(wanted):
            raise TenantError(f"{where} must be one of {', '.join(get_args(wanted))}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise TenantError(f"{where} must be a list, not {_kind(value)}")
        return tuple(_convert(get_args(wanted)[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, Mapping):
            raise TenantError(f"{where} must be a mapping, not {_kind(value)}")
        return {key: _convert(get_args(wanted)[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(wanted) and wanted is not When:
        return build(wanted, value, where)
    return _SCALARS[wanted](value, where)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TenantError(f"{where} must be text (quote it where YAML would read it otherwise), not {_kind(value)}")
    return value


def _yes_no(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise TenantError(f"{where} must be true or false, not {_kind(value)}")
    return value


def _number(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TenantError(f"{where} must be a whole number, zero or more")
    return value


def _duration(value: Any, where: str) -> timedelta:
    try:
        duration = parse_duration(_text(value, where))
    except ValueError as error:
        raise TenantError(f"{where}: {error}") from error
    if duration < timedelta():
        raise TenantError(f"{where} must not be negative")
    return duration


def _when(value: Any, where: str) -> When:
    if isinstance(value, datetime):  # YAML has a type for times; PyYAML gives naive UTC or an aware one
        return When(absolute=value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value)
    if isinstance(value, date):
        return When(absolute=datetime(value.year, value.month, value.day, tzinfo=timezone.utc))
    text = _text(value, where)
    try:
        return (
            When(offset=parse_duration(text)) if text.lstrip("-").startswith("P") else When(absolute=parse_time(text))
        )
    except ValueError as error:
        raise TenantError(
            f"{where} must be a time (2030-01-31T08:00:00Z) or a duration after the start (PT2H, -P1D)"
        ) from error


_SCALARS = {str: _text, bool: _yes_no, int: _number, timedelta: _duration, When: _when}
