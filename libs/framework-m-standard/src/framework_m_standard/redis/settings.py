"""Section `[redis]`: where the server is, how long to wait for it, and what is kept there at most."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["RedisSettings"]

_SCHEMES: Final = {"redis", "rediss", "unix"}


class RedisSettings(BaseModel):
    """Where Redis is, how long to wait for it, and what is kept there at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="redis://127.0.0.1:6379/0",
        description="The address of the server: `redis://…`, `rediss://…` with TLS, or `unix://…`.",
    )
    prefix: str = Field(
        default="framework_m:",
        pattern=r"^[A-Za-z0-9_.:-]{1,40}$",
        description="What all keys begin with. Apps that share a server need one each.",
    )
    connect_timeout_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection.")
    command_timeout_seconds: float = Field(
        default=5.0, ge=1, description="Seconds to wait for the answer to one command."
    )
    pool_size: int = Field(default=50, ge=4, description="The most connections of a process.")
    local_ttl_seconds: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        description="How long the two-level cache keeps a value in the process: the longest that a value is stale "
        "when a message about its change is lost.",
    )
    max_local_entries: int = Field(
        default=10_000,
        gt=0,
        description="The most entries that the two-level cache keeps in each process.",
    )
    max_local_mb: int = Field(
        default=64,
        gt=0,
        description="The most megabytes that the two-level cache keeps in each process.",
    )

    max_stream_events: int = Field(
        default=200_000,
        ge=1000,
        description="The most events that the event bus keeps. While it is full of what some group has not handled, "
        "further events wait in the outbox.",
    )
    stream_retention_hours: float = Field(
        default=168.0,
        gt=0,
        description="How long the event bus keeps an event, whether or not every group has handled it.",
    )

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in _SCHEMES:
            raise ValueError("expected an address that begins with redis://, rediss:// or unix://")
        return value
