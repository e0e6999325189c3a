"""Finding the stored values that a field no longer accepts in MongoDB: aggregations over ranges of documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, Final

from bson import Decimal128

from framework_m_core.spi import (
    FieldKind,
    FieldSpec,
    Refusal,
    RefusedValues,
    Registry,
    StoredFields,
    format_odd_names,
    is_odd_name,
    list_stored_fields,
)
from framework_mx_mongo.documents.codec import key_of
from framework_mx_mongo.documents.layout import Layout, layout_of
from framework_mx_mongo.documents.values import make_decoder, make_encoder
from framework_mx_mongo.engine.driver import BsonDocument, MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.schema.batches import list_ranges
from framework_mx_mongo.schema.existing import read_existing

__all__ = ["find_unfit_values"]

_RANGE: Final = 10_000
"""The number of documents that one aggregation reads, so that none takes long."""

_MAX_NAMED: Final = 3
_INT64: Final = 1 << 63
_LENGTHS: Final = {"longer": "$gt", "shorter": "$lt"}
_EXACT: Final = frozenset({FieldKind.INTEGER, FieldKind.DECIMAL})


async def find_unfit_values(driver: MongoDriver, registry: Registry) -> list[str]:
    """Return a line, with a count and some documents, for each field of apps that would refuse stored values."""
    existing = await read_existing(driver, [*registry.doctypes])
    lines: list[str] = []
    for fields in list_stored_fields(registry):
        name = fields.plan.name
        if name not in existing.collections:
            continue
        if fields.has_names and (odd := await _find_odd_names(driver, name)):
            lines.append(format_odd_names(name, odd))
        layout, declared = existing.get_layout(name), layout_of(fields.plan)
        for spec in fields.specs:
            if _is_kept_as_declared(layout, declared, fields, spec):
                lines += [line async for line in _of_field(driver, fields, spec)]
    return lines


def _is_kept_as_declared(layout: Layout, declared: Layout, fields: StoredFields, spec: FieldSpec) -> bool:
    """Return whether a field is stored, as what it is: one of another kind is converted before it is compared."""
    if fields.child is not None:
        path = f"{fields.child.field}.{spec.name}"
        return layout.rows.get(path) == declared.rows[path]
    stored, wanted = layout.columns.get(spec.columns[0].name), declared.columns[spec.columns[0].name]
    return stored is not None and stored.kind == wanted.kind


async def _find_odd_names(driver: MongoDriver, name: str) -> list[str]:
    with translate_errors():
        found = driver.get_collection(name).find({"deleted_at": None}, {"name": 1})
        return [one["name"] async for one in found if is_odd_name(one["name"])]


async def _of_field(driver: MongoDriver, fields: StoredFields, spec: FieldSpec) -> AsyncIterator[str]:
    refusals = [(refusal, RefusedValues()) for refusal in fields.list_refusals(spec)]
    if not refusals:
        return
    async for part in list_ranges(driver, fields.plan.name, _RANGE):
        for refusal, found in refusals:
            await _add(driver, fields, spec, part, refusal, found)
    for refusal, found in refusals:
        if found.count:
            yield fields.format_line(refusal, found)


async def _add(
    driver: MongoDriver,
    fields: StoredFields,
    spec: FieldSpec,
    part: Mapping[str, Any],
    refusal: Refusal,
    found: RefusedValues,
) -> None:
    """Count what a field refuses in a range of documents."""
    column = spec.columns[0]
    path = key_of(column.name) if fields.child is None else f"{fields.child.field}.{column.name}"
    stages: list[BsonDocument] = [{"$match": {**part, "deleted_at": None}}]
    if fields.child is not None:
        stages.append({"$unwind": f"${fields.child.field}"})
    documents = driver.get_collection(fields.plan.name)
    with translate_errors():
        if refusal.comparing == "fails":
            decode = make_decoder(column)
            stages += [{"$match": {path: {"$ne": None}}}, {"$project": {"name": 1, "value": f"${path}"}}]
            async for one in await documents.aggregate(stages):
                if refusal.is_failed_by(decode(one["value"]) if decode else one["value"]):
                    found.add(1, (one["name"],))
            return
        stages += [{"$match": _query(column, path, refusal)}, *_COUNT]
        async for one in await documents.aggregate(stages):
            found.add(one["count"], one["names"])


_COUNT: Final[tuple[BsonDocument, ...]] = (
    {"$group": {"_id": "$name", "count": {"$sum": 1}}},
    {"$sort": {"_id": 1}},
    {"$group": {"_id": None, "count": {"$sum": "$count"}, "names": {"$push": "$_id"}}},
    {"$project": {"count": 1, "names": {"$slice": ["$names", _MAX_NAMED]}}},
)
"""The stages that count what matches, with the first names."""


def _query(column: FieldSpec, path: str, refusal: Refusal) -> BsonDocument:
    """Return the query of the values that a refusal means."""
    if refusal.comparing == "is_null":
        return {path: None}
    if refusal.comparing == "not_in":
        return {path: {"$nin": [None, *refusal.value]}}
    if comparison := _LENGTHS.get(refusal.comparing):
        length = {comparison: [{"$strLenCP": {"$ifNull": [f"${path}", ""]}}, refusal.value]}
        return {path: {"$ne": None}, "$expr": length}
    return {path: {f"${refusal.comparing}": _bound(column, refusal.value)}}


def _bound(column: FieldSpec, bound: Any) -> Any:
    """Return a bound as MongoDB compares it with the column exactly: an integer of 64 bits, else a decimal."""
    if column.kind is FieldKind.FLOAT:
        return float(bound)
    if column.kind in _EXACT:
        exact = Decimal(str(bound))
        is_integer = column.kind is FieldKind.INTEGER and exact == exact.to_integral_value()
        return int(exact) if is_integer and -_INT64 <= exact < _INT64 else Decimal128(exact)
    encode = make_encoder(column)
    return encode(bound) if encode else bound
