"""Settings of the SQL store: section `[sql]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from framework_m_core.bootstrap.settings import Settings

__all__ = ["SqlSettings", "sqlite_address"]


class SqlSettings(BaseModel):
    """Where documents are kept, and how the drivers behave.

    `url` is `sqlite:///path` or `postgresql://…`; without it, SQLite in the app's `.m/` folder. `pool_size` is the
    most PostgreSQL connections of one worker. `statement_timeout` and `lock_timeout` are in seconds.
    `sqlite_synchronous` trades durability on power loss for speed; a killed process loses nothing either way.
    `sync_schema` lets the start create and widen tables, which it does in development alone, and only while there are
    no migrations; false keeps it from that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = None
    pool_size: int = Field(default=16, ge=1, le=500)
    statement_timeout: float = Field(default=10.0, gt=0)
    lock_timeout: float = Field(default=10.0, gt=0)
    sqlite_synchronous: Literal["NORMAL", "FULL"] = "NORMAL"
    sync_schema: bool | None = None

    def in_force(self, settings: Settings) -> Mapping[str, Any]:
        """What unset settings come to."""
        return {"url": sqlite_address(settings.data_folder), "sync_schema": not settings.production}


def sqlite_address(folder: Path) -> str:
    """The address of the database that an app has without a word."""
    return f"sqlite:///{folder / 'data.db'}"
