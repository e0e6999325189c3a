"""Compression of responses, with gzip or zstd as the client accepts."""

from __future__ import annotations

import asyncio
import re
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, NamedTuple

from framework_m_standard.http.wire.responses import RawResponse

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["MIN_BYTES", "VARY", "Coding", "Compressor", "choose_coding", "without_coding"]

MIN_BYTES: Final = 1400
"""Smaller responses fit into one packet anyway."""

VARY: Final = b"accept-encoding"

_THREAD_BYTES: Final = 64 * 1024
"""Larger responses are compressed in a thread, so that others need not wait."""

_MAX_AT_ONCE: Final = 2
"""How many larger responses are compressed at once; further ones are sent as they are."""

_GZIP: Final = 16 + zlib.MAX_WBITS
_QUALITY: Final = re.compile(rb"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_SUFFIX: Final = re.compile(r'-(?:gz|zst)"$')


class Coding(NamedTuple):
    """A content coding, and the suffix of its ETags."""

    name: str
    suffix: bytes
    encode: Callable[[bytes], bytes]


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, 4, _GZIP)


def _zstd(body: bytes) -> bytes:
    return zstd.compress(body, 3)


_CODINGS: Final = (Coding("zstd", b"-zst", _zstd), Coding("gzip", b"-gz", _gzip))
"""In order of our preference, for clients that have none."""


def choose_coding(accepted: bytes | None) -> Coding | None:
    """Return the coding to use for an `Accept-Encoding` header, or None for none (RFC 9110, 12.5.3)."""
    if not accepted:
        return None
    qualities = dict(map(_quality, accepted.lower().split(b",")))
    others = qualities.get(b"*", 0.0)
    qualities.setdefault(b"gzip", qualities.get(b"x-gzip", others))
    best = max(_CODINGS, key=lambda coding: qualities.get(coding.name.encode(), others))
    quality = qualities.get(best.name.encode(), others)
    return best if quality > 0 and quality >= qualities.get(b"identity", 0.0) else None


def _quality(part: bytes) -> tuple[bytes, float]:
    name, _, parameter = part.partition(b";")
    if not parameter:
        return name.strip(), 1.0
    found = _QUALITY.fullmatch(parameter.strip())
    return name.strip(), float(found[1]) if found else 0.0


class Compressor:
    """Compression of a process's responses, with few threads of its own, so that it keeps no other work waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_MAX_AT_ONCE, thread_name_prefix="compression")
        self._places = BoundedSemaphore(_MAX_AT_ONCE)

    async def compress(self, response: RawResponse, accepted: bytes | None) -> RawResponse:
        """Return the response compressed, if it is large enough, the client accepts a coding, and a thread is free."""
        status, body, headers = response
        coding = choose_coding(accepted) if len(body) >= MIN_BYTES else None
        if coding is None:
            return response
        coded = coding.encode(body) if len(body) <= _THREAD_BYTES else await self._in_thread(coding, body)
        if len(coded) >= len(body):
            return response
        tagged = tuple((name, _suffixed(value, coding) if name == b"etag" else value) for name, value in headers)
        return RawResponse(status, coded, (*tagged, (b"content-encoding", coding.name.encode())))

    async def _in_thread(self, coding: Coding, body: bytes) -> bytes:
        """Return the body encoded, or as it is if all threads are taken."""
        if not self._places.acquire(blocking=False):
            return body
        work = self._threads.submit(coding.encode, body)
        work.add_done_callback(lambda _: self._places.release())  # a thread goes on after the request is cancelled
        return await asyncio.wrap_future(work)


def _suffixed(tag: bytes, coding: Coding) -> bytes:
    return tag[:-1] + coding.suffix + b'"'


def without_coding(tag: str) -> str:
    """Return an ETag without the suffix of a coding."""
    return _SUFFIX.sub('"', tag)
