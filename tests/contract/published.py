# Copyright: entra.pim contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft has published of Graph's PIM: paths, methods, types. Values are checked against it.

The file is made from Graph's OData schema and its generated SDKs (v1.0: names and types of the schema; beta: of the SDK).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = "graph_pim_contract.json"

# Texts whose values the documentation lists, though the schema has them as any text.
# Resource pages unifiedRoleAssignmentScheduleInstance, unifiedRoleEligibilitySchedule and so on.
_MEMBER_TYPE = ("Direct", "Group", "Inherited")
_ASSIGNMENT_TYPE = ("Assigned", "Activated")
_LISTED = {
    "memberType": _MEMBER_TYPE,
    "assignmentType": _ASSIGNMENT_TYPE,
    # Resource page approvalStep; the result is told as it was given.
    "reviewResult": ("NotReviewed", "Approve", "Deny"),
    # Resource page unifiedRoleManagementPolicyRuleTarget.
    "caller": ("None", "Admin", "EndUser"),
    "level": ("Eligibility", "Assignment"),
    # Resource page unifiedRoleManagementPolicyNotificationRule.
    "notificationType": ("Email",),
    "recipientType": ("Requestor", "Approver", "Admin"),
    "notificationLevel": ("None", "Critical", "All"),
    # Resource page unifiedRoleManagementPolicyEnablementRule.
    "enabledRules": ("MultiFactorAuthentication", "Justification", "Ticketing"),
}

# Members of enumerations as documented bodies print them, beside the schema's spelling.
# Page policyroot-list-rolemanagementpolicyassignments: the policies of a group.
_ALSO_PRINTED = {"unifiedRoleManagementPolicyRuleTargetOperations": ("All",)}

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DURATION = re.compile(r"-?P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
_OF_PYTHON = {"str": "Edm.String", "bool": "Edm.Boolean", "int": "Edm.Int32", "datetime.datetime": "Edm.DateTimeOffset"}
_PRIMITIVE = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int32": lambda value: isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31,
    "Edm.DateTimeOffset": lambda value: isinstance(value, str) and bool(_TIME.fullmatch(value)),
    "Edm.Duration": lambda value: isinstance(value, str) and bool(_DURATION.fullmatch(value)),
}


def find(name: str = FILE) -> Path | None:
    """The file with what is published, or None: in the directory that ENTRA_PIM_REFERENCE names, or beside the checkout."""
    named = os.environ.get("ENTRA_PIM_REFERENCE")
    directory = Path(named) if named else ROOT.parent / "shared" / "reference"
    path = directory / name
    return path if path.is_file() else None


@dataclass(frozen=True)
class Property:
    """``type`` is the type of one item where it is a ``collection``."""

    type: str
    collection: bool = False
    nullable: bool = True

    @classmethod
    def read(cls, text: str, nullable: bool = True) -> Property:
        """Of ``Collection(Edm.String)``, or ``list[ApprovalStep]`` as the SDK for beta has it."""
        found = re.fullmatch(r"(?:Collection\(|list\[)(.*)[)\]]", text)
        name = found[1] if found else text
        if name in _OF_PYTHON:
            name = _OF_PYTHON[name]
        elif not name.startswith("Edm."):
            name = name[0].lower() + name[1:]
        return cls(name, bool(found), nullable)


@dataclass(frozen=True)
class Schema:
    """An entity, complex or enum type. ``trimmed``: only its id is described. ``complete``: replies have all properties."""

    name: str
    kind: str
    base: str | None = None
    abstract: bool = False
    open: bool = False
    trimmed: bool = False
    complete: bool = True
    properties: dict[str, Property] = field(default_factory=dict)
    navigation: dict[str, Property] = field(default_factory=dict)
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """What a call asked for of a type: ``select`` None is everything, ``expand`` what lies behind its navigation properties."""

    select: tuple[str, ...] | None = None
    expand: dict[str, Selection] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """A method of a path. ``request`` and ``reply`` are None where there is no body."""

    template: str
    method: str
    request: Property | None
    reply: Property | None
    query: tuple[str, ...]
    documented: bool
    parameters: tuple[str, ...] = ()

    @property
    def success(self) -> int:
        """The status that the documentation shows. A PATCH is answered without the entity, whatever the SDK would read."""
        if self.method == "POST":
            return 201 if self.reply else 204
        return 200 if self.method == "GET" else 204


class Published:
    """One version of Graph (``v1.0`` or ``beta``)."""

    def __init__(self, document: dict[str, Any], version: str) -> None:
        self._paths = document[version]["paths"]
        self._schemas = {name: _schema(name, one) for name, one in document["v1.0"]["schemas"].items()}
        if version == "beta":
            models = document["beta"]["schemas"]
            self._schemas.update((name, _model(name, models)) for name in models)
        self._statuses = tuple(document["requestStatus"]["documented"])

    @classmethod
    def load(cls, path: Path) -> dict[str, Published]:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {version: cls(document, version) for version in ("v1.0", "beta")}

    def operation(self, method: str, segments: Sequence[str]) -> Operation | None:
        """Of a path in its (decoded) segments; None where there is no such path or method."""
        for template, path in self._paths.items():
            parameters = _match(template.strip("/").split("/"), segments)
            if parameters is not None and method in path["methods"] and self._may_be_on(template, parameters):
                described = path["methods"][method]
                request, reply = described["request"], self._reply(template, described["response"])
                return Operation(
                    template,
                    method,
                    Property.read(request, nullable=False) if request else None,
                    reply if method != "PATCH" else None,
                    tuple(path["query"]),
                    described["documented"],
                    parameters,
                )
        return None

    def _may_be_on(self, template: str, parameters: Sequence[str]) -> bool:
        """Whether the argument of filterByCurrentUser is one that the enum for this collection has."""
        parent, _slash, function = template.rpartition("/")
        if not function.startswith("filterByCurrentUser"):
            return True
        enum = self._schemas.get(f"{parent.rpartition('/')[2][:-1]}FilterByCurrentUserOptions")
        return enum is None or parameters[-1] in enum.members

    def _reply(self, template: str, response: str | None) -> Property | None:
        if response is None:
            return None
        if response == "filterByCurrentUserWithOnGetResponse":
            return self._reply("", self._paths[template.rpartition("/")[0]]["methods"]["GET"]["response"])
        return Property.read(response.removesuffix("CollectionResponse"), nullable=False)

    def is_list(self, operation: Operation) -> bool:
        """Whether the reply is a page of a collection."""
        if operation.method != "GET":
            return False
        last = operation.template.rpartition("/")[2]
        return last.startswith("filterByCurrentUser") or self._paths[operation.template]["methods"]["GET"][
            "response"
        ].endswith("CollectionResponse")

    def schema(self, name: str) -> Schema:
        return self._schemas[name]

    def selection_faults(self, selection: Selection, type_name: str) -> Iterator[str]:
        """Names in $select and $expand that the type does not have."""
        schema = self._schemas[type_name]
        if schema.trimmed:
            return
        for name in selection.select or ():
            if name not in schema.properties:
                yield f"$select names {name}, which {type_name} does not have"
        for name, inner in selection.expand.items():
            if name not in schema.navigation:
                yield f"$expand names {name}, no navigation property of {type_name}"
            else:
                yield from self.selection_faults(inner, schema.navigation[name].type)

    def faults(self, value: Any, wanted: Property, where: str, selection: Selection | None) -> Iterator[str]:
        """What is wrong with a value. ``selection`` None: part of a request, which need not be complete."""
        if value is None:
            if not wanted.nullable:
                yield f"{where} is null"
        elif wanted.collection:
            if not isinstance(value, list):
                yield f"{where} is no list: {value!r:.80}"
            else:
                item = Property(wanted.type, nullable=False)
                for index, one in enumerate(value):
                    yield from self.faults(one, item, f"{where}[{index}]", selection)
        elif wanted.type.startswith("Edm."):
            yield from _primitive_faults(value, wanted.type, where)
        elif self._schemas[wanted.type].kind == "enum":
            members = (*self._schemas[wanted.type].members, *_ALSO_PRINTED.get(wanted.type, ()))
            if value not in members or value == "unknownFutureValue":
                yield f"{where} is no {wanted.type}: {value!r:.80}"
        elif not isinstance(value, dict):
            yield f"{where} is no object: {value!r:.80}"
        else:
            yield from self._object_faults(value, wanted.type, where, selection)

    def _object_faults(
        self, value: dict[str, Any], type_name: str, where: str, selection: Selection | None
    ) -> Iterator[str]:
        schema = self._schemas[type_name]
        told = value.get("@odata.type")
        if told is not None:
            derived = self._derived(str(told), type_name)
            if derived is None:
                yield f"{where} has @odata.type {told!r}, no {type_name}"
                return
            schema = derived
        if schema.abstract:
            yield f"{where} is of the abstract type {schema.name} and does not tell which"
            return
        if schema.trimmed:
            yield from _primitive_faults(value.get("id"), "Edm.String", f"{where}.id")
            return
        expand = selection.expand if selection else {}
        for name, one in value.items():
            place = f"{where}.{name}"
            if name.startswith("@odata.") or "@odata." in name:
                continue
            if name in schema.properties:
                yield from self.faults(one, schema.properties[name], place, Selection() if selection else None)
                yield from self._listed_faults(name, one, schema, place)
            elif name in schema.navigation and name in expand:
                yield from self.faults(one, schema.navigation[name], place, expand[name])
            elif not schema.open:
                yield f"{place} is unknown to {schema.name}" + (
                    ", or was not asked for" if name in schema.navigation else ""
                )
        if selection is not None:
            yield from _missing(value, schema, where, selection)

    def _derived(self, told: str, type_name: str) -> Schema | None:
        """The type that @odata.type names, if it is the declared one or one below it."""
        name = told.lstrip("#").removeprefix("microsoft.graph.")
        above: str | None = name
        while above is not None and above != type_name:
            above = self._schemas[above].base if above in self._schemas else None
        if above is not None:
            return self._schemas[name]
        # Of a trimmed type the types below it are not described, or do not tell what they are below.
        described = name in self._schemas and not self._schemas[name].trimmed
        return self._schemas[type_name] if self._schemas[type_name].trimmed and not described else None

    def _listed_faults(self, name: str, value: Any, schema: Schema, where: str) -> Iterator[str]:
        listed = _LISTED.get(name, ())
        if name == "status" and schema.name.startswith("unifiedRole"):
            listed = self._statuses
        if not listed or schema.properties[name].type != "Edm.String":
            return
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and one not in listed:
                yield f"{where} is {one!r}, which is not among the documented {', '.join(listed)}"


def _primitive_faults(value: Any, type_name: str, where: str) -> Iterator[str]:
    if type_name not in _PRIMITIVE:
        yield f"{where} is of type {type_name}, which no check is written for"
    elif not _PRIMITIVE[type_name](value):
        yield f"{where} is no {type_name}: {value!r:.80}"


def _missing(value: dict[str, Any], schema: Schema, where: str, selection: Selection) -> Iterator[str]:
    """Without $select the service tells every property, the empty ones as null; and always what was to be expanded."""
    asked = schema.properties if selection.select is None else selection.select
    wanted = [name for name in asked if schema.complete or not schema.properties[name].nullable]
    for name in (*wanted, *selection.expand):
        if name not in value:
            yield f"{where} lacks {name}"
    if selection.select is not None:
        for name in value:
            if name in schema.properties and name not in selection.select:
                yield f"{where}.{name} was not selected"


def _schema(name: str, one: dict[str, Any]) -> Schema:
    properties = {}
    for key, described in one.get("allProperties", {}).items():
        properties[key] = Property.read(described["type"], described["nullable"])
    return Schema(
        name,
        one["kind"],
        one.get("baseType"),
        bool(one.get("abstract")),
        bool(one.get("openType")),
        trimmed="note" in one,
        properties=properties,
        navigation={key: Property.read(text) for key, text in one.get("allNavigation", {}).items()},
        members=tuple(one.get("members", {})),
    )


def _model(name: str, models: dict[str, Any]) -> Schema:
    """A class of the SDK for beta, which tells neither what may be null nor what has to be asked for."""
    one = models[name]
    properties = {"id": Property("Edm.String", nullable=False)} if one["baseType"] == "entity" else {}
    if one["baseType"] in models:
        properties.update(_model(one["baseType"], models).properties)
    properties.update((key, Property.read(described["type"])) for key, described in one["properties"].items())
    return Schema(name, "entity", one["baseType"], complete=False, properties=properties)


def _match(template: Sequence[str], segments: Sequence[str]) -> tuple[str, ...] | None:
    """The parameters of the path, or None where it is another."""
    if len(template) != len(segments):
        return None
    parameters = []
    for wanted, given in zip(template, segments, strict=True):
        if "{" not in wanted:
            if wanted != given:
                return None
            continue
        before, _brace, rest = wanted.partition("{")
        after = rest.partition("}")[2]
        value = given[len(before) : len(given) - len(after)]
        if not (given.startswith(before) and given.endswith(after) and value) or re.search(r"[()'/]", value):
            return None
        parameters.append(value)
    return tuple(parameters)
