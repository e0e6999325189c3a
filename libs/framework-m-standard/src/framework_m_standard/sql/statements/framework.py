"""Statements on the framework's own tables: audit log, outbox, stored responses and counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from framework_m_core.spi import FieldKind, FieldSpec
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.engine.row_codec import MARIADB, Convert, make_decoder, make_encoder
from framework_m_standard.sql.engine.statement import Parameter, Statement, compile_statement, make_parameter
from framework_m_standard.sql.schema.tables import AUDIT_SPECS, EVENT_SPECS, IDEMPOTENCY_SPECS, Tables

__all__ = ["FrameworkStatements", "upsert"]


def upsert(
    dialect: str,
    table: sa.Table,
    values: Mapping[str, Any],
    key: Sequence[str],
    changes: Callable[[Any], Mapping[str, Any]],
    where: Any = None,
) -> Any:
    """Return an INSERT that changes the row of the same key, if there is one; `changes` is given the new row.

    MariaDB knows no condition.
    """
    if dialect == MARIADB:
        new = mysql.insert(table).values(values)
        return new.on_duplicate_key_update(dict(changes(new.inserted)))
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    clause = insert.values(values)
    return clause.on_conflict_do_update(index_elements=key, set_=changes(clause.excluded), where=where)


class FrameworkStatements:
    """The statements on the framework's tables, compiled once per store."""

    def __init__(self, tables: Tables, driver: Driver) -> None:
        self._tables = tables
        self._driver = driver

    def compile(
        self, clause: Any, kinds: Mapping[int, FieldSpec] | list[FieldSpec], *, heavy: bool = False
    ) -> Statement:
        """Compile a clause whose parameters have the given specs, in order."""
        specs = kinds if isinstance(kinds, list) else [kinds[number] for number in sorted(kinds)]
        numbered = [Parameter(number, make_encoder(self._driver.name, spec)) for number, spec in enumerate(specs)]
        return compile_statement(clause, self._driver.dialect, numbered, heavy=heavy)

    def make_decoders(self, specs: Mapping[str, FieldSpec]) -> dict[str, Convert]:
        """Return the converters of the columns that need one."""
        found = {name: make_decoder(self._driver.name, spec) for name, spec in specs.items()}
        return {name: convert for name, convert in found.items() if convert}

    @cached_property
    def insert_audit(self) -> Statement:
        """Statement that appends an audit entry."""
        return self._insert(self._tables.audit, AUDIT_SPECS)

    @cached_property
    def insert_event(self) -> Statement:
        """Statement that appends an event to the outbox."""
        return self._insert(self._tables.outbox, EVENT_SPECS)

    @cached_property
    def insert_response(self) -> Statement:
        """Statement that stores a response; it replaces an expired one but not a live one.

        On MariaDB it replaces none, so `discard_response` comes first.
        """
        table, specs = self._tables.idempotency, list(IDEMPOTENCY_SPECS.values())
        now = FieldSpec("now", FieldKind.DATETIME)
        values = {spec.name: make_parameter(number, table.c[spec.name].type) for number, spec in enumerate(specs)}
        if not self._driver.conditional_upserts:
            return self.compile(sa.insert(table).values(values), [*specs, now])
        clause = upsert(
            self._driver.name,
            table,
            values,
            ["key"],
            lambda new: {name: new[name] for name in values if name != "key"},
            where=table.c.expires <= make_parameter(len(specs), table.c.expires.type),
        )
        return self.compile(clause, [*specs, now])

    @cached_property
    def discard_response(self) -> Statement:
        """Statement that deletes the response of a key if it has expired by the second parameter."""
        table = self._tables.idempotency
        mine = table.c.key == make_parameter(0, table.c.key.type)
        over = table.c.expires <= make_parameter(1, table.c.expires.type)
        specs = [IDEMPOTENCY_SPECS["key"], IDEMPOTENCY_SPECS["expires"]]
        return self.compile(sa.delete(table).where(mine, over), specs)

    @cached_property
    def allocate(self) -> Statement:
        """Statement that increases a counter, creating it if necessary, and returns its value."""
        table = self._tables.counter
        step = make_parameter(1, sa.BigInteger())
        values = {"prefix": make_parameter(0, table.c.prefix.type), "value": step}
        clause = upsert(self._driver.name, table, values, ["prefix"], lambda new: {"value": table.c.value + new.value})
        return self.compile(
            clause.returning(table.c.value), [FieldSpec("prefix", FieldKind.TEXT), FieldSpec("n", FieldKind.INTEGER)]
        )

    def _insert(self, table: sa.Table, specs: Mapping[str, FieldSpec]) -> Statement:
        values = {name: make_parameter(number, table.c[name].type) for number, name in enumerate(specs)}
        return self.compile(sa.insert(table).values(values), list(specs.values()))
