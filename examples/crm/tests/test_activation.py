"""Who gets an invoice is an active customer, however quickly it goes again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_testing.apps import AppClient, open_app


@pytest.fixture
async def app() -> AsyncIterator[AppClient]:
    """The app on an empty store in memory."""
    async with open_app(Path(__file__).parents[1]) as opened:
        yield opened


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (["submit"], "Active"),
        (["submit", "cancel"], "Lead"),
        (["submit", "cancel", "delete"], "Lead"),
        (["delete"], "Lead"),
        ([], "Lead"),
    ],
)
async def test_a_submitted_invoice_makes_its_customer_active(app: AppClient, steps: list[str], status: str) -> None:
    customer = await app.make("Customer")
    invoice = await app.make("Invoice", customer=customer["id"])
    for step in steps:
        await getattr(app.system, step)("Invoice", invoice["id"])
    await app.deliver()
    assert (await app.system.get("Customer", customer["id"]))["status"] == status
