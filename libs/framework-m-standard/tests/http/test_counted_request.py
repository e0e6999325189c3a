"""A body that a handler of an app has buffered counts once, however often it is read."""

from __future__ import annotations

from typing import Any

import httpx
from litestar import Litestar, Request, post

from framework_m_standard.http.app_routes.counted_request import CountedRequest
from framework_m_standard.http.wire.bytes_in_flight import IN_FLIGHT, BufferedBody, BytesInFlight

SENT = b"x" * 50_000


async def test_a_body_that_is_buffered_and_then_streamed_counts_once() -> None:
    in_flight = BytesInFlight()

    @post("/")
    async def take(request: Request[Any, Any, Any]) -> list[int]:
        size = len(await request.body()) + sum([len(chunk) async for chunk in request.stream()])
        return [size, in_flight.total]

    litestar: Any = Litestar([take], request_class=CountedRequest)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {IN_FLIGHT: in_flight}
        await litestar(scope, BufferedBody(scope, receive), send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.post("/", content=SENT)
    assert answer.json() == [2 * len(SENT), len(SENT)]
