"""The comparison of declared tables with those of a database, for development's sync and for migrations alike.

Indexes, links and tables that were not made for a DocType are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import sort_tables_and_constraints

from framework_m_core.spi import FRAMEWORK_FIELDS
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema import keys
from framework_m_standard.sql.schema.changes import NOTHING, Change
from framework_m_standard.sql.schema.column_defaults import default_value_of, needs_value
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.schema.field_registry import format_type, is_type_of, kind_of

__all__ = ["compare", "missing_keys_of", "missing_of"]

_CHILD_FIELDS = frozenset({"id", "parent", "idx"})


def compare(
    dialect: Dialect, tables: Sequence[sa.Table], existing: ExistingSchema, *, drop: bool = False
) -> list[Change]:
    """Return the changes that make a database match tables; undeclared tables and columns are kept unless `drop`."""
    declared = {table.name for table in tables}
    left = list(_undeclared_tables(declared, existing))
    changes: list[Change] = list(_new_tables([table for table in tables if table.name not in existing.columns]))
    for table in tables:
        if table.name in existing.columns:
            changes += _columns(dialect, table, existing)
            changes += _undeclared_columns(table, existing, drop=drop)
            changes += _links(table, existing)
    changes += _indexes(tables, existing, declared.union(left) if drop else declared)
    changes += (
        (_dropped_table(name, existing) for name in left) if drop else (_kept_table(name, existing) for name in left)
    )
    return sorted(changes, key=lambda change: made.ORDER.index(type(change)))


def missing_of(left: ExistingSchema, existing: ExistingSchema) -> Iterator[Change]:
    """Yield the changes that add what a database lacks of another's tables."""
    new, put_off = left.columns.keys() - existing.columns.keys(), list[made.AddLink]()
    for name in reversed(list(_dependents_first(left.columns, left))):
        if name in new:
            new.discard(name)
            table = _dropped_table(name, left)
            later = {link: added for link in table.links if (added := _add_link(link)).target in new}
            yield made.CreateTable(name, table.declared, [link for link in table.links if link not in later])
            put_off += later.values()
            continue
        for column, found in left.columns[name].items():
            if column not in existing.columns[name]:
                yield made.AddColumn(name, sa.Column(column, kind_of(found.type), nullable=True))
    yield from put_off


def missing_keys_of(left: ExistingSchema, existing: ExistingSchema) -> Iterator[Change]:
    """Yield the indexes and links that tables of a database lack of another's, by their names."""
    for name, found in left.indexes.items():
        columns = [column for column in found.columns if column is not None]
        if found.table in existing.columns and name.startswith(keys.INDEX_PREFIXES) and name not in existing.indexes:
            yield made.AddIndex(found.table, name, columns, name.startswith("uq_"))
    for table in left.links.keys() & existing.columns.keys():
        there = {(link.name, link.target) for link in existing.links.get(table, ())}
        for link in left.links[table]:
            if (link.name, link.target) not in there:
                yield made.AddLink(table, link.name, link.target, link.cascade)


def _new_tables(tables: Sequence[sa.Table]) -> Iterator[Change]:
    """Yield new tables after those that they link to, and the links that a circle of tables puts off."""
    for table, links in sort_tables_and_constraints(tables):  # type: ignore[no-untyped-call]
        if table is not None:
            yield made.CreateTable(table.name, table, _by_name(links))
        else:
            yield from map(_add_link, _by_name(links))


def _by_name(links: Iterable[sa.ForeignKeyConstraint]) -> list[sa.ForeignKeyConstraint]:
    return sorted(links, key=lambda link: str(link.name))


def _columns(dialect: Dialect, table: sa.Table, existing: ExistingSchema) -> Iterator[Change]:
    there = existing.columns[table.name]
    id = there["id"].type if "id" in there else None
    for column in table.columns:
        if (found := there.get(column.name)) is None:
            default = default_value_of(column)
            yield made.AddColumn(table.name, column, NOTHING if default is None else default)
            continue
        if not is_type_of(found.type, format_type(dialect, column), id=id):
            yield made.ChangeType(table.name, column.name, column.type, kind_of(found.type), found.type)
        is_optional = bool(column.nullable) and not needs_value(column)
        if found.required and is_optional:
            yield made.SetNullable(table.name, column.name)
        elif not found.required and not is_optional:
            yield made.SetNotNullable(table.name, column.name, column)


def _undeclared_columns(table: sa.Table, existing: ExistingSchema, *, drop: bool) -> Iterator[Change]:
    for name, found in existing.columns[table.name].items():
        if name in table.columns:
            continue
        if drop:
            yield made.DropColumn(table.name, sa.Column(name, kind_of(found.type), nullable=True))
            continue
        if found.required:
            yield made.SetNullable(table.name, name, declared=False)
        yield made.KeepColumn(table.name, name, found.type)


def _links(table: sa.Table, existing: ExistingSchema) -> Iterator[Change]:
    wanted = {
        (link.name, link.target, link.cascade): link for link in map(_add_link, _by_name(table.foreign_key_constraints))
    }
    there = {(link.name, link.target, link.cascade): link for link in existing.links.get(table.name, ())}
    for key, found in there.items():
        if key not in wanted and found.named:
            yield made.DropLink(table.name, *key)
    yield from (link for key, link in wanted.items() if key not in there)


def _add_link(link: sa.ForeignKeyConstraint) -> made.AddLink:
    [column], [element] = link.columns, link.elements
    target = element.target_fullname.partition(".")[0]
    return made.AddLink(column.table.name, column.name, target, link.ondelete == "CASCADE", link)


def _indexes(tables: Sequence[sa.Table], existing: ExistingSchema, cleared: set[str]) -> Iterator[Change]:
    """Yield the indexes that no DocType declares anymore on the tables to clear, then the missing ones."""
    wanted = {str(index.name): index for table in tables for index in table.indexes}
    for name, found in sorted(existing.indexes.items()):
        columns = [column for column in found.columns if column is not None]
        is_ours = name.startswith(keys.INDEX_PREFIXES) and len(columns) == len(found.columns)
        if is_ours and name not in wanted and found.table in cleared:
            yield made.DropIndex(found.table, name, columns)
    for name, index in sorted(wanted.items()):
        if name not in existing.indexes and index.table is not None:
            columns = [column.name for column in index.columns]
            yield made.AddIndex(index.table.name, name, columns, bool(index.unique), index)


def _undeclared_tables(declared: set[str], existing: ExistingSchema) -> Iterator[str]:
    """Yield the tables that were once made for a DocType or for its child rows."""
    for name in _dependents_first([one for one in existing.columns if one not in declared], existing):
        columns = existing.columns[name].keys()
        if columns >= set(FRAMEWORK_FIELDS) or ("__" in name and columns >= _CHILD_FIELDS):
            yield name


def _dependents_first(tables: Iterable[str], existing: ExistingSchema) -> Iterator[str]:
    """Yield tables before those that they link to."""
    waiting = {name: {link.target for link in existing.links.get(name, ())} - {name} for name in sorted(tables)}
    while waiting:
        targets = set().union(*waiting.values())
        free = [name for name in waiting if name not in targets] or list(waiting)
        yield from free
        for name in free:
            del waiting[name]


def _dropped_table(name: str, existing: ExistingSchema) -> made.DropTable:
    """Return the drop of a table, with columns as field kinds."""
    links = [
        keys.build_foreign_key(name, link.name, link.target, cascade=link.cascade)
        for link in existing.links.get(name, ())
    ]
    columns = [
        sa.Column(column, _kind(found.type), nullable=not found.required)
        for column, found in existing.columns[name].items()
    ]
    key = sa.PrimaryKeyConstraint(*(column for column, found in existing.columns[name].items() if found.is_key))
    table = sa.Table(name, sa.MetaData(), *columns, key, *links, sqlite_with_rowid=False)
    return made.DropTable(name, table, _by_name(links))


def _kept_table(name: str, existing: ExistingSchema) -> made.KeepTable:
    return made.KeepTable(name, frozenset(existing.columns[name]) - {*FRAMEWORK_FIELDS, *_CHILD_FIELDS})


def _kind(type_: str) -> sa.types.TypeEngine[Any]:
    """Return a column type as a kind of field; the index of a child row is the only column without one."""
    return sa.Integer() if type_ == "integer" else kind_of(type_)
