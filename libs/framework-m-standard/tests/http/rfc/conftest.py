"""A real server on loopback, and a client that sends bytes and parses what comes back strictly."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server.serving import Server, build_server_config, listen
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore

from ..conftest import make_registry, make_site
from ..site_app import Tag

BODILESS: Final = frozenset({204, 304})


@dataclass(frozen=True)
class Response:
    """A response as it came."""

    version: str
    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        """The fields by name; repeated ones fail."""
        names = [name for name, _ in self.fields]
        assert len(names) == len({*names}) or "set-cookie" in names, names
        return dict(self.fields)

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The status and the code of a problem."""
        return self.json["code"] if self.headers.get("content-type") == "application/problem+json" else None


@dataclass
class Wire:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, sent: bytes) -> None:
        """Send bytes."""
        self.writer.write(sent)
        await self.writer.drain()

    async def response(self, *, head: bool = False) -> Response:
        """Read one response; `head` says that the request's method was HEAD."""
        async with asyncio.timeout(5):
            raw = await self.reader.readuntil(b"\r\n\r\n")
            line, *fields = raw[:-4].decode("ascii").split("\r\n")
            version, status, _ = line.split(" ", 2)
            named = tuple((name.lower(), value) for name, value in (field.split(": ", 1) for field in fields))
            length = dict(named).get("content-length")
            if head or int(status) in BODILESS or int(status) < 200:
                body = b""
            elif length is not None:
                body = await self.reader.readexactly(int(length))
            else:
                assert dict(named)["transfer-encoding"] == "chunked"
                body = await self._chunks()
            return Response(version, int(status), named, body)

    async def _chunks(self) -> bytes:
        found = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            found += await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        assert await self.reader.readexactly(2) == b"\r\n"
        return found

    async def ask(self, sent: bytes) -> Response:
        """Send one request and read its response."""
        await self.send(sent)
        return await self.response(head=sent.startswith(b"HEAD"))

    async def is_closed(self) -> bool:
        """Return whether the server closes the connection at once, having sent no more."""
        try:
            async with asyncio.timeout(0.3):
                return await self.reader.read(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The app on a real server, in a thread of its own."""
    bound, lifecycle = listen("127.0.0.1", 0), Lifecycle()
    thread = threading.Thread(target=asyncio.run, args=[_serve(bound, lifecycle, tmp_path_factory.mktemp("data"))])
    thread.start()
    yield bound.getsockname()
    lifecycle.stopping = True
    thread.join(10)
    bound.close()


async def _serve(bound: socket.socket, lifecycle: Lifecycle, folder: Path) -> None:
    driver = make_driver(SqlSettings(url=f"sqlite:///{folder}/data.db"), folder)
    await driver.open()
    try:
        site = await make_site(SqlStore(driver, RegistryHandle(make_registry(Tag))), HttpSettings(), development=True)
        await Server(build_server_config(site.app, 1, lifespan="off"), lifecycle).serve(sockets=[bound])
    finally:
        await driver.close()


@pytest.fixture
async def wire(address: tuple[str, int]) -> AsyncIterator[Wire]:
    """An open connection."""
    reader, writer = await asyncio.open_connection(*address, family=socket.AF_INET)
    yield Wire(reader, writer)
    writer.close()


def request(line: str, *fields: str, body: bytes = b"", host: bool = True, by: str | None = "boss") -> bytes:
    """Return a request with a body of stated length, if any."""
    stated = [*(["Host: a"] if host else []), *([f"Authorization: Bearer {by}"] if by else []), *fields]
    if body and not any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields):
        stated.append(f"Content-Length: {len(body)}")
    return "\r\n".join([line if " HTTP/" in line else f"{line} HTTP/1.1", *stated, "", ""]).encode("latin-1") + body


JSON: Final = "Content-Type: application/json"
SALE: Final = b'{"title": "one"}'
