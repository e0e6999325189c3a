"""The request that Litestar gives to handlers."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException

from framework_m_standard.http.wire.bytes_in_flight import BufferedBody
from framework_m_standard.http.wire.request_errors import MalformedBodyError

__all__ = ["CountedRequest"]

_log = logging.getLogger(__name__)


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
        """Yield the body as it comes. Raises MalformedBodyError if the client leaves before its end."""
        body: Any = self.receive
        try:
            async for chunk in super().stream():
                if self._buffers and isinstance(body, BufferedBody):
                    body.add(len(chunk))
                yield chunk
        except InternalServerException as error:  # Litestar's, which would be logged as an error of the server
            _log.debug("a client left before the end of its body")
            raise MalformedBodyError("the client disconnected before the end of the body") from error
