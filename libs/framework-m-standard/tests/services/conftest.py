"""The services over every store; one that is missing fails, it is never skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .orders import HOOKS, Hooks, order_registry
from .wiring import MEMORY, Wired, wired


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind, without rows."""
    if request.param == "memory":
        yield f"memory:{tmp_path}"
        MEMORY.clear()
    elif request.param == "postgres":
        yield str(request.getfixturevalue("postgres_url"))
    else:
        yield f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Wired]:
    """The services over orders on each store."""
    async with wired(database_url, order_registry()) as opened:
        yield opened


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """What the hooks of orders do in this test."""
    HOOKS.clear()
    yield HOOKS
    HOOKS.clear()
