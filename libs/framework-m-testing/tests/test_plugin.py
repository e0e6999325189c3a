"""The pytest plugin: its fixtures, its marker, and its report, in runs of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from framework_m_testing.plugin.hooks import label_of

pytest_plugins = ["pytester"]

CACHES = """
    import pytest
    from framework_m_standard.memory.cache import MemoryCache
    from framework_m_standard.memory.settings import MemorySettings
    from framework_m_testing.contracts.cache import CacheContract

    class TestAcmeCache(CacheContract):
        @pytest.fixture(params=["small", "large"])
        def cache(self, request, clock):
            return MemoryCache(MemorySettings(), clock)

        @pytest.mark.xfail(strict=True, reason="not yet")
        async def test_none_is_a_value(self, cache):
            assert not cache

        async def test_its_own(self, cache):
            assert False

    def test_of_no_contract():
        assert True
"""
STORES = """
    from contextlib import asynccontextmanager
    from types import SimpleNamespace

    import pytest
    from framework_m_core.interfaces.capabilities import StoreCapability
    from framework_m_testing.contracts.contract import StoreContract, require_capability

    class AnyContract(StoreContract):
        @require_capability(StoreCapability.APPEND_ONLY_AUDIT)
        async def test_audit(self, store):
            assert "synced" in store.calls

        @require_capability(StoreCapability.BLOCKING_LOCKS)
        async def test_locks(self, store):
            assert False, "the store does not claim this"

    class TestAcmeAny(AnyContract):
        @pytest.fixture
        def open_store(self):
            calls = []

            async def sync():
                calls.append("synced")

            @asynccontextmanager
            async def opened(registry):
                claimed = frozenset({StoreCapability.APPEND_ONLY_AUDIT})
                yield SimpleNamespace(capabilities=claimed, calls=calls, schema_mapper=SimpleNamespace(sync=sync))

            return opened
"""


def report(pytester: pytest.Pytester, source: str, *options: str) -> list[dict[str, Any]]:
    """The report of a run of one test file."""
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(source)
    pytester.runpytest_subprocess("-q", "--strict-markers", "--contracts-report", "report.json", *options)
    found: list[dict[str, Any]] = json.loads((pytester.path / "report.json").read_text())
    return found


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "workers"])
def test_a_cache_needs_one_fixture_and_is_reported(pytester: pytest.Pytester, options: tuple[str, ...]) -> None:
    found = report(pytester, CACHES, "-k", "value or its_own or no_contract", *options)
    assert [(row["contract"], row["adapter"], row["failed"]) for row in found] == [
        ("CacheContract", "acme (large)", 1),
        ("CacheContract", "acme (small)", 1),
    ]
    for row in found:
        assert row["passed"] > 10
        assert [*row["xfailed"].values()] == ["not yet"]
        assert (row["skipped"], row["capabilities"]) == ({}, None)


def test_what_a_store_does_not_claim_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    [row] = report(pytester, STORES)
    assert (row["contract"], row["adapter"], row["passed"], row["failed"]) == ("AnyContract", "acme", 1, 0)
    assert row["capabilities"] == ["append-only audit log"]
    assert [(test, "blocking locks" in reason) for test, reason in row["skipped"].items()] == [("test_locks", True)]


@pytest.mark.parametrize(
    ("test_class", "contract", "kinds", "label"),
    [
        ("TestRedisCache", "CacheContract", [], "redis"),
        ("TestDocumentSessionsInMemory", "SessionContract", [], "document in memory"),
        ("TestSqlUnitOfWork", "UnitOfWorkContract", ["sqlite"], "sql (sqlite)"),
        ("TestTenantsInMemory", "TenantsContract", [], "memory"),
        ("TestLimitedStore", "UnitOfWorkContract", [], "limited store"),
    ],
)
def test_an_adapter_is_called_by_the_rest_of_its_tests_name(
    test_class: str, contract: str, kinds: list[str], label: str
) -> None:
    assert label_of(test_class, contract, kinds) == label
