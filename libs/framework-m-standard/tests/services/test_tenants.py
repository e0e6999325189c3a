"""The services tell every port whose tenant's data they want, under a store that has nothing but the context."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import EntityNotFoundError, LinkTargetError
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.services.documents.writing.runner import Fresh, IdempotentWrite
from framework_m_core.services.documents.writing.write import CREATE
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_testing.fakes.permission import FakePermission
from framework_m_testing.fakes.tenants import separate_tenants

from ..memory.wiring import memory_dump, memory_harness
from .orders import Hooks, order_registry
from .wiring import CONTEXT, Store, Wired, services_over

NORTH = dataclasses.replace(CONTEXT, tenant="north")
SOUTH = dataclasses.replace(CONTEXT, tenant="south")


@pytest.fixture
def shop() -> Wired:
    """The services over a store that has a database for each tenant."""
    registry = order_registry()
    databases = {tenant: MemoryDatabase() for tenant in (None, "north", "south")}
    adapters = separate_tenants({tenant: memory_harness(one, registry) for tenant, one in databases.items()})
    store = Store("tenants", adapters, lambda: memory_dump(databases[None], registry))
    return services_over(store, FakePermission(adapters.registry_handle))


async def _names(shop: Wired, context: RequestContext, **request: Any) -> list[str]:
    page = await shop.documents.list(context, "Ticket", ListRequest(**request))
    return [ticket["name"] for ticket in page.items]


async def test_series_documents_and_counts_are_the_tenants_own(shop: Wired) -> None:
    for context, expected in ((NORTH, "T-0001"), (NORTH, "T-0002"), (SOUTH, "T-0001"), (CONTEXT, "T-0001")):
        assert (await shop.documents.create(context, "Ticket", {}))["name"] == expected, context.tenant
    assert await _names(shop, NORTH) == ["T-0002", "T-0001"]
    page = await shop.documents.list(SOUTH, "Ticket", ListRequest(count="exact"))
    assert page.total == 1


async def test_a_document_of_another_tenant_is_not_there(shop: Wired) -> None:
    made = await shop.documents.create(NORTH, "Note", {"text": "mine"})
    assert (await shop.documents.get(NORTH, "Note", made["id"]))["text"] == "mine"
    for context in (SOUTH, CONTEXT):
        with pytest.raises(EntityNotFoundError):
            await shop.documents.get(context, "Note", made["id"])
        with pytest.raises(EntityNotFoundError):
            await shop.documents.update(context, "Note", made["id"], {"text": "theirs"})
        with pytest.raises(EntityNotFoundError):
            await shop.documents.delete(context, "Note", made["id"])
    assert len(await shop.adapters.audit_log.list_entries(NORTH, "Note", made["id"])) == 1


async def test_links_and_expansions_stay_within_the_tenant(shop: Wired) -> None:
    ada = await shop.documents.create(NORTH, "Customer", {"name": "Ada", "full_name": "Ada L."})
    with pytest.raises(LinkTargetError):
        await shop.documents.create(SOUTH, "Note", {"customer": ada["id"]})
    await shop.documents.create(NORTH, "Note", {"customer": ada["id"]})
    page = await shop.documents.list(NORTH, "Note", ListRequest(expand=("customer",)))
    assert page.items[0]["customer"]["full_name"] == "Ada L."


async def test_hooks_work_for_the_tenant_of_their_write(shop: Wired, hooks: Hooks) -> None:
    async def make_ticket(controller: Any) -> None:
        await controller.documents.create("Ticket", {"text": "from a hook"})

    hooks["after_insert"] = make_ticket
    await shop.documents.create(NORTH, "Order", {})
    assert await _names(shop, NORTH) == ["T-0001"]
    assert await _names(shop, SOUTH) == []


async def test_a_key_is_used_once_for_each_tenant(shop: Wired) -> None:
    response = StoredResponse("key", "hash", 201, b"{}", None, None, system_clock() + timedelta(hours=1))
    idempotent = IdempotentWrite("key", "hash", lambda _: response)
    for context in (NORTH, SOUTH):
        results = [
            await shop.documents.write(context, "Ticket", CREATE, None, {}, idempotent=idempotent) for _ in range(2)
        ]
        assert [type(result) for result in results] == [Fresh, StoredResponse], context.tenant
        assert await _names(shop, context) == ["T-0001"], context.tenant
