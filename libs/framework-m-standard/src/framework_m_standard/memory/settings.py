"""Settings of the store in memory: section `[memory]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from framework_m_core.bootstrap.settings import Settings

__all__ = ["MemorySettings"]


class MemorySettings(BaseModel):
    """How the store in memory behaves, which forgets when the process ends and which production refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lock_timeout: float = Field(default=10.0, gt=0, description="Seconds that a writer waits for its turn.")
    administrator: str = Field(
        default="admin@example.com",
        description="Whom a process that serves makes at its start, since nobody else could.",
    )
    password: SecretStr | None = Field(
        default=None, description="The administrator's; without it, a random one, which is logged."
    )

    def in_force(self, settings: Settings) -> Mapping[str, Any]:
        """What unset settings come to: a password that is made anew at each start."""
        return {} if settings.production else {"password": SecretStr("")}
