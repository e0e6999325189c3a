"""`Contract`, the base of all suites, which rejects weakened subclasses, and `StoreContract`, the base for stores."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_testing.harness import OpenStore, StoreHarness, build_sample_registry
from framework_m_testing.plugin.report import CAPABILITIES

__all__ = ["Contract", "StoreContract", "require_capability"]

_EXCUSES = frozenset({"skip", "skipif", "xfail"})


def _replaced(cls: type) -> Iterator[tuple[str, object]]:
    """Yield the names of contract tests that the class replaces, with their replacements."""
    for name in dir(cls):
        holders = [parent for parent in cls.__mro__ if name in vars(parent)]
        if name.startswith("test_") and len(holders) > 1 and any(isinstance(one, _Unweakened) for one in holders[1:]):
            yield name, vars(holders[0])[name]


def _is_reasoned_xfail(member: object) -> bool:
    marks = [mark for mark in getattr(member, "pytestmark", ()) if mark.name == "xfail"]
    return any(mark.kwargs.get("strict") is True and mark.kwargs.get("reason") for mark in marks)


def _refuse_excuses(where: str, marks: Any) -> None:
    for mark in marks if isinstance(marks, (list, tuple)) else [marks]:
        if mark.name in _EXCUSES:
            raise TypeError(f"{where} is marked {mark.name}: remove the mark, since a contract must be met completely")


class _Unweakened(type):
    """A metaclass that also checks what is set on a contract after its class body: decorators and assignments."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name == "__test__" or name.startswith("test_"):
            raise TypeError(f"{cls.__name__}.{name} is part of a contract: do not replace it")
        if name == "pytestmark":
            _refuse_excuses(cls.__name__, value)
        super().__setattr__(name, value)


class Contract(metaclass=_Unweakened):
    """A suite of tests. A subclass may add tests; it may replace one only by a strict xfail with a reason."""

    pytestmark = [pytest.mark.asyncio]

    @classmethod
    def name_of_contract(cls) -> str:
        """Return the name of the suite that the class runs, such as `CacheContract`."""
        names = [one.__name__ for one in cls.__mro__]
        return next(name for name in names if name.endswith("Contract") and not name.startswith("Test"))

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        _refuse_excuses(cls.__name__, vars(cls).get("pytestmark", ()))
        _refuse_excuses(cls.__name__, getattr(sys.modules.get(cls.__module__), "pytestmark", ()))
        if "__test__" in vars(cls):
            raise TypeError(f"{cls.__name__}.__test__ is set: remove it, since a contract must be run")
        for name, member in _replaced(cls):
            if not _is_reasoned_xfail(member):
                raise TypeError(
                    f"{cls.__name__}.{name} replaces a test of the contract: remove it, or mark it "
                    "@pytest.mark.xfail(strict=True, reason='…')"
                )


def require_capability(capability: StoreCapability) -> pytest.MarkDecorator:
    """Mark a test of a `StoreContract` that a store which does not claim the capability skips."""
    return pytest.mark.store_capability(capability)


class StoreContract(Contract):
    """A contract of the store family. Provide a fixture `open_store`, an `OpenStore`."""

    @pytest_asyncio.fixture
    async def store(self, open_store: OpenStore, request: pytest.FixtureRequest) -> AsyncIterator[StoreHarness]:
        """Open an empty store with the sample DocTypes and a synced schema; skip what it does not claim."""
        async with open_store(build_sample_registry()) as store:
            request.node.user_properties.append((CAPABILITIES, sorted(one.value for one in store.capabilities)))
            for mark in request.node.iter_markers("store_capability"):
                if mark.args[0] not in store.capabilities:
                    pytest.skip(f"the store does not claim {mark.args[0]}")
            await store.schema_mapper.sync()
            yield store
