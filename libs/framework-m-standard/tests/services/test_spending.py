"""What is spent at once is spent once: by hooks that read for an update, and by calls on a document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from framework_m_testing.apps import AppClient, open_app

APP = """
from uuid import UUID

from framework_m import Controller, DocType, Field, FieldError, ValidationError, requires_permission, whitelist

CLERK = {action: {"Clerk": "all"} for action in ("read", "write", "create")}


class Account(DocType):
    balance: int = 0

    class Meta:
        permissions = CLERK


class AccountController(Controller[Account]):
    @whitelist
    @requires_permission("write")
    async def spend(self, amount: int) -> int:
        left = self.doc.balance - amount
        if left < 0:
            raise ValidationError("it is spent", [FieldError("amount", "spent", "less is expected")])
        await self.documents.update("Account", self.doc.id, {"balance": left})
        return left


class Payment(DocType):
    account: UUID = Field(link="Account")
    amount: int

    class Meta:
        permissions = CLERK


class PaymentController(Controller[Payment]):
    async def after_insert(self) -> None:
        bank = self.documents.elevated("book a payment")
        account = await bank.get("Account", self.doc.account, for_update=True)
        await bank.update("Account", account["id"], {"balance": account["balance"] + self.doc.amount})
"""
PROJECT = '[project]\nname = "bank{number}"\n[project.entry-points."framework_m.apps"]\nbank{number} = "bank{number}"\n'


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Of an empty database of each kind; None for memory."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'bank.db'}" if request.param == "sqlite" else None


@pytest.fixture
async def bank(address: str | None, tmp_path: Path) -> AsyncIterator[AppClient]:
    """The app on each store."""
    number = abs(hash(tmp_path))
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(number=number))
    (tmp_path / f"bank{number}.py").write_text(APP)
    async with open_app(tmp_path, database=address) as app:
        yield app


async def test_calls_at_once_on_one_document_take_turns(bank: AppClient) -> None:
    account = await bank.make("Account", balance=10)
    async with bank.client(bank.user("Clerk")) as client:
        body = {"doc_id": str(account["id"]), "amount": 1}
        responses = await asyncio.gather(*(client.post("/api/v1/rpc/Account/spend", json=body) for _ in range(24)))
    spent = [response.json()["result"] for response in responses if response.status_code == 200]
    assert sorted(spent) == list(range(10))
    assert {response.status_code for response in responses} == {200, 400}
    assert (await bank.system.get("Account", account["id"]))["balance"] == 0


async def test_payments_at_once_to_one_account_all_count(bank: AppClient) -> None:
    account = await bank.make("Account")
    clerk = bank.user("Clerk")
    async with asyncio.timeout(10):
        await asyncio.gather(*(clerk.create("Payment", {"account": account["id"], "amount": 1}) for _ in range(30)))
    assert (await bank.system.get("Account", account["id"]))["balance"] == 30
