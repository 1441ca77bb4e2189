# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module is there four times, and alike: module, action plugin, member of the action group, documentation."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule

from gates import documentation
from tools import layout

_MODULES = documentation.plugin_names("modules")


def test_there_are_modules():
    assert {"pim_connect", "pim_role_activation", "pim_role_info", "pim_session_info"} <= set(_MODULES)
    assert {"pim_approval", "pim_request_info"} <= set(_MODULES)


def test_action_group_is_every_module():
    runtime = yaml.safe_load((layout.ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["pim"]) == _MODULES


def test_every_module_has_an_action_plugin():
    assert documentation.plugin_names("action") == _MODULES


@pytest.mark.parametrize("name", _MODULES)
def test_documentation_names_the_action_group(name):
    attributes = documentation.documented("modules")[name]["doc"]["attributes"]
    assert attributes["action_group"]["support"] == "full"
    assert attributes["action_group"]["membership"] == [f"{documentation.COLLECTION}.pim"]


@pytest.mark.parametrize("name", _MODULES)
def test_documentation_says_what_modes_it_supports(name):
    attributes = documentation.documented("modules")[name]["doc"]["attributes"]
    assert {"check_mode", "diff_mode", "async"} <= set(attributes)


class _Specified(BaseException):
    """Carries the argument spec out of a module, past what it does about exceptions."""


def _specification(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The argument spec that the module called ``name`` gives to AnsibleModule."""

    def init(_self: AnsibleModule, argument_spec: dict[str, Any], **_arguments: Any) -> None:
        raise _Specified(argument_spec)

    monkeypatch.setattr(AnsibleModule, "__init__", init)
    module = importlib.import_module(f"ansible_collections.entra.pim.plugins.modules.{name}")
    with pytest.raises(_Specified) as caught:
        module.main()
    return caught.value.args[0]


def _plain(options: dict[str, Any], suboptions: str) -> dict[str, Any]:
    """Options of a spec or of documentation in one shape; ``suboptions`` is what each calls the nested ones."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": sorted(option.get("choices") or []),
            "aliases": sorted(option.get("aliases") or []),
            "options": _plain(option.get(suboptions) or {}, suboptions),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", _MODULES)
def test_documented_options_are_the_options(name, monkeypatch):
    documented = documentation.documented("modules")[name]["doc"]["options"]
    specified = json.loads(json.dumps(_specification(name, monkeypatch), default=str))
    assert _plain(documented, "suboptions") == _plain(specified, "options")


@pytest.mark.parametrize("name", _MODULES)
def test_documentation_names_the_environment_variables(name, monkeypatch):
    documented = documentation.documented("modules")[name]["doc"]["options"]
    missing = []
    for option, details in _specification(name, monkeypatch).items():
        # (function, [names]), where the option can come from the environment
        variables = [variable for names in details.get("fallback", (None,))[1:] for variable in names]
        description = documented[option]["description"]
        text = description if isinstance(description, str) else "\n".join(description)
        named = re.findall(r"E\((\w+)\)", text)
        missing += [f"{option}: {variable}" for variable in variables if variable not in named]
    assert missing == []
