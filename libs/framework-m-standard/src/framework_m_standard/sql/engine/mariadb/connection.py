"""A connection to MariaDB with its prepared statements, and the settings of its session."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncmy
from asyncmy.constants import CLIENT
from asyncmy.errors import MySQLError

from framework_m_core.spi import ConfigurationError, TransientError
from framework_m_standard.sql.engine.error_translation import UNAVAILABLE
from framework_m_standard.sql.engine.mariadb.errors import is_lost, translate_mariadb_error
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.settings import SqlSettings

__all__ = ["MariadbConnection", "open_session"]

_OLDEST: Final = (10, 6)
_MAX_PREPARED: Final = 100
"""The server bounds the prepared statements of all its connections together, by default at 16,382."""

_MAX_PREPARED_STATEMENT: Final = 20_000
"""Statements with more characters are prepared each time."""

_VERSION: Final = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)\.\d+-MariaDB", re.IGNORECASE)
_SORTED_BYTES: Final = 16_384
_SORT_BUFFER: Final = 8 << 20
"""Enough for a sort by many texts, of which each takes up to `_SORTED_BYTES` in some dozen rows at least."""

_SESSION: Final = (
    "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,ANSI_QUOTES,NO_BACKSLASH_ESCAPES', time_zone = '+00:00', innodb_strict_mode = ON, "
    "default_storage_engine = InnoDB, foreign_key_checks = ON, unique_checks = ON, "
    f"group_concat_max_len = 4294967295, max_sort_length = {_SORTED_BYTES}, sort_buffer_size = {_SORT_BUFFER}",
)
_COLUMNS: Final = Statement(
    "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() "
    "AND INDEX_NAME = ? AND COLUMN_NAME <> INDEX_NAME ORDER BY SEQ_IN_INDEX"
)


async def open_session(
    arguments: dict[str, Any], settings: SqlSettings, *, autocommit: bool = True, statement_timeout: float
) -> Any:
    """Connect and set up the session. Raises ConfigurationError for a server that is not MariaDB, or too old."""
    wait = math.ceil(settings.lock_timeout_seconds)
    raw: Any = await asyncmy.connect(
        **arguments,
        autocommit=autocommit,
        charset="utf8mb4",
        connect_timeout=wait,
        client_flag=CLIENT.FOUND_ROWS,
        program_name="framework-m",
        stmt_cache_size=0 if autocommit else _MAX_PREPARED,  # without it, bytes are sent with backslashes
    )
    try:
        _check_version(raw.get_server_info())
        for sql in _SESSION:
            await raw.query(sql)
        await raw.query(
            f"SET SESSION innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}, "
            f"max_statement_time = {statement_timeout}"
        )
    except BaseException:
        raw.close()
        raise
    return raw


def _check_version(version: str) -> None:
    found = _VERSION.search(version)
    if found is None or (int(found["major"]), int(found["minor"])) < _OLDEST:
        raise ConfigurationError(f"expected a server of MariaDB {_OLDEST[0]}.{_OLDEST[1]} or newer, got {version}")


class MariadbConnection:
    """A driver connection with its prepared statements; it raises the port's errors."""

    def __init__(self, raw: Any, max_packet: int) -> None:
        self.raw = raw
        self.busy = False
        """Whether a statement was sent whose answer has not been read to its end."""
        self.changed = False
        """Whether the session has settings or locks of one caller's, so that no other may use it."""
        self._max_packet = max_packet
        self._prepared: OrderedDict[str, Any] = OrderedDict()

    @property
    def is_usable(self) -> bool:
        """Whether the next caller can use the connection; a closed one is known before anything is sent."""
        return not (self.busy or self.changed or self.raw._stream_broken)

    async def prepare(self, statement: Statement) -> Any:
        """Prepare a statement, or return it as prepared before."""
        known = self._prepared.get(statement.sql)
        if known is not None:
            self._prepared.move_to_end(statement.sql)
            return known
        prepared: Any = await self._run(statement.sql, self.raw.prepare(statement.sql))
        if len(statement.sql) <= _MAX_PREPARED_STATEMENT:
            self._prepared[statement.sql] = prepared
            if len(self._prepared) > _MAX_PREPARED:
                await self._prepared.popitem(last=False)[1].close()
        return prepared

    async def execute(self, statement: Statement, values: Sequence[Any]) -> Any:
        """Run a statement and return its result, which has `rows` and `affected_rows`."""
        prepared = await self.prepare(statement)
        result = await self._run(statement.sql, prepared.execute(tuple(statement.arrange(values))))
        if statement.sql not in self._prepared:
            await prepared.close()
        return result

    async def execute_many(self, statement: Statement, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once for each row of values, in few round trips if each column is of one type."""
        prepared = await self.prepare(statement)
        for batch in self._batches([tuple(statement.arrange(row)) for row in rows]):
            try:
                await self._run(statement.sql, prepared.execute_bulk(batch))
            except ValueError:  # raised before anything is sent
                for row in batch:
                    await self._run(statement.sql, prepared.execute(row))

    async def run_script(self, sql: str) -> None:
        """Run SQL text without parameters. What sets something for the session makes it nobody else's."""
        self.changed = self.changed or sql.startswith("SET SESSION ")
        await self._run(sql, self._query(sql))

    async def _query(self, sql: str) -> None:
        await self.raw.query(sql)
        while self.raw._result is not None and self.raw._result.has_next:
            await self.raw.next_result()

    async def _run(self, sql: str, work: Any) -> Any:
        if self.busy:  # another task's statement, whose answer this one would read
            work.close()
            raise TransientError(UNAVAILABLE)
        self.busy = True
        try:
            result = await work
        except Exception as error:
            self.busy = not isinstance(error, (MySQLError, ValueError)) or is_lost(error)
            translated = await translate_mariadb_error(error, sql, self._index_columns)
            if translated is error:
                raise
            raise translated from error
        self.busy = False
        return result

    async def _index_columns(self, index: str) -> list[tuple[str, str]]:
        return list((await self.execute(_COLUMNS, (index,))).rows)

    def _batches(self, rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
        """Yield rows in batches that fit a packet."""
        batch: list[tuple[Any, ...]] = []
        size = 0
        for row in rows:
            bytes_ = sum(4 * len(value) + 9 if isinstance(value, (str, bytes)) else 16 for value in row)
            if batch and size + bytes_ > self._max_packet // 2:
                yield batch
                batch, size = [], 0
            batch.append(row)
            size += bytes_
        if batch:
            yield batch
