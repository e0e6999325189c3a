"""Section `[acme_cache]`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Cluster(BaseModel):
    """Where the cache is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(description="The name of the server.")
    port: int = Field(default=7000, description="The port of the server.")
    password: SecretStr | None = Field(default=None, description="What the server asks for.")


class CacheSettings(BaseModel):
    """How the cache names its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cluster: Cluster = Field(default=Cluster(host="localhost"), description="The server.")
    prefix: str = Field(default="acme:", description="What every key begins with.")
