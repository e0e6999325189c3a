"""A change that one process makes is taken over by the others on its store."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from framework_m import DocType
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_standard.bootstrap import FOLLOW_SECONDS

from .wiring import Wired, wired

_SCRIPT = Path(__file__).with_name("follow_registry.py")


class Sheet(DocType):
    text: str = ""


class Left(Sheet):
    left: int = 1

    class Meta:
        overrides = True


class Right(Sheet):
    right: int = 2

    class Meta:
        overrides = True


def _registry(*overrides: type[DocType]) -> Registry:
    builder = RegistryBuilder()
    doctypes: tuple[type[DocType], ...] = (Sheet, *overrides)
    for doctype in doctypes:
        builder.add_doctype(doctype, "sheets")
    return builder.freeze()


class Process:
    """The services of a process whose registry has the overrides that all processes have switched on."""

    def __init__(self, services: Wired, switched_on: list[type[DocType]]) -> None:
        self.services = services
        self._switched_on = switched_on
        self.changes = RegistryChanges(services.adapters.registry_handle, services.adapters.schema_mapper, self._build)

    async def _build(self, previous: Registry) -> Registry:  # what is changed here is all there is
        return _registry(*self._switched_on)

    def fields(self) -> set[str]:
        return set(self.services.adapters.registry.get("Sheet").fields)


@pytest.fixture
async def processes(database_url: str) -> AsyncIterator[tuple[Process, Process, list[type[DocType]]]]:
    switched_on: list[type[DocType]] = []
    async with wired(database_url, _registry()) as one, wired(database_url, _registry()) as other:
        yield Process(one, switched_on), Process(other, switched_on), switched_on


async def test_others_follow_at_their_next_look(
    processes: tuple[Process, Process, list[type[DocType]]],
) -> None:
    one, other, switched_on = processes
    assert not await other.changes.follow()
    switched_on.append(Left)
    await one.changes.apply(_registry(Left))
    before = await other.services.create("Sheet", text="by the old one")
    assert (await one.services.stored("Sheet", before["id"]))["left"] == 1
    assert await other.changes.follow()
    assert (await other.services.stored("Sheet", before["id"]))["left"] == 1
    assert not await one.changes.follow()
    assert not await other.changes.follow()


async def test_two_who_change_at_once_end_with_both_changes(
    processes: tuple[Process, Process, list[type[DocType]]],
) -> None:
    one, other, switched_on = processes
    switched_on += [Left, Right]
    await asyncio.gather(one.changes.apply(_registry(Left)), other.changes.apply(_registry(Right)))
    for process in (one, other):
        await process.changes.follow()
    assert [process.fields() for process in (one, other)] == [{"text", "left", "right"}] * 2


@asynccontextmanager
async def _worker(folder: Path, url: str, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    environment = {**os.environ, "DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_SCRIPT), str(folder), *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).strip() == b"ready"
        yield process.stdout
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture(params=["sqlite", "postgres"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that several processes can open."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'store.db'}"


async def test_workers_of_one_store(shared_url: str, tmp_path: Path) -> None:
    assert 2 * FOLLOW_SECONDS <= 1
    async with (
        asyncio.timeout(60),
        _worker(tmp_path, shared_url) as waiting,
        _worker(tmp_path, shared_url, "change") as changing,
    ):
        assert (await changing.readline()).strip() == b"Extra"
        assert (await waiting.readline()).strip() == b"Extra"
