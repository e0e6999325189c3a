"""`SqlOutbox`: port `OutboxProtocol`, over the table `m_outbox`.

SQLite commits one transaction at a time, so positions become visible in their order. Servers do not, so whoever reads
first gives a number to what has been committed: an event is numbered after all that were visible before it, and
a transaction that takes long delays its own events alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from framework_m_core.spi import (
    NO_DOCUMENT,
    EventBatch,
    FieldKind,
    FieldSpec,
    StoredEvent,
    resolve_event_type,
    topic_of,
)
from framework_m_standard.sql.engine.driver import Transaction, transact
from framework_m_standard.sql.engine.row_codec import MARIADB, SQLITE, Convert
from framework_m_standard.sql.engine.statement import Statement, make_parameter
from framework_m_standard.sql.schema.tables import EVENT_SPECS, Tables
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlOutbox", "list_event_columns", "number_events", "read_event"]

_DATETIME = FieldSpec("at", FieldKind.DATETIME)
_NUMBER = FieldSpec("n", FieldKind.INTEGER)
_TYPE, _DOCTYPE = (1 + list(EVENT_SPECS).index(name) for name in ("type", "doctype"))
"""Indexes of columns in a row, which begins with the position."""
_PRUNED_AT_ONCE: Final = 1000
_LOCK: Final = "SELECT pg_advisory_xact_lock(7201987)"
_ANY_UNNUMBERED: Final = Statement(
    "SELECT 1 FROM m_outbox WHERE seq IS NULL AND published_at IS NULL AND given_up = 0 LIMIT 1"
)
_NUMBER_SOME: Final = Statement("""
WITH committed AS MATERIALIZED (
    SELECT position FROM m_outbox WHERE seq IS NULL AND published_at IS NULL AND given_up = 0
    ORDER BY position LIMIT 10000
), numbered AS MATERIALIZED (
    SELECT position, nextval(pg_get_serial_sequence('m_outbox', 'position')) AS number FROM committed
)
UPDATE m_outbox SET seq = numbered.number FROM numbered WHERE m_outbox.position = numbered.position
""")


_COUNTER: Final = Statement(
    "INSERT INTO m_schema (name, fingerprint) VALUES ('events', '0') ON DUPLICATE KEY UPDATE name = name"
)
_LAST_NUMBER: Final = Statement("SELECT fingerprint FROM m_schema WHERE name = 'events' FOR UPDATE")
_SET_LAST_NUMBER: Final = Statement("UPDATE m_schema SET fingerprint = ? WHERE name = 'events'")
_SOME_UNNUMBERED: Final = Statement(
    "SELECT position FROM m_outbox WHERE seq IS NULL AND published_at IS NULL AND given_up = 0 "
    "ORDER BY position LIMIT 1000"
)


async def number_events(transaction: Transaction, dialect: str) -> None:
    """Number the committed events of a server, and hold the lock on it until the transaction ends."""
    if dialect == MARIADB:
        await _number_on_mariadb(transaction)
        return
    await transaction.run_script(_LOCK)
    while await transaction.execute(_NUMBER_SOME, ()):
        pass


async def _number_on_mariadb(transaction: Transaction) -> None:
    """Number committed events; the row that holds the last number is the lock."""
    await transaction.execute(_COUNTER, ())
    [(last,)] = await transaction.fetch(_LAST_NUMBER, ())
    number = int(last)
    while rows := await transaction.fetch(_SOME_UNNUMBERED, ()):
        first, end = rows[0][0], rows[-1][0]
        places = ", ".join(str(position) for (position,) in rows)
        shift = number + 1 - first
        await transaction.execute(
            Statement(f"UPDATE m_outbox SET seq = position + ? WHERE position IN ({places})"),  # noqa: S608 - integers
            (shift,),
        )
        number = end + shift
    await transaction.execute(_SET_LAST_NUMBER, (str(number),))


def list_event_columns(tables: Tables) -> list[Any]:
    """Return the columns from which `read_event` makes an event."""
    return [tables.event_order, *(tables.outbox.c[name] for name in EVENT_SPECS)]


def read_event(decoders: Mapping[str, Convert], row: Sequence[Any]) -> StoredEvent:
    """Return the event in a row of `list_event_columns`. One of version 1.0 has no key: it is its document's."""
    position, *rest = row
    values = dict(zip(EVENT_SPECS, rest, strict=True))
    for name, convert in decoders.items():
        if values[name] is not None:
            values[name] = convert(values[name])
    type_, document = resolve_event_type(values.pop("type")), values["document_id"]
    key = values.pop("key") or str(document if document != NO_DOCUMENT else values["id"])
    return StoredEvent(position=position, type=type_, key=key, index=values.pop("idx"), **values)


class SqlOutbox:
    """The events of an SQL store."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._driver = sql_store.global_driver
        self._tables = sql_store.framework_tables
        self._compile = sql_store.framework.compile
        self._decoders = sql_store.framework.make_decoders(EVENT_SPECS)
        self._read = self._read_statement()
        self._stretch = self._stretch_statement()
        self._delete = self._delete_statement()
        self._delete_former = self._delete_former_statement()
        self._lowest = self._lowest_statement()

    async def read(self, after: int, limit: int, wanted: Callable[[str], bool]) -> EventBatch:
        """Return the wanted events after a position, of `limit` events."""
        if self._driver.name != SQLITE:
            await self._number()
        rows = await self._driver.fetch(self._read, (after, limit))
        found = [row for row in rows if wanted(topic_of(resolve_event_type(row[_TYPE]), row[_DOCTYPE]))]
        events = [read_event(self._decoders, row) for row in found]
        return EventBatch(events, rows[-1][0] if rows else after, len(rows) == limit)

    async def _number(self) -> None:
        if await self._driver.fetch(_ANY_UNNUMBERED, ()):
            await transact(self._driver, lambda transaction: number_events(transaction, self._driver.name))

    async def prune(self, before: datetime) -> int:
        """Delete old events that all consumers have passed, a stretch at a time, and return their number."""
        deleted = await self._driver.apply(self._delete_former, (before,))
        lowest = (await self._driver.fetch(self._lowest, ()))[0][0]
        upto = lowest if lowest is not None else 2**62
        start, convert = 0, self._decoders.get("occurred_at", lambda value: value)
        while rows := await self._driver.fetch(self._stretch, (start, upto, _PRUNED_AT_ONCE)):
            end, newest = rows[-1]
            deleted += await self._driver.apply(self._delete, (start, end, before))
            if convert(newest) >= before:
                break
            start = end
        return deleted

    def _read_statement(self) -> Statement:
        order = self._tables.event_order
        after = order > make_parameter(0, sa.BigInteger())
        clause = sa.select(*list_event_columns(self._tables)).where(after, self._tables.is_delivered_now)
        return self._compile(clause.order_by(order).limit(make_parameter(1, sa.BigInteger())), [_NUMBER, _NUMBER])

    def _stretch_statement(self) -> Statement:
        table, order = self._tables.outbox, self._tables.event_order
        within = sa.and_(order > make_parameter(0, sa.BigInteger()), order <= make_parameter(1, sa.BigInteger()))
        clause = sa.select(order, table.c.occurred_at).where(within).order_by(order)
        return self._compile(clause.limit(make_parameter(2, sa.BigInteger())), [_NUMBER, _NUMBER, _NUMBER])

    def _delete_statement(self) -> Statement:
        table, delivery, order = self._tables.outbox, self._tables.delivery, self._tables.event_order
        within = sa.and_(order > make_parameter(0, sa.BigInteger()), order <= make_parameter(1, sa.BigInteger()))
        old = table.c.occurred_at < make_parameter(2, table.c.occurred_at.type)
        wanted = sa.exists().where(delivery.c.position == order)
        clause = sa.delete(table).where(within, old, self._tables.is_delivered_now, ~wanted)
        return self._compile(clause, [_NUMBER, _NUMBER, _DATETIME])

    def _delete_former_statement(self) -> Statement:
        """Return the deletion of events that version 1.0 delivered before consumers had progress of their own."""
        table = self._tables.outbox
        old = table.c.published_at < make_parameter(0, table.c.published_at.type)
        return self._compile(sa.delete(table).where(old), [_DATETIME])

    def _lowest_statement(self) -> Statement:
        return self._compile(sa.select(sa.func.min(self._tables.consumer.c.position)), [])
