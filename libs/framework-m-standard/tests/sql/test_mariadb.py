"""What MariaDB does otherwise than PostgreSQL: the driver and the tables make up for it, or say so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from framework_m_core.domain.errors import (
    ConfigurationError,
    DatabaseError,
    DuplicateValueError,
    TransientError,
)
from framework_m_core.domain.fields.field import Field
from framework_m_standard.sql.engine.mariadb.address import parse_address
from framework_m_standard.sql.engine.statement import Statement
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore
from framework_m_testing.fakes.doctype import FakeDocType
from framework_m_testing.harness import StoreHarness, build_sample_registry
from tests.mariadb_server import run_sql

from .migrating import open_migrating, plain, registry_of
from .test_lost_commits import Lossy
from .wiring import sql_harness, sql_store

pytestmark = pytest.mark.slow


@pytest.fixture
async def store(mariadb_url: str) -> AsyncIterator[SqlStore]:
    async with sql_store(mariadb_url, build_sample_registry(), pool_size=2) as opened:
        await sql_harness(opened).schema_mapper.sync()
        yield opened


class Pair(FakeDocType):
    """Unique over as much text as is allowed."""

    left: str = Field(default="", index=True)
    right: str | None = Field(default=None, index=True)
    number: int = 0

    class Meta:
        unique_together = [("left", "right", "number")]


@pytest.fixture
async def pairs(mariadb_url: str) -> AsyncIterator[StoreHarness]:
    async with sql_store(mariadb_url, registry_of(Pair)) as opened:
        harness = sql_harness(opened)
        await harness.schema_mapper.sync()
        yield harness


async def test_uniqueness_is_of_whole_values(pairs: StoreHarness) -> None:
    """However little of each value the index holds, and wherever one value ends and the next begins."""
    long = "\U0001f600" * 254
    one, other = long + "a", long + "b"
    await pairs.store("Pair", left=one, right=other, number=1)
    for left, right, number in (
        (other, other, 1), (one, other, 11), (one, long, 1), (one, long + "B", 1), (long, other, 1), (one, "", 1),
        (one, None, 1), (one, None, 1), ("ab", "c", 1), ("a", "bc", 1), ("a", "bc ", 1), ("a", "b", 1),
    ):  # fmt: skip
        await pairs.store("Pair", left=left, right=right, number=number)
    with pytest.raises(DuplicateValueError) as refused:
        await pairs.store("Pair", left=one, right=other, number=1)
    assert refused.value.details["fields"] == ["left", "right", "number"]


async def test_text_is_never_cut(store: SqlStore) -> None:
    harness = sql_harness(store)
    text = "".join(chr(code) for code in (*range(1, 0xD800), *range(0xE000, 0x11000))) + "\\'\"%s ?`  "
    kept = await harness.store("Thing", text=text, slots=[{"what": text}])
    found = await harness.load("Thing", kept.id)
    assert (found.text, found.slots[0].what) == (text, text)


async def test_what_exceeds_a_packet_is_told_and_costs_one_connection(store: SqlStore) -> None:
    driver, size = store.global_driver, Statement("SELECT OCTET_LENGTH(?)")
    [(limit,)] = await driver.fetch(Statement("SELECT @@max_allowed_packet"), ())
    with pytest.raises(DatabaseError, match="max_allowed_packet"):
        await driver.fetch(size, ("x" * (limit + 1),))
    assert await driver.fetch(size, ("x",)) == [(1,)]


async def test_nothing_is_stored_after_a_deadlock(store: SqlStore) -> None:
    """The database rolls back by itself, so what followed in the transaction would commit alone."""
    driver = store.global_driver
    add = Statement("INSERT INTO m_counter (prefix, value) VALUES (?, ?)")
    change = Statement("UPDATE m_counter SET value = value + 1 WHERE prefix = ?")
    for prefix in ("a", "b"):
        await driver.apply(add, (prefix, 0))
    both = asyncio.Barrier(2)

    async def cross(mine: str, other: str) -> None:
        transaction = await driver.begin()
        try:
            await transaction.execute(change, (mine,))
            await both.wait()
            try:
                await transaction.execute(change, (other,))
            except TransientError:
                for again in (transaction.execute(add, ("late", 1)), transaction.commit()):
                    with pytest.raises(TransientError):
                        await again
                raise
            await transaction.commit()
        finally:
            await transaction.rollback()

    outcomes = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    assert [type(one) for one in outcomes if one] == [TransientError]
    assert dict(await driver.fetch(Statement("SELECT prefix, value FROM m_counter"), ())) == {"a": 1, "b": 1}


async def test_a_statement_that_takes_too_long_is_ended(mariadb_url: str) -> None:
    async with sql_store(mariadb_url, build_sample_registry(), statement_timeout_seconds=0.2) as opened:
        with pytest.raises(TransientError):
            await opened.global_driver.fetch(Statement("SELECT SLEEP(20)"), ())


async def test_a_caller_that_leaves_keeps_no_lock(store: SqlStore) -> None:
    """The statement that it waits for is ended on the server, too."""
    driver = store.global_driver
    name = Statement("SELECT GET_LOCK('left', 20)")
    holder = await driver.begin()
    await holder.fetch(name, ())
    waiting = asyncio.create_task(driver.fetch(name, ()))
    asked = Statement("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT GET_LOCK%left%'")

    async def waiters(expected: int) -> None:
        for _ in range(500):
            if await holder.fetch(asked, ()) == [(expected,)]:
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"expected {expected} statements that wait")

    await waiters(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await waiters(0)
    await holder.fetch(Statement("SELECT RELEASE_LOCK('left')"), ())
    await holder.rollback()


async def test_a_closed_connection_is_replaced(store: SqlStore, mariadb_url: str) -> None:
    """As after a restart of the server, or the end of an idle connection: reads and writes go on."""
    driver, own = store.global_driver, Statement("SELECT CONNECTION_ID()")
    for again in (driver.fetch, driver.write):
        [(number,)] = await driver.fetch(own, ())
        await run_sql(mariadb_url, f"KILL {number}")
        [(other,)] = await again(own, ())
        assert other != number, again.__name__
    [(number,)] = await driver.fetch(own, ())
    await run_sql(mariadb_url, f"KILL {number}")
    transaction = await driver.begin()
    await transaction.rollback()


async def test_a_server_that_is_away_is_told_and_found_again(mariadb_url: str) -> None:
    """Nothing has to be restarted: what is asked meanwhile may be tried again."""
    parts, way = urlsplit(mariadb_url), Lossy()
    target = (str(parts.hostname), parts.port or 3306)

    async def serve(port: int = 0) -> asyncio.Server:
        return await asyncio.start_server(lambda *client: way.join(client, target), "127.0.0.1", port)

    server = await serve()
    port = server.sockets[0].getsockname()[1]
    address = parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()
    async with sql_store(address, build_sample_registry()) as opened:
        driver = opened.global_driver
        await driver.ping()
        server.close()
        for link in way.links:
            link.close()
        for asked in (driver.ping, driver.begin, lambda: driver.apply(Statement("DO 0"), ())):
            with pytest.raises(TransientError):
                await asked()
        server = await serve(port)
        await driver.ping()
        await (await driver.begin()).commit()
    server.close()


async def test_texts_are_ordered_far_beyond_their_beginning(store: SqlStore) -> None:
    driver = store.global_driver
    for end in ("b", "A", "é", "a", "a "):
        row = Statement(
            "INSERT INTO m_idempotency (`key`, body_hash, status, body, expires) VALUES (?, '', 1, ?, NOW())"
        )
        await driver.apply(row, (end, "x" * 5_000 + end))
    found = await driver.fetch(Statement("SELECT `key` FROM m_idempotency ORDER BY body"), ())
    assert [key for (key,) in found] == ["A", "a", "a ", "b", "é"]


async def test_another_server_is_refused(monkeypatch: pytest.MonkeyPatch, mariadb_url: str) -> None:
    monkeypatch.setattr("framework_m_standard.sql.engine.mariadb.connection._OLDEST", (99, 0))
    driver = make_driver(SqlSettings(url=mariadb_url), Path())
    with pytest.raises(ConfigurationError, match=r"99\.0"):
        await driver.open()


async def test_a_revision_that_failed_goes_on_where_it_stopped(empty_mariadb_url: str, tmp_path: Path) -> None:
    """Changes of tables stay, so a second run makes the others alone."""
    folder = tmp_path / "migrations"
    async with open_migrating(empty_mariadb_url, registry_of(plain()), folder) as app:
        await app.migrations.init()
        await app.change("first")
    wider: Any = plain(code=(int, 1), note=(str, Field(default="", index=True)))
    async with open_migrating(empty_mariadb_url, registry_of(wider), folder) as app:
        written = await app.migrations.create("wider")
        assert written is not None
        sound = written.path.read_text()
        head, middle, tail = sound.partition("    m.add_index")
        written.path.write_text(head + "    nonsense()\n" + middle + tail)
        with pytest.raises(Exception, match="MariaDB"):
            await app.run()
        assert "note" in {row[0] for row in await run_sql(empty_mariadb_url, "SHOW COLUMNS FROM plain")}
        written.path.write_text(sound)
        assert await app.run() == ["0002_wider"]
        assert not await app.migrations.diff()
        assert not await run_sql(empty_mariadb_url, "SELECT * FROM m_revision_change")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mariadb://host", "a database"),
        ("mariadb://host/crm?sock=x", "sock"),
        ("mariadb://host/crm?ssl=perhaps", "ssl="),
        ("mariadb://u:hunter2@host:port/crm", "port"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        parse_address(address)
    assert "hunter2" not in str(refused.value)


def test_an_address_is_read_whole() -> None:
    assert parse_address("mariadb://ada:p%40ss@db:3307/crm?ssl_ca=/ca.pem&socket=/run/m.sock") == {
        "host": "db",
        "port": 3307,
        "database": "crm",
        "user": "ada",
        "password": b"p@ss",
        "ssl": {"ca": "/ca.pem"},
        "unix_socket": "/run/m.sock",
    }
