"""The operations of revisions: each function makes one change to a table, on every database.

Call them inside `upgrade` and `downgrade` of a revision, like Alembic's `op`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex

from framework_m_core.spi import MigrationError
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE, make_encoder
from framework_m_standard.sql.engine.statement import render_literal
from framework_m_standard.sql.migrations.operations.type_change import convert_column, read_stored_type
from framework_m_standard.sql.schema.changes import NOTHING
from framework_m_standard.sql.schema.existing import read_with
from framework_m_standard.sql.schema.field_registry import FieldRegistry, KindType
from framework_m_standard.sql.schema.keys import format_key_name

__all__ = [
    "add_column",
    "add_index",
    "add_link",
    "add_unique",
    "alter_in_batch",
    "change_type",
    "drop_column",
    "drop_link",
    "is_mariadb",
    "on_sqlite",
    "set_not_nullable",
    "set_nullable",
]


def add_column(table: str, column: sa.Column[Any], *, fill: Any = NOTHING) -> None:
    """Add a column. Existing rows get `fill`.

    Raises MigrationError if the column refuses null and rows would have no value.
    """
    kind = _field_type(column)
    if is_mariadb() and column.name in read_with(op.get_bind()).columns[table]:
        _fill(table, column.name, kind, fill)  # an earlier try has added it
    elif on_sqlite():
        op.add_column(table, sa.Column(column.name, kind, nullable=True))
        _fill(table, column.name, kind, fill)
    elif fill is NOTHING or fill is None:
        op.add_column(table, sa.Column(column.name, kind, nullable=True))
    else:
        default: sa.ColumnClause[Any] = sa.literal_column(_literal(kind, fill))
        op.add_column(table, sa.Column(column.name, kind, nullable=True, server_default=default))
        op.alter_column(table, column.name, server_default=None)
    if not column.nullable:
        set_not_nullable(table, column.name)


def drop_column(table: str, name: str) -> None:
    """Drop a column with all its values."""
    with alter_in_batch(table) as altered:
        altered.drop_column(name)


def set_not_nullable(table: str, name: str, type_: KindType | None = None, *, fill: Any = NOTHING) -> None:
    """Make a column refuse null. Rows with null get `fill`, which requires the type.

    Raises MigrationError if rows are left without a value.
    """
    if type_ is not None:
        _fill(table, name, type_, fill)
    place = sa.table(table, sa.column(name))
    without = op.get_bind().scalar(sa.select(sa.func.count()).select_from(place).where(place.c[name].is_(None)))
    if without:
        raise MigrationError(
            f"{table}.{name} is required, but {without} rows have no value: give them one in the revision, by "
            "fill=…, or by an earlier patch"
        )
    _set_null(table, name, nullable=False)


def set_nullable(table: str, name: str) -> None:
    """Make a column accept null."""
    _set_null(table, name, nullable=True)


def _set_null(table: str, name: str, *, nullable: bool) -> None:
    """Make a column accept or refuse null; MariaDB declares the whole column anew."""
    known = read_stored_type(op.get_bind(), table, name) if is_mariadb() else None
    with alter_in_batch(table) as altered:
        altered.alter_column(name, nullable=nullable, existing_type=known)


def change_type(table: str, name: str, type_: KindType) -> None:
    """Change the type of a column. Raises MigrationError if a stored value cannot be converted exactly."""
    convert_column(table, name, type_)


def add_index(table: str, columns: Sequence[str]) -> None:
    """Add an index."""
    _create_index(format_key_name("ix", table, columns), table, columns)


def add_unique(table: str, columns: Sequence[str]) -> None:
    """Make values unique among rows that are not soft-deleted. Raises MigrationError if some are equal."""
    live = sa.text("deleted_at IS NULL")
    try:
        _create_index(
            format_key_name("uq", table, columns), table, columns, unique=True, postgresql_where=live, sqlite_where=live
        )
    except IntegrityError as error:
        raise MigrationError(
            f"rows of {table} are equal in {', '.join(columns)}, so it cannot become unique: change them first, by "
            "an earlier patch"
        ) from error


def _create_index(name: str, table: str, columns: Sequence[str], **options: Any) -> None:
    """Create an index; how much of a column MariaDB puts in it depends on its type."""
    if not is_mariadb():
        op.create_index(name, table, list(columns), **options)
        return
    bind = op.get_bind()
    types: list[sa.Column[Any]] = [sa.Column(column, read_stored_type(bind, table, column)) for column in columns]
    declared = sa.Table(table, sa.MetaData(), *types)
    bind.execute(CreateIndex(sa.Index(name, *declared.columns, unique=options.get("unique", False))))


def add_link(table: str, name: str, target: str, *, cascade: bool = False) -> None:
    """Add a foreign key from a column to the id of another table."""
    rule = "CASCADE" if cascade else None
    with alter_in_batch(table) as altered:
        altered.create_foreign_key(format_key_name("fk", table, [name]), target, [name], ["id"], ondelete=rule)


def drop_link(table: str, name: str) -> None:
    """Drop the foreign key of a column."""
    link = format_key_name("fk", table, [name])
    with alter_in_batch(table) as altered:
        altered.drop_constraint(link, type_="foreignkey")
    if is_mariadb():  # which makes an index of the key's name if there is no other
        quote = op.get_context().dialect.identifier_preparer.quote
        op.execute(f"ALTER TABLE {quote(table)} DROP INDEX IF EXISTS {quote(link)}")


def _fill(table: str, name: str, type_: KindType, fill: Any) -> None:
    if fill is not NOTHING and fill is not None:
        place = sa.table(table, sa.column(name, type_))
        op.get_bind().execute(sa.update(place).values({name: fill}).where(place.c[name].is_(None)))


def _literal(type_: KindType, value: Any) -> str:
    dialect = op.get_context().dialect
    encode = make_encoder(dialect.name, type_.spec)
    column_type = FieldRegistry(dialect.name).column_type_of(type_.spec)
    return render_literal(dialect, column_type, encode(value) if encode else value)


def _field_type(column: sa.Column[Any]) -> KindType:
    if not isinstance(column.type, KindType):
        raise MigrationError(
            f"column {column.name}: expected a type of framework_m.migrations, got {column.type!r}: use one such as "
            "text() or decimal(2)"
        )
    return column.type


def on_sqlite() -> bool:
    """Return whether the revision runs on SQLite."""
    return op.get_context().dialect.name == SQLITE


def is_mariadb() -> bool:
    """Return whether the revision runs on MariaDB."""
    return op.get_context().dialect.name == MARIADB


@contextmanager
def alter_in_batch(table: str) -> Iterator[BatchOperations]:
    """Alter a table in place or, if SQLite cannot, by a copy that is clustered by key as all tables are."""
    with op.batch_alter_table(table, table_kwargs={"sqlite_with_rowid": False}) as altered:
        yield altered
