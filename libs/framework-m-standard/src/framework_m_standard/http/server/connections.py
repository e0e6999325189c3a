"""The open connections of a process, fewer than the files that it may open, and few enough of each peer."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final, Protocol

from framework_m_standard.http.wire.bytes_in_flight import site_of

__all__ = ["Connection", "Connections", "raise_file_limit"]

_MAX_FILES: Final = 65_536
_OTHER_FILES: Final = 128
"""Files kept for the database, logs and modules, and connections that are being closed."""

_MAX_PER_PEER: Final = 1000
_SHARE: Final = 0.75
"""The part of all connections that one peer can have at most, where few files may be open."""


class Connection(Protocol):
    """A connection that may be closed to make room."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...


class Connections:
    """Bounds on open connections. A new one takes the place of the oldest idle one; without one, it is refused.

    A peer is an IPv4 address or an IPv6 network, and never has all connections. Those of trusted proxies count only in
    total, as many clients share them.
    """

    def __init__(self, max_per_peer: int = _MAX_PER_PEER, proxies: Sequence[str] = ()) -> None:
        self._maximum = max(1, raise_file_limit() - _OTHER_FILES)
        self._max_per_peer = max(1, min(max_per_peer, int(self._maximum * _SHARE)))
        self._proxies = [ip_network(proxy) for proxy in proxies]
        self._peers: dict[str, dict[Connection, None]] = {}

    def add(self, connection: Connection, peer: str, others: int) -> bool:
        """Make room for a new connection, where `others` are open already; return False if there is none."""
        site = site_of(peer)
        of_peer = self._peers.get(site, {})
        if len(of_peer) >= self._max_per_peer and not self._is_proxy(peer) and not _close_idle(of_peer):
            return False
        if others >= self._maximum and not any(map(_close_idle, self._largest_first())):
            return False
        self._peers.setdefault(site, {})[connection] = None
        return True

    def remove(self, connection: Connection, peer: str) -> None:
        """Forget a connection; do nothing if it is not known."""
        site = site_of(peer)
        of_peer = self._peers.get(site, {})
        of_peer.pop(connection, None)
        if not of_peer:
            self._peers.pop(site, None)

    def _is_proxy(self, peer: str) -> bool:
        if not peer:
            return True  # a Unix socket
        try:
            return any(ip_address(peer) in network for network in self._proxies)
        except ValueError:
            return False

    def _largest_first(self) -> list[dict[Connection, None]]:
        return sorted(self._peers.values(), key=len, reverse=True)


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, within reason, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def _close_idle(connections: dict[Connection, None]) -> bool:
    """Close the oldest idle connection, if any."""
    oldest = next((connection for connection in connections if connection.is_idle), None)
    if oldest is None:
        return False
    del connections[oldest]
    oldest.abort()
    return True
