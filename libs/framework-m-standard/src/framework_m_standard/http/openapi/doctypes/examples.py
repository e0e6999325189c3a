"""Example values of fields, for the schemas of documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledDocType
from framework_m_core.services.metadata.schemas import KEYWORD_PREFIX

__all__ = ["example_of"]

_TEXT: Final = "text"
_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
_EXAMPLES: Final[Mapping[FieldKind, Any]] = {
    FieldKind.BOOLEAN: True,
    FieldKind.DATETIME: "2026-01-31T12:00:00Z",
    FieldKind.DATE: "2026-01-31",
    FieldKind.UUID: _ID,
    FieldKind.BYTES: "Ynl0ZXM=",
}


def example_of(plan: CompiledDocType, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an example document: a value of the right kind for each field of the schema except sensitive ones."""
    return {
        name: _rows(plan.children[name].fields, described["items"])
        if name in plan.children
        else _value(plan.specs[name], described)
        for name, described in schema["properties"].items()
        if _has_example(plan.specs[name], described)
    }


def _rows(specs: Mapping[str, FieldSpec], schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a list of one row, or an empty list if a required value has no example and cannot be null."""
    shown, required = schema["properties"], schema.get("required", ())
    row: dict[str, Any] = {"id": _ID} if "id" in required else {}
    for name in [name for name in shown if name in specs]:
        if _has_example(specs[name], shown[name]):
            row[name] = _value(specs[name], shown[name])
        elif name in required and not specs[name].nullable:
            return []
        elif name in required:
            row[name] = None
    return [row]


def _has_example(spec: FieldSpec, described: Mapping[str, Any]) -> bool:
    """Return whether an example is known: not of JSON of any shape, nor of a pattern."""
    if spec.sensitive:
        return False
    return bool(_stated(spec, described)) or (
        spec.kind is not FieldKind.JSON and "pattern" not in _constraints(described)
    )


def _value(spec: FieldSpec, described: Mapping[str, Any]) -> Any:
    stated = _stated(spec, described)
    return stated[0] if stated else _made(spec, _constraints(described))


def _stated(spec: FieldSpec, described: Mapping[str, Any]) -> Sequence[Any]:
    if described.get("examples"):
        return list(described["examples"])
    if spec.field_type is not None:
        return list(spec.field_type.json_schema()["examples"])
    if spec is FRAMEWORK_SPECS["docstatus"]:
        return [0]
    return spec.choices or [member.value for member in spec.enum or ()]


def _made(spec: FieldSpec, constraints: Mapping[str, Any]) -> Any:
    if spec.kind is FieldKind.TEXT:
        return _text(constraints)
    if spec.kind is FieldKind.DECIMAL:
        bounds = {word.removeprefix(KEYWORD_PREFIX): value for word, value in constraints.items()}
        places = spec.scale or 0
        return f"{_number(bounds, Decimal(1).scaleb(-places)):.{places}f}"
    if spec.kind is FieldKind.INTEGER:
        return int(_number(constraints, Decimal(1)))
    if spec.kind is FieldKind.FLOAT:
        return float(_number(constraints, Decimal("0.001")))
    return _EXAMPLES[spec.kind]


def _constraints(described: Mapping[str, Any]) -> Mapping[str, Any]:
    first: Mapping[str, Any] = described["anyOf"][0] if "anyOf" in described else described
    return first


def _text(constraints: Mapping[str, Any]) -> str:
    minimum: int = constraints.get("minLength", 0)
    maximum: int = constraints.get("maxLength", len(_TEXT))
    return (_TEXT * (minimum // len(_TEXT) + 1))[: max(minimum, min(maximum, len(_TEXT)))]


def _number(constraints: Mapping[str, Any], step: Decimal) -> Decimal:
    """Return 1 or the number next to it that is within the bounds, which exclusive ones are missed by `step`."""
    bounds = {word.replace("-", "").lower(): value for word, value in constraints.items()}
    value = Decimal(1)
    for word, margin in (("minimum", 0), ("exclusiveminimum", step)):
        if word in bounds:
            value = max(value, Decimal(str(bounds[word])) + margin)
    for word, margin in (("maximum", 0), ("exclusivemaximum", step)):
        if word in bounds:
            value = min(value, Decimal(str(bounds[word])) - margin)
    factor = Decimal(str(bounds.get("multipleof", step)))
    return (value / factor).to_integral_value(ROUND_CEILING) * factor
