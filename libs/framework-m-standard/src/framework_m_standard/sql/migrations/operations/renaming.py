"""The operations that rename columns and DocTypes: values stay, and keys and indexes follow the new names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from framework_m_core.spi import MigrationError
from framework_m_standard.sql.engine.mariadb.column_types import drop_index
from framework_m_standard.sql.migrations.operations.table_operations import (
    add_index,
    add_unique,
    alter_in_batch,
    is_mariadb,
    on_sqlite,
)
from framework_m_standard.sql.schema.existing import read_with
from framework_m_standard.sql.schema.keys import INDEX_PREFIXES, MAX_IDENTIFIER, format_key_name, shorten_name
from framework_m_standard.sql.schema.tables import format_table_name

__all__ = ["rename_column", "rename_doctype"]

_EVENTS: Final = sa.table("m_outbox", sa.column("doctype"))
_COUNTERS: Final = sa.table("m_counter", sa.column("prefix"))


def rename_column(table: str, old: str, new: str) -> None:
    """Rename a column with its values, its indexes and its foreign key."""
    unique = _drop_digests(table, old) if is_mariadb() else []
    op.execute(f"ALTER TABLE {_quoted(table)} RENAME COLUMN {_quoted(old)} TO {_quoted(new)}")
    for columns in unique:
        add_unique(table, [new if column == old else column for column in columns])
    _rename_keys(table, table, {new: old})


def _drop_digests(table: str, column: str) -> list[list[str]]:
    """Drop the unique indexes of a column on MariaDB, whose digests name it, and return their columns."""
    found = []
    for name, index in read_with(op.get_bind()).indexes.items():
        if index.table == table and name.startswith("uq_") and column in index.columns:
            op.execute(drop_index(_quoted, table, name, read_with(op.get_bind()).links_of(name)))
            found.append([one for one in index.columns if one is not None])
    return found


def rename_doctype(old: str, new: str) -> None:
    """Rename a DocType with its documents, child rows, events and counters; links from other tables follow.

    Tables of the new name must be empty, as those are that a start in development has created; they are dropped. The
    audit log is append-only: entries from before keep the old name. Raises MigrationError if nothing can be renamed.
    """
    before, after = format_table_name(old), format_table_name(new)
    tables = read_with(op.get_bind()).columns.keys()
    if before not in tables:
        raise MigrationError(f"expected a table {before} of DocType {old}, got none")
    if before != after:
        _drop_empty(after, tables)
        renamed = {name: shorten_name(after + name.removeprefix(before)) for name in _tables_of(before, tables)}
        for name, wanted in renamed.items():
            op.rename_table(name, wanted)
            if not on_sqlite() and not is_mariadb():
                op.execute(f"ALTER INDEX IF EXISTS {_quoted(f'{name}_pkey')} RENAME TO {_quoted(f'{wanted}_pkey')}")
        for name, wanted in renamed.items():
            _rename_keys(name, wanted, {})
    _rename_stored(old, new)


def _tables_of(table: str, tables: Collection[str]) -> Iterator[str]:
    """Yield the tables of a DocType, that of its documents first."""
    for name in sorted(tables):
        if name != table and not name.startswith(f"{table}__"):
            continue
        if len(name) >= MAX_IDENTIFIER:
            raise MigrationError(f"table {name} has a shortened name: rename it first, by op.rename_table")
        yield name


def _drop_empty(table: str, tables: Collection[str]) -> None:
    for name in reversed([*_tables_of(table, tables)]):
        if op.get_bind().scalar(sa.select(sa.exists().select_from(sa.table(name)))):
            raise MigrationError(f"expected no rows in table {name}, because it is replaced: move or delete them")
        op.drop_table(name)


def _rename_keys(before: str, table: str, columns: Mapping[str, str]) -> None:
    """Give indexes and foreign keys of a table the names that belong to it; `columns` are former names of columns."""
    for name, index in read_with(op.get_bind()).indexes.items():
        names = [column for column in index.columns if column is not None]
        prefix = name[: len(INDEX_PREFIXES[0]) - 1]
        if index.table == table and name == format_key_name(prefix, before, [columns.get(one, one) for one in names]):
            _rename_index(name, table, prefix, names)
    for link in _links_of(table):
        if len(link["constrained_columns"]) != 1:  # one by hand
            continue
        [column], name = link["constrained_columns"], str(link["name"])
        if name == format_key_name("fk", before, [columns.get(column, column)]):
            _rename_link(name, table, column, link["referred_table"], link.get("options", {}).get("ondelete"))


def _links_of(table: str) -> list[Any]:
    return list(sa.inspect(op.get_bind()).get_foreign_keys(table))


def _rename_index(name: str, table: str, prefix: str, columns: list[str]) -> None:
    wanted = format_key_name(prefix, table, columns)
    if wanted == name:
        return
    if is_mariadb() and prefix == "ix":
        op.execute(f"ALTER TABLE {_quoted(table)} RENAME INDEX {_quoted(name)} TO {_quoted(wanted)}")
    elif on_sqlite() or is_mariadb():
        op.drop_index(name, table)
        (add_unique if prefix == "uq" else add_index)(table, columns)
    else:
        op.execute(f"ALTER INDEX {_quoted(name)} RENAME TO {_quoted(wanted)}")


def _rename_link(name: str, table: str, column: str, target: str, rule: str | None) -> None:
    wanted = format_key_name("fk", table, [column])
    if wanted == name:
        return
    if on_sqlite() or is_mariadb():
        with alter_in_batch(table) as altered:
            altered.drop_constraint(name, type_="foreignkey")
            altered.create_foreign_key(wanted, target, [column], ["id"], ondelete=rule)
    else:
        op.execute(f"ALTER TABLE {_quoted(table)} RENAME CONSTRAINT {_quoted(name)} TO {_quoted(wanted)}")


def _rename_stored(old: str, new: str) -> None:
    """Rename a DocType in stored events, and in the names of its counters, which begin with it and a colon."""
    bind, prefix = op.get_bind(), _COUNTERS.c.prefix
    bind.execute(sa.update(_EVENTS).where(_EVENTS.c.doctype == old).values(doctype=new))
    bind.execute(sa.delete(_COUNTERS).where(sa.func.substr(prefix, 1, len(new) + 1) == f"{new}:"))
    rest = sa.func.substr(prefix, len(old) + 1)
    named = sa.func.substr(prefix, 1, len(old) + 1) == f"{old}:"
    bind.execute(sa.update(_COUNTERS).where(named).values(prefix=sa.literal(new, sa.Text()) + rest))


def _quoted(name: str) -> str:
    return op.get_context().dialect.identifier_preparer.quote(name)
