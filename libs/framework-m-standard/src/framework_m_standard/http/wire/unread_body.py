"""Responses to requests whose body was not read: on a connection that then closes, the rest is read first.

Closing it at once would reset it, and the client that still sends would never see the response.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from framework_m_standard.http.wire.asgi import Message, Receive, Send

__all__ = ["ReadBeforeClose", "closes_after"]

_READ_SECONDS: Final = 5
_MAX_BYTES: Final = 64 * 1024 * 1024


def closes_after(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request has a body and asks for its connection to be closed afterwards."""
    closes = b"close" in headers.get(b"connection", b"").lower()
    return closes and (b"content-length" in headers or b"transfer-encoding" in headers)


class ReadBeforeClose:
    """The receive and send of such a request; the response ends once the body has been read, within bounds."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._unread = True

    async def receive(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self._unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a message; before the last one, read what is left of the body."""
        if not self._unread or message["type"] != "http.response.body" or message.get("more_body"):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._read()
        await self._send({"type": "http.response.body", "body": b""})

    async def _read(self) -> None:
        size = 0
        with suppress(TimeoutError):  # the client has had its time
            async with asyncio.timeout(_READ_SECONDS):
                while self._unread and size < _MAX_BYTES:
                    size += len((await self.receive()).get("body", b""))
