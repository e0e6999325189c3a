"""Settings of what is kept in memory, the cache and the store: section `[memory]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from framework_m_core.bootstrap.settings.models import Settings

__all__ = ["MemorySettings"]


class MemorySettings(BaseModel):
    """How the cache in memory behaves, and the store in memory, which production refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cache_entries: int = Field(
        default=10_000,
        gt=0,
        description="How many the cache holds in each process; one more takes the place of the longest unused.",
    )
    max_cache_mb: int = Field(
        default=64,
        gt=0,
        description="Megabytes, of keys and encoded values, that it holds at most; the longest unused go first.",
    )
    lock_timeout_seconds: float = Field(
        default=10.0, gt=0, description="Seconds that a writer of the store waits for its turn."
    )
    administrator: str = Field(
        default="admin@example.com",
        description="Whom a process that serves from the store in memory makes at its start, since nobody else could.",
    )
    password: SecretStr | None = Field(
        default=None, description="The administrator's; without it, a random one, which is logged."
    )

    def effective(self, settings: Settings) -> Mapping[str, Any]:
        """Return the effective values of unset settings: outside production, a password generated at each start."""
        return {} if settings.production else {"password": SecretStr("")}
