"""Example values of fields, for the schemas of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["example_of"]

_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
_EXAMPLES: Final[Mapping[FieldKind, Any]] = {
    FieldKind.TEXT: "text",
    FieldKind.INTEGER: 1,
    FieldKind.FLOAT: 1.5,
    FieldKind.BOOLEAN: True,
    FieldKind.DATETIME: "2026-01-31T12:00:00Z",
    FieldKind.DATE: "2026-01-31",
    FieldKind.UUID: _ID,
    FieldKind.BYTES: "Ynl0ZXM=",
}


def example_of(plan: CompiledDocType, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an example document: a value of the right kind for each field of the schema except sensitive ones."""
    shown = schema["properties"]
    told = [plan.specs[name] for name in shown if not plan.specs[name].sensitive]
    return {spec.name: [_row(plan, spec, shown)] if spec.child else _value(spec) for spec in told if _has_example(spec)}


def _has_example(spec: FieldSpec) -> bool:
    """Return whether a field has an example value; JSON of any shape has none."""
    return spec.kind is not FieldKind.JSON


def _row(plan: CompiledDocType, field: FieldSpec, shown: Mapping[str, Any]) -> dict[str, Any]:
    specs = [plan.children[field.name].fields.get(name) for name in shown[field.name]["items"]["properties"]]
    return {spec.name: _value(spec) for spec in specs if spec and not spec.sensitive and _has_example(spec)}


def _value(spec: FieldSpec) -> Any:
    if spec.choices:
        return spec.choices[0]
    if spec.enum:
        return next(iter(spec.enum)).value
    if spec.field_type is not None:
        return spec.field_type.json_schema()["examples"][0]
    if spec.kind is FieldKind.DECIMAL:
        return f"{1:.{spec.scale or 0}f}"
    return _EXAMPLES[spec.kind]
