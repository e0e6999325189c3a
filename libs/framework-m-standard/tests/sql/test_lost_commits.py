"""A connection that breaks while it commits: nobody is told that nothing happened, and a keyed write is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import OutcomeUnknownError
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.services.documents.writing.runner import IdempotentWrite
from framework_m_core.services.documents.writing.write import CREATE

from ..services.orders import order_registry
from ..services.wiring import CONTEXT, Wired, wired


@dataclass
class Lossy:
    """A way to the server that delivers what the client sends, and once armed swallows the answer and breaks off."""

    armed: bytes | None = None
    links: list[asyncio.StreamWriter] = field(default_factory=list)

    async def join(self, client: tuple[asyncio.StreamReader, asyncio.StreamWriter], server: tuple[str, int]) -> None:
        reader, writer = await asyncio.open_connection(*server)
        self.links += [writer, client[1]]
        dropping = asyncio.Event()
        await asyncio.gather(
            self._up(client[0], writer, dropping), self._down(reader, client[1], dropping), return_exceptions=True
        )

    async def _up(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, dropping: asyncio.Event) -> None:
        while data := await source.read(65536):
            if self.armed is not None and self.armed in data:
                self.armed = None
                dropping.set()
            sink.write(data)
            await sink.drain()
        sink.close()

    async def _down(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, dropping: asyncio.Event) -> None:
        while data := await source.read(65536):
            if dropping.is_set():
                break
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def _lossy(url: str) -> AsyncIterator[tuple[str, Lossy]]:
    """An address that leads to the server of another over a lossy way."""
    parts, lossy = urlsplit(url), Lossy()
    target = (str(parts.hostname), parts.port or (3306 if parts.scheme == "mariadb" else 5432))
    server = await asyncio.start_server(lambda *client: lossy.join(client, target), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user = f"{parts.username}@" if parts.username else ""
    try:
        yield parts._replace(netloc=f"{user}127.0.0.1:{port}").geturl(), lossy
    finally:
        server.close()
        for link in lossy.links:
            link.close()


@pytest.fixture(params=["postgres", pytest.param("mariadb", marks=pytest.mark.slow)])
def server_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def link(server_url: str) -> AsyncIterator[tuple[Wired, Lossy]]:
    async with _lossy(server_url) as (url, lossy), wired(url, order_registry(), pool_size=1) as shop:
        yield shop, lossy


def _idempotent(key: str) -> IdempotentWrite:
    def response(document: Any) -> StoredResponse:
        body = str(document["id"]).encode()
        return StoredResponse(key, "hash", 201, body, None, None, system_clock() + timedelta(hours=1))

    return IdempotentWrite(key, "hash", response)


CASES = [
    ("Order", b"COMMIT", {"lines": [{"text": "a row"}]}),
    ("Customer", b"kept or lost", {"name": "second", "full_name": "kept or lost"}),
]
"""What commits by a statement of its own, and what is a single statement that commits by itself on PostgreSQL."""


@pytest.mark.parametrize(("doctype", "sent", "values"), CASES)
async def test_a_lost_answer_is_not_taken_for_a_failure(
    link: tuple[Wired, Lossy], doctype: str, sent: bytes, values: dict[str, Any]
) -> None:
    shop, lossy = link
    await shop.create(doctype, **({"name": "first"} if doctype == "Customer" else {}))
    lossy.armed = sent if shop.store.name == "postgresql" else b"COMMIT"
    with pytest.raises(OutcomeUnknownError):
        await shop.create(doctype, **values)
    assert await shop.count(doctype) == 2


@pytest.mark.parametrize("doctype", ["Order", "Note"])
async def test_a_keyed_write_finds_its_own_answer(link: tuple[Wired, Lossy], doctype: str) -> None:
    shop, lossy = link
    lossy.armed = b"COMMIT"
    response = await shop.documents.write(CONTEXT, doctype, CREATE, None, {}, idempotent=_idempotent("key"))
    assert isinstance(response, StoredResponse)
    assert await shop.count(doctype) == 1


async def test_a_number_whose_answer_is_lost_is_taken_anew(link: tuple[Wired, Lossy]) -> None:
    """A series may have gaps, so nobody need hear of it."""
    shop, lossy = link
    lossy.armed = b"Ticket:"
    first = await shop.create("Ticket")
    assert await shop.count("Ticket") == 1
    assert int(first["name"].rpartition("-")[2]) == 2
