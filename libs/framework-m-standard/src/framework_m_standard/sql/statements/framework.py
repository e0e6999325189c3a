"""Statements on the framework's own tables: audit log, outbox, stored responses and counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from framework_m_core.domain.events import AnyEvent, PublishedEvent
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.interfaces.audit_log import AuditEntry
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_standard.sql.engine.driver import Driver
from framework_m_standard.sql.schema.tables import AUDIT_SPECS, EVENT_SPECS, IDEMPOTENCY_SPECS, Tables
from framework_m_standard.sql.statements.compiled import Parameter, Statement, compile_statement, parameter
from framework_m_standard.sql.statements.row_codec import Convert, decoder, encoder

__all__ = ["FrameworkStatements", "answer_row", "audit_row", "outbox_row", "upsert"]


audit_row: Callable[[AuditEntry], tuple[Any, ...]] = attrgetter(*AUDIT_SPECS)
"""Returns an audit entry in the order of its columns."""


def outbox_row(event: AnyEvent) -> tuple[Any, ...]:
    """Return an event in the order of its columns; the key of a document's event is the document, and not stored."""
    return (
        event.id,
        event.type,
        event.doctype,
        event.document_id,
        event.version,
        event.index,
        event.occurred_at,
        event.actor,
        event.tenant,
        event.correlation_id,
        event.causation_id,
        event.schema_version,
        event.data,
        event.key if isinstance(event, PublishedEvent) else None,
    )


def answer_row(answer: StoredAnswer) -> tuple[Any, ...]:
    """Return a stored response in the order of its columns; the body is JSON and stored as text."""
    body = answer.body.decode()
    return (answer.key, answer.body_hash, answer.status, body, answer.etag, answer.location, answer.expires)


def upsert(dialect: str, table: sa.Table) -> Any:
    """Return an INSERT of the dialect that can resolve conflicts."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


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
        numbered = [Parameter(number, encoder(self._driver.name, spec)) for number, spec in enumerate(specs)]
        return compile_statement(clause, self._driver.dialect, numbered, heavy=heavy)

    def decoders(self, specs: Mapping[str, FieldSpec]) -> dict[str, Convert]:
        """Return the converters of the columns that need one."""
        found = {name: decoder(self._driver.name, spec) for name, spec in specs.items()}
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
    def insert_answer(self) -> Statement:
        """Statement that stores a response; it replaces an expired one but not a live one."""
        table, specs = self._tables.idempotency, list(IDEMPOTENCY_SPECS.values())
        now = FieldSpec("now", FieldKind.DATETIME)
        values = {spec.name: parameter(number, table.c[spec.name].type) for number, spec in enumerate(specs)}
        clause = upsert(self._driver.name, table).values(values)
        clause = clause.on_conflict_do_update(
            index_elements=["key"],
            set_={name: clause.excluded[name] for name in values if name != "key"},
            where=table.c.expires <= parameter(len(specs), table.c.expires.type),
        )
        return self.compile(clause, [*specs, now])

    @cached_property
    def allocate(self) -> Statement:
        """Statement that increases a counter, creating it if necessary, and returns its value."""
        table = self._tables.counter
        step = parameter(1, sa.BigInteger())
        clause = upsert(self._driver.name, table).values(prefix=parameter(0, table.c.prefix.type), value=step)
        raised = {"value": table.c.value + clause.excluded.value}
        clause = clause.on_conflict_do_update(index_elements=["prefix"], set_=raised).returning(table.c.value)
        return self.compile(clause, [FieldSpec("prefix", FieldKind.TEXT), FieldSpec("n", FieldKind.INTEGER)])

    def _insert(self, table: sa.Table, specs: Mapping[str, FieldSpec]) -> Statement:
        values = {name: parameter(number, table.c[name].type) for number, name in enumerate(specs)}
        return self.compile(sa.insert(table).values(values), list(specs.values()))
