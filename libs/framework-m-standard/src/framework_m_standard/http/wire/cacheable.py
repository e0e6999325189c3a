"""JSON that clients keep: with its ETag, compressed as the client accepts."""

from __future__ import annotations

from typing import Final

from litestar import Response

from framework_m_standard.http.wire.asgi import RequestState
from framework_m_standard.http.wire.compression import VARY, Compressor
from framework_m_standard.http.wire.etags import compute_content_etag, find_current_etag
from framework_m_standard.http.wire.responses import PRIVATE, Headers, RawResponse

__all__ = ["respond_cacheable"]

_JSON: Final = "application/json"


async def respond_cacheable(state: RequestState, body: bytes, compressor: Compressor) -> Response[bytes]:
    """Return the response with a body of JSON, or 304 if the client has it already."""
    etag = compute_content_etag(body)
    state.vary = VARY
    if known := find_current_etag(state.headers, etag):
        return Response(b"", status_code=304, media_type=_JSON, headers=_named(_headers(known)))
    whole = RawResponse(200, body, _headers(etag))
    sent = await compressor.compress(whole, state.headers.get(b"accept-encoding"))
    return Response(sent.body, media_type=_JSON, headers=_named(sent.headers))


def _headers(etag: str) -> Headers:
    return (*PRIVATE, (b"etag", etag.encode("ascii")))


def _named(headers: Headers) -> dict[str, str]:
    return {name.decode("ascii"): value.decode("latin-1") for name, value in headers}
