"""The way of an app with migrations: begun, released, changed, upgraded with what is stored, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.errors import assert_names
from tests.journeys.product import copy_crm
from tests.upgrade.shop import FIRST, PRODUCTION, SECOND, Shop

pytestmark = pytest.mark.slow


def test_from_the_first_version_to_the_second_and_back(shop: Shop) -> None:
    assert shop.m("migrate", "init") == "created migrations/versions/\ncreated migrations/patches/\n"
    assert "new table customer" in shop.m("migrate", "create", "initial")
    assert shop.m("migrate", "status", code=1).splitlines()[1:] == [
        "revision  pending  0001_initial  initial",
        "next: m migrate run",
    ]
    assert shop.m("migrate", "run") == "did 0001_initial\n"
    assert shop.m("migrate", "run") == "nothing to do\n"
    assert shop.m("migrate", "create", "nothing") == "nothing to do: the database matches the DocTypes\n"
    shop.sell("Ada", "Blaise")

    shop.declare(SECOND)
    assert "new column customer.phone" in shop.m("migrate", "verify", code=1)
    said = shop.m("migrate", "create", "phones and amounts")
    assert said.splitlines() == [
        "wrote migrations/versions/0002_phones_and_amounts.py",
        "  new column customer.phone",
        "  new column order__lines.amount",
        "  new index ix_customer_phone",
        "check: customer.fax is no longer declared; it is kept with its data. If it was renamed, "
        "use m.rename_column in the revision; --drop drops it",
    ]
    assert shop.m("migrate", "status", code=1).startswith("at 0001_initial\nrevision  pending  0002_")
    assert shop.m("migrate", "run") == "did 0002_phones_and_amounts\n"
    assert shop.m("migrate", "status") == "at 0002_phones_and_amounts\nnothing to do\n"
    assert shop.m("migrate", "verify").startswith("the database matches the DocTypes")
    assert shop.rows("SELECT title, phone FROM customer ORDER BY 1") == [("Ada", "none"), ("Blaise", "none")]
    assert shop.rows('SELECT count(*), sum(amount) FROM "order__lines"') == [(4, 4)]
    assert shop.do("print((await documents.list('Order')).items[0]['customer'] is not None)") == "True\n"

    shop.declare(FIRST)
    assert shop.m("migrate", "rollback") == "undid 0002_phones_and_amounts\n"
    assert [line.split()[1] for line in shop.m("migrate", "history").splitlines()] == ["done", "pending"]
    assert shop.rows("SELECT title, fax FROM customer ORDER BY 1") == [("Ada", None), ("Blaise", None)]
    assert shop.rows('SELECT count(*) FROM "order__lines"') == [(4,)]
    assert "drops all documents" in shop.m("migrate", "rollback", code=2)


def test_production_on_an_empty_database_needs_the_run_alone(shop: Shop, tmp_path: Path) -> None:
    development = Shop(shop.folder, f"sqlite:///{tmp_path / 'development.db'}")
    development.m("migrate", "init")
    development.m("migrate", "create", "initial")
    shop.environment |= PRODUCTION
    refused = shop.m("user", "list", code=2)
    assert_names(refused, "m migrate run", "0001_initial", "not run")
    secret = shop.environment.pop("M_AUTH__SECRET")
    assert shop.m("migrate", "run") == "did 0001_initial\n"
    shop.environment["M_AUTH__SECRET"] = secret
    assert "there are no users yet" in shop.m("user", "list")
    assert shop.m("migrate", "verify").startswith("the database matches the DocTypes")
    shop.sell("Ada")
    assert shop.rows("SELECT count(*) FROM activitylog WHERE doctype = 'Order'") == [(1,)]


def test_the_crm_leaves_nothing_to_do(url: str, tmp_path: Path) -> None:
    crm = Shop(copy_crm(tmp_path), url)
    crm.m("migrate", "init")
    crm.m("migrate", "create", "initial")
    crm.m("migrate", "run")
    assert crm.m("migrate", "create", "nothing").startswith("nothing to do")
    assert crm.m("migrate", "status") == "at 0001_initial\nnothing to do\n"


def test_a_dry_run_prints_what_would_be_sent(shop: Shop) -> None:
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    said = shop.m("migrate", "run", "--dry-run")
    assert "-- revision 0001_initial" in said and "CREATE TABLE customer" in said and "CREATE TABLE m_outbox" in said
    assert shop.m("migrate", "status", code=1).startswith("at no revision\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "x"], "versions is missing: run `m migrate init`"),
        (["run"], "there is no revision in"),
        (["run", "--to", "0009"], "there is no revision"),
        (["create", "x", "--patch", "--drop"], "--patch writes a patch, not a revision"),
        (["rollback", "--steps", "0"], "--steps"),
        (["run", "--fast"], "m migrate run --help"),
    ],
)
def test_what_makes_no_sense_is_one_line(tmp_path: Path, arguments: list[str], said: str) -> None:
    shop = Shop.new(tmp_path / "shop", f"sqlite:///{tmp_path / 'shop.db'}")
    told = shop.m("migrate", *arguments, code=2)
    assert said in told and told.count("\n") == 1


def test_before_init_the_next_step_is_init(tmp_path: Path) -> None:
    shop = Shop.new(tmp_path / "shop", f"sqlite:///{tmp_path / 'shop.db'}")
    assert shop.m("migrate", "status", code=1).endswith("\nnext: m migrate init\n")
    shop.m("migrate", "init")
    assert shop.m("migrate", "status", code=1).endswith('\nnext: m migrate create "what has changed"\n')


def test_the_store_in_memory_has_no_migrations(tmp_path: Path) -> None:
    shop = Shop.new(tmp_path / "shop", f"sqlite:///{tmp_path / 'shop.db'}")
    told = shop.m("migrate", "status", code=2, M_ADAPTERS__STORE="memory")
    assert told == "m: the store 'memory' needs no migrations: it keeps no schema beside the DocTypes\n"
