"""`Records`: small values by name in a stream, of which only the last of each name is kept."""

from __future__ import annotations

from typing import Any, Final

from nats.js.api import StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from framework_m_standard.nats.client import NatsClient, translate_errors

__all__ = ["Records"]

_LAST_SEQUENCE: Final = "Nats-Expected-Last-Subject-Sequence"
_WRONG_LAST_SEQUENCE: Final = 10071


class Records:
    """Values by name, whose parts are joined by dots: `group.kind.id`."""

    def __init__(self, client: NatsClient) -> None:
        self._client = client
        self._stream = f"{client.settings.prefix}_state"
        self._subject = f"{client.settings.prefix}.state."

    def describe_stream(self) -> StreamConfig:
        """Return what the stream is like."""
        return StreamConfig(
            name=self._stream,
            subjects=[f"{self._subject}>"],
            max_msgs_per_subject=1,
            storage=StorageType.FILE,
            num_replicas=self._client.settings.replicas,
        )

    async def get(self, name: str) -> tuple[bytes, int] | None:
        """Return a value and its number, if there is one."""
        with translate_errors():
            try:
                found = await self._client.jetstream.get_last_msg(self._stream, self._subject + name)
            except NotFoundError:
                return None
        return found.data or b"", found.seq or 0

    async def put(self, name: str, value: bytes) -> None:
        """Set a value."""
        with translate_errors():
            await self._client.jetstream.publish(self._subject + name, value)

    async def replace(self, name: str, value: bytes, number: int) -> bool:
        """Set a value if its number is this one, 0 for none; return whether it was."""
        with translate_errors():
            try:
                headers: dict[str, Any] = {_LAST_SEQUENCE: str(number)}
                await self._client.jetstream.publish(self._subject + name, value, headers=headers)
            except APIError as error:
                if error.err_code != _WRONG_LAST_SEQUENCE:
                    raise
                return False
        return True

    async def delete(self, pattern: str) -> None:
        """Delete the values of a name; `>` stands for all that follow."""
        with translate_errors():
            await self._client.jetstream.purge_stream(self._stream, subject=self._subject + pattern)

    async def find_names(self, *patterns: str) -> list[str]:
        """Return the names of values that match one of the patterns, sorted."""
        found: set[str] = set()
        for pattern in patterns:
            with translate_errors():
                info = await self._client.jetstream.stream_info(self._stream, subjects_filter=self._subject + pattern)
            found.update(info.state.subjects or {})
        return sorted(one.removeprefix(self._subject) for one in found)
