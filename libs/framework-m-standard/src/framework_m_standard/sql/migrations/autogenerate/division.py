"""The division of changes among apps, each of which writes its own revisions.

A change belongs to the app that declares what it changes: the DocType, or the override that adds a field or an index.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from framework_m_core.spi import BUILT_IN_APP, MigrationGraph, Owner, Registry, find_owner
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import NOTHING, Change
from framework_m_standard.sql.schema.column_defaults import default_value_of
from framework_m_standard.sql.schema.tables import format_table_name

__all__ = ["TableOwners", "split_changes"]


class TableOwners:
    """The apps that declare the tables of DocTypes, and their columns."""

    def __init__(self, registry: Registry) -> None:
        self._owners: dict[str, Owner] = {}
        for plan in registry.doctypes.values():
            if plan.app == BUILT_IN_APP:
                continue
            self._owners[format_table_name(plan.name)] = find_owner(plan.app, plan.additions, plan.specs)
            for field, child in plan.children.items():
                app = plan.additions.fields.get(field, plan.app)
                self._owners[format_table_name(plan.name, field)] = find_owner(app, child.additions, child.fields)

    def app_of(self, table: str, *columns: str) -> str:
        """Return the app of a declared table, or of columns of it or an index over them."""
        return self._owners[table].app_of(*columns)

    @property
    def apps(self) -> frozenset[str]:
        """The apps that declare tables."""
        return frozenset(owner.app for owner in self._owners.values())

    def knows(self, table: str) -> bool:
        """Return whether a table is declared."""
        return table in self._owners


def split_changes(
    changes: Iterable[Change], owners: TableOwners, graph: MigrationGraph, declared: Mapping[str, sa.Table]
) -> dict[str, list[Change]]:
    """Return the changes by the app that writes them."""
    divided: dict[str, list[Change]] = {}
    for change in changes:
        for app, part in _parts(change, owners, graph, declared):
            divided.setdefault(app, []).append(part)
    return divided


def _parts(
    change: Change, owners: TableOwners, graph: MigrationGraph, declared: Mapping[str, sa.Table]
) -> Iterator[tuple[str, Change]]:
    """Yield a change with its app; a new table without the columns of overrides, which are changes of their own."""
    columns = _columns_of(change)
    if not owners.knows(change.table):
        if app := graph.find_writer(change.table, None, None):
            yield app, change
    elif isinstance(change, made.CreateTable):
        yield from _divide_table(change, owners)
    elif unknown := [name for name in columns if name not in declared[change.table].columns]:
        yield graph.find_writer(change.table, unknown[0], owners.app_of(change.table)) or "", change
    else:
        yield owners.app_of(change.table, *columns), change


def _columns_of(change: Change) -> list[str]:
    match change:
        case made.AddColumn(column=column) | made.DropColumn(column=column):
            return [column.name]
        case made.AddIndex(columns=columns) | made.DropIndex(columns=columns):
            return [*columns]
        case _:
            name = getattr(change, "name", None)
            return [name] if name else []


def _divide_table(change: made.CreateTable, owners: TableOwners) -> Iterator[tuple[str, Change]]:
    app = owners.app_of(change.table)
    others = {
        column.name: other
        for column in change.declared.columns
        if (other := owners.app_of(change.table, column.name)) != app
    }
    if not others:
        yield app, change
        return
    own = sa.Table(change.table, sa.MetaData())
    for column in change.declared.columns:
        if column.name not in others:
            own.append_column(sa.Column(column.name, column.type, nullable=column.nullable))
    yield (
        app,
        made.CreateTable(change.table, own, [one for one in change.links if not others.keys() & {*one.column_keys}]),
    )
    for name, other in others.items():
        yield other, _add_column(change.table, change.declared.columns[name])
    for link in change.links:
        if added := others.get(link.column_keys[0]):
            [element] = link.elements
            target = element.target_fullname.partition(".")[0]
            yield added, made.AddLink(change.table, link.column_keys[0], target, link.ondelete == "CASCADE", link)


def _add_column(table: str, column: sa.Column[Any]) -> made.AddColumn:
    default = default_value_of(column)
    return made.AddColumn(table, column, NOTHING if default is None else default)
