"""Requests that ask for another protocol than WebSocket, which a server may ignore (RFC 9110, 7.8)."""

from __future__ import annotations

import sys
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["IgnoresUpgrades"]

_BODY_HEADERS: Final = frozenset({b"content-length", b"transfer-encoding"})
_HEADERS: Final = frozenset({b"upgrade", b"http2-settings"})


class IgnoresUpgrades(HttpToolsProtocol):
    """An HTTP protocol that serves a request with `Upgrade: h2c` as if it had none.

    The parser takes what follows such a head for another protocol, so the head is parsed again without the headers.
    """

    _received = b""

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head will be parsed again. CONNECT has no head that could be."""
        if self.parser.get_method() == b"CONNECT":
            self.send_400_response("expected a request for a resource of this server, got CONNECT")
        elif not self._is_ignored():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request, unless its head will be parsed again."""
        if not self._is_ignored():
            super().on_message_complete()

    def _is_ignored(self) -> bool:
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _should_upgrade(self) -> bool:
        """Return whether the request opens a WebSocket: a GET without a body."""
        if self.parser.get_method() != b"GET" or any(name in _BODY_HEADERS for name, _ in self.headers):
            return False
        return super()._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Parse the head again without its upgrade, then what followed it."""
        if self.transport.is_closing():
            return
        upgrade: Any = sys.exception()  # uvicorn calls this while it handles the parser's HttpParserUpgrade
        head, rest = self._head(), self._received[upgrade.args[0] :]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        IgnoresUpgrades.data_received(self, head + rest)  # which may hold another such head

    def data_received(self, data: bytes) -> None:
        """Parse received bytes."""
        self._received = data
        super().data_received(data)
        self._received = b""

    def _head(self) -> bytes:
        version = self.parser.get_http_version().encode("ascii")
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [name + b": " + _without_upgrade(name, value) for name, value in self.headers if name not in _HEADERS]
        return b"\r\n".join([*lines, b"", b""])


def _without_upgrade(name: bytes, value: bytes) -> bytes:
    if name != b"connection":
        return value
    return b",".join(token for token in value.split(b",") if token.strip().lower() not in _HEADERS)
