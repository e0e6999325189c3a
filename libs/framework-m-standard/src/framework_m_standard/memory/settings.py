"""Section `[memory]`: settings of the in-memory cache and store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from framework_m_core.spi import SettingsView

__all__ = ["MemorySettings"]


class MemorySettings(BaseModel):
    """Settings of the in-memory cache, and of the in-memory store, which production refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cache_entries: int = Field(
        default=10_000,
        gt=0,
        description="The most entries of the cache in each process; the least recently used are evicted.",
    )
    max_cache_mb: int = Field(
        default=64,
        gt=0,
        description="The most megabytes of keys and encoded values in the cache; the least recently used are evicted.",
    )
    lock_timeout_seconds: float = Field(default=10.0, gt=0, description="Seconds that a writer waits for its turn.")
    administrator: str = Field(
        default="admin@example.com",
        description="The email of the administrator that a server creates in the in-memory store at start.",
    )
    password: SecretStr | None = Field(
        default=None, description="The password of that administrator; by default a random one, which is logged."
    )

    def effective(self, settings: SettingsView) -> Mapping[str, Any]:
        """Return the effective values of unset settings: outside production, a password generated at each start."""
        return {} if settings.production else {"password": SecretStr("")}
