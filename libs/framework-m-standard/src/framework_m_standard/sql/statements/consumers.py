"""The statements on stored consumers and on the events that they have set aside."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from framework_m_core.spi import FieldKind, FieldSpec
from framework_m_standard.sql.engine.statement import Statement, make_parameter
from framework_m_standard.sql.schema.tables import CONSUMER_SPECS, DELIVERY_SPECS, EVENT_SPECS, Tables
from framework_m_standard.sql.statements.framework import FrameworkStatements, upsert

__all__ = ["ConsumerStatements"]

_DATETIME = FieldSpec("at", FieldKind.DATETIME)
_NUMBER = FieldSpec("n", FieldKind.INTEGER)
_TEXT = FieldSpec("text", FieldKind.TEXT)
_ZERO: Final[Any] = sa.literal_column("0")


class ConsumerStatements:
    """Statements of `SqlConsumers`, each compiled on first use; docstrings name the parameters in their order."""

    def __init__(self, tables: Tables, framework: FrameworkStatements, dialect: str) -> None:
        self._consumer, self._delivery, self._outbox = tables.consumer, tables.delivery, tables.outbox
        self._order, self._is_delivered_now = tables.event_order, tables.is_delivered_now
        self._compile = framework.compile
        self._dialect = dialect

    def _waits(self, delivery: Any) -> sa.ColumnElement[bool]:
        return sa.and_(
            delivery.c.consumer == make_parameter(0, self._delivery.c.consumer.type), delivery.c.parked == _ZERO
        )

    def _is(self, name: sa.Column[Any]) -> sa.ColumnElement[bool]:
        return name == make_parameter(0, name.type)

    @cached_property
    def known(self) -> Statement:
        """Names and interests of all consumers."""
        return self._compile(sa.select(self._consumer.c.name, self._consumer.c.interest), [])

    @cached_property
    def newest(self) -> Statement:
        """The position of the newest event."""
        return self._compile(sa.select(sa.func.coalesce(sa.func.max(self._order), _ZERO)), [])

    @cached_property
    def register(self) -> Statement:
        """Store a consumer, or the interest of one that is stored: a row of `CONSUMER_SPECS`."""
        columns = self._consumer.c
        values = {name: make_parameter(n, columns[name].type) for n, name in enumerate(CONSUMER_SPECS)}
        clause = upsert(self._dialect, self._consumer, values, ["name"], lambda new: {"interest": new.interest})
        return self._compile(clause, list(CONSUMER_SPECS.values()))

    @cached_property
    def lease(self) -> Statement:
        """Lease a consumer: name, holder, now, the end of the lease, its latest end."""
        columns = self._consumer.c
        holder = make_parameter(1, columns.holder.type)
        now, end, last = (make_parameter(n, columns.expires.type) for n in (2, 3, 4))
        over = sa.or_(columns.expires <= now, columns.expires > last)
        free = sa.or_(columns.holder.is_(None), columns.holder == holder, over)
        clause = sa.update(self._consumer).values(holder=holder, expires=end).where(self._is(columns.name), free)
        return self._compile(clause, [_TEXT, _TEXT, _DATETIME, _DATETIME, _DATETIME])

    @cached_property
    def cursor(self) -> Statement:
        """The cursor of a consumer: name, holder."""
        columns = self._consumer.c
        mine = sa.and_(self._is(columns.name), columns.holder == make_parameter(1, columns.holder.type))
        return self._compile(sa.select(columns.position).where(mine), [_TEXT, _TEXT])

    @cached_property
    def renew(self) -> Statement:
        """Set the end of a lease: name, holder, end."""
        columns = self._consumer.c
        mine = sa.and_(self._is(columns.name), columns.holder == make_parameter(1, columns.holder.type))
        clause = sa.update(self._consumer).values(expires=make_parameter(2, columns.expires.type)).where(mine)
        return self._compile(clause, [_TEXT, _TEXT, _DATETIME])

    @cached_property
    def release(self) -> Statement:
        """End a lease: name, holder."""
        columns = self._consumer.c
        mine = sa.and_(self._is(columns.name), columns.holder == make_parameter(1, columns.holder.type))
        clause = sa.update(self._consumer).values(holder=sa.null(), expires=sa.null()).where(mine)
        return self._compile(clause, [_TEXT, _TEXT])

    @cached_property
    def advance(self) -> Statement:
        """Set the cursor: name, holder, position."""
        columns = self._consumer.c
        mine = sa.and_(self._is(columns.name), columns.holder == make_parameter(1, columns.holder.type))
        clause = sa.update(self._consumer).values(position=make_parameter(2, columns.position.type)).where(mine)
        return self._compile(clause, [_TEXT, _TEXT, _NUMBER])

    @cached_property
    def set_aside(self) -> Statement:
        """Set an event aside, or change how: a row of `DELIVERY_SPECS`."""
        columns = self._delivery.c
        values = {name: make_parameter(n, columns[name].type) for n, name in enumerate(DELIVERY_SPECS)}
        state = ("attempts", "retry_at", "error", "parked")
        clause = upsert(
            self._dialect,
            self._delivery,
            values,
            ["consumer", "position"],
            lambda new: {name: new[name] for name in state},
        )
        return self._compile(clause, list(DELIVERY_SPECS.values()))

    @cached_property
    def handled(self) -> Statement:
        """Delete an event set aside: consumer, position."""
        columns = self._delivery.c
        mine = sa.and_(self._is(columns.consumer), columns.position == make_parameter(1, columns.position.type))
        return self._compile(sa.delete(self._delivery).where(mine), [_TEXT, _NUMBER])

    @cached_property
    def select_waiting(self) -> Statement:
        """Position and key of what is set aside and not parked: consumer."""
        columns = self._delivery.c
        return self._compile(sa.select(columns.position, columns.key).where(self._waits(self._delivery)), [_TEXT])

    @cached_property
    def select_due(self) -> Statement:
        """Attempts and events that are due: consumer, now, limit."""
        delivery, earlier = self._delivery, self._delivery.alias("earlier")
        now = make_parameter(1, delivery.c.retry_at.type)
        blocked = sa.exists().where(
            self._waits(earlier),
            earlier.c.key == delivery.c.key,
            earlier.c.position < delivery.c.position,
            earlier.c.retry_at > now,
        )
        due = sa.or_(delivery.c.retry_at.is_(None), delivery.c.retry_at <= now)
        columns = [delivery.c.attempts, self._order, *(self._outbox.c[name] for name in EVENT_SPECS)]
        joined = delivery.join(self._outbox, self._order == delivery.c.position)
        clause = sa.select(*columns).select_from(joined).where(self._waits(delivery), due, ~blocked)
        clause = clause.order_by(delivery.c.position).limit(make_parameter(2, sa.BigInteger()))
        return self._compile(clause, [_TEXT, _DATETIME, _NUMBER], heavy=True)

    def select_parked(self, *, of_one: bool) -> Statement:
        """Select consumer, attempts, error and event of parked events.

        Its parameters are the limit, and with `of_one` the consumer before it.
        """
        delivery = self._delivery
        columns = [delivery.c.consumer, delivery.c.attempts, delivery.c.error, self._order]
        joined = delivery.join(self._outbox, self._order == delivery.c.position)
        clause = sa.select(*columns, *(self._outbox.c[name] for name in EVENT_SPECS)).select_from(joined)
        clause = clause.where(delivery.c.parked != _ZERO).order_by(delivery.c.position, delivery.c.consumer)
        if of_one:
            clause = clause.where(self._is(delivery.c.consumer)).limit(make_parameter(1, sa.BigInteger()))
            return self._compile(clause, [_TEXT, _NUMBER])
        return self._compile(clause.limit(make_parameter(0, sa.BigInteger())), [_NUMBER])

    def retry(self, *, one: bool) -> Statement:
        """Make events due that are parked or wait for their next attempt: consumer, and with `one` the position."""
        columns = self._delivery.c
        failed = sa.and_(self._is(columns.consumer), sa.or_(columns.parked != _ZERO, columns.retry_at.is_not(None)))
        if one:
            failed = sa.and_(failed, columns.position == make_parameter(1, columns.position.type))
        clause = sa.update(self._delivery).values(parked=_ZERO, attempts=_ZERO, retry_at=sa.null()).where(failed)
        return self._compile(clause, [_TEXT, _NUMBER][: 1 + one])

    @cached_property
    def forget(self) -> Statement:
        """Delete what a consumer has set aside: consumer."""
        return self._compile(sa.delete(self._delivery).where(self._is(self._delivery.c.consumer)), [_TEXT])

    @cached_property
    def remove(self) -> Statement:
        """Delete a consumer: name."""
        return self._compile(sa.delete(self._consumer).where(self._is(self._consumer.c.name)), [_TEXT])

    @cached_property
    def select_states(self) -> Statement:
        """Name, interest, cursor, holder, end of lease, waiting, parked, and times of the oldest that wait."""
        consumer, delivery, outbox = self._consumer, self._delivery, self._outbox
        mine = delivery.c.consumer == consumer.c.name
        waits, parked = sa.and_(mine, delivery.c.parked == _ZERO), sa.and_(mine, delivery.c.parked != _ZERO)
        joined = delivery.join(outbox, self._order == delivery.c.position)
        ahead = sa.select(outbox.c.occurred_at).where(self._order > consumer.c.position, self._is_delivered_now)
        aside = sa.select(sa.func.min(outbox.c.occurred_at)).select_from(joined).where(waits)
        counts = [
            sa.select(sa.func.count()).select_from(delivery).where(one).scalar_subquery() for one in (waits, parked)
        ]
        ages = [ahead.order_by(self._order).limit(1).scalar_subquery(), aside.scalar_subquery(), self._unnumbered()]
        own = [consumer.c[name] for name in ("name", "interest", "position", "holder", "expires")]
        return self._compile(sa.select(*own, *counts, *ages).order_by(consumer.c.name), [], heavy=True)

    def _unnumbered(self) -> Any:
        """Return the time of the oldest event without a number, which SQLite's never are."""
        if self._dialect == "sqlite":
            return sa.null()
        fresh = sa.and_(self._order.is_(None), self._is_delivered_now)
        clause = sa.select(self._outbox.c.occurred_at).where(fresh).order_by(self._outbox.c.position).limit(1)
        return clause.scalar_subquery()
