# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide names every key of the tenant file and every call of the control API."""

from __future__ import annotations

import dataclasses
import re
import typing

import pytest
from pim_simulator.control.http import routes
from pim_simulator.faults import Fault
from pim_simulator.tenant import models
from pim_simulator.tenant.loader import parse_tenant
from pim_simulator.world import World

from simulator.service_client import GUIDE

CLASSES = [cls for cls in vars(models).values() if dataclasses.is_dataclass(cls) and cls is not models.When]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_key_and_value(cls: type) -> None:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        assert re.search(rf"`([a-z_]+\.)?{field.name}(\.[a-z_<>]+)?`", GUIDE), f"{cls.__name__}.{field.name}"
        for value in (
            typing.get_args(hints[field.name]) if typing.get_origin(hints[field.name]) is typing.Literal else ()
        ):
            assert f"`{value}`" in GUIDE, f"{cls.__name__}.{field.name}: {value}"


def test_every_call() -> None:
    tenant = parse_tenant("tenant_id: 11111111-2222-4333-8444-555555555555\nname: x\ndomains: [x.example]\n")
    for route in routes(World(tenant), "key"):
        path = re.sub(
            r"\{(\w+)\}", lambda match: f"<{match[1].replace('request_id', 'id').replace('_', ' ')}>", route.path
        )
        (method,) = (route.methods or set()) - {"HEAD"}
        assert f"`{method} {path.removeprefix('/_control/')}`" in GUIDE, (method, path)


def test_every_key_of_a_fault() -> None:
    for field in dataclasses.fields(Fault):
        if field.name not in ("id", "hits"):
            assert f"`{field.name}`" in GUIDE, field.name
