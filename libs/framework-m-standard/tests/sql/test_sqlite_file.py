"""The file of an SQLite database: its mode, and the errors when it is gone, full or locked."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.services.runtime.retry import retry
from framework_m_standard.sql.engine.sqlite_driver import SqliteDriver
from framework_m_standard.sql.engine.statement import compile_statement
from framework_m_standard.sql.settings import SqlSettings
from tests.errors import assert_names


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[SqliteDriver]:
    """An open driver with one table, and a short time for locks."""
    opened = SqliteDriver(tmp_path / "data.db", SqlSettings(lock_timeout_seconds=0.2))
    await opened.open()
    await _run(opened, "CREATE TABLE t (x TEXT)")
    yield opened
    await opened.close()


async def _run(driver: SqliteDriver, sql: str) -> None:
    await driver.write(compile_statement(sa.text(sql), driver.dialect, ()), ())


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


async def test_the_files_are_their_owners_alone(driver: SqliteDriver, tmp_path: Path) -> None:
    assert _modes(tmp_path) == {"data.db": 0o600, "data.db-wal": 0o600, "data.db-shm": 0o600}


async def test_a_file_that_others_may_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "data.db"
    path.touch(mode=0o644)
    driver = SqliteDriver(path, SqlSettings())
    with caplog.at_level(logging.WARNING):
        await driver.open()
    await driver.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text


@pytest.mark.parametrize(("mode", "taken"), [(0o777, False), (0o1777, True), (0o700, True), (0o775, True)])
async def test_everybody_may_not_replace_it(tmp_path: Path, mode: int, taken: bool) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    driver = SqliteDriver(folder / "data.db", SqlSettings())
    if taken:
        await driver.open()
        await driver.close()
        return
    with pytest.raises(ConfigurationError) as refused:
        await driver.open()
    assert_names(refused.value, str(folder), "owner", "write")


@pytest.mark.parametrize("again", [False, True])
async def test_a_deleted_file_takes_no_write_and_is_not_ready(driver: SqliteDriver, again: bool) -> None:
    await driver.ping()
    driver.path.unlink()
    if again:
        shutil.copy(f"{driver.path}-wal", driver.path)
    with pytest.raises(TransientError, match="deleted or replaced"):
        await driver.ping()
    with pytest.raises(TransientError, match="deleted or replaced"):
        await _run(driver, "INSERT INTO t VALUES ('lost')")


async def test_a_full_disk_is_not_ready(driver: SqliteDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(driver.path)
    full = os.statvfs_result((*real[:4], 0, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    with pytest.raises(TransientError, match="is full"):
        await driver.ping()


async def test_what_finds_no_room_is_the_stores_failure_and_not_tried_again(driver: SqliteDriver) -> None:
    await _run(driver, "PRAGMA max_page_count = 3")
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        await _run(driver, f"INSERT INTO t VALUES ('{'x' * 100_000}')")

    with pytest.raises(TransientError, match="check the disk"):
        await retry(attempt)
    assert tries == 1
    await _run(driver, "INSERT INTO t VALUES ('small')")


async def test_a_lock_of_another_process_is_waited_for_once(driver: SqliteDriver) -> None:
    other = sqlite3.connect(driver.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    tries: list[float] = []

    async def attempt() -> Any:
        tries.append(time.monotonic())
        await _run(driver, "INSERT INTO t VALUES ('a')")

    async with asyncio.timeout(5):
        with pytest.raises(TransientError):
            await retry(attempt)
    other.close()
    assert len(tries) == 1
    await _run(driver, "INSERT INTO t VALUES ('a')")
