"""`DocumentCodec`: a DocType's documents as BSON, with their child rows embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from framework_m_core.spi import (
    FRAMEWORK_SPECS,
    VALUE_BYTES,
    ChildSelection,
    CompiledChildTable,
    CompiledDocType,
    FieldSpec,
    default_of,
    hash_key,
)
from framework_mx_mongo.documents.values import Convert, encode_value, make_decoder, make_encoder

__all__ = ["DocumentCodec", "Get", "columns_of_default", "encode_field", "key_of"]

type Get = Callable[[Mapping[str, Any]], Any]
"""Returns a selected part of a stored document, as readers return it."""

type _Encode = Callable[[Mapping[str, Any], dict[str, Any], Mapping[str, Any]], None]
"""Adds a field's columns to what is stored, made from the values now and before."""


def key_of(column: str) -> str:
    """Return the key under which a document's column is stored."""
    return "_id" if column == "id" else column


class DocumentCodec:
    """The conversion of one DocType's documents and the selected parts of them."""

    def __init__(self, plan: CompiledDocType) -> None:
        self._plan = plan
        self._columns = [_encode(plan.specs[name], key_of) for name in plan.columns]
        self._rows = {
            field: [_encode(_row_spec(child, name), str) for name in child.columns]
            for field, child in plan.children.items()
        }

    def encode_document(self, values: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the BSON of a document's values, given as by `dump_document`. Raises IntegrityError.

        A required value may be missing if it is in the values `before`.
        """
        stored: dict[str, Any] = {}
        for encode in self._columns:
            encode(values, stored, before)
        for field, columns in self._rows.items():
            known = {hash_key(row["id"]): row for row in before.get(field, ())}
            stored[field] = [_encode_row(columns, row, known.get(hash_key(row["id"]), {})) for row in values[field]]
        return stored

    def make_getter(self, part: str | ChildSelection) -> Get:
        """Return the getter of a selected part. Raises KeyError for an unknown name."""
        plan = self._plan
        if isinstance(part, str):
            if part not in plan.columns:
                raise KeyError(part)
            return _getter(plan.specs[part], plan.model, key_of)
        child = plan.children[part.field]
        if unknown := set(part.columns).difference(child.columns):
            raise KeyError(*sorted(unknown))
        getters = [_getter(_row_spec(child, name), child.model, str) for name in part.columns]
        return _rows_getter(part.field, getters)

    def make_projection(self, parts: Sequence[str | ChildSelection]) -> dict[str, int]:
        """Return the projection that reads these parts."""
        keys: dict[str, int] = {"_id": 1}
        for part in parts:
            if isinstance(part, str):
                keys |= {key_of(column.name): 1 for column in self._plan.specs[part].columns}
            else:
                keys |= {f"{part.field}.{name}": 1 for name in _row_keys(self._plan.children[part.field], part)}
        return keys

    def make_size(self, parts: Sequence[str | ChildSelection]) -> dict[str, Any]:
        """Return the expression of about how many bytes these parts have."""
        measured: dict[str, Any] = {}
        fixed: list[Any] = []
        for part in parts:
            if isinstance(part, str):
                measured |= {column.name: f"${key_of(column.name)}" for column in self._plan.specs[part].columns}
            else:
                row = {name: f"$$row.{name}" for name in _row_keys(self._plan.children[part.field], part)}
                rows = {"$ifNull": [f"${part.field}", []]}
                measured[part.field] = {"$map": {"input": rows, "as": "row", "in": row}}
                fixed.append({"$multiply": [{"$size": rows}, VALUE_BYTES * len(row)]})
        return {"$add": [{"$bsonSize": measured}, VALUE_BYTES * len(measured), *fixed]}


def encode_field(spec: FieldSpec, value: Any) -> dict[str, Any]:
    """Return the stored columns of one field's value. Raises IntegrityError for one that the field cannot hold."""
    stored: dict[str, Any] = {}
    _encode(spec, key_of)({spec.name: value}, stored, {})
    return stored


def columns_of_default(model: type[BaseModel], spec: FieldSpec) -> dict[str, Any]:
    """Return the columns of a field with the BSON of its default, or None if it has none."""
    if spec.name in FRAMEWORK_SPECS:
        return {}
    default = default_of(model, spec)
    if default is None:
        return dict.fromkeys((column.name for column in spec.columns), None)
    return encode_field(spec, default)


def _encode(spec: FieldSpec, key: Callable[[str], str]) -> _Encode:
    columns = [(key(column.name), make_encoder(column)) for column in spec.columns]
    single = columns[0] if spec.field_type is None else None

    def encode_one(values: Mapping[str, Any], stored: dict[str, Any], before: Mapping[str, Any]) -> None:
        stored_key, convert = single or columns[0]
        value = _value(spec, values, before)
        stored[stored_key] = convert(value) if convert is not None and value is not None else value

    def encode_parts(values: Mapping[str, Any], stored: dict[str, Any], before: Mapping[str, Any]) -> None:
        parts = spec.parts_of(_value(spec, values, before))
        for (stored_key, convert), part in zip(columns, parts, strict=True):
            stored[stored_key] = convert(part) if convert is not None and part is not None else part

    return encode_one if single else encode_parts


def _value(spec: FieldSpec, values: Mapping[str, Any], before: Mapping[str, Any]) -> Any:
    is_still_missing = values[spec.name] is None and before.get(spec.name, ...) is None
    return None if is_still_missing else encode_value(spec, values[spec.name])


def _encode_row(columns: Sequence[_Encode], row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for encode in columns:
        encode(row, stored, before)
    return stored


def _getter(spec: FieldSpec, model: type[BaseModel], key: Callable[[str], str]) -> Get:
    """Return the getter of a field; a document stored without it has the field's default."""
    default = None if spec.name in FRAMEWORK_SPECS else default_of(model, spec)
    columns = [(key(column.name), make_decoder(column)) for column in spec.columns]
    decode = _single_decoder(columns[0][1]) if spec.field_type is None else None
    nullable = spec.nullable

    def get(stored: Mapping[str, Any]) -> Any:
        raw = [stored.get(name) for name, _ in columns]
        if None in raw:
            return None if nullable and columns[0][0] in stored else default
        if decode is not None:
            return decode(raw[0])
        parts = (value if convert is None else convert(value) for value, (_, convert) in zip(raw, columns, strict=True))
        return spec.field_type.from_parts(tuple(parts)) if spec.field_type is not None else None

    return get


def _single_decoder(convert: Convert | None) -> Convert:
    return (lambda value: value) if convert is None else convert


def _rows_getter(field: str, getters: Sequence[Get]) -> Get:
    return lambda stored: [tuple([get(row) for get in getters]) for row in stored.get(field) or ()]


def _row_spec(child: CompiledChildTable, name: str) -> FieldSpec:
    return FRAMEWORK_SPECS["id"] if name == "id" else child.fields[name]


def _row_keys(child: CompiledChildTable, part: ChildSelection) -> Iterator[str]:
    for name in part.columns:
        for column in _row_spec(child, name).columns:
            yield column.name
