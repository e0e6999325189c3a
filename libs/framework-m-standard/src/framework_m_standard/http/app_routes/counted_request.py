"""The request that Litestar gives to handlers."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request

from framework_m_standard.http.wire.bytes_in_flight import BufferedBody

__all__ = ["CountedRequest"]


class CountedRequest(Request[Any, Any, Any]):
    """A request of Litestar's handlers, whose body counts if it is buffered, not if it is streamed."""

    _buffers = False

    async def _buffer(self) -> bytes:
        self._buffers = True
        try:
            return await super().body()
        finally:
            self._buffers = False  # streaming the buffered body does not count it again

    body = _buffer

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes."""
        body: Any = self.receive
        async for chunk in super().stream():
            if self._buffers and isinstance(body, BufferedBody):
                body.add(len(chunk))
            yield chunk
