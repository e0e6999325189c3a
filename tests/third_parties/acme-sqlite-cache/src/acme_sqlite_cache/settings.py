"""Section `[acme_sqlite_cache]` of `framework_config.toml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SqliteCacheSettings(BaseModel):
    """Where the cache is, and how much it keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Path = Field(default=Path(".m/acme_cache.db"), description="The file; its folder is made if it is missing.")
    max_entries: int = Field(default=10_000, ge=1, description="The largest number of entries; older ones are evicted.")
    busy_timeout_seconds: float = Field(default=5, gt=0, description="How long a write waits for other processes.")
