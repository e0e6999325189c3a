"""Bootstrap step of Redis: the client that its adapters share."""

from __future__ import annotations

from typing import Final

from framework_m_core.spi import ApplicationView
from framework_m_standard.redis.client import RedisClient

__all__ = ["InitRedis"]

_KEEPING: Final = {"event_bus", "session", "login_attempts"}
"""Ports whose adapters lose what they promise to keep when the server does."""


class InitRedis:
    """Step `init_redis`: bind the client. The container opens it with the first adapter that uses it."""

    order = 10

    def __init__(self) -> None:
        self._client: RedisClient | None = None
        self._keeping: tuple[str, ...] = ()

    async def run(self, app: ApplicationView) -> None:
        """Bind `redis_client`."""
        app.container.bind("redis_client", RedisClient)
        self._client = app.container.get("redis_client")
        self._keeping = tuple(sorted(_KEEPING.intersection(app.find_ports("redis"))))

    async def collect_warnings(self) -> list[str]:
        """Return a warning if the server can forget what it has acknowledged."""
        if self._client is None or self._client.is_durable or not self._keeping:
            return []
        return [
            f"Redis may forget {', '.join(self._keeping)}: it has no append-only file, or evicts keys: set "
            "`appendonly yes` and `maxmemory-policy noeviction`"
        ]
