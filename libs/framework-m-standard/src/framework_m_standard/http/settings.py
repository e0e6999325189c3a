"""Section `[http]`: where the server listens and what it lets in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["HttpSettings", "check_for_production"]


class HttpSettings(BaseModel):
    """Where the server listens and what it lets in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    max_body_mb: int = Field(default=10, ge=1, le=1024, description="The largest request body, in MiB.")
    cors_origins: tuple[str, ...] | None = Field(
        default=None,
        description="Origins of other sites whose pages may call this server; none in development. Production wants "
        "it stated, if only as an empty list.",
    )
    shutdown_timeout_seconds: int = Field(
        default=10, ge=0, le=3600, description="How long running requests may take to finish when the server stops."
    )
    max_sockets_per_caller: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="WebSockets that one user, or one address of guests, may have open on a worker.",
    )
    workers: int = Field(default=1, ge=1, le=256, description="Processes that `m prod` starts.")

    def effective(self, settings: Settings) -> Mapping[str, Any]:
        """Return the defaults of unset settings: development allows no other origin, production has no default."""
        return {} if settings.production else {"cors_origins": ()}

    @property
    def max_body_bytes(self) -> int:
        """The largest request body in bytes."""
        return self.max_body_mb * 1024 * 1024

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for origin in origins or ():
            scheme, _, rest = origin.partition("://")
            if origin != "*" and (scheme not in {"http", "https"} or not rest or "/" in rest):
                raise ValueError(f"{origin!r} is no origin: expected one such as 'https://shop.example'")
        return origins


def check_for_production(settings: HttpSettings) -> None:
    """Raise ConfigurationError for settings that may be unset in development only."""
    if settings.cors_origins is None:
        raise ConfigurationError(
            "production does not start as configured:",
            ["[http] cors_origins is not set: list the other origins that may call; M_HTTP__CORS_ORIGINS= means none"],
        )
