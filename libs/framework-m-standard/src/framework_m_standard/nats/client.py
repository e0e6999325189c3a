"""`NatsClient`: the connection to NATS that all adapters of a process share, and its errors in the ports' words."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from nats.aio.client import Client
from nats.errors import AuthorizationError, Error
from nats.js import JetStreamContext
from nats.js.errors import APIError, ServerError, ServiceUnavailableError

from framework_m_core.spi import ConfigurationError, DatabaseError, TransientError
from framework_m_standard.nats.settings import NatsSettings

__all__ = ["AWAY", "NatsClient", "translate_errors"]

_log = logging.getLogger(__name__)

AWAY: Final = "NATS is unavailable or busy: try again"
_RECONNECT_SECONDS: Final = 0.2
_PING_SECONDS: Final = 5


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of the client as those of the ports."""
    try:
        yield
    except APIError as error:
        if isinstance(error, ServerError | ServiceUnavailableError):
            raise TransientError(AWAY) from error
        raise DatabaseError(f"NATS refused the request: {error.description}") from error
    except (Error, OSError, TimeoutError) as error:
        raise TransientError(AWAY) from error


class NatsClient:
    """One connection, open from `open` to `close`, which is made again by itself whenever it is lost."""

    def __init__(self, nats_settings: NatsSettings) -> None:
        self.settings = nats_settings
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None

    def __repr__(self) -> str:
        return f"<NatsClient of {self.settings.prefix!r}, {'open' if self._client else 'closed'}>"

    async def open(self) -> None:
        """Connect. Raises TransientError if no server with JetStream responds, ConfigurationError if it refuses."""
        settings = self.settings
        client = Client()
        try:
            async with asyncio.timeout(settings.connect_timeout_seconds):
                await client.connect(
                    [one.strip() for one in settings.url.split(",")],
                    error_cb=_log_error,
                    name="framework-m",
                    connect_timeout=max(1, int(settings.connect_timeout_seconds)),
                    reconnect_time_wait=_RECONNECT_SECONDS,  # type: ignore[arg-type]
                    max_reconnect_attempts=-1,
                    ping_interval=_PING_SECONDS,
                )
        except AuthorizationError as error:
            raise ConfigurationError("[nats] url: the server refused the connection: check the credentials") from error
        except (Error, OSError, TimeoutError) as error:
            await client.close()
            raise TransientError(AWAY) from error
        self._client = client
        self._jetstream = client.jetstream(timeout=settings.request_timeout_seconds)
        try:
            await self.ping()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection."""
        client, self._client, self._jetstream = self._client, None, None
        if client is not None:
            with translate_errors():
                await client.close()

    async def ping(self) -> None:
        """Raise an error while JetStream does not respond."""
        with translate_errors():
            await self.jetstream.account_info()

    @property
    def jetstream(self) -> JetStreamContext:
        """The streams of the server. Raises TransientError while there is no connection."""
        if self._jetstream is None or self._client is None or not self._client.is_connected:
            raise TransientError(AWAY)
        return self._jetstream


async def _log_error(error: Exception) -> None:
    _log.warning("NATS: %r", error)
