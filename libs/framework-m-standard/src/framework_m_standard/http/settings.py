"""Section `[http]`: the address to listen on, and limits on requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.bootstrap import SettingsView
from framework_m_standard.http.middleware.proxies import OWN_SEGMENTS, is_prefix
from framework_m_standard.http.wire.bytes_in_flight import MAX_IN_FLIGHT_MB, MAX_IN_FLIGHT_MB_PER_CALLER

__all__ = ["HttpSettings", "check_for_production"]

_HOST: Final = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)


class HttpSettings(BaseModel):
    """The address to listen on, and limits on requests."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    max_body_mb: int = Field(default=10, ge=1, le=1024, description="The largest request body, in MiB.")
    cors_origins: tuple[str, ...] | None = Field(
        default=None,
        description="Origins of other sites whose pages may call this server; none in development. Production requires "
        "it, if only as an empty list.",
    )
    cors_headers: tuple[str, ...] = Field(
        default=(), description="Request headers of the app's own that pages of `cors_origins` may send."
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks of proxies, such as `10.0.0.0/8`, whose `X-Forwarded-For`, "
        "`X-Forwarded-Proto` and `X-Forwarded-Prefix` are believed.",
    )
    root_path: str = Field(
        default="", description="The prefix under which a proxy serves the app, such as `/erp`; it may strip it or not."
    )
    shutdown_timeout_seconds: int = Field(
        default=10, ge=0, le=3600, description="How long running requests may take to finish when the server stops."
    )
    max_connections_per_address: int = Field(
        default=1000,
        ge=1,
        le=65_536,
        description="Connections that one address, or one IPv6 network (/64), may have open to a worker, except those "
        "of `trusted_proxies`: a further one takes the place of the oldest idle one, or is refused with 503. All "
        "together are bounded by the limit of open files, which the server raises as far as it may; one address has "
        "at most three quarters of them.",
    )
    max_sockets_per_caller: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="WebSockets that one user, or one address of guests, may have open on a worker.",
    )
    max_in_flight_mb: int = Field(
        default=MAX_IN_FLIGHT_MB,
        ge=1,
        le=65_536,
        description="MiB of answers that clients have not read and of request bodies being buffered, in a worker; "
        "messages of WebSockets count likewise. Past it, the oldest unread answer of the caller that holds most is "
        "dropped with its connection. Bodies have half of it: a further one is refused with 503. What a connection has "
        "received below 64 KiB does not count, nor does what an app streams.",
    )
    max_in_flight_mb_per_caller: int = Field(
        default=MAX_IN_FLIGHT_MB_PER_CALLER,
        ge=1,
        le=65_536,
        description="MiB of `max_in_flight_mb` for one user, or for one address of guests, or one IPv6 network (/64). "
        "Past it, the caller's own oldest unread answer is dropped, and a further body of theirs is refused with 429. "
        "A single answer or body may be larger.",
    )
    workers: int = Field(default=1, ge=1, le=256, description="Processes that `m prod` starts.")

    def effective(self, settings: SettingsView) -> Mapping[str, Any]:
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
            if origin != "*" and (scheme not in {"http", "https"} or not _HOST.fullmatch(rest)):
                raise ValueError(f"expected an origin such as 'https://shop.example', got {origin!r}")
        return origins

    @field_validator("cors_headers")
    @classmethod
    def _headers_are_tokens(cls, headers: tuple[str, ...]) -> tuple[str, ...]:
        for header in headers:
            if not _TOKEN.fullmatch(header):
                raise ValueError(f"expected the name of a header such as 'X-Branch', got {header!r}")
        return headers

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                network = ip_network(proxy)
            except ValueError:
                raise ValueError(f"expected an address or network such as '10.0.0.0/8', got {proxy!r}") from None
            if network.prefixlen == 0:
                raise ValueError(f"expected the proxies' own addresses, got {proxy!r}, which trusts every address")
        return proxies

    @field_validator("root_path")
    @classmethod
    def _root_path_is_a_prefix(cls, path: str) -> str:
        if path and not is_prefix(path):
            own = ", ".join(sorted(OWN_SEGMENTS))
            raise ValueError(f"expected a prefix such as '/erp' that does not begin with {own}, got {path!r}")
        return path


def check_for_production(settings: HttpSettings) -> None:
    """Raise ConfigurationError for settings that may be unset in development only."""
    if settings.cors_origins is None:
        raise ConfigurationError(
            "production does not start as configured:",
            ["[http] cors_origins is not set: list the other origins that may call; M_HTTP__CORS_ORIGINS= means none"],
        )
