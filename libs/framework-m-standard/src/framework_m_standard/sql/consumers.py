"""`SqlConsumers`: port `ConsumersProtocol`, over the tables `m_consumer` and `m_delivery`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from framework_m_core.spi import ConsumerState, DueEvent, Interest, ParkedEvent, Progress, SetAside, compute_latest_end
from framework_m_standard.sql.engine.driver import Transaction, transact
from framework_m_standard.sql.engine.row_codec import SQLITE
from framework_m_standard.sql.outbox import number_events, read_event
from framework_m_standard.sql.schema.tables import CONSUMER_SPECS, EVENT_SPECS
from framework_m_standard.sql.statements.consumers import ConsumerStatements
from framework_m_standard.sql.store import SqlStore

__all__ = ["SqlConsumers"]


class SqlConsumers:
    """The stored consumers of an SQL store."""

    def __init__(self, sql_store: SqlStore) -> None:
        self._driver = sql_store.global_driver
        self._statements = ConsumerStatements(
            sql_store.framework_tables, sql_store.framework, sql_store.global_driver.name
        )
        self._events = sql_store.framework.make_decoders(EVENT_SPECS)
        self._columns = sql_store.framework.make_decoders(CONSUMER_SPECS)

    async def register(self, interests: Mapping[str, Interest], now: datetime) -> None:
        """Store new consumers, which begin with the next event to be committed, or with all if they are the first."""
        if _changed(interests, await self.read_interests()):
            await transact(self._driver, lambda transaction: self._register(transaction, interests, now))

    async def _register(self, transaction: Transaction, interests: Mapping[str, Interest], now: datetime) -> None:
        if self._driver.name != SQLITE:
            await number_events(transaction, self._driver.name)
        known = self._known(await transaction.fetch(self._statements.known, ()))
        newest = (await transaction.fetch(self._statements.newest, ()))[0][0]
        for name, interest in _changed(interests, known).items():
            row = (name, list(interest.patterns), newest if known else 0, None, None, now)
            await transaction.execute(self._statements.register, row)

    def _known(self, rows: Sequence[Sequence[object]]) -> dict[str, Interest]:
        return {str(name): self._interest(patterns) for name, patterns in rows}

    def _interest(self, stored: object) -> Interest:
        convert = self._columns.get("interest")
        patterns: list[str] = convert(stored) if convert else stored  # type: ignore[assignment]
        return Interest(patterns)

    async def read_interests(self) -> Mapping[str, Interest]:
        """Return the stored interests."""
        return self._known(await self._driver.fetch(self._statements.known, ()))

    async def lease(self, name: str, holder: str, now: datetime, duration: timedelta) -> int | None:
        """Take a lease and return the cursor."""
        lease = (name, holder, now, now + duration, compute_latest_end(now, duration))
        if not await self._driver.apply(self._statements.lease, lease):
            return None
        rows = await self._driver.fetch(self._statements.cursor, (name, holder))
        return int(rows[0][0]) if rows else None

    async def renew(self, name: str, holder: str, now: datetime, duration: timedelta) -> bool:
        """Renew the lease if this holder has it."""
        return bool(await self._driver.apply(self._statements.renew, (name, holder, now + duration)))

    async def release(self, name: str, holder: str) -> None:
        """Release the lease if this holder has it."""
        await self._driver.apply(self._statements.release, (name, holder))

    async def read_waiting(self, name: str) -> Sequence[tuple[int, str]]:
        """Return position and key of what is set aside and not parked."""
        return [(row[0], row[1]) for row in await self._driver.fetch(self._statements.select_waiting, (name,))]

    async def read_due(self, name: str, now: datetime, limit: int) -> Sequence[DueEvent]:
        """Return events set aside that are due, in order."""
        rows = await self._driver.fetch(self._statements.select_due, (name, now, limit))
        return [DueEvent(read_event(self._events, row), attempts) for attempts, *row in rows]

    async def save(self, name: str, holder: str, progress: Progress) -> bool:
        """Save a step in one transaction, if the holder has the lease."""
        step = (name, holder, progress.cursor)
        if not progress.set_aside and not progress.handled:
            return bool(await self._driver.apply(self._statements.advance, step))

        async def work(transaction: Transaction) -> bool:
            if not await transaction.execute(self._statements.advance, step):
                return False
            if progress.set_aside:
                rows = [_row(name, one) for one in progress.set_aside]
                await transaction.execute_many(self._statements.set_aside, rows)
            if progress.handled:
                await transaction.execute_many(self._statements.handled, [(name, at) for at in progress.handled])
            return True

        return await transact(self._driver, work)

    async def read_states(self, now: datetime, duration: timedelta) -> Sequence[ConsumerState]:
        """Return the state of each consumer."""
        convert = self._columns.get("expires", lambda value: value)
        found = []
        for name, interest, cursor, holder, expires, waiting, parked, *ages in await self._driver.fetch(
            self._statements.select_states, ()
        ):
            leased = holder is not None and now < convert(expires) <= compute_latest_end(now, duration)
            since = min((convert(age) for age in ages if age is not None), default=None)
            found.append(ConsumerState(name, self._interest(interest), cursor, leased, waiting, parked, since))
        return found

    async def read_parked(self, name: str | None, limit: int) -> Sequence[ParkedEvent]:
        """Return parked events, the oldest first."""
        statement = self._statements.select_parked(of_one=name is not None)
        rows = await self._driver.fetch(statement, (limit,) if name is None else (name, limit))
        return [ParkedEvent(row[0], read_event(self._events, row[3:]), row[1], row[2]) for row in rows]

    async def retry(self, name: str, position: int | None = None) -> int:
        """Make events due that are parked or wait for their next attempt, and return their number."""
        statement = self._statements.retry(one=position is not None)
        return await self._driver.apply(statement, (name,) if position is None else (name, position))

    async def remove(self, name: str) -> bool:
        """Remove a consumer with its progress."""

        async def work(transaction: Transaction) -> bool:
            await transaction.execute(self._statements.forget, (name,))
            return bool(await transaction.execute(self._statements.remove, (name,)))

        return await transact(self._driver, work)


def _changed(interests: Mapping[str, Interest], known: Mapping[str, Interest]) -> dict[str, Interest]:
    return {name: interest for name, interest in interests.items() if known.get(name) != interest}


def _row(consumer: str, one: SetAside) -> tuple[object, ...]:
    error = one.error.replace("\0", "")[:1000] if one.error else None
    return (consumer, one.position, one.key, one.attempts, one.retry_at, error, int(one.parked))
