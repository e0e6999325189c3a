"""Section `[acme_cache]`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CacheSettings(BaseModel):
    """How the cache names its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str = Field(default="acme:", description="What every key begins with.")
