"""OpenAPI schemas of one DocType: documents as served, bodies that create and update, pages and searches.

Generators make classes of named components, and give every property with a default a value or a place among the
required ones. So choices and rows are components of their own, shared where they are the same, and a default stands
under a word of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.documents.naming import FieldNaming, fields_of_rule
from framework_m_core.domain.fields.field_type import FieldType
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType
from framework_m_core.services.links.titles import TITLES
from framework_m_core.services.metadata.disclosure import Disclosure
from framework_m_core.services.metadata.schemas import KEYWORD_PREFIX, describe_document, describe_input
from framework_m_standard.http.openapi.doctypes.examples import example_of
from framework_m_standard.http.openapi.doctypes.searches import search_schemas
from framework_m_standard.http.openapi.parts.references import reference_of, rename_default, retarget

__all__ = ["Schemas", "Visible", "describe_doctype_schemas"]

_DEFINITIONS: Final = "#/$defs/"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
_ALWAYS: Final = ("id", "name", "_version")
_DELETED_AT: Final = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "Included in lists with include_deleted.",
}
_DEFAULT_FILTERS: Final = {
    "type": "array",
    "items": {"type": "object", "additionalProperties": True},
    "description": "The default filters of the DocType that the page has, if any.",
}
_OPTIONAL: Final = ("truncated_by", "default_filters")
_LONG: Final = {"type": "integer", "format": "int64"}

type Visible = Mapping[str, Mapping[str, Grant]]
"""The caller's grants by DocType and action."""

type Schemas = dict[str, dict[str, Any]]


def describe_doctype_schemas(registry: RegistryView, name: str, visible: Visible, disclosure: Disclosure) -> Schemas:
    """Return the schemas of a DocType's documents as the caller reads them, and of the bodies that it may send."""
    plan: CompiledDocType = registry.get(name)
    grants = visible[name]
    schemas: Schemas = {}
    if "read" in grants:
        schemas |= _served(registry, plan, visible, disclosure)
        schemas |= {f"{name}-Page": _page(plan), **search_schemas(plan, grants["read"].readable)}
    for action, suffix in (("create", "Create"), ("write", "Update")):
        if action in grants:
            schema = describe_input(plan, grants[action].writable, disclosure, creating=action == "create")
            schema["examples"] = [example_of(plan, schema)]
            schemas |= _components(plan, schema, suffix)
    if "create" in grants:
        schemas[f"{name}-Duplicate"] = _copy(schemas[f"{name}-Create"])
    if "amend" in grants:
        schemas |= _amendment(plan, describe_input(plan, grants["amend"].writable, disclosure, creating=True))
    return schemas


def _served(registry: RegistryView, plan: CompiledDocType, visible: Visible, disclosure: Disclosure) -> Schemas:
    grants = visible[plan.name]
    schema = describe_document(plan, grants["read"].readable, frozenset(), disclosure)
    schema["required"] = [*_ALWAYS]
    for name in plan.children.keys() & schema["properties"].keys():
        row = schema["properties"][name]["items"]
        row["required"] = [*row["properties"]]
        row.pop("additionalProperties", None)
    schema["examples"] = [example_of(plan, schema)]
    for name in plan.links.keys() & schema["properties"].keys() & disclosure.links:
        _add_expanded(schema["properties"][name], _target(registry, plan.links[name], visible))
    schema.pop("additionalProperties", None)  # later versions may serve more
    if "delete" in grants:
        schema["properties"]["deleted_at"] = dict(_DELETED_AT)
    schemas = _components(plan, schema, "")
    _add_titles(schemas[plan.name], plan.links)
    for name in plan.children.keys() & schema["properties"].keys():
        _add_titles(schemas[f"{plan.name}-{name}-Row"], plan.children[name].links)
    return schemas


def _copy(creation: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a body of which the document that is copied gives the rest."""
    schema = {word: value for word, value in creation.items() if word not in {"required", "examples"}}
    properties = {name: {**described} for name, described in creation["properties"].items()}
    for described in properties.values():
        described.pop(f"{KEYWORD_PREFIX}default", None)
    return {**schema, "properties": properties}


def _amendment(plan: CompiledDocType, creation: dict[str, Any]) -> Schemas:
    """Return the schemas of the body of an amendment, which is named after the document that it amends."""
    properties = creation["properties"]
    for name in ("name", *fields_of_rule(plan.naming)) if isinstance(plan.naming, FieldNaming) else ("name",):
        properties.pop(name, None)
    properties[VERSION_FIELD] = {**_LONG, "description": "The version that is amended."}
    schemas = _components(plan, creation, "Amend")
    schemas[f"{plan.name}-Amend"] = _copy(schemas[f"{plan.name}-Amend"])
    return schemas


def _add_titles(schema: dict[str, Any], links: Iterable[str]) -> None:
    if shown := sorted(schema["properties"].keys() & {*links}):
        schema["properties"][TITLES] = {
            "type": "object",
            "description": "With titles=true, the titles of the linked documents that you may read or select.",
            "properties": {name: {"type": "string"} for name in shown},
        }


def _target(registry: RegistryView, doctype: str, visible: Visible) -> dict[str, Any] | None:
    """Return the schema of an expanded link, or None if it stays an id."""
    if "read" in visible.get(doctype, ()):
        return reference_of(doctype)
    target = registry.doctypes.get(doctype)
    return {"type": "object"} if target is not None and not target.meta.has_api else None


def _add_expanded(described: dict[str, Any], target: dict[str, Any] | None) -> None:
    """Let the property of a link hold the linked document as well."""
    if target is not None:
        identifier = {word: described.pop(word) for word in ("type", "format") if word in described}
        first, *rest = described.pop("anyOf", [identifier])
        described["anyOf"] = [first, target, *rest]


def _components(plan: CompiledDocType, schema: dict[str, Any], suffix: str) -> Schemas:
    """Return a schema and its rows, choices, objects and definitions, each as a component of its own."""
    definitions = schema.pop("$defs", {})
    schema.pop("$schema", None)
    for described in _properties(plan, schema):
        for word in ("readOnly", "writeOnly", *(() if suffix == "Create" else ("default",))):
            described.pop(word, None)
        rename_default(described)
    parts: Schemas = {}
    for field, described in schema["properties"].items():
        child = plan.children.get(field)
        if child is None:
            parts |= _named_values(f"{plan.name}-{field}", plan.specs[field], described, definitions)
            continue
        specs = {**FRAMEWORK_SPECS, **child.fields}
        for name, column in described["items"]["properties"].items():
            parts |= _named_values(f"{plan.name}-{field}-{name}", specs[name], column, definitions)
        row = f"{plan.name}-{field}-Row{suffix}"
        parts[row] = described["items"]
        described["items"] = reference_of(row)
    inner = f"{plan.name}--"
    whole = {f"{plan.name}-{suffix}" if suffix else plan.name: schema, **parts}
    whole |= {inner + name: found for name, found in definitions.items()}
    return {name: retarget(found, _DEFINITIONS, inner) for name, found in whole.items()}


def _properties(plan: CompiledDocType, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for field, described in schema["properties"].items():
        yield described
        if field in plan.children:
            yield from described["items"]["properties"].values()


def _named_values(name: str, spec: FieldSpec, described: dict[str, Any], definitions: Mapping[str, Any]) -> Schemas:
    """Replace the choices or the object that a field holds by a reference to a component, and return that."""
    place = described["anyOf"][0] if "anyOf" in described else described
    if spec.field_type is not None:
        return _named_type(spec.field_type, place)
    if spec is FRAMEWORK_SPECS["docstatus"]:
        name = "Framework-DocStatus"
    elif not (spec.enum or spec.choices):
        return {}
    if "$ref" in place:
        choices = dict(definitions[place.pop("$ref").removeprefix(_DEFINITIONS)])
    else:
        stated = {word: place.pop(word) for word in ("type", "enum", "const") if word in place}
        choices = {"type": "string", "enum": stated.get("enum") or [stated["const"]]}
    place.update(reference_of(name))
    return {name: choices}


def _named_type(field_type: FieldType[Any], place: dict[str, Any]) -> Schemas:
    own = field_type.json_schema()
    if own.get("type") != "object":
        return {}
    name = f"FieldType--{_NOT_IN_NAMES.sub('-', field_type.name)}"
    for word, value in own.items():
        if place.get(word) == value:
            del place[word]
    place.update(reference_of(name))
    return {name: dict(own)}


def _page(plan: CompiledDocType) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "items": {"type": "array", "items": reference_of(plan.name)},
        "total": {**_LONG, "type": ["integer", "null"], "description": "The number of all, if it was asked for."},
        "limit": _LONG,
        "offset": _LONG,
        "has_more": {"type": "boolean"},
        "next_cursor": {"type": ["string", "null"]},
        "truncated_by": {"type": "string", "description": "Why the page ended before its limit, if it did: bytes."},
    }
    if plan.default_filters:
        properties["default_filters"] = _DEFAULT_FILTERS
    return {
        "type": "object",
        "description": f"A page of {plan.name} documents.",
        "properties": properties,
        "required": [name for name in properties if name not in _OPTIONAL],
    }
