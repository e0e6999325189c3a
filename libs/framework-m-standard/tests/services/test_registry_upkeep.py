"""A hundred changes of an app with 200 DocTypes: nothing of what was replaced stays, and the loop goes on."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from framework_m import DocType
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_testing.harness import keep_registry

from .wiring import CONTEXT, Wired, wired

_SWAPS = 100


def _kind(number: int) -> type[DocType]:
    fields = {f"field_{place}": "" for place in range(10)}
    body = {"__annotations__": dict.fromkeys(fields, str), "__module__": __name__, **fields}
    return type(f"Kind{number}", (DocType,), body)


_KINDS = [_kind(number) for number in range(200)]


def _built(number: int, previous: Registry | None) -> Registry:
    """All DocTypes; to one of them a field is added, another one each time."""
    builder = RegistryBuilder()
    for kind in _KINDS:
        builder.add_doctype(kind, "many")
    meta = type("Meta", (), {"overrides": True, "__module__": __name__, "__qualname__": "Added.Meta"})
    body = {"__annotations__": {"added": int}, "__module__": __name__, "__qualname__": "Added", "added": 0}
    builder.add_doctype(type("Added", (_KINDS[number % 200],), {**body, "Meta": meta}), "more")
    return builder.freeze(previous)


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[Wired]:
    async with wired(f"sqlite:///{tmp_path / 'store.db'}", _built(0, None)) as opened:
        yield opened


@pytest.fixture
def frozen(many: Wired) -> Iterator[None]:  # boot freezes what it made
    """The collector as a serving process has it."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


class _Ticks:
    """The longest CPU time of this thread between two turns of the loop, taken and begun anew with `take`."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            self._longest = max(self._longest, time.thread_time() - before)

    def take(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


def _build_seconds() -> float:
    before = time.thread_time()
    _built(0, None)
    return time.thread_time() - before


@pytest.mark.usefixtures("frozen")
async def test_memory_stays_and_the_loop_goes_on(many: Wired) -> None:
    registry_handle, ticks, sizes = many.adapters.registry_handle, _Ticks(), dict[int, int]()
    changes = RegistryChanges(registry_handle, many.adapters.schema_mapper, keep_registry)
    watching, stalls = asyncio.create_task(ticks.watch()), list[float]()
    for number in range(1, _SWAPS + 1):
        await changes.apply(await asyncio.to_thread(_built, number, registry_handle.current))
        made: Any = await many.documents.create(CONTEXT, f"Kind{number}", {})
        assert "added" in await many.documents.get(CONTEXT, f"Kind{number}", made["id"])
        stalls.append(ticks.take())
        if number in {_SWAPS // 5, _SWAPS}:
            sizes[number] = _resident()
            await asyncio.sleep(0)
            ticks.take()
    watching.cancel()
    assert sizes[_SWAPS] <= 1.05 * sizes[_SWAPS // 5]
    # A third is usual: one collection, or the comparison of the schemas.
    assert statistics.median(stalls) < 0.7 * _build_seconds()


def test_what_is_unchanged_is_taken_over() -> None:
    before = _built(0, None)
    after = _built(1, before)
    changed = {name for name, plan in after.doctypes.items() if before.doctypes[name] is not plan}
    assert changed == {"Kind0", "Kind1"}
