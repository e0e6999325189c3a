"""JSON Schema 2020-12 of a DocType, reduced to the fields that a caller may see."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticUndefined, core_schema, to_jsonable_python

from framework_m_core.domain.documents.doctype import CHILD_FRAMEWORK_FIELDS, FRAMEWORK_FIELDS, VERSION_FIELD
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.fields.json_form import json_encoders, json_form
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType

__all__ = ["document_schema", "input_schema"]

_REFERENCE: Final = "#/$defs/"
_BOUNDS: Final = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
_OF_PYDANTIC: Final = frozenset({"$ref", "allOf", "anyOf", "default", "format", "properties", "required", "type"})
"""The words of pydantic's schema of a class, which a field type's own schema replaces."""
_ENCODED: Final = frozenset({FieldKind.BYTES, FieldKind.CUSTOM})
_ANNOTATIONS: Final = "x-framework-m"


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with decimals and bytes as strings, their form in JSON."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        bounds = {word: str(schema[key]) for key, word in _BOUNDS.items() if key in schema}  # type: ignore[literal-required]
        return {"type": "string", "format": "decimal", **({_ANNOTATIONS: bounds} if bounds else {})}

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        return {"type": "string", "contentEncoding": "base64"}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}  # of a field type, which describes its values itself

    def encode_default(self, dft: Any) -> Any:
        return to_jsonable_python(dft, fallback=lambda _: None, bytes_mode="base64")


def document_schema(plan: CompiledDocType, readable: frozenset[str], writable: frozenset[str]) -> dict[str, Any]:
    """Return the schema of a document as the caller reads and writes it, with child rows inline in their field."""
    whole = _whole(plan.model)
    definitions = whole.pop("$defs", {})
    shown = [name for name in (*FRAMEWORK_FIELDS, *plan.fields) if name in readable or name in writable]
    schema = _cut(whole, [name for name in shown if name != "deleted_at"], plan.specs)
    _describe_custom(schema, plan.specs, plan.model)
    for name in plan.children.keys() & schema["properties"].keys():
        schema["properties"][name]["items"] = _row_schema(plan, name, readable, writable)
    _annotate(schema, plan.specs, readable, writable | _given_name(plan))
    kept = {name: definitions[name] for name in _referenced(schema) if name in definitions}
    dialect = {"$schema": GenerateJsonSchema.schema_dialect}
    return {**dialect, **schema, **({"$defs": kept} if kept else {})}


def input_schema(plan: CompiledDocType, writable: frozenset[str], *, creating: bool) -> dict[str, Any]:
    """Return the schema of a body that creates or changes a document."""
    given = _given_name(plan) if creating else frozenset[str]()
    schema = document_schema(plan, frozenset(), writable | given)
    schema["additionalProperties"] = False
    if not creating:
        schema.pop("required", None)
        schema["properties"][VERSION_FIELD] = {"type": "integer", "description": "The version that is replaced."}
    elif given:
        schema["required"] = ["name", *schema.get("required", ())]
    for name in plan.children.keys() & schema["properties"].keys():
        row = schema["properties"][name]["items"]
        row["additionalProperties"] = False
        if creating:
            row["properties"].pop("id", None)
    for described in schema["properties"].values():
        described.pop("writeOnly", None)
    return schema


def _whole(model: type[BaseModel]) -> dict[str, Any]:
    return copy.deepcopy(model.model_json_schema(by_alias=True, schema_generator=_Generator))


def _given_name(plan: CompiledDocType) -> frozenset[str]:
    return frozenset({"name"} if isinstance(plan.naming, PromptNaming) else ())


def _row_schema(
    plan: CompiledDocType, field: str, readable: frozenset[str], writable: frozenset[str]
) -> dict[str, Any]:
    child, at = plan.children[field], f"{field}."
    whole = _whole(child.model)
    whole.pop("$defs", None)
    readable_here = {name.removeprefix(at) for name in readable if name.startswith(at)} | {*CHILD_FRAMEWORK_FIELDS}
    writable_here = {name.removeprefix(at) for name in writable if name.startswith(at)}
    specs = {**FRAMEWORK_SPECS, **child.fields}
    shown = [name for name in child.columns if name in readable_here | writable_here]
    schema = _cut(whole, shown, specs)
    _describe_custom(schema, specs, child.model)
    _annotate(schema, specs, readable_here, writable_here)
    return schema


def _cut(whole: dict[str, Any], shown: list[str], specs: Mapping[str, FieldSpec]) -> dict[str, Any]:
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
        default = model.model_fields[name].default if spec.kind in _ENCODED else PydanticUndefined
        if default is not PydanticUndefined:
            described["default"] = json_form(default, json_encoders((spec,)))
        if spec.ext:
            described["ext"] = spec.ext


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


def _referenced(node: Any) -> Iterator[str]:
    """Yield the names of the definitions that a schema refers to; enum definitions refer to no others."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(_REFERENCE)
        for part in node.values():
            yield from _referenced(part)
    elif isinstance(node, list):
        for part in node:
            yield from _referenced(part)
