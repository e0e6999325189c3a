"""JSON Schema 2020-12 of a DocType, reduced to the fields that a caller may see."""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, core_schema, to_jsonable_python

from framework_m_core.domain.documents.doctype import CHILD_FRAMEWORK_FIELDS, FRAMEWORK_FIELDS, VERSION_FIELD
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.field import KEYWORDS
from framework_m_core.domain.fields.json_form import json_encoders_of, to_json_form
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_BYTES, MAX_INDEXED_TEXT
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.merging import MAX_CHILD_ROWS
from framework_m_core.services.metadata.disclosure import Disclosure

__all__ = ["KEYWORD_PREFIX", "VALUE_SCHEMAS", "describe_document", "describe_input"]

KEYWORD_PREFIX: Final = "x-framework-m-"
"""The prefix of the words that JSON Schema does not have."""

_REFERENCE: Final = "#/$defs/"
_BOUNDS: Final = {"gt": "exclusive-minimum", "ge": "minimum", "lt": "exclusive-maximum", "le": "maximum"}
_OF_PYDANTIC: Final = frozenset({"$ref", "allOf", "anyOf", "default", "format", "properties", "required", "type"})
"""The words of pydantic's schema of a class, which a field type's own schema replaces."""
_ENCODED: Final = frozenset({FieldKind.BYTES, FieldKind.CUSTOM})
_MAX_BASE64: Final = -(-MAX_BYTES // 3) * 4


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with values as they are in JSON: decimals and bytes are strings."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        bounds = {_keyword(word): str(schema[key]) for key, word in _BOUNDS.items() if key in schema}  # type: ignore[literal-required]
        return {"type": "string", "format": "decimal", **bounds}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {**super().int_schema(schema), "format": "int64"}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {**super().float_schema(schema), "format": "double"}

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        return {"type": "string", "contentEncoding": "base64", "maxLength": _MAX_BASE64}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}  # of a field type, which describes its values itself

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, bytes):  # pydantic's base64 has the alphabet of URLs
            return b64encode(dft).decode()
        return to_jsonable_python(dft, fallback=lambda _: None, bytes_mode="base64")


VALUE_SCHEMAS: Final[type[GenerateJsonSchema]] = _Generator
"""The generator of schemas whose values are as they are in JSON."""


def describe_document(
    plan: CompiledDocType, readable: frozenset[str], writable: frozenset[str], disclosure: Disclosure
) -> dict[str, Any]:
    """Return the schema of a document as the caller reads and writes it, with child rows inline in their field."""
    whole = _full_schema(plan)
    definitions = whole.pop("$defs", {})
    shown = [name for name in (*FRAMEWORK_FIELDS, *plan.fields) if name in readable or name in writable]
    schema = _restrict(whole, [name for name in shown if name != "deleted_at"], plan.specs)
    _describe_custom(schema, plan.specs, plan.model)
    _withhold(schema, "", disclosure)
    for name in plan.children.keys() & schema["properties"].keys():
        rows = schema["properties"][name]
        rows["items"] = _row_schema(plan, name, readable, writable)
        _withhold(rows["items"], f"{name}.", disclosure)
        rows.setdefault("maxItems", MAX_CHILD_ROWS)
    for name in schema["properties"].keys() & {*plan.indexed_text}:
        _limit_length(schema["properties"][name])
    _annotate(schema, plan.specs, readable, writable | _given_name(plan))
    kept = _definitions(schema, definitions)
    dialect = {"$schema": GenerateJsonSchema.schema_dialect}
    return {**dialect, **schema, **({"$defs": kept} if kept else {})}


def describe_input(
    plan: CompiledDocType, writable: frozenset[str], disclosure: Disclosure, *, creating: bool
) -> dict[str, Any]:
    """Return the schema of a body that creates or changes a document."""
    given = _given_name(plan) if creating else frozenset[str]()
    schema = describe_document(plan, frozenset(), writable | given, disclosure)
    schema["additionalProperties"] = False
    if not creating:
        schema.pop("required", None)
        replaced = {"type": "integer", "format": "int64", "description": "The version that is replaced."}
        schema["properties"][VERSION_FIELD] = replaced
    elif given:
        schema["required"] = ["name", *schema.get("required", ())]
    for described in _described(plan, schema):
        for word in ("readOnly", "writeOnly", *(() if creating else ("default", _keyword("default_from")))):
            described.pop(word, None)
    _accept_names(schema, plan.links)
    for name in plan.children.keys() & schema["properties"].keys():
        row = schema["properties"][name]["items"]
        _accept_names(row, plan.children[name].links)
        row["additionalProperties"] = False
        if creating:
            row["properties"].pop("id", None)
        else:
            row.pop("required", None)  # a row with an id is merged as its document is
            row["properties"]["id"]["description"] = "The row that is changed; without an id, a row is added."
    return schema


def _accept_names(schema: dict[str, Any], links: Iterable[str]) -> None:
    """Let the links of a body be names."""
    for name in schema["properties"].keys() & {*links}:
        described = schema["properties"][name]
        for one in described.get("anyOf", [described]):
            one.pop("format", None)
        described.setdefault("description", "The id or the name of a document.")


def _described(plan: CompiledDocType, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the properties of a document and of its rows."""
    for name, described in schema["properties"].items():
        yield described
        if name in plan.children:
            yield from described["items"]["properties"].values()


def _full_schema(table: CompiledDocType | CompiledChildTable) -> dict[str, Any]:
    whole = copy.deepcopy(table.model.model_json_schema(by_alias=True, schema_generator=_Generator))
    if table.computed.specs:
        extra = table.computed.schema_model.model_json_schema(schema_generator=_Generator)
        whole["properties"].update(copy.deepcopy(extra["properties"]))
        whole["$defs"] = {**whole.get("$defs", {}), **copy.deepcopy(extra.get("$defs", {}))}
    return whole


def _given_name(plan: CompiledDocType) -> frozenset[str]:
    return frozenset({"name"} if isinstance(plan.naming, PromptNaming) else ())


def _row_schema(
    plan: CompiledDocType, field: str, readable: frozenset[str], writable: frozenset[str]
) -> dict[str, Any]:
    child, at = plan.children[field], f"{field}."
    whole = _full_schema(child)
    whole.pop("$defs", None)
    readable_here = {name.removeprefix(at) for name in readable if name.startswith(at)} | {*CHILD_FRAMEWORK_FIELDS}
    writable_here = {name.removeprefix(at) for name in writable if name.startswith(at)}
    specs = {**FRAMEWORK_SPECS, **child.fields}
    shown = [name for name in child.columns if name in readable_here | writable_here]
    schema = _restrict(whole, shown, specs)
    _describe_custom(schema, specs, child.model)
    _annotate(schema, specs, readable_here, writable_here)
    return schema


def _restrict(whole: dict[str, Any], shown: list[str], specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
    """Return the object schema with only the properties in `shown`."""
    properties = whole.pop("properties", {})
    required = [name for name in shown if specs[name].required]
    whole.pop("required", None)
    cut = {**whole, "properties": {name: properties[name] for name in shown}}
    return {**cut, "required": required} if required else cut


def _describe_custom(schema: dict[str, Any], specs: Mapping[str, FieldSpec], model: type[BaseModel]) -> None:
    """Describe the values of field types and bytes as they are in JSON, and what third parties have validated."""
    for name, described in schema["properties"].items():
        spec = specs[name]
        if spec.field_type is not None:
            own = spec.field_type.json_schema()
            kept = {word: described[word] for word in described.keys() - _OF_PYDANTIC}
            described.clear()
            described.update({"anyOf": [dict(own), {"type": "null"}]} if spec.nullable else own, **kept)
        default = find_info(model, name).default if spec.kind in _ENCODED else PydanticUndefined
        if default is not PydanticUndefined:
            described["default"] = to_json_form(default, json_encoders_of((spec,)))
        if spec.ext:
            described["ext"] = spec.ext
        if spec.dynamic_default:
            described["default_from"] = spec.dynamic_default.describe()
        for word in (*KEYWORDS, "ext", "default_from"):
            if word in described:
                described[_keyword(word)] = described.pop(word)


def _withhold(schema: dict[str, Any], at: str, disclosure: Disclosure) -> None:
    """Remove the names of targets and sources that the caller may not be told."""
    for name, described in schema["properties"].items():
        for word, told in (("link", disclosure.links), ("fetch_from", disclosure.fetches)):
            if at + name not in told:
                described.pop(_keyword(word), None)


def _annotate(
    schema: dict[str, Any],
    specs: Mapping[str, FieldSpec],
    readable: frozenset[str] | set[str],
    writable: frozenset[str] | set[str],
) -> None:
    """Mark read-only and write-only properties; hide defaults and examples of framework and sensitive fields."""
    for name, described in schema["properties"].items():
        if name not in writable:
            described["readOnly"] = True
        if name not in readable:
            described["writeOnly"] = True
        if name in FRAMEWORK_SPECS or specs[name].sensitive:
            for word in ("default", "examples"):
                described.pop(word, None)
        if name in FRAMEWORK_SPECS and "anyOf" in described:  # only documents that are not stored have none
            described.update(described.pop("anyOf")[0])


def _keyword(word: str) -> str:
    return KEYWORD_PREFIX + word.replace("_", "-")


def _limit_length(described: dict[str, Any]) -> None:
    """Limit the texts of a property to what an index entry holds."""
    for one in described.get("anyOf", [described]):
        if one.get("type") == "string" and "enum" not in one and "const" not in one:
            one["maxLength"] = min(one.get("maxLength", MAX_INDEXED_TEXT), MAX_INDEXED_TEXT)


def _definitions(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that a schema needs, in the order in which it refers to them."""
    kept: dict[str, Any] = {}
    pending = [*_referenced(schema)]
    while pending:
        name = pending.pop(0)
        if name in definitions and name not in kept:
            kept[name] = definitions[name]
            pending += _referenced(definitions[name])
    return kept


def _referenced(node: Any) -> Iterator[str]:
    """Yield the names of the definitions that a schema refers to."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(_REFERENCE)
        for part in node.values():
            yield from _referenced(part)
    elif isinstance(node, list):
        for part in node:
            yield from _referenced(part)
