"""Who may change the schema: development's start until there are migrations, and from then on these alone."""

from __future__ import annotations

import pytest

from tests.errors import assert_names
from tests.upgrade.shop import FIRST, PRODUCTION, SECOND, Shop

pytestmark = pytest.mark.slow


def test_a_fresh_app_needs_no_command_and_migrations_take_it_over_later(shop: Shop) -> None:
    assert "there are no users yet" in shop.m("user", "list")
    shop.sell("Ada")
    shop.declare(SECOND)
    assert "there are no users yet" in shop.m("user", "list")

    assert shop.m("migrate", "init").splitlines() == [
        "created migrations/versions/",
        "created migrations/patches/",
        "wrote migrations/versions/0001_initial.py with the existing tables",
    ]
    assert shop.m("migrate", "status") == "at 0001_initial\nnothing to do\n"
    assert shop.m("migrate", "create", "nothing").startswith("nothing to do")
    assert shop.rows("SELECT title, phone FROM customer") == [("Ada", "none")]
    assert shop.rows('SELECT count(*) FROM "order__lines"') == [(2,)]

    shop.declare(FIRST)
    refused = shop.m("start", "--no-reload", "--port", "0", code=2)
    assert refused.startswith("m: the store's schema does not match the DocTypes, and only migrations change it")
    assert_names(refused, 'm migrate create "what has changed', "m migrate run")
    shop.m("migrate", "create", "no phone")
    shop.m("migrate", "run")
    shop.sell("Blaise")


def test_what_init_makes_is_named_from_where_one_is(shop: Shop) -> None:
    package = shop.folder / "src" / "shop"
    package.mkdir(parents=True)
    (shop.folder / "shop.py").rename(package / "__init__.py")
    shop.m("user", "list")
    assert shop.m("migrate", "init").splitlines() == [
        "created src/shop/migrations/versions/",
        "created src/shop/migrations/patches/",
        "wrote src/shop/migrations/versions/0001_initial.py with the existing tables",
    ]


def test_a_database_of_development_is_taken_over_by_revisions_that_others_wrote(shop: Shop) -> None:
    colleague = Shop(shop.folder, f"sqlite:///{shop.folder.parent / 'colleague.db'}")
    shop.m("user", "list")
    shop.sell("Ada")
    colleague.m("migrate", "init")
    colleague.m("migrate", "create", "initial")
    assert "m migrate init" in shop.m("migrate", "run", code=2)
    assert_names(shop.m("user", "list", code=2), "0001_initial", "not run")
    assert shop.m("migrate", "init") == "adopted the tables as they are, at revision 0001_initial\n"
    assert shop.m("migrate", "run") == "nothing to do\n"
    assert shop.rows("SELECT title FROM customer") == [("Ada",)]
    assert "there are no users yet" in shop.m("user", "list")


def test_production_never_changes_the_schema_whatever_is_set(shop: Shop) -> None:
    shop.environment |= PRODUCTION
    refused = shop.m("user", "list", code=2)
    assert_names(refused, "production", "`m migrate run`")
    assert "sync_schema is true" in shop.m("user", "list", code=2, M_SQL__SYNC_SCHEMA="true")
    with pytest.raises(Exception, match="customer"):
        shop.rows("SELECT * FROM customer")


def test_two_lines_of_revisions_are_told(shop: Shop) -> None:
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    shop.m("migrate", "run")
    for name in ("0002_mine", "0002_yours"):
        shop.write(
            f"versions/{name}.py",
            f'revision = "{name}"\ndown_revision = "0001_initial"\n\n\ndef upgrade() -> None:\n    pass\n',
        )
    for arguments in (["run"], ["create", "x"]):
        assert "expected one newest revision, got 0002_mine and 0002_yours" in shop.m("migrate", *arguments, code=2), (
            arguments
        )
    assert "expected one newest revision" in shop.m("migrate", "verify", code=1)


def test_a_database_ahead_of_its_files_is_told(shop: Shop) -> None:
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    shop.m("migrate", "run")
    next(shop.revisions()).unlink()
    for arguments in (["migrate", "run"], ["migrate", "status"], ["user", "list"]):
        assert "revision 0001_initial, which has no file" in shop.m(*arguments, code=2), arguments
