"""Every spelling of a value is taken and read back alike, or refused with one code, by every way on every store."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from secrets import token_hex
from typing import Any

import pytest

from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.fuzz.generated_spellings import spellings
from tests.fuzz.spellings import ANNOTATIONS, KNOWN
from tests.fuzz.value_store import Outcome, ValueStore, open_store, write_app
from tests.mariadb_server import VARIABLE as MARIADB
from tests.mariadb_server import new_database
from tests.mongo_server import drop_database

_SCALED = frozenset({"amount"})
"""Fields whose arguments of calls have no scale, so that more digits are taken and kept."""


class Stores:
    """The app on every store, in one event loop."""

    def __init__(self, runner: asyncio.Runner, stores: Mapping[str, ValueStore]) -> None:
        self.runner = runner
        self._stores = stores

    async def check(self, name: str, text: str) -> Outcome:
        """Return what becomes of a value, the same everywhere."""
        found: dict[tuple[str, str], Outcome] = {}
        for where, store in self._stores.items():
            found |= {(where, way): outcome for way, outcome in (await store.outcomes(name, text)).items()}
        first = found["memory", "create"]
        assert {place: outcome for place, outcome in found.items() if outcome != first} == {}, first
        called = await self._stores["memory"].call(name, text)
        without_scale = (
            name in _SCALED and called.code in (None, "wrong_type") and first.code in (None, "out_of_bounds")
        )
        assert called == first or without_scale, ("call", called, first)
        return first


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, postgres_database: str, mongodb_url: str) -> Iterator[Stores]:
    """The app on every store; on MariaDB where there is one."""
    folder = tmp_path_factory.mktemp("values")
    write_app(folder)
    with ExitStack() as dropped, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database = f"test_{token_hex(8)}"
        databases: dict[str, dict[str, Any]] = {
            "memory": {},
            "sqlite": {"adapters.store": "default", "sql.url": f"sqlite:///{folder}/data.db"},
            "postgres": {"adapters.store": "default", "sql.url": postgres_database},
            "mongo": {"adapters.store": "mongo", "mongo.url": mongodb_url, "mongo.database": database},
        }
        if MARIADB in os.environ:
            address = dropped.enter_context(contextmanager(new_database)(os.environ[MARIADB]))
            databases["mariadb"] = {"adapters.store": "default", "sql.url": address}
        opened = {}
        for name, settings in databases.items():
            opened[name] = runner.run(stack.enter_async_context(open_store(folder, settings)))
        yield Stores(runner, opened)
        runner.run(stack.aclose())
    drop_database(mongodb_url, database)


@pytest.mark.slow
@pytest.mark.parametrize("name", ANNOTATIONS)
def test_known_spellings_are_read_back_or_refused(stores: Stores, name: str) -> None:
    for text, expected in KNOWN[name].items():
        found = stores.runner.run(stores.check(name, text))
        assert found.code == expected if found.code else found.value == _canonical(expected), text


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_generated_spellings_mean_the_same_everywhere(stores: Stores, name: str) -> None:
    async def check(text: str) -> None:
        await stores.check(name, text)

    fuzz(spellings(name), check, batch=2, seconds=SECONDS / len(ANNOTATIONS), run=stores.runner.run)


def _canonical(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
