"""`SqlOutbox`: port `OutboxProtocol`, over the table `m_outbox`.

A later change of a document waits for the row lock of the earlier one, so positions increase within a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from framework_m_core.domain.events import EVENT_TYPES, DomainEvent, event_class
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.interfaces.outbox import OutboxRow
from framework_m_standard.sql.schema.tables import EVENT_SPECS
from framework_m_standard.sql.statements.compiled import Statement, parameter
from framework_m_standard.sql.statements.framework import upsert
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlOutbox"]

_MOMENT = FieldSpec("at", FieldKind.DATETIME)
_NUMBER = FieldSpec("n", FieldKind.INTEGER)
_TEXT = FieldSpec("text", FieldKind.TEXT)
_RELAY = "outbox"
_TYPE, _DOCUMENT = (2 + list(EVENT_SPECS).index(name) for name in ("type", "document_id"))
"""Indexes of columns in a row, which begins with position and attempts."""
_UNKNOWN_WAITS = timedelta(minutes=10)


class SqlOutbox:
    """The relay's side of the outbox."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._driver = sql_store.global_driver
        self._tables = sql_store.framework_tables
        self._compile = sql_store.framework.compile
        self._decoders = sql_store.framework.decoders(EVENT_SPECS)
        self._lease = self._lease_statement()
        self._leased = self._leased_statement()
        self._release = self._release_statement()
        self._pending = self._pending_statement()
        self._published = self._published_statement()
        self._failed = self._failed_statement()
        self._prune = self._prune_statement()

    async def lease(self, holder: str, now: datetime, duration: timedelta) -> bool:
        """Take or renew the relay's lease; return whether the holder has it."""
        return bool(await self._driver.write(self._lease, (_RELAY, holder, now + duration, now)))

    async def is_leased(self, now: datetime) -> bool:
        """Return whether a holder has the lease."""
        return bool(await self._driver.fetch(self._leased, (_RELAY, now)))

    async def release(self, holder: str) -> None:
        """Release the lease if this holder has it."""
        await self._driver.write(self._release, (holder,))

    async def pending(self, now: datetime, limit: int) -> Sequence[OutboxRow]:
        """Return the undelivered events that are due, in order.

        An event of a type that only a later version knows is postponed, and so are the following ones of its document.
        """
        rows: list[OutboxRow] = []
        put_off: set[HashKey] = set()
        for row in await self._driver.fetch(self._pending, (now, limit)):
            type_, document = row[_TYPE], hash_key(row[_DOCUMENT])
            if document in put_off:
                continue
            if type_ in EVENT_TYPES:
                rows.append(self._row(row))
            else:
                put_off.add(document)
                await self.mark_failed(row[0], f"this version knows no event type {type_!r}", now + _UNKNOWN_WAITS)
        return rows

    async def mark_published(self, positions: Sequence[int], now: datetime) -> None:
        """Mark events as delivered."""
        transaction = await self._driver.begin()
        try:
            await transaction.execute_many(self._published, [(position, now) for position in positions])
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()

    async def mark_failed(self, position: int, error: str, retry_at: datetime | None) -> None:
        """Record a failed delivery; without `retry_at`, give the event up."""
        given_up = 1 if retry_at is None else 0
        await self._driver.write(self._failed, (position, error.replace("\0", "")[:1000], retry_at, given_up))

    async def prune(self, before: datetime) -> int:
        """Delete events delivered before a time and return their number."""
        return len(await self._driver.write(self._prune, (before,)))

    def _row(self, row: Sequence[Any]) -> OutboxRow:
        position, attempts, *rest = row
        values = dict(zip(EVENT_SPECS, rest, strict=True))
        for name, convert in self._decoders.items():
            if values[name] is not None:
                values[name] = convert(values[name])
        kind: type[DomainEvent] = event_class(values.pop("type"))
        return OutboxRow(position, kind(index=values.pop("idx"), **values), attempts)

    def _lease_statement(self) -> Statement:
        table = self._tables.lease
        columns = ("name", "holder", "expires")
        values = {name: parameter(place, table.c[name].type) for place, name in enumerate(columns)}
        clause = upsert(self._driver.name, table).values(values)
        mine = table.c.holder == clause.excluded.holder
        over = table.c.expires <= parameter(3, table.c.expires.type)
        taken = {name: clause.excluded[name] for name in ("holder", "expires")}
        clause = clause.on_conflict_do_update(index_elements=["name"], set_=taken, where=sa.or_(mine, over))
        return self._compile(clause.returning(table.c.name), [_TEXT, _TEXT, _MOMENT, _MOMENT])

    def _leased_statement(self) -> Statement:
        table = self._tables.lease
        live = table.c.expires > parameter(1, table.c.expires.type)
        clause = sa.select(table.c.name).where(table.c.name == parameter(0, table.c.name.type), live)
        return self._compile(clause, [_TEXT, _MOMENT])

    def _release_statement(self) -> Statement:
        table = self._tables.lease
        mine = table.c.holder == parameter(0, table.c.holder.type)
        return self._compile(sa.delete(table).where(mine).returning(table.c.name), [_TEXT])

    def _pending_statement(self) -> Statement:
        table = self._tables.outbox
        earlier = table.alias("earlier")
        blocked = sa.exists().where(
            self._waiting(earlier),
            earlier.c.document_id == table.c.document_id,
            earlier.c.position < table.c.position,
            earlier.c.retry_at > parameter(0, table.c.retry_at.type),
        )
        due = sa.or_(table.c.retry_at.is_(None), table.c.retry_at <= parameter(0, table.c.retry_at.type))
        columns = [table.c.position, table.c.attempts, *(table.c[name] for name in EVENT_SPECS)]
        clause = sa.select(*columns).where(self._waiting(table), due, ~blocked).order_by(table.c.position)
        return self._compile(clause.limit(parameter(1, sa.BigInteger())), [_MOMENT, _NUMBER], heavy=True)

    def _waiting(self, table: Any) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.published_at.is_(None), table.c.given_up == sa.literal_column("0"))

    def _published_statement(self) -> Statement:
        table = self._tables.outbox
        mine = table.c.position == parameter(0, sa.BigInteger())
        clause = sa.update(table).values(published_at=parameter(1, table.c.published_at.type)).where(mine)
        return self._compile(clause, [_NUMBER, _MOMENT])

    def _failed_statement(self) -> Statement:
        table = self._tables.outbox
        clause = (
            sa.update(table)
            .where(table.c.position == parameter(0, sa.BigInteger()))
            .values(
                error=parameter(1, table.c.error.type),
                retry_at=parameter(2, table.c.retry_at.type),
                given_up=parameter(3, sa.SmallInteger()),
                attempts=table.c.attempts + sa.literal_column("1"),
            )
            .returning(table.c.position)
        )
        return self._compile(clause, [_NUMBER, _TEXT, _MOMENT, _NUMBER])

    def _prune_statement(self) -> Statement:
        table = self._tables.outbox
        old = table.c.published_at < parameter(0, table.c.published_at.type)
        return self._compile(sa.delete(table).where(old).returning(table.c.position), [_MOMENT])
