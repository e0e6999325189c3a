"""The contract of stores that keep tenants apart."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any, Final

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import Comparison
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.interfaces.reader import Lock, QueryTemplate
from framework_m_testing.contracts.contract import StoreContract
from framework_m_testing.harness import StoreHarness

__all__ = ["TENANTS", "TenantsContract"]

TENANTS: Final = (None, "north", "south")
"""The tenants of the contract; None is for what belongs to no tenant."""

_OTHERS: Final = [(one, other) for one in TENANTS for other in TENANTS if one != other]


class TenantsContract(StoreContract):
    """Each call reaches the data of its context's tenant alone. Provide a fixture `open_store` for `TENANTS`."""

    @pytest.mark.parametrize(("tenant", "other"), _OTHERS)
    @pytest.mark.parametrize("lock", [None, "update"])
    async def test_documents_are_those_of_the_tenant(
        self, store: StoreHarness, tenant: str | None, other: str | None, lock: Lock | None
    ) -> None:
        """Readers, units and repositories of another tenant find nothing, with the same prepared reads."""
        shelf, theirs = (
            await _store(store, tenant, "Shelf", label="same"),
            await _store(store, other, "Shelf", label="same"),
        )
        thing = await _store(store, tenant, "Thing", shelf=shelf.id)
        where, values = parameterize(Comparison("label", "eq", "same"))
        handle = store.reader.prepare(QueryTemplate(store.registry.get("Shelf"), ("id",), where))
        locking = store.reader.prepare(QueryTemplate(store.registry.get("Shelf"), ("id",), where, lock=lock))
        for owner, id in ((tenant, shelf.id), (other, theirs.id), (tenant, shelf.id)):
            context = _context(store, owner)
            assert await store.reader.fetch(context, handle, values) == [(id,)]
            async with store.units(context) as unit:
                assert await unit.fetch(locking, values) == [(id,)]
                assert [found.id for found in (await unit.repository("Shelf").list()).items] == [id]
                assert await unit.repository("Thing").exists(thing.id) is (owner == tenant)
                found = await unit.find_referrers("Shelf", shelf.id)
                assert [name for name, _ in found] == (["Thing"] if owner == tenant else [])

    @pytest.mark.parametrize(("tenant", "other"), _OTHERS)
    async def test_counters_are_those_of_the_tenant(
        self, store: StoreHarness, tenant: str | None, other: str | None
    ) -> None:
        """A counter starts at 1 for each tenant, inside and outside units."""
        mine, theirs = _context(store, tenant), _context(store, other)
        assert await store.counter.allocate(mine, "A-", 3) == 1
        assert await store.counter.allocate(theirs, "A-") == 1
        for context, expected in ((mine, 4), (theirs, 2)):
            async with store.units(context) as unit:
                assert await unit.allocate("A-") == expected
                await unit.commit()

    @pytest.mark.parametrize(("tenant", "other"), _OTHERS)
    async def test_stored_responses_are_those_of_the_tenant(
        self, store: StoreHarness, tenant: str | None, other: str | None
    ) -> None:
        """Both tenants may use one key at the same time, and each finds its own response."""
        now = system_clock()
        responses = {
            name: StoredResponse("key", "hash", 200, b'""', name, None, now + timedelta(hours=1)) for name in TENANTS
        }
        for name in (tenant, other):
            assert await store.idempotency.find(_context(store, name), "key") is None
            async with store.units(_context(store, name)) as unit:
                unit.remember(responses[name])
                await unit.commit()
        for name in (tenant, other):
            assert await store.idempotency.find(_context(store, name), "key") == responses[name]
        assert await store.idempotency.prune(now + timedelta(hours=2)) == 2

    @pytest.mark.parametrize(("tenant", "other"), _OTHERS)
    async def test_audit_entries_are_those_of_the_tenant(
        self, store: StoreHarness, tenant: str | None, other: str | None
    ) -> None:
        """Another tenant has no entries of a document, even if it knows the id."""
        thing = await _store(store, tenant, "Thing")
        entry = dataclasses.replace(store.make_entry(thing, 1), tenant=tenant)
        async with store.units(_context(store, tenant)) as unit:
            unit.audit(entry)
            await unit.commit()
        assert await store.audit_log.list_entries(_context(store, tenant), "Thing", thing.id) == [entry]
        assert await store.audit_log.list_entries(_context(store, other), "Thing", thing.id) == []


def _context(store: StoreHarness, tenant: str | None) -> RequestContext:
    return dataclasses.replace(store.context, tenant=tenant)


async def _store(store: StoreHarness, tenant: str | None, doctype: str, **values: Any) -> Any:
    document = store.new(doctype, **values)
    async with store.units(_context(store, tenant)) as unit:
        await unit.repository(doctype).insert(document)
        await unit.commit()
    return document
