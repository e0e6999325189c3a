"""`BytesInFlight`: bounds on what connections hold in memory, answers left unread and bodies being buffered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final, Protocol

from framework_m_core.domain.errors import RateLimitError
from framework_m_standard.http.wire.asgi import Message, Receive, Scope, log_context_of
from framework_m_standard.http.wire.request_errors import NotReadyError

__all__ = [
    "IN_FLIGHT",
    "MAX_IN_FLIGHT_MB",
    "MAX_IN_FLIGHT_MB_PER_CALLER",
    "BufferedBody",
    "BytesInFlight",
    "InputCount",
    "Reader",
    "caller_of",
    "site_of",
]

IN_FLIGHT: Final = "framework_m_in_flight"
"""The key of the server's `BytesInFlight` in the state of its requests."""

MAX_IN_FLIGHT_MB: Final = 256
MAX_IN_FLIGHT_MB_PER_CALLER: Final = 64

_IPV6_SITE: Final = 64
"""The length of the networks that one subscriber has whole, so that all their addresses count as one peer."""

_MIB: Final = 1024 * 1024
_RETRY_SECONDS: Final = 5
_FULL: Final = "the server holds as many bytes of requests and answers as it may: try again"
_CALLER_FULL: Final = "you have as many bytes of requests and answers in flight as you may: read your answers first"


class Reader(Protocol):
    """A connection with output that its client has not read."""

    @property
    def is_reading(self) -> bool:
        """Whether its client has read some of it lately."""
        ...

    def abort(self) -> None:
        """Close the connection at once and drop its output."""
        ...


@dataclass(slots=True, eq=False)
class _Held:
    """What is held for one caller: all bytes, and those of each reader, oldest first."""

    size: int = 0
    unread: dict[Reader, int] = field(default_factory=dict)


class BytesInFlight:
    """The bytes in flight of a process and of each caller, both bounded.

    Answers always get in: the oldest unread ones are dropped for them, of the caller that is past its limit, or while
    the process is, of the caller that holds most; those that are being read last. Bodies are refused instead, as
    nothing has been done for them. They have half of the process at most, so that answers always have the other half. A
    body that is alone is let through, whatever its size.
    """

    def __init__(self, max_mb: int = MAX_IN_FLIGHT_MB, max_mb_per_caller: int = MAX_IN_FLIGHT_MB_PER_CALLER) -> None:
        self.total = 0
        self._bodies = 0
        self._max = max_mb * _MIB
        self._max_per_caller = max_mb_per_caller * _MIB
        self._callers: dict[str, _Held] = {}

    def add_unread(self, caller: str, reader: Reader, size: int) -> None:
        """Count more unread output of a connection, and abort older ones until all are within the limits."""
        held = self._callers.setdefault(caller, _Held())
        held.unread[reader] = held.unread.get(reader, 0) + size
        self._change(caller, size)
        while held.size > self._max_per_caller and self._drop_oldest([caller], reader):
            pass
        self._make_room(reader)

    def remove_unread(self, caller: str, reader: Reader) -> None:
        """Count the output of a connection no more; do nothing if it is not counted."""
        held = self._callers.get(caller)
        if held is not None and reader in held.unread:
            self._change(caller, -held.unread.pop(reader))

    def add_body(self, caller: str, size: int, before: int) -> None:
        """Count more bytes of a body, of which those `before` are counted.

        Raises RateLimitError if its caller is past its limit, and NotReadyError if bodies are past theirs.
        """
        held = self._callers.get(caller)
        if held and held.size > before and held.size + size > self._max_per_caller:
            raise RateLimitError(_CALLER_FULL, retry_after=_RETRY_SECONDS)
        if self._bodies > before and self._bodies + size > self._max // 2:
            raise NotReadyError(_FULL)
        self._bodies += size
        self._change(caller, size)
        self._make_room()

    def remove_body(self, caller: str, size: int) -> None:
        """Count bytes of a body no more."""
        self._bodies -= size
        self._change(caller, -size)

    def _change(self, caller: str, size: int) -> None:
        self.total += size
        held = self._callers.setdefault(caller, _Held())
        held.size += size
        if not held.size and not held.unread:
            del self._callers[caller]

    def _make_room(self, kept: Reader | None = None) -> None:
        """Abort readers while answers hold more than bodies leave them, and more than half."""
        room = max(self._max - self._bodies, self._max // 2)
        while self.total - self._bodies > room and self._drop_oldest(self._largest_first(), kept):
            pass

    def _largest_first(self) -> list[str]:
        return sorted(self._callers, key=lambda one: self._callers[one].size, reverse=True)

    def _drop_oldest(self, callers: Sequence[str], kept: Reader | None) -> bool:
        """Abort the reader that has been counted longest, of the first caller, and that reads nothing if there is one.

        Returns False if there is no reader but the one to keep.
        """
        others = [(caller, one) for caller in callers for one in self._callers[caller].unread if one is not kept]
        if not others:
            return False
        caller, oldest = next((pair for pair in others if not pair[1].is_reading), others[0])
        self.remove_unread(caller, oldest)
        oldest.abort()
        return True


class InputCount:
    """What is counted of one body or of one socket's messages; it belongs to whoever the caller was at first."""

    __slots__ = ("_caller", "_find_caller", "_in_flight", "size")

    def __init__(self, in_flight: BytesInFlight, find_caller: Callable[[], str]) -> None:
        self._in_flight = in_flight
        self._find_caller = find_caller
        self._caller = ""
        self.size = 0

    def resize(self, size: int) -> None:
        """Count more bytes or fewer. Raises RateLimitError or NotReadyError past the limits."""
        if size == self.size:
            return
        if not self.size:
            self._caller = self._find_caller()
        if size > self.size:
            self._in_flight.add_body(self._caller, size - self.size, self.size)
        else:
            self._in_flight.remove_body(self._caller, self.size - size)
        self.size = size


class BufferedBody:
    """The receive of a request with a large body. Whoever buffers the body, instead of streaming it, counts it here."""

    __slots__ = ("_count", "_receive")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        in_flight = scope.get("state", {}).get(IN_FLIGHT)
        self._receive = receive
        self._count = in_flight and InputCount(in_flight, lambda: caller_of(scope))

    async def __call__(self) -> Message:
        """Return the next message."""
        return await self._receive()

    def add(self, size: int) -> None:
        """Count more of the body. Raises RateLimitError or NotReadyError past the limits."""
        if self._count is not None:
            self._count.resize(self._count.size + size)

    def release(self) -> None:
        """Count the body no more: the request has ended."""
        if self._count is not None:
            self._count.resize(0)


def caller_of(scope: Scope) -> str:
    """Return for whom the bytes of a request count: its user, or the address or IPv6 network of a guest."""
    client: Any = scope.get("client")
    return log_context_of(scope).user_id or site_of(client[0] if client else "")


def site_of(peer: str) -> str:
    """Return what a peer is counted as: an IPv4 address, also one mapped into IPv6, or the network of another."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if address.version == 4:
        return peer
    return str(address.ipv4_mapped or ip_network((address.packed, _IPV6_SITE), strict=False))
