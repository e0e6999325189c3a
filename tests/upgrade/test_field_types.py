"""Migrations of fields whose types a package brings: their columns are written, filled, compared and reverted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import asyncpg
import pytest

from tests.upgrade.shop import Shop

ERRORS = (sqlite3.OperationalError, asyncpg.UndefinedColumnError)
ACME = Path(__file__).parents[1] / "third_parties" / "acme-money"
FIRST = """
from framework_m import DocType


class Line(DocType):
    what: str

    class Meta:
        is_child_table = True


class Customer(DocType):
    title: str
    lines: list[Line] = []
"""
SECOND = """
from datetime import timedelta
from decimal import Decimal

from acme_money import Money

from framework_m import DocType, Field


class Line(DocType):
    what: str
    cost: Money = Money(Decimal("2.50"), "INR")

    class Meta:
        is_child_table = True


class Customer(DocType):
    title: str
    limit: Money = Field(default=Money(Decimal("100.00"), "EUR"), index=True)
    waits: timedelta = Field(default=timedelta(minutes=1), index=True)
    logo: bytes = b"\\x00\\xff"
    bonus: Money | None = Field(default=None, unique=True)
    lines: list[Line] = []
"""


@pytest.fixture
def acme(shop: Shop) -> Shop:
    """The app, which declares what the package brings by itself."""
    text = (ACME / "pyproject.toml").read_text()
    declared = text[text.index('[project.entry-points."framework_m.field_types"]') : text.index("[tool.hatch")]
    project = shop.folder / "pyproject.toml"
    project.write_text(project.read_text() + "\n" + declared)
    shop.environment["PYTHONPATH"] = str(ACME / "src")
    shop.declare(FIRST)
    return shop


def test_columns_come_with_their_defaults_and_go_again(acme: Shop) -> None:
    acme.m("migrate", "init")
    acme.m("migrate", "create", "initial")
    acme.m("migrate", "run")
    acme.do("await documents.create('Customer', {'title': 'a', 'lines': [{'what': 'x'}]})")
    acme.declare(SECOND)
    said = acme.m("migrate", "create", "money")
    for column in ("limit__amount", "limit__currency", "waits", "logo", "bonus__amount", "bonus__currency"):
        assert f"new column customer.{column}" in said, column
    written = [*acme.revisions()][-1].read_text()
    assert 'sa.Column("limit__amount", m.decimal(2), nullable=False), fill=decimal.Decimal("100.00")' in written
    assert 'sa.Column("logo", m.bytes_(), nullable=False), fill=b' in written
    assert 'm.add_unique("customer", ["bonus__amount", "bonus__currency"])' in written
    acme.m("migrate", "run")
    shown = acme.do(
        "found = await documents.list('Customer')\nprint(await documents.get('Customer', found.items[0]['id']))"
    )
    assert "Money(amount=Decimal('100.00'), currency='EUR')" in shown
    assert "Money(amount=Decimal('2.50'), currency='INR')" in shown
    assert "datetime.timedelta(seconds=60)" in shown
    assert "b'\\x00\\xff'" in shown
    assert acme.m("migrate", "create", "nothing").startswith("nothing to do")
    acme.m("migrate", "rollback")
    assert acme.m("migrate", "status", code=1).startswith("at 0001_initial")
    with pytest.raises(ERRORS, match="logo"):
        acme.rows("SELECT logo FROM customer")
