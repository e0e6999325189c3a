"""What the proofs share: their seeds, and a runner that keeps the stores open while hypothesis makes examples."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings

from framework_m_core.registry.registry import Registry
from tests.permission_proof.declared import Stored
from tests.permission_proof.declared_classes import compiled
from tests.permission_proof.executor import Executor
from tests.permission_proof.generators import NOW, Setup

from .proof_stores import Stores, proof_stores

type Run = Callable[[Coroutine[Any, Any, Any]], Any]

FIRST, LAST = map(int, os.environ.get("PROOF_SEEDS", "1-20").split("-"))
SEEDS: Final = range(FIRST, LAST + 1)


def seed_id(number: int) -> str:
    """How a test names its seed."""
    return f"seed{number}"


def many(examples: int) -> settings:
    """So many examples, the same for each run of a seed. They are not shrunk: a failure tells its one case."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


@contextmanager
def running(folder: Path, servers: Sequence[str], mongodb_address: str | None = None) -> Iterator[tuple[Run, Stores]]:
    """Runs coroutines over the opened stores."""
    with asyncio.Runner() as runner:
        opening = proof_stores(folder, servers, mongodb_address)
        stores = runner.run(opening.__aenter__())
        try:
            yield runner.run, stores
        finally:
            runner.run(opening.__aexit__(None, None, None))


def performers(stores: Stores, setup: Setup) -> dict[str, Executor]:
    """What performs requests under a world's declarations, by store."""
    registry: Registry = compiled(setup.declared)
    wired = stores(registry)
    return {name: Executor(one.adapters, one.documents, one.queries, lambda: NOW) for name, one in wired.items()}


def ids_of(stored: Stored) -> frozenset[UUID]:
    """The ids of all documents and rows."""
    rows = (row["id"] for documents in stored.values() for one in documents.values() for row in one.get("rows", ()))
    return frozenset([*rows, *(id for documents in stored.values() for id in documents)])
