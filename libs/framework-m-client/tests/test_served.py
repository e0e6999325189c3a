"""Both clients over sockets, against the CRM as it is served."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest

from framework_m_client import AsyncClient, Client, RetryPolicy, ServerUnreachableError, VersionConflictError, field
from tests.journeys.docs.pages import Page
from tests.journeys.product import ROOT, Product, copy_crm, email, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("client")]


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running CRM."""
    folder = tmp_path_factory.mktemp("crm")
    product = Product(copy_crm(folder), f"sqlite:///{folder / 'crm.db'}")
    try:
        product.create_users({"manager": ("Sales Manager",)})
        product.start()
        yield product
    finally:
        product.kill()


def test_the_sync_client(crm: Product) -> None:
    with Client(crm.address) as client:
        client.login(email("manager"), crm.passwords["manager"])
        customer = client.doctype("Customer").create({"full_name": "Ada"})
        invoices = client.doctype("Invoice")
        lines = [{"description": "Chair", "qty": "2", "rate": "2.10"}]
        invoice = invoices.create({"customer": customer["id"], "items": lines})
        changed = invoices.update(invoice, {"remarks": "soon"})
        with pytest.raises(VersionConflictError):
            invoices.update(invoice, {"remarks": "late"})
        assert invoices.submit(changed)["total"] == "4.20"
        assert [found["name"] for found in invoices.iterate(filters=field("total") > 4)] == [invoice["name"]]
        client.logout()


async def test_the_async_client(crm: Product) -> None:
    async with AsyncClient(crm.address) as client:
        await client.login(email("manager"), crm.passwords["manager"])
        items = client.doctype("Item")
        made = [await items.create({"item_code": f"I{number}", "rate": number}) for number in range(5)]
        found = [item async for item in items.iterate(page_size=2, order_by=["item_code"])]
        assert [item["id"] for item in found] == [item["id"] for item in made]
        await client.logout()
        assert client.tokens is None


def test_an_address_that_nobody_serves() -> None:
    with (
        Client(f"http://127.0.0.1:{free_port()}", retries=RetryPolicy(attempts=1)) as client,
        pytest.raises(ServerUnreachableError),
    ):
        client.me()


def test_the_page_does_what_it_says(crm: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("python_client_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look there
    page: dict[str, Any] = vars(module)
    for block in Page(ROOT / "docs/user/python-client.md").blocks:
        exec(compile(block.text, "python-client.md", "exec"), page)
    address, password = crm.address, crm.passwords["manager"]
    with Client(address) as client:
        client.login(email("manager"), password)
        customer = client.doctype("Customer").create({"full_name": "Grace"})

        async def bill() -> str:
            async with AsyncClient(address, tokens=client.tokens) as awaited:
                line = page["Line"]("Lamp", Decimal(3), Decimal("50.10"))
                return str(await page["bill"](awaited, customer["id"], [line]))

        assert asyncio.run(bill()) == "Grace owes 150.30"
        invoices = client.doctype("Invoice")
        (invoice,) = invoices.list(filters=field("customer") == customer["id"]).items
        invoices.submit(invoice)
        page["remind"](address, email("manager"), password)
        assert invoices.get(invoice["id"])["remarks"] == "reminded"
        item = client.doctype("Item").create({"item_code": "page", "rate": 1})
        page["raise_price"](client, item["id"])
        assert client.doctype("Item").get(item["id"])["rate"] == "2.00"
