"""Settings of what is kept in memory, the cache and the store: section `[memory]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from framework_m_core.bootstrap.settings import Settings

__all__ = ["MemorySettings"]


class MemorySettings(BaseModel):
    """How the cache and the store in memory behave.

    The cache holds `cache_entries` in each process; one more takes the place of the one that was longest unused. The
    rest is the store's: `lock_timeout` is how many seconds a writer waits for its turn. A process that serves makes
    `administrator` at its start, since nobody else could; without a `password` it gets a random one, which is logged.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cache_entries: int = Field(default=10_000, gt=0)
    lock_timeout: float = Field(default=10.0, gt=0)
    administrator: str = "admin@example.com"
    password: SecretStr | None = None

    def in_force(self, settings: Settings) -> Mapping[str, Any]:
        """What unset settings come to: a password that is made anew at each start."""
        return {} if settings.production else {"password": SecretStr("")}
