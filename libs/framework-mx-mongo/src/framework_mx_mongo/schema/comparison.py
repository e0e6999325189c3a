"""The comparison of DocTypes with the collections that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from framework_m_core.spi import CompiledDocType
from framework_mx_mongo.documents.indexes import FRAMEWORK_INDEXES, Index, indexes_of
from framework_mx_mongo.documents.layout import Layout, layout_of
from framework_mx_mongo.schema.changes import (
    AddField,
    AddIndex,
    Change,
    ChangeField,
    ChangeRowField,
    CreateCollection,
    DropCollection,
    DropField,
    DropIndex,
    KeepCollection,
    KeepField,
    SetValidator,
    is_change,
)
from framework_mx_mongo.schema.existing import ExistingSchema

__all__ = [
    "compare_collections",
    "compare_doctypes",
    "compare_framework",
    "compare_indexes",
    "find_undeclared",
]


def compare_framework(existing: ExistingSchema) -> Iterator[Change]:
    """Yield the changes of the framework's own collections, which are of no DocType."""
    for name, indexes in FRAMEWORK_INDEXES.items():
        yield from _compare_one(name, None, None, indexes, existing, drop=False)


def compare_doctypes(
    plans: Iterable[CompiledDocType], existing: ExistingSchema, *, drop: bool = False
) -> Iterator[Change]:
    """Yield the changes that make the collections match the DocTypes; values go only if `drop`."""
    for plan in plans:
        yield from _compare_one(
            plan.name, layout_of(plan), existing.get_layout(plan.name), indexes_of(plan), existing, drop=drop
        )


def compare_collections(wanted: ExistingSchema, existing: ExistingSchema) -> Iterator[Change]:
    """Yield the changes that give a database what another one has besides."""
    for name, found in wanted.collections.items():
        layout = wanted.get_layout(name)
        if name in existing.collections:
            yield from _added(name, layout, existing.get_layout(name))
        else:
            yield CreateCollection(name, existing.get_layout(name).merge(layout))
            yield from (AddIndex(name, index) for index in found.indexes.values())


def compare_indexes(wanted: ExistingSchema, existing: ExistingSchema) -> Iterator[Change]:
    """Yield the indexes that collections of a database lack of another's."""
    for name, found in wanted.collections.items():
        if there := existing.collections.get(name):
            yield from (AddIndex(name, index) for key, index in found.indexes.items() if key not in there.indexes)


def find_undeclared(existing: ExistingSchema, declared: Iterable[str], *, drop: bool = False) -> Iterator[Change]:
    """Yield the drop of collections that no DocType declares, or that they are kept."""
    known = set(declared)
    for name, layout in existing.layouts.items():
        if name not in known and name in existing.collections:
            if drop:
                yield from (DropIndex(name, index) for index in existing.collections[name].indexes.values())
            yield DropCollection(name, layout) if drop else KeepCollection(name, layout)


def _compare_one(
    name: str,
    wanted: Layout | None,
    stored: Layout | None,
    indexes: Sequence[Index],
    existing: ExistingSchema,
    *,
    drop: bool,
) -> Iterator[Change]:
    found = existing.collections.get(name)
    if found is None:
        merged = (stored or Layout()).merge(wanted) if wanted is not None else None
        yield CreateCollection(name, merged)
        yield from (AddIndex(name, index) for index in indexes)
        return
    declared = {index.name: index for index in indexes}
    yield from _dropped_indexes(name, declared, found.indexes)
    fields = list(_compare_fields(name, wanted, stored, drop=drop)) if wanted is not None and stored is not None else []
    yield from fields
    if not any(map(is_change, fields)):
        validator = stored.make_validator() if stored is not None and wanted is not None else {}
        if dict(found.validator) != validator:
            yield SetValidator(name)
    yield from (AddIndex(name, one) for one in declared.values() if found.indexes.get(one.name) != one)


def _dropped_indexes(name: str, declared: Mapping[str, Index], found: Mapping[str, Index]) -> Iterator[Change]:
    for index in found.values():
        if declared.get(index.name) != index:
            yield DropIndex(name, index)


def _compare_fields(name: str, wanted: Layout, stored: Layout, *, drop: bool) -> Iterator[Change]:
    for key, column in stored.columns.items():
        if key not in wanted.columns:
            yield DropField(name, key, column) if drop else KeepField(name, key, column)
    if drop:
        gone = [path for path in stored.rows if path not in wanted.rows]
        yield from (ChangeRowField(name, path, stored.rows[path], None) for path in gone)
    for key, column in wanted.columns.items():
        before = stored.columns.get(key)
        if before is not None and before != column:
            yield ChangeField(name, key, before, column)
    for path, kind in wanted.rows.items():
        if path in stored.rows and stored.rows[path] != kind:
            yield ChangeRowField(name, path, stored.rows[path], kind)
    yield from _added(name, wanted, stored)


def _added(name: str, wanted: Layout, stored: Layout) -> Iterator[Change]:
    for key, column in wanted.columns.items():
        if key not in stored.columns:
            yield AddField(name, key, column)
    for path, kind in wanted.rows.items():
        if path not in stored.rows:
            yield ChangeRowField(name, path, None, kind)
