"""Sample values for fields, which keep the constraints that the fields declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import from_json
from framework_m_testing.samples.values import Schema, find_leaf, list_values

__all__ = ["NoSampleError", "SampleValues"]

_CONSTRAINTS = ("pattern", "min_length", "max_length", "ge", "gt", "le", "lt", "multiple_of")


class NoSampleError(ValueError):
    """No value could be made for a field: the test must pass it."""

    def __init__(self, place: str, reason: str, remedy: str = "pass it") -> None:
        super().__init__(f"cannot make a value for {place}: {reason}; {remedy}")


class SampleValues:
    """Makes values for the fields of one DocType or child table, as in a request."""

    def __init__(self, doctype: str, model: type[BaseModel], specs: Mapping[str, FieldSpec]) -> None:
        self.doctype = doctype
        self.specs = specs
        self._infos = model.model_fields

    def list(self, name: str, number: int) -> list[Any]:
        """Return values for a field, likely ones first; other numbers give others, if the field has enough of them.

        Raises NoSampleError if none is known that the field accepts.
        """
        spec = self.specs[name]
        if spec.field_type is not None:
            return [*spec.field_type.json_schema()["examples"]]
        adapter = _adapt(self._infos[name])
        found = list_values(adapter.core_schema, name, number, spec.scale)
        kept = [raw for raw in found if _accepts(adapter, spec, raw)]
        if not kept:
            raise NoSampleError(f"{self.doctype}.{name}", _describe(adapter.core_schema))
        return kept

    def make(self, name: str, number: int) -> Any:
        """Return the likeliest value of a field."""
        return self.list(name, number)[0]

    def count_rows(self, name: str) -> int:
        """Return how many rows a field of rows needs at least."""
        return int(find_leaf(_adapt(self._infos[name]).core_schema).get("min_length", 0))


def _adapt(info: FieldInfo) -> TypeAdapter[Any]:
    declared: Any = info.annotation
    for constraint in info.metadata:
        declared = Annotated[declared, constraint]
    return TypeAdapter(declared)


def _accepts(adapter: TypeAdapter[Any], spec: FieldSpec, raw: Any) -> bool:
    try:
        adapter.validate_python(from_json(spec, raw))
    except (ValueError, OverflowError):
        return False
    return True


def _describe(schema: Schema) -> str:
    leaf = find_leaf(schema)
    stated = [f"{word} {leaf[word]!r}" for word in _CONSTRAINTS if word in leaf]
    return ", ".join(stated) or "nothing that is known fits its type"
