"""Apps get the models of their own settings by annotation, wherever they get ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_testing.apps import AppClient, open_app
from tests.errors import assert_names

APP = '''"""A shop with settings of its own."""

from litestar import get
from pydantic import BaseModel

from framework_m import (
    Controller, DocCreated, DocType, Documents, Write, on, requires_permission, rpc, whitelist, write_stage
)
from framework_m_core.spi import consumer


class ShopSettings(BaseModel):
    currency: str = "EUR"
    rates: dict[int, str] = {}


class Sale(DocType):
    currency: str = ""
    stage: str = ""
    heard: str = ""
    overheard: str = ""

    class Meta:
        permissions = {action: {"Clerk": "all"} for action in ("read", "create", "write")}


class SaleController(Controller[Sale]):
    settings: ShopSettings

    async def validate(self) -> None:
        self.doc.currency = self.settings.currency

    @whitelist
    @requires_permission("read")
    async def price(self, amount: int, settings: ShopSettings) -> str:
        return f"{amount} {settings.currency}"


@write_stage("shop_stage", before="validate", doctypes=["Sale"])
async def stamp(write: Write, settings: ShopSettings) -> None:
    write.document.stage = settings.currency


@rpc("shop.currency", allow_guest=True)
async def currency(settings: ShopSettings) -> str:
    return settings.currency


@on("Sale", DocCreated)
async def hear(event: DocCreated, documents: Documents, settings: ShopSettings) -> None:
    await documents.update("Sale", event.document_id, {"heard": settings.currency})


@consumer("shop-ears", "doc.created:Sale")
async def overhear(event: DocCreated, documents: Documents, settings: ShopSettings) -> None:
    await documents.update("Sale", event.document_id, {"overheard": settings.currency})


@get("/shop/currency", allow_guest=True)
async def show(settings: ShopSettings) -> str:
    return settings.currency
'''
ROUTES = """[project.entry-points."framework_m.routes"]
shop = "shop_with_settings:show"
"""
PROJECT = """[project]
name = "shop"
version = "1"
[project.entry-points."framework_m.apps"]
shop = "shop_with_settings"
[project.entry-points."framework_m.settings"]
shop = "shop_with_settings:ShopSettings"
"""


def write(folder: Path, app: str = APP, project: str = PROJECT + ROUTES) -> Path:
    (folder / "shop_with_settings.py").write_text(app)
    (folder / "pyproject.toml").write_text(project)
    return folder


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppClient]:
    """The shop in another currency than its settings' default."""
    async with open_app(write(tmp_path), settings={"shop.currency": "CHF"}) as opened:
        yield opened


async def test_controllers_get_them_as_attributes_and_stages_as_arguments(app: AppClient) -> None:
    sale = await app.make("Sale")
    assert (sale["currency"], sale["stage"]) == ("CHF", "CHF")


async def test_handlers_and_consumers_get_them(app: AppClient) -> None:
    sale = await app.make("Sale")
    await app.deliver()
    heard = await app.system.get("Sale", sale["id"])
    assert (heard["heard"], heard["overheard"]) == ("CHF", "CHF")


async def test_calls_get_them_and_callers_cannot_send_them(app: AppClient) -> None:
    sale = await app.make("Sale")
    async with app.client(app.user("Clerk")) as client:
        method = await client.post("/api/v1/rpc/Sale/price", json={"doc_id": str(sale["id"]), "amount": 3})
        function = await client.post("/api/v1/rpc/fn/shop.currency", json={})
        forged = await client.post("/api/v1/rpc/fn/shop.currency", json={"settings": {"currency": "XXX"}})
        route = await client.get("/shop/currency")
    assert route.text == "CHF"
    assert (method.json(), function.json()) == ({"result": "3 CHF"}, {"result": "CHF"})
    assert (forged.status_code, forged.json()["errors"][0]["field"]) == (400, "settings")


@pytest.mark.parametrize(
    "code",
    [
        "class SaleController(Controller[Sale]):\n    settings: ShopSettings\n",
        '@rpc("shop.currency", allow_guest=True)\nasync def currency(settings: ShopSettings) -> str: ...\n',
        '@on("Sale", DocCreated)\nasync def hear(event: DocCreated, docs: Documents, settings: ShopSettings): ...\n',
    ],
)
async def test_a_model_that_is_no_section_stops_the_start(tmp_path: Path, code: str) -> None:
    app = APP[: APP.index("class SaleController")] + code
    project = PROJECT[: PROJECT.index('[project.entry-points."framework_m.settings"]')]
    with pytest.raises(ConfigurationError) as refused:
        async with open_app(write(tmp_path, app, project)):
            pass
    assert_names(refused.value.errors, "settings", "ShopSettings", "framework_m.settings")


async def test_two_sections_of_one_model_stop_the_start(tmp_path: Path) -> None:
    project = f'{PROJECT}other = "shop_with_settings:ShopSettings"\n'
    with pytest.raises(ConfigurationError) as refused:
        async with open_app(write(tmp_path, project=project)):
            pass
    assert_names(refused.value.errors, "ShopSettings", "shop", "other")
