"""uvicorn's HTTP protocol with a bound that it lacks: how much of a request's head is read before it is refused."""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedHeads"]

_MOST_OCTETS: Final = 64 * 1024
_REFUSAL: Final = "The head of the request is too large."


class BoundedHeads(HttpToolsProtocol):
    """Refuses a head that has not ended after 64 KiB more than what came with its first octets."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_open = False
        self._octets = 0

    def data_received(self, data: bytes) -> None:
        """Takes octets from the connection."""
        known = self._head_open
        super().data_received(data)
        if not self._head_open:
            return
        self._octets = self._octets + len(data) if known else 0
        if self._octets > _MOST_OCTETS and not self.transport.is_closing():
            self.send_400_response(_REFUSAL)

    def on_message_begin(self) -> None:
        """Begins a request."""
        self._head_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Ends a request's head."""
        self._head_open = False
        super().on_headers_complete()
