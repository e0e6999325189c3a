"""Patches: changes of what is stored, in their order among the revisions, once each, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.errors import assert_names
from tests.upgrade.shop import FIRST, PRODUCTION, Shop

pytestmark = pytest.mark.slow


UPPER = '''"""Shout."""

from framework_m import Documents

after = "0001_initial"


async def run(documents: Documents) -> None:
    for customer in (await documents.list("Customer", order_by=["title"])).items:
        if customer["title"] == "Blaise":
            raise LookupError("no Blaise, please")
        await documents.update("Customer", customer["id"], {"title": customer["title"].upper()})
'''
FILLED = '''"""Fill regions."""

from framework_m.migrations import PatchSql

after = "0002_add_region"


async def run(sql: PatchSql) -> None:
    assert await sql.fetch("SELECT count(*) FROM customer WHERE region IS NULL") == [(2,)]
    await sql.execute("UPDATE customer SET region = 'North'")
'''
COPIED = """from framework_m.migrations import PatchSql

after = "0002_add_phone"


async def run(sql: PatchSql) -> None:
    await sql.execute("UPDATE customer SET phone = fax")
"""
RENAMED = FIRST.replace("fax: str", "phone: str")
OPTIONAL = FIRST.replace("fax: str | None = None", "fax: str | None = None\n    region: str | None = None")
REQUIRED = FIRST.replace("fax: str | None = None", "fax: str | None = None\n    region: str")


@pytest.fixture
def begun(shop: Shop) -> Shop:
    """The app at its first revision, with two customers."""
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    shop.m("migrate", "run")
    shop.sell("Ada", "Blaise")
    return shop


def test_a_patch_runs_once_as_the_system_and_a_failing_one_stops_the_run(begun: Shop) -> None:
    written = begun.m("migrate", "create", "shout", "--patch")
    assert written == "wrote migrations/patches/0001_shout.py\n"
    patch = begun.write("patches/0001_shout.py", UPPER)
    later = begun.write("patches/0002_later.py", UPPER.replace("Shout", "Later").replace(".upper()", ' + " & Co"'))
    assert begun.m("migrate", "status", code=1).splitlines()[1:3] == [
        "patch  pending  0001_shout  Shout",
        "patch  pending  0002_later  Later",
    ]
    failed = begun.m("migrate", "run", code=1)
    assert "m: patch 0001_shout failed at migrations/patches/0001_shout.py, line 11: LookupError: no Blaise" in failed
    assert begun.rows("SELECT title FROM customer ORDER BY 1") == [("Ada",), ("Blaise",)]

    for file in (patch, later):
        file.write_text(file.read_text().replace('"Blaise"', '"Nobody"'))
    assert begun.m("migrate", "run") == "ran 0001_shout\nran 0002_later\n"
    assert begun.m("migrate", "run") == "nothing to do\n"
    assert begun.rows("SELECT title FROM customer ORDER BY 1") == [("ADA & Co",), ("BLAISE & Co",)]
    audited = begun.rows("SELECT actor, source, reason FROM activitylog WHERE action = 'write' ORDER BY at LIMIT 1")
    assert audited == [("system", "cli", "patch 0001_shout")]

    later.unlink()
    assert "patch 0002_later was run, but has no file" in begun.m("migrate", "verify", code=1)


def test_a_patch_stands_between_the_revisions_it_was_written_between(begun: Shop) -> None:
    begun.declare(OPTIONAL)
    begun.m("migrate", "create", "add region")
    begun.write("patches/0001_fill_regions.py", FILLED)
    begun.write(
        "versions/0003_need_region.py",
        '"""need region"""\n\nfrom framework_m import migrations as m\n\nrevision = "0003_need_region"\n'
        'down_revision = "0002_add_region"\n\n\ndef upgrade() -> None:\n    m.set_not_nullable("customer", "region")\n',
    )
    begun.declare(REQUIRED)
    refused = begun.m("user", "list", code=2)
    assert_names(refused, "patch 0001_fill_regions", "not run", "m migrate run")
    assert begun.m("migrate", "run").splitlines() == [
        "did 0002_add_region",
        "ran 0001_fill_regions",
        "did 0003_need_region",
    ]
    assert begun.rows("SELECT DISTINCT region FROM customer") == [("North",)]
    assert begun.m("migrate", "verify").startswith("the database matches the DocTypes")


def test_an_empty_database_gets_over_a_patch_that_reads_what_a_later_revision_drops(
    begun: Shop, tmp_path: Path
) -> None:
    begun.declare(RENAMED)
    begun.m("migrate", "create", "add phone")
    begun.write("patches/0001_copy_fax.py", COPIED)
    begun.m("migrate", "run")
    begun.m("migrate", "create", "drop fax", "--drop")
    begun.m("migrate", "run")
    fresh = Shop(begun.folder, f"sqlite:///{tmp_path / 'fresh.db'}", dict(PRODUCTION))
    done = ["did 0001_initial", "did 0002_add_phone", "ran 0001_copy_fax", "did 0003_drop_fax"]
    assert fresh.m("migrate", "run").splitlines() == done
    assert fresh.m("migrate", "status") == "at 0003_drop_fax\nnothing to do\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('after = "0009_x"\n', "0001_bad.py: expected a revision in versions/ as `after`, got '0009_x'"),
        ("", "0001_bad.py: expected a line such as after = "),
    ],
)
def test_a_patch_that_is_none_is_told(begun: Shop, text: str, said: str) -> None:
    begun.write("patches/0001_bad.py", text)
    assert said in begun.m("migrate", "run", code=2)
    assert said in begun.m("migrate", "verify", code=1)


def test_values_that_a_field_no_longer_accepts_are_shown_and_are_no_reason_to_stop(begun: Shop) -> None:
    begun.declare(FIRST.replace("title: str = Field(", "title: str = Field(max_length=3, "))
    at, old, nothing = begun.m("migrate", "status").splitlines()
    assert (at, nothing) == ("at 0001_initial", "nothing to do")
    assert old.startswith("old      1 document of Customer holds a title of more than 3 characters, such as in ")
