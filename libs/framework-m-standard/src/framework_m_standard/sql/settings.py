"""Settings of the SQL store: section `[sql]`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from framework_m_core.bootstrap.settings.paths import FORMER_NAME
from framework_m_core.spi import SettingsView

__all__ = ["MARIADB_SCHEMES", "POSTGRESQL", "SqlSettings", "check_address", "format_sqlite_address"]


POSTGRESQL: Final = frozenset({"postgresql", "postgres"})
"""The schemes of PostgreSQL addresses."""

MARIADB_SCHEMES: Final = frozenset({"mariadb", "mysql"})
"""The schemes of MariaDB addresses."""

_SERVERS: Final = POSTGRESQL | MARIADB_SCHEMES


class SqlSettings(BaseModel):
    """The address of the database, and settings of the drivers."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str | None = Field(
        default=None,
        description="`sqlite:///path`, `postgresql://…` or `mariadb://…`; without it, SQLite in the app's `.m/` "
        "folder. `DATABASE_URL` sets it, too.",
    )
    pool_size: int = Field(
        default=16, ge=1, le=500, description="The most connections of one worker to PostgreSQL or MariaDB."
    )
    max_heavy_reads: int | None = Field(
        default=None,
        json_schema_extra={FORMER_NAME: "heavy_reads"},
        ge=1,
        le=250,
        description="The most heavy reads (searches, counts, orders without an index) that one worker runs at once, at "
        "most half of them for one caller; by default, half of `pool_size` on a server and 2 on SQLite.",
    )
    statement_timeout_seconds: float = Field(
        default=10.0, gt=0, description="The longest run time of a statement, in seconds."
    )
    lock_timeout_seconds: float = Field(default=10.0, gt=0, description="The longest wait for a lock, in seconds.")
    sqlite_synchronous: Literal["NORMAL", "FULL"] = Field(
        default="NORMAL",
        description="`FULL` survives a loss of power and is slower; a killed process loses nothing either way.",
    )
    max_sqlite_wal_mb: int = Field(
        default=64,
        json_schema_extra={FORMER_NAME: "sqlite_wal_mb"},
        ge=1,
        le=10_000,
        description="The size of SQLite's write-ahead log, in megabytes, above which lists wait until it is emptied.",
    )
    sync_schema: bool | None = Field(
        default=None,
        description="Whether starting the app creates and extends tables; by default in development while there are "
        "no migrations; true is refused in production.",
    )

    @field_validator("max_heavy_reads")
    @classmethod
    def _leaves_connections(cls, max_heavy_reads: int | None, info: ValidationInfo) -> int | None:
        """Raise ValueError if heavy reads could occupy every connection."""
        pool_size, url = info.data.get("pool_size"), info.data.get("url")
        if max_heavy_reads and pool_size and _is_server(url) and max_heavy_reads >= pool_size:
            raise ValueError(
                f"expected fewer max_heavy_reads than pool_size = {pool_size}, so that others find a connection, got "
                f"{max_heavy_reads}"
            )
        return max_heavy_reads

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url:
            check_address(url)
        return url

    def effective(self, settings: SettingsView) -> Mapping[str, Any]:
        """Return the defaults of unset settings."""
        return {
            "url": format_sqlite_address(settings.data_folder),
            "sync_schema": not settings.production,
            "max_heavy_reads": self.heavy_read_limit,
        }

    @property
    def heavy_read_limit(self) -> int:
        """The number of heavy reads that may run at once."""
        if self.max_heavy_reads is not None:
            return self.max_heavy_reads
        return max(1, self.pool_size // 2) if _is_server(self.url) else 2


def _is_server(url: str | None) -> bool:
    return url is not None and url.partition("://")[0] in _SERVERS


def format_sqlite_address(folder: Path) -> str:
    """Return the address of an app's default database."""
    return f"sqlite:///{folder / 'data.db'}"


def check_address(url: str) -> None:
    """Raise ValueError, without revealing the password, for an invalid database address."""
    scheme, found, rest = url.partition("://")
    is_file = scheme == "sqlite" and rest.startswith("/") and rest.strip("/") not in {"", ":memory:"}
    if not found or not (is_file or scheme in _SERVERS):
        shown = f"{scheme}://…" if found else f"…@{url.rpartition('@')[2]}" if "@" in url else url
        raise ValueError(
            "the database address is not understood: expected sqlite:///path/to/file.db (four slashes for an absolute "
            f"path), postgresql://user@host/database or mariadb://user@host/database, got {shown[:60]!r}"
        )
