"""Section `[nats]`: where the servers are, how long to wait for them, and what is kept there at most."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["NatsSettings"]

_SCHEMES: Final = {"nats", "tls"}


class NatsSettings(BaseModel):
    """Where NATS is, how long to wait for it, and what is kept there at most."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="nats://127.0.0.1:4222",
        description="The address of a server with JetStream, or several with commas: `nats://…`, `tls://…`.",
    )
    prefix: str = Field(
        default="framework_m",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="What the names of streams and subjects begin with. Apps that share a server need one each.",
    )
    connect_timeout_seconds: float = Field(default=5.0, gt=0, description="Seconds to wait for a connection.")
    request_timeout_seconds: float = Field(default=5.0, ge=1, description="Seconds to wait for an acknowledgement.")
    replicas: int = Field(default=1, ge=1, le=5, description="How many servers of a cluster keep each event.")
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
        if not all(urlsplit(one.strip()).scheme in _SCHEMES for one in value.split(",")):
            raise ValueError("expected addresses that begin with nats:// or tls://")
        return value
