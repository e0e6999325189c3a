"""`RedisClient`: the connections to Redis that all adapters of a process share, and its errors in the ports' words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import redis.asyncio as redis
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from framework_m_core.spi import ConfigurationError, DatabaseError, RepositoryError, TransientError
from framework_m_standard.redis.settings import RedisSettings

__all__ = ["AWAY", "Argument", "RedisClient", "Script", "translate_errors"]

AWAY: Final = "Redis is unavailable or busy: try again"
_OLDEST: Final = (6, 2)
"""The version that brought XAUTOCLAIM and trimming by time."""

_BUSY: Final = ("OOM ", "MISCONF ", "LOADING ", "READONLY ", "MASTERDOWN ", "NOREPLICAS ", "BUSY ", "CLUSTERDOWN ")
"""How answers begin with which the server says that it takes no writes for now."""

type Argument = str | bytes | int

type Script = Callable[[Sequence[str], Sequence[Argument]], Awaitable[Any]]
"""A Lua script: called with its keys and arguments."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of the client as those of the ports."""
    try:
        yield
    except (exceptions.RedisError, OSError) as error:
        raise _translate(error) from error


def _translate(error: Exception) -> RepositoryError:
    away = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.BusyLoadingError, OSError)
    refused = (exceptions.AuthenticationError, exceptions.AuthorizationError)
    if isinstance(error, away) and not isinstance(error, refused):
        return TransientError(AWAY)
    if isinstance(error, exceptions.ReadOnlyError | exceptions.OutOfMemoryError) or str(error).startswith(_BUSY):
        return TransientError("Redis takes no writes for now: see its log")
    return DatabaseError("Redis refused the command")


class RedisClient:
    """A pool of connections to one server, open from `open` to `close`.

    A command is sent once: whoever calls knows whether it may be repeated. A connection that the server has closed is
    replaced when it is taken from the pool, so a server that comes back is used without a restart.
    """

    def __init__(self, redis_settings: RedisSettings) -> None:
        self.settings = redis_settings
        self._client: redis.Redis | None = None
        self.is_durable = False
        """Whether the server writes what it acknowledges to an append-only file, and never evicts keys."""

    def __repr__(self) -> str:
        return f"<RedisClient of {self.settings.prefix!r}, {'open' if self._client else 'closed'}>"

    async def open(self) -> None:
        """Connect. Raises TransientError if no server responds, ConfigurationError if it is not suited."""
        settings = self.settings
        pool = redis.BlockingConnectionPool.from_url(
            settings.url,
            max_connections=settings.pool_size,
            timeout=settings.command_timeout_seconds,
            socket_connect_timeout=settings.connect_timeout_seconds,
            socket_timeout=settings.command_timeout_seconds,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            decode_responses=False,
            client_name="framework-m",
        )
        self._client = redis.Redis.from_pool(pool)
        try:
            await self._check_server()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            with translate_errors():
                await client.aclose()

    async def ping(self) -> None:
        """Raise an error while the server does not respond or takes no writes."""
        with translate_errors():
            await self.connected.set(self.key_of("ping"), b"1", ex=60)

    @property
    def connected(self) -> redis.Redis:
        """The client of the library. Raises TransientError while it is not open."""
        if self._client is None:
            raise TransientError(AWAY)
        return self._client

    def key_of(self, *parts: str) -> str:
        """Return a key of the app."""
        return self.settings.prefix + ":".join(parts)

    async def execute(self, command: str, *arguments: Argument) -> Any:
        """Run one command."""
        with translate_errors():
            return await self.connected.execute_command(command, *arguments)  # type: ignore[no-untyped-call]

    def make_script(self, source: str) -> Script:
        """Return a Lua script, which the server keeps after its first run, as a function."""
        made: Any = None

        async def run(keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
            nonlocal made
            with translate_errors():
                if made is None:
                    made = self.connected.register_script(source)
                return await made(keys=keys, args=arguments, client=self.connected)

        return run

    async def _check_server(self) -> None:
        try:
            with translate_errors():
                info: dict[str, Any] = await self.connected.info()
        except DatabaseError as error:
            raise ConfigurationError(f"[redis] url: the server refused the connection: {error.__cause__}") from error
        version = str(info.get("redis_version", "0"))
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
            raise ConfigurationError(f"expected Redis 6.2 or newer, got {version}: upgrade the server")
        if info.get("cluster_enabled"):
            raise ConfigurationError(
                "expected a single Redis server, or a primary with replicas, got a cluster, whose scripts cannot use "
                "keys of several nodes: set [redis] url to one that is not a cluster"
            )
        evicts = info.get("maxmemory") and info.get("maxmemory_policy") != "noeviction"
        self.is_durable = bool(info.get("aof_enabled")) and not evicts
