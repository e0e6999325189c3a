"""SQLAlchemy's async engine for the FastAPI contender, and for filling its SQLite file."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

__all__ = ["make_engine"]

POOL_SIZE = 16


def make_engine(url: str) -> AsyncEngine:
    """The engine for a plain `postgresql://` or `sqlite:///` address."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+asyncpg://", 1)
        return create_async_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_SIZE)
    url = url.replace("sqlite:///", "sqlite+aiosqlite:///", 1)
    engine = create_async_engine(url, pool_size=POOL_SIZE, connect_args={"timeout": 30})
    event.listen(engine.sync_engine, "connect", _use_wal)
    return engine


def _use_wal(connection: Any, record: object) -> None:
    del record
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
