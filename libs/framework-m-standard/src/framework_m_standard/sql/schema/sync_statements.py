"""The SQL by which development's sync makes the changes that lose nothing; the others are errors or left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from framework_m_standard.sql.engine.mariadb.column_types import drop_index
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE
from framework_m_standard.sql.engine.statement import render_clause, render_literal
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.column_defaults import convert_column_default
from framework_m_standard.sql.schema.existing import ExistingSchema
from framework_m_standard.sql.schema.expansion import Expansion
from framework_m_standard.sql.schema.field_registry import kind_of, text_of_type
from framework_m_standard.sql.schema.sync_advice import Gaps

__all__ = ["SyncStatements"]


class SyncStatements:
    """The statements of changes, given the columns that rows lack a value of.

    With an `expansion`, processes with the current registry keep writing to the tables, so new columns keep defaults.
    """

    def __init__(
        self, dialect: Dialect, existing: ExistingSchema, gaps: Gaps, expansion: Expansion | None = None
    ) -> None:
        self.errors: list[str] = []
        """What only a person or a revision can do."""
        self._dialect = dialect
        self._alters = dialect.name != SQLITE
        self._gaps = gaps
        self._existing = existing
        self._expansion = expansion
        self._dropped: set[str] = set()
        """The indexes that statements before drop."""

    def of(self, changes: Sequence[Change]) -> Iterator[str]:
        """Yield the statements of changes, and note their errors."""
        new = {(change.table, change.column.name) for change in changes if isinstance(change, made.AddColumn)}
        created = {change.table for change in changes if isinstance(change, made.CreateTable)}
        for change in changes:
            match change:
                case made.CreateTable():
                    links = change.links if self._alters else None  # SQLite adds none later
                    yield self._text(CreateTable(change.declared, include_foreign_key_constraints=links))
                case made.AddColumn():
                    yield from self._add_column(change.column)
                case made.ChangeType():
                    wanted = text_of_type(self._dialect, change.type)
                    self.errors.append(
                        f"{change.table}.{change.name}: expected {wanted}, got {change.found}: a revision converts the "
                        "stored values. `m migrate init` writes it for tables of development, else `m migrate create`;"
                        " then `m migrate run` runs it"
                    )
                case made.SetNullable():
                    yield from self._set_nullable(change)
                case made.SetNotNullable(column=column) if column is not None:
                    yield from self._set_not_nullable(column)
                case made.AddLink(declared=link) if link is not None and self._alters:
                    if change.table in created or (change.table, change.name) in new:
                        yield self._text(AddConstraint(link))
                case made.AddIndex(declared=index) if index is not None:
                    yield self._text(CreateIndex(index))
                case made.DropIndex():
                    yield self._drop_index(change)

    def find_kept_defaults(self, tables: Sequence[sa.Table]) -> Iterator[str]:
        """Yield defaults of existing columns for rows that processes with the current registry write without them.

        SQLite cannot add one to an existing column and leaves it empty.
        """
        for table in tables if self._alters and self._expansion else ():
            for column in table.columns:
                is_there = column.name in self._existing.columns.get(table.name, {})
                if is_there and self._is_unknown_to_others(column) and (default := self._default(column)) is not None:
                    yield f'{self._alter(column)} ALTER COLUMN "{column.name}" SET DEFAULT {default}'

    def _is_unknown_to_others(self, column: sa.Column[Any]) -> bool:
        """Return whether processes with the current registry write rows of the table without the column."""
        return self._expansion is not None and self._expansion.is_new(column.table, column)

    def _add_column(self, column: sa.Column[Any]) -> Iterator[str]:
        """Yield a new column. Existing rows get the field's default; without one they stay empty until saved."""
        default = self._default(column)
        add = f"{self._alter(column)} ADD COLUMN "
        add += self._text(CreateColumn(sa.Column(column.name, column.type, nullable=True)))
        if default is None:
            yield add
        elif self._expansion:
            yield f"{add} DEFAULT {default}"
        elif self._alters:
            yield f"{add} DEFAULT {default}{'' if column.nullable else ' NOT NULL'}"
            yield f'{self._alter(column)} ALTER COLUMN "{column.name}" DROP DEFAULT'
        else:
            yield add
            yield self._fill(column, default)

    def _set_nullable(self, change: made.SetNullable) -> Iterator[str]:
        """Yield the change on a server; on SQLite only a revision can make it."""
        if self._alters:
            table = self._dialect.identifier_preparer.quote(change.table)
            type_ = kind_of(self._existing.columns[change.table][change.name].type)
            yield f"ALTER TABLE {table} {self._accepting(change.name, type_, 'NULL')}"
            return
        reason = "the field may be empty" if change.declared else "no field fills it anymore"
        self.errors.append(f"{change.table}.{change.name} is NOT NULL, but {reason}: m migrate create")

    def _set_not_nullable(self, column: sa.Column[Any]) -> Iterator[str]:
        """Yield the default for empty values and, if none are left, on a server the change."""
        is_gap = (column.table.name, column.name) in self._gaps
        if is_gap or self._is_unknown_to_others(column):
            default = self._default(column)
            if default is None:
                return
            if is_gap or self._dialect.name == MARIADB:  # where others could write since the gaps were found
                yield self._fill(column, default)
        if self._alters:
            null = f"NOT NULL DEFAULT {self._default(column)}" if self._is_unknown_to_others(column) else "NOT NULL"
            yield f"{self._alter(column)} {self._accepting(column.name, column.type, null)}"

    def _accepting(self, name: str, type_: sa.types.TypeEngine[Any], null: str) -> str:
        """Return the part of an ALTER TABLE that makes a column accept or refuse null.

        On MariaDB, MODIFY must repeat the default, or the column loses it.
        """
        if self._dialect.name == MARIADB:
            return f'MODIFY COLUMN "{name}" {type_.compile(dialect=self._dialect)} {null}'
        return f'ALTER COLUMN "{name}" {"DROP" if null == "NULL" else "SET"} NOT NULL'

    def _drop_index(self, change: made.DropIndex) -> str:
        if self._dialect.name == MARIADB:
            links = self._existing.links_of(change.name, self._dropped)
            self._dropped.add(change.name)
            return drop_index(self._dialect.identifier_preparer.quote, change.table, change.name, links)
        return f'DROP INDEX "{change.name}"'

    def _fill(self, column: sa.Column[Any], default: str) -> str:
        filled = sa.update(column.table).values({column.name: sa.literal_column(default)}).where(column.is_(None))
        return render_clause(self._dialect, filled)

    def _default(self, column: sa.Column[Any]) -> str | None:
        """Return the default of a field as SQL; None if there is none, or it is null."""
        value = convert_column_default(column)
        return None if value is None else render_literal(self._dialect, column.type, value)

    def _alter(self, column: sa.Column[Any]) -> str:
        return f"ALTER TABLE {self._dialect.identifier_preparer.format_table(column.table)}"

    def _text(self, clause: Any) -> str:
        return str(clause.compile(dialect=self._dialect)).strip()
