"""Requests as octets on a socket, for what no HTTP client would send."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.journeys.product import Product

__all__ = ["Reply", "request", "send"]


@dataclass(frozen=True)
class Reply:
    """The first response to what was sent."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    """A request by its first line, headers and body; the host is added."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode("latin-1") + body


def send(product: Product, *parts: bytes, timeout: float = 10) -> Reply | None:
    """Sends octets and reads one response; None when the connection ends without."""
    where = urlsplit(product.address)
    with socket.create_connection((str(where.hostname), int(where.port or 80)), timeout=timeout) as connection:
        with suppress(ConnectionError):
            for part in parts:
                connection.sendall(part)
        return _reply(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def _reply(chunks: Iterable[bytes]) -> Reply | None:
    got = b""
    for chunk in chunks:
        got += chunk
        head, separator, body = got.partition(b"\r\n\r\n")
        if not separator:
            continue
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) >= int(headers.get("content-length", 0)):
            return Reply(int(first.split(" ")[1]), headers, body)
    return None
